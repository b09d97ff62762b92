"""One picture in, the class and its probability out: what the command line and the demo share."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Dict

import numpy as np

from board_app.network.backend import Backend
from board_app.network.overlay import Overlay


@dataclass(frozen=True)
class Prediction:
    """The likeliest class, every class's logit and probability, and how long it took in ms."""

    label: str
    logits: Dict[str, int]
    probabilities: Dict[str, float]
    milliseconds: float

    @property
    def probability(self) -> float:
        """The likeliest class's probability."""
        return self.probabilities[self.label]


class Classifier:
    """An overlay on a backend, safe to share between threads: one picture at a time."""

    def __init__(self, overlay: Overlay, backend: Backend) -> None:
        self.overlay = overlay
        self.backend_name = backend.name
        self._backend = backend
        self._lock = threading.Lock()

    def classify(self, pixels: np.ndarray) -> Prediction:
        """Classify `pixels` (32, 32, 3) uint8 RGB; waiting for other callers does not count."""
        with self._lock:
            start = self._backend.now()
            logits = self._backend.execute(pixels[np.newaxis])
            seconds = self._backend.now() - start
        classes = self.overlay.manifest.classes
        (probabilities,) = self.overlay.manifest.probabilities(logits).tolist()
        return Prediction(
            classes[int(logits[0].argmax())],
            {name: int(logits[0, label]) for label, name in enumerate(classes)},
            {name: probabilities[label] for label, name in enumerate(classes)},
            1000 * seconds,
        )
