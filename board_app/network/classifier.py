"""A picture in, its class out, and where it is: what the command line and the demo share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Dict, List, Optional, Sequence, Tuple

import numpy as np

from board_app.errors import OverlayError
from board_app.network.backend import Backend
from board_app.network.batching import Answer, Batcher
from board_app.network.overlay import Overlay
from board_app.network.pooling import pool
from board_app.pictures import windows
from board_app.pictures.picture import PREVIEW, Picture, Shape
from board_app.pictures.windows import Windows


@dataclass(frozen=True)
class Found:
    """What a search found in a picture, and where.

    `index` is the likeliest class's number and `probabilities` are all, in the classes' order;
    without `sure` it is a guess. `box` is left, top, right and bottom of the window that shows it
    best, in the upright original's pixels, `pixels` (height, width, channels) uint8 are what the
    network saw there, and `logits` its own. `milliseconds` are by the backend's clock, for the
    `batch` of all `windows` and of what others sent at the same time, and `cycles` by the chip's
    own counter at `clock_mhz`; both None without a chip.
    """

    label: str
    index: int
    probabilities: Dict[str, float]
    logits: Dict[str, int]
    sure: bool
    box: Tuple[int, int, int, int]
    pixels: np.ndarray
    windows: int
    batch: int
    milliseconds: float
    cycles: Optional[int]
    clock_mhz: Optional[float]

    @property
    def probability(self) -> float:
        """The likeliest class's probability."""
        return self.probabilities[self.label]

    @property
    def chip_milliseconds(self) -> Optional[float]:
        """The chip's own time; None without one."""
        if self.cycles is None or self.clock_mhz is None:
            return None
        return self.cycles / (1e3 * self.clock_mhz)

    @property
    def ranked(self) -> List[Tuple[str, float]]:
        """Every class with its probability, the likeliest first."""
        return sorted(self.probabilities.items(), key=lambda pair: -pair[1])

    def row(self) -> Dict[str, Any]:
        """What programs are told, ready for JSON."""
        return {
            "class": self.label,
            "probability": self.probability,
            "sure": self.sure,
            "probabilities": self.probabilities,
            "logits": self.logits,
            "box": list(self.box),
            "windows": self.windows,
            "batch": self.batch,
            "milliseconds": self.milliseconds,
            "cycles": self.cycles,
            "chip_milliseconds": self.chip_milliseconds,
        }


class Classifier:
    """An overlay on a backend, safe to share between threads, whose images go out as one batch."""

    def __init__(self, overlay: Overlay, backend: Backend) -> None:
        """OverlayError where the network takes no pictures, but arrays of another kind."""
        height, width, channels = overlay.manifest.shape
        if channels not in (1, 3) or max(height, width) > PREVIEW:
            raise OverlayError(
                f"{overlay.folder.name} takes {height}x{width} pixels of {channels} channels: "
                f"pictures are for networks of 1 channel or 3, and at most {PREVIEW} pixels a side"
            )
        self.overlay = overlay
        self.backend_name = backend.name
        self._backend = backend
        self._batcher = Batcher(backend)

    @property
    def shape(self) -> Shape:
        """Height, width and channels of what the network takes."""
        return self.overlay.manifest.shape

    def execute(self, images: np.ndarray) -> Answer:
        """The logits of `images` (N, height, width, channels) uint8; Busy where too much waits."""
        return self._batcher.execute(images)

    def search(self, picture: Picture, most: Optional[int] = None) -> Found:
        """Look at `picture` through at most `most` windows; None: what the backend has time for."""
        return self.search_all([picture], most)[0]

    def search_all(self, pictures: Sequence[Picture], most: Optional[int] = None) -> List[Found]:
        """The same for several, one at least, all of whose windows go out in one batch."""
        most = self._backend.windows if most is None else most
        cuts = [windows.cut(picture, most) for picture in pictures]
        answer = self.execute(np.concatenate([cut.pixels for cut in cuts]))
        ends = np.cumsum([len(cut) for cut in cuts])[:-1]
        parts = np.split(answer.logits, ends)
        return [self._found(cut, part, answer) for cut, part in zip(cuts, parts)]  # noqa: B905

    def _found(self, cut: Windows, logits: np.ndarray, answer: Answer) -> Found:
        """What the `logits` of a picture's windows say, which were a part of the `answer`."""
        manifest = self.overlay.manifest
        found = pool(manifest, logits, cut.scales)
        left, top, right, bottom = cut.boxes[found.window].round().astype(int).tolist()
        return Found(
            label=manifest.classes[found.label],
            index=found.label,
            probabilities=self._by_class(found.probabilities),
            logits=self._by_class(logits[found.window]),
            sure=found.sure,
            box=(left, top, right, bottom),
            pixels=cut.pixels[found.window],
            windows=len(cut),
            batch=answer.images,
            milliseconds=1000 * answer.seconds,
            cycles=answer.cycles,
            clock_mhz=self._backend.clock_mhz,
        )

    def _by_class(self, row: np.ndarray) -> Dict[str, Any]:
        values = row.tolist()
        return {name: values[label] for label, name in enumerate(self.overlay.manifest.classes)}
