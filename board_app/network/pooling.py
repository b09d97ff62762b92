"""From the logits of a picture's windows to one answer: its class, and the window it is in.

A network that knows ten classes gives one of them to grass and sky as well, often the same one all
over a picture. So each window's probabilities are softened, and divided by a power of their mean
over all windows: what counts is what a window says more than the picture as a whole. The most
confident ones of these decide together. The numbers were chosen by measurement: docs/search.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Tuple

import numpy as np

from board_app.network.overlay import Manifest

KEPT = 2  # windows: the most confident ones decide
SURE = 0.6  # the least probability of an answer that is given without "not sure"
_SOFTENED = 3.0
_COMMON = 0.5  # the power of the mean


@dataclass(frozen=True)
class Pooled:
    """`probabilities` (classes,) float64 of the picture; `window` is the one that shows it best."""

    probabilities: np.ndarray
    window: int
    sure: bool

    @property
    def label(self) -> int:
        """The likeliest class."""
        return int(self.probabilities.argmax())


def pool(manifest: Manifest, logits: np.ndarray, scales: int) -> Pooled:
    """The answer for a picture whose windows, of `scales` scales, have `logits` (N > 0, classes).

    Its probabilities are those of a temperature that was fitted for so many scales.
    """
    each = manifest.probabilities(logits)
    if len(each) == 1:
        return _pooled(each[0], 0)
    mean, best = combine(each)
    powers = mean ** (1 / manifest.search_temperature(scales))
    return _pooled(powers / powers.sum(), best)


def combine(probabilities: np.ndarray) -> Tuple[np.ndarray, int]:
    """Windows' `probabilities` (N, classes) to the picture's, not fitted, and the best window.

    The likeliest class is the same after the fit.
    """
    each = probabilities ** (1 / _SOFTENED)
    each /= each.sum(axis=1, keepdims=True)
    each /= np.maximum(each.mean(axis=0), 1e-9) ** _COMMON
    each /= each.sum(axis=1, keepdims=True)
    kept = np.argsort(-each.max(axis=1), kind="stable")[:KEPT]
    mean = each[kept].mean(axis=0)
    return mean, int(kept[each[kept, mean.argmax()].argmax()])


def _pooled(probabilities: np.ndarray, window: int) -> Pooled:
    return Pooled(probabilities, window, bool(probabilities.max() >= SURE))
