"""The board's camera as viewers get it: each frame is compressed and looked at once for all."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Iterator, Optional

from PIL import Image, ImageDraw

from board_app.camera.capture import Capture, Frame
from board_app.errors import CameraError
from board_app.network.classifier import Classifier
from board_app.pictures import picture as pictures
from board_app.web.result import Result, encode, look

_PATIENCE = 3.0  # seconds for a frame, before a viewer is told that none comes
_FRESH = 1.0  # seconds for which what one viewer was told holds for others
_PAUSE = 1.0  # seconds between two pictures that say so
_SIZE = (160, 120)  # Pillow's own letters are small


@dataclass(frozen=True)
class Seen:
    """The number of a frame, what is in it, and when that was found, by time.monotonic()."""

    number: int
    result: Result
    at: float


class Watch:
    """A camera's frames and what is in them; safe to share between threads."""

    def __init__(self, capture: Capture, classifier: Classifier) -> None:
        self._capture = capture
        self._classifier = classifier
        self._looking = threading.Lock()
        self._compressing = threading.Lock()
        self._seen: Optional[Seen] = None
        self._jpeg = (0, b"")

    def newer(self, number: int) -> Seen:
        """What is in a frame newer than `number`; CameraError where there is none."""
        with self._looking:
            frame = self._capture.newer(number, _PATIENCE)  # there must be a camera in any case
            seen = self._seen
            if seen is None or seen.number <= number or time.monotonic() - seen.at > _FRESH:
                began = time.perf_counter()
                picture = pictures.of(Image.fromarray(frame.pixels), self._classifier.shape)
                result = look(self._classifier, picture, began, video=True)
                seen = self._seen = Seen(frame.number, result, time.monotonic())
            return seen

    def stream(self) -> Iterator[bytes]:
        """JPEG files without end; while there is no camera, pictures that say so."""
        number = 0
        while True:
            try:
                frame = self._capture.newer(number, _PATIENCE)
            except CameraError as error:
                yield encode(_told(str(error)), "JPEG")
                time.sleep(_PAUSE)
            else:
                number = frame.number
                yield self._compressed(frame)

    def close(self) -> None:
        """Give the camera back."""
        self._capture.close()

    def _compressed(self, frame: Frame) -> bytes:
        with self._compressing:
            if self._jpeg[0] < frame.number:
                self._jpeg = (frame.number, encode(Image.fromarray(frame.pixels), "JPEG"))
            return self._jpeg[1]


def _told(text: str) -> Image.Image:
    image = Image.new("RGB", _SIZE, (40, 40, 40))
    ImageDraw.Draw(image).text((8, _SIZE[1] // 2), text, fill=(255, 255, 255))
    return image.resize((4 * _SIZE[0], 4 * _SIZE[1]))
