"""How many answers are right, of which class, and how sure that figure is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Optional, Tuple

import numpy as np

_Z95 = 1.959963984540054  # the normal distribution's 97.5% quantile


@dataclass(frozen=True)
class Accuracy:
    """`confusion` (classes, classes) int64: row = true class, column = the network's answer."""

    confusion: np.ndarray

    @property
    def images(self) -> int:
        return int(self.confusion.sum())

    @property
    def correct(self) -> int:
        return int(np.trace(self.confusion))

    @property
    def fraction(self) -> float:
        """The share of right answers, 0..1."""
        return self.correct / self.images

    @property
    def interval(self) -> Tuple[float, float]:
        """The 95% interval of `fraction`."""
        return wilson(self.correct, self.images)

    def of_class(self, label: int) -> Optional[float]:
        """The share of right answers among the images of one class; None where there are none."""
        images = int(self.confusion[label].sum())
        return int(self.confusion[label, label]) / images if images else None


def wilson(part: int, whole: int) -> Tuple[float, float]:
    """The 95% interval of a share by Wilson's score, which holds for few too."""
    share = part / whole
    middle = share + _Z95**2 / (2 * whole)
    half = _Z95 * math.sqrt(share * (1 - share) / whole + _Z95**2 / (4 * whole * whole))
    scale = 1 + _Z95**2 / whole
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def compare(labels: np.ndarray, answers: np.ndarray, classes: int) -> Accuracy:
    """Compare `answers` (N,) with `labels` (N,), both in 0..classes-1; N must not be 0."""
    if len(labels) == 0:
        raise ValueError("no images: their accuracy is not defined")
    # bincount takes no int64 where addresses have 32 bits.
    cells = (labels.astype(np.int64) * classes + answers).astype(np.intp)
    counts = np.bincount(cells, minlength=classes * classes).astype(np.int64)
    return Accuracy(counts.reshape(classes, classes))
