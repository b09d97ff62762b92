"""From the logits of a picture's windows to one answer: its class, and the window it is in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from board_app.network.overlay import Manifest

KEPT = 16  # windows: the most confident ones decide
SURE = 0.5  # the least probability of an answer that is given without "not sure"


@dataclass(frozen=True)
class Pooled:
    """`probabilities` (10,) float64 of the picture; `window` is the one that shows it best."""

    probabilities: np.ndarray
    window: int
    sure: bool

    @property
    def label(self) -> int:
        """The likeliest class."""
        return int(self.probabilities.argmax())


def pool(manifest: Manifest, logits: np.ndarray) -> Pooled:
    """The answer for a picture whose windows have `logits` (N, 10), N at least 1."""
    each = manifest.probabilities(logits)
    kept = np.argsort(-each.max(axis=1), kind="stable")[:KEPT]
    mean = each[kept].mean(axis=0)
    label = int(mean.argmax())
    best = int(kept[each[kept, label].argmax()])
    return Pooled(mean, best, bool(mean[label] >= SURE))
