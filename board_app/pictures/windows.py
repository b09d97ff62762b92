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

# Each scale's squares have this share of the picture's shorter side. Which scales, and how far
# apart their squares are, was chosen by measurement: docs/search.md.
SCALES = (1.0, 0.8, 0.64, 0.5, 0.4, 0.32, 0.25)
STEPS = 3  # in which a square moves by its own width
_LANCZOS = getattr(Image, "Resampling", Image).LANCZOS


@dataclass(frozen=True)
class Windows:
    """`pixels` (N, 32, 32, 3) uint8 RGB; `boxes` (N, 4) float64: left, top, right and bottom.

    Boxes are in the upright original's pixels. The first window is the middle square; then come
    those of SCALES, the largest first: `ends[n]` windows are of the first n scales.
    """

    pixels: np.ndarray
    boxes: np.ndarray
    ends: Tuple[int, ...]

    @property
    def scales(self) -> int:
        """How many scales they are of; 0 for the middle square alone."""
        return len(self.ends) - 1

    def __len__(self) -> int:
        return len(self.pixels)


def cut(picture: Picture, most: int) -> Windows:
    """At most `most` windows of `picture`, one at least: those of as many scales as fit.

    A picture of 32x32 pixels is one window, as it is, and none is enlarged but the middle square.
    """
    levels = _levels(picture, most)
    pixels, boxes = [picture.pixels[np.newaxis]], [np.array([_middle(picture.size)])]
    ends = [1]
    factor = np.array(picture.size * 2) / np.array(picture.preview.size * 2)
    for level in levels:
        squares, places = level.cut(picture.preview)
        pixels.append(squares)
        boxes.append(places * factor)
        ends.append(ends[-1] + level.count)
    return Windows(np.concatenate(pixels), np.concatenate(boxes), tuple(ends))


def _levels(picture: Picture, most: int) -> List[_Level]:
    levels: List[_Level] = []
    if picture.size == (SIDE, SIDE):
        return levels
    count = 1
    for scale in SCALES:
        level = _level(picture.preview.size, scale)
        count += level.count
        if count > most or level.enlarges > 1:
            break
        levels.append(level)
    return levels


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

    def cut(self, preview: Image.Image) -> Tuple[np.ndarray, np.ndarray]:
        """The windows' pixels, and their boxes in the preview's."""
        pixels = np.asarray(preview.resize(self.size, _LANCZOS, reducing_gap=3.0))
        corners = [(left, top) for top in self.rows for left in self.columns]
        squares = [pixels[top : top + SIDE, left : left + SIDE] for left, top in corners]
        boxes = np.array([(left, top, left + SIDE, top + SIDE) for left, top in corners], float)
        factor = np.array(preview.size * 2) / np.array(self.size * 2)
        return np.stack(squares), boxes * factor


def _level(size: Tuple[int, int], scale: float) -> _Level:
    """Squares of `scale` of the shorter side of a picture of `size`, the whole of it covered."""
    factor = SIDE / (scale * min(size))
    resized = (max(SIDE, round(size[0] * factor)), max(SIDE, round(size[1] * factor)))
    columns, rows = (_positions(length) for length in resized)
    return _Level(resized, columns, rows, factor)


def _positions(length: int) -> Tuple[int, ...]:
    rest = length - SIDE
    count = math.ceil(rest * STEPS / SIDE) + 1
    return tuple(round(rest * i / max(1, count - 1)) for i in range(count))


def _middle(size: Tuple[int, int]) -> Tuple[float, float, float, float]:
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    return float(left), float(top), float(left + side), float(top + side)
