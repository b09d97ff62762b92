"""Windows of a picture, at several scales and positions, each shrunk to the network's input.

A pyramid: the picture is resized once a scale, so that a window of it is as large as that input,
and the windows are cut from that. They come from the preview, whose longer side has 512 pixels at
most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Tuple

import numpy as np
from PIL import Image

from board_app.pictures.decoding import middle_of
from board_app.pictures.picture import Picture

# Each scale's windows have this share of the largest there can be. Which scales, and how far apart
# their windows are, was chosen by measurement: docs/search.md.
SCALES = (1.0, 0.8, 0.64, 0.5, 0.4, 0.32, 0.25)
STEPS = 3  # in which a window moves by its own width
_LANCZOS = getattr(Image, "Resampling", Image).LANCZOS


@dataclass(frozen=True)
class Windows:
    """`pixels` (N, height, width, channels) uint8; `boxes` (N, 4) float64.

    Boxes, left, top, right and bottom, are in the upright original's pixels. The first window is
    the picture's middle; then come those of SCALES, the largest first: `ends[n]` windows are of the
    first n scales.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    ends: Tuple[int, ...]

    @property
    def scales(self) -> int:
        """How many scales they are of; 0 for the middle alone."""
        return len(self.ends) - 1

    def __len__(self) -> int:
        return len(self.pixels)


def cut(picture: Picture, most: int) -> Windows:
    """At most `most` windows of `picture`, one at least: those of as many scales as fit.

    A picture of the network's own size is one window, as it is; none but the middle is enlarged.
    """
    levels = _levels(picture, most)
    middle = np.array([middle_of(picture.size, _target(picture))], float)
    pixels, boxes = [picture.pixels[np.newaxis]], [middle]
    grey = picture.pixels.shape[2] == 1
    preview = picture.preview.convert("L") if grey and levels else picture.preview
    ends = [1]
    factor = np.array(picture.size * 2) / np.array(picture.preview.size * 2)
    for level in levels:
        windows, places = level.cut(preview)
        pixels.append(windows)
        boxes.append(places * factor)
        ends.append(ends[-1] + level.count)
    return Windows(np.concatenate(pixels), np.concatenate(boxes), tuple(ends))


def _levels(picture: Picture, most: int) -> List[_Level]:
    levels: List[_Level] = []
    target = _target(picture)
    if picture.size == target:
        return levels
    count = 1
    for scale in SCALES:
        level = _level(picture.preview.size, scale, target)
        count += level.count
        if count > most or level.enlarges > 1:
            break
        levels.append(level)
    return levels


@dataclass(frozen=True)
class _Level:
    """The picture resized to `size`, and where its windows of `target` begin, from left and top."""

    target: Tuple[int, int]
    size: Tuple[int, int]
    columns: Tuple[int, ...]
    rows: Tuple[int, ...]
    enlarges: float

    @property
    def count(self) -> int:
        return len(self.columns) * len(self.rows)

    def cut(self, preview: Image.Image) -> Tuple[np.ndarray, np.ndarray]:
        """The windows' pixels, and their boxes in the preview's."""
        pixels = np.asarray(preview.resize(self.size, _LANCZOS, reducing_gap=3.0))
        corners = [(left, top) for top in self.rows for left in self.columns]
        width, height = self.target
        windows = [pixels[top : top + height, left : left + width] for left, top in corners]
        boxes = np.array([(left, top, left + width, top + height) for left, top in corners], float)
        factor = np.array(preview.size * 2) / np.array(self.size * 2)
        return np.stack(windows).reshape(len(windows), height, width, -1), boxes * factor


def _target(picture: Picture) -> Tuple[int, int]:
    height, width, _ = picture.pixels.shape
    return width, height


def _level(size: Tuple[int, int], scale: float, target: Tuple[int, int]) -> _Level:
    """Windows of `scale` of the largest in a picture of `size`, the whole of it covered."""
    factor = 1 / (scale * min(size[0] / target[0], size[1] / target[1]))
    resized = (max(target[0], round(size[0] * factor)), max(target[1], round(size[1] * factor)))
    columns, rows = _positions(resized[0], target[0]), _positions(resized[1], target[1])
    return _Level(target, resized, columns, rows, factor)


def _positions(length: int, side: int) -> Tuple[int, ...]:
    rest = length - side
    count = math.ceil(rest * STEPS / side) + 1
    return tuple(round(rest * i / max(1, count - 1)) for i in range(count))
