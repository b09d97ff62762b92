"""What the requests share."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import List, Optional

import numpy as np
from flask import current_app
from PIL import Image

from board_app.errors import BackendError, Busy
from board_app.measure.whole_set import WholeSet
from board_app.network.backend import Backend
from board_app.network.classifier import Classifier
from board_app.pictures import picture as pictures
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.pictures.picture import Picture
from board_app.web.race import Track
from board_app.web.result import Result, look
from board_app.web.watch import Watch

KEY = "board_app"


@dataclass(frozen=True)
class Demo:
    """The classifier, the samples, the run over all test images and the board's camera.

    `track` is the processor that the chip races; `fingerprint` is that of the certificate, where
    the page is to be had over HTTPS.
    """

    classifier: Classifier
    samples: Optional[Dataset]
    whole_set: WholeSet
    track: Track
    backend: Backend
    camera: Optional[Watch] = None
    fingerprint: Optional[str] = None

    def close(self) -> None:
        """End what runs without a request."""
        self.whole_set.close()
        if self.camera is not None:
            self.camera.close()

    def upload(self, content: bytes, *, video: bool = False, race: bool = False) -> Result:
        """What is in a picture file, or in a frame of the viewer's `video`."""
        began = time.perf_counter()
        return self._look(
            pictures.load(content, self.classifier.shape), began, video=video, race=race
        )

    def sample(self, index: int, *, race: bool = False) -> Result:
        """What is in a sample; IndexError where there is none of that number."""
        image = self.sample_image(index)
        picture = Picture(np.asarray(image), image, image.size)
        assert self.samples is not None
        truth = CLASSES[self.samples.labels[index]]
        return replace(self._look(picture, time.perf_counter(), race=race), truth=truth)

    def sample_image(self, index: int) -> Image.Image:
        """A sample's 32x32 pixels; IndexError where there is none of that number."""
        if self.samples is None or not 0 <= index < len(self.samples):
            raise IndexError(index)
        return Image.fromarray(self.samples.images[index])

    @property
    def sample_names(self) -> List[str]:
        """The samples' true classes."""
        return [] if self.samples is None else [CLASSES[label] for label in self.samples.labels]

    @cached_property
    def sample_order(self) -> List[int]:
        """The samples' numbers as they are shown: first one that the network gets right."""
        numbers = range(len(self.sample_names))
        try:
            first = next((number for number in numbers if self._right(number)), 0)
        except (BackendError, Busy):
            first = 0
        return sorted(numbers, key=lambda number: number != first)

    def _right(self, index: int) -> bool:
        found = self.sample(index).found
        return found.sure and found.label == self.sample_names[index]

    def _look(
        self, picture: Picture, began: float, *, video: bool = False, race: bool = False
    ) -> Result:
        result = look(self.classifier, picture, began, video=video)
        if not race or result.chip is None:
            return result
        return replace(result, processor=self.track.milliseconds(picture, result.found.windows))


def current() -> Demo:
    """The running application's demo."""
    demo: Demo = current_app.extensions[KEY]
    return demo
