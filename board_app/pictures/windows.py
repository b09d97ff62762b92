"""Squares of a picture, at several scales and positions, each shrunk to the network's input.

A pyramid: the picture is resized once a scale, so that a square of it is 32 pixels wide, and the
squares are cut from that. They come from the preview, whose longer side has 512 pixels at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import List, Tuple

import numpy as np
from PIL import Image

from board_app.pictures.picture import SIDE, Picture

# The share of the shorter side that each scale's squares have, and how many steps they take to
# move by their own width: coarse to fine, each with more squares than the one before.
PLANS: Tuple[Tuple[Tuple[float, ...], float], ...] = (
    ((1.0,), 1.0),
    ((1.0, 0.6), 2.0),
    ((1.0, 0.7, 0.5), 2.0),
    ((1.0, 0.7, 0.5), 3.0),
    ((1.0, 0.7, 0.5, 0.35), 4.0),
)
_LANCZOS = getattr(Image, "Resampling", Image).LANCZOS


@dataclass(frozen=True)
class Windows:
    """`pixels` (N, 32, 32, 3) uint8 RGB; `boxes` (N, 4) float64: left, top, right and bottom.

    Boxes are in the upright original's pixels. The first window is the middle square.
    """

    pixels: np.ndarray
    boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.pixels)


def cut(picture: Picture, most: int) -> Windows:
    """At most `most` windows of `picture`, one at least: those of the finest plan that fits.

    A picture of 32x32 pixels is one window, as it is.
    """
    middle = _middle(picture.size)
    if picture.size == (SIDE, SIDE):
        return Windows(picture.pixels[np.newaxis], np.array([middle]))
    levels: List[_Level] = []
    for scales, steps in PLANS:
        finer = [_level(picture.preview.size, scale, steps) for scale in scales]
        finer = [level for level in finer if level.count and level.enlarges <= 1]
        if 1 + sum(level.count for level in finer) > most:
            break
        levels = finer
    pixels, boxes = [picture.pixels[np.newaxis]], [np.array([middle])]
    factor = np.array(picture.size * 2) / np.array(picture.preview.size * 2)
    for level in levels:
        found = level.cut(picture.preview)
        pixels.append(found.pixels)
        boxes.append(found.boxes * factor)
    return Windows(np.concatenate(pixels), np.concatenate(boxes))


@dataclass(frozen=True)
class _Level:
    """The picture resized to `size`, and where its windows begin in it, from left and from top."""

    size: Tuple[int, int]
    columns: Tuple[int, ...]
    rows: Tuple[int, ...]
    enlarges: float

    @property
    def count(self) -> int:
        return len(self.columns) * len(self.rows)

    def cut(self, preview: Image.Image) -> Windows:
        """The windows, their boxes in the preview's pixels."""
        pixels = np.asarray(preview.resize(self.size, _LANCZOS, reducing_gap=3.0))
        corners = [(left, top) for top in self.rows for left in self.columns]
        squares = [pixels[top : top + SIDE, left : left + SIDE] for left, top in corners]
        boxes = np.array([(left, top, left + SIDE, top + SIDE) for left, top in corners], float)
        factor = np.array(preview.size * 2) / np.array(self.size * 2)
        return Windows(np.stack(squares), boxes * factor)


def _level(size: Tuple[int, int], scale: float, steps: float) -> _Level:
    """Squares of `scale` of the shorter side of a picture of `size`, the whole of it covered."""
    factor = SIDE / (scale * min(size))
    resized = (max(SIDE, round(size[0] * factor)), max(SIDE, round(size[1] * factor)))
    columns, rows = (_positions(length, steps) for length in resized)
    return _Level(resized, columns, rows, factor)


def _positions(length: int, steps: float) -> Tuple[int, ...]:
    rest = length - SIDE
    count = math.ceil(rest * steps / SIDE) + 1
    return tuple(round(rest * i / max(1, count - 1)) for i in range(count))


def _middle(size: Tuple[int, int]) -> Tuple[float, float, float, float]:
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return float(left), float(top), float(left + side), float(top + side)
