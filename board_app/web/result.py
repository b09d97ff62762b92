"""What the page shows of one picture."""

from __future__ import annotations

import base64
import io
import time
from dataclasses import dataclass
from typing import List, Optional, Tuple

import numpy as np
from PIL import Image

from board_app.network.classifier import Classifier, Found
from board_app.pictures.picture import Picture

_BARS = 10  # classes on the page


@dataclass(frozen=True)
class Result:
    """What was found in a picture of `size`, as the network sees it and as it came.

    `seen` and `picture` are data URIs; a video's frame has no `picture`, since the viewer has it.
    `milliseconds` is the whole time on this machine, from the picture's bytes to the answer;
    `truth` is what a sample shows, and `processor` the time, in ms, that the processor took in a
    race with the chip.
    """

    found: Found
    size: Tuple[int, int]
    seen: str
    picture: Optional[str]
    milliseconds: float
    truth: Optional[str] = None
    processor: Optional[float] = None

    @property
    def title(self) -> str:
        """The answer in a few words."""
        return self.found.label if self.found.sure else "not sure"

    @property
    def bars(self) -> List[Tuple[str, float]]:
        """The classes to show, with their probabilities: in their order, of many the likeliest."""
        rows = self.found.probabilities.items()
        return list(rows) if len(rows) <= _BARS else self.found.ranked[:_BARS]

    @property
    def chip(self) -> Optional[float]:
        """The chip's own time, in ms, for this picture's share of its batch; None without one."""
        whole = self.found.chip_milliseconds
        return None if whole is None else whole * self.found.windows / self.found.batch

    @property
    def factor(self) -> Optional[float]:
        """How many times as long as the chip the processor took; None without a race."""
        return self.processor / self.chip if self.processor and self.chip else None

    @property
    def frames_per_second(self) -> float:
        """The chip's pace by its own counter, or the processor's by the clock."""
        whole = self.found.chip_milliseconds or self.found.milliseconds
        return 1000 * self.found.batch / whole


def look(classifier: Classifier, picture: Picture, began: float, *, video: bool = False) -> Result:
    """What `classifier` finds in `picture`, whose way here `began` by time.perf_counter()."""
    found = classifier.search(picture)
    milliseconds = 1000 * (time.perf_counter() - began)
    seen = _image(found.pixels)
    lossless = picture.preview.size == seen.size
    return Result(
        found,
        picture.size,
        _uri(seen, "PNG"),
        None if video else _uri(picture.preview, "PNG" if lossless else "JPEG"),
        milliseconds,
    )


def encode(image: Image.Image, kind: str) -> bytes:
    """The image file's bytes."""
    content = io.BytesIO()
    image.save(content, kind, quality=85)
    return content.getvalue()


def _image(pixels: np.ndarray) -> Image.Image:
    """An image of `pixels` (height, width, 1 or 3) uint8."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _uri(image: Image.Image, kind: str) -> str:
    content = base64.b64encode(encode(image, kind)).decode()
    return f"data:image/{kind.lower()};base64,{content}"
