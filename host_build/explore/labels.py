"""Names beside the points of a plot, where they cover neither points nor each other."""

from __future__ import annotations

from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

Point = tuple[str, float, float, str]
"""Name, x, y and colour."""
Box = tuple[float, float, float, float]
"""Left, bottom, right, top, as fractions of the axes."""

# Of the axes: a line's height, a character's width at the font's size "small", the room of a point.
_LINE, _CHARACTER, _POINT = 0.06, 0.0078, 0.01


def write_names(axes: Axes, points: list[Point]) -> None:
    """Write each name to the right or left of its point, a line higher or lower if need be.

    All must be drawn, the points too: the axes keep their limits, and no marker is written on.
    """
    axes.autoscale_view()
    to_axes = axes.transData + axes.transAxes.inverted()
    at = [to_axes.transform((x, y)) for _, x, y, _ in points]
    marked = [to_axes.transform(xy) for line in axes.lines for xy in _markers(line)]
    taken = [(x - _POINT, y - _POINT, x + _POINT, y + _POINT) for x, y in marked]
    for (text, x, y, color), (along, height) in zip(points, at, strict=True):
        box, left = _free(along, height, len(text) * _CHARACTER, taken)
        taken.append(box)
        axes.annotate(
            text, (x, y), (box[2] if left else box[0], (box[1] + box[3]) / 2), color=color,
            textcoords="axes fraction", ha="right" if left else "left", va="center",
            fontsize="small", arrowprops={"arrowstyle": "-", "color": color, "lw": 0.5},
        )  # fmt: skip


def _markers(line: Line2D) -> list[list[float]]:
    points: list[list[float]] = np.asarray(line.get_xydata()).tolist()
    return points if line.get_marker() != "None" else []


def _free(x: float, y: float, width: float, taken: list[Box]) -> tuple[Box, bool]:
    """The nearest free box for a name, and whether it is to the left of its point."""
    boxes = []
    for line, left in product((0, -1, 1, -2, 2, -3), (False, True)):
        start = x - _POINT - width if left else x + _POINT
        bottom = y + line * _LINE
        box = (start, bottom, start + width, bottom + _LINE)
        boxes.append((box, left))
        inside = min(box) >= 0 and max(box) <= 1
        if inside and not any(_overlap(box, other) for other in taken):
            return box, left
    return boxes[0]


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
