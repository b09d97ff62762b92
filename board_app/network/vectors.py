"""Golden vectors: images and the logits that the compiler's own graph gave for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from board_app.errors import OverlayError
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.system.files import read_arrays

FILE = "vectors.npz"


@dataclass(frozen=True)
class Vectors:
    """`images` (N, height, width, channels) uint8 and their `logits` (N, classes) int32."""

    images: np.ndarray
    logits: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


@dataclass(frozen=True)
class Difference:
    """The first vector a backend gets wrong: its number, and both rows of logits, int32."""

    index: int
    expected: np.ndarray
    found: np.ndarray

    def __str__(self) -> str:
        return (
            f"vector {self.index}: expected logits {self.expected.tolist()}, "
            f"got {self.found.tolist()}"
        )


def load(overlay: Overlay) -> Vectors:
    """Read the overlay's vectors; OverlayError where they are missing or damaged."""
    path = overlay.folder / FILE
    if FILE not in overlay.manifest.files:
        raise OverlayError(
            f"the manifest of {overlay.folder} lists no {FILE}; build the overlay again"
        )
    try:
        arrays = read_arrays(path)
        vectors = Vectors(arrays["images"], arrays["logits"])
    except (OSError, ValueError, KeyError) as error:
        raise OverlayError(f"{path} cannot be read: {error}; build the overlay again") from error
    manifest = overlay.manifest
    logits = (len(vectors), len(manifest.classes))
    if vectors.images.shape[1:] != manifest.shape or vectors.logits.shape != logits:
        raise OverlayError(f"{path} has shapes {vectors.images.shape} and {vectors.logits.shape}")
    if len(vectors) == 0:
        raise OverlayError(f"{path} has no vectors: it would prove nothing")
    return vectors


def first_difference(backend: Backend, vectors: Vectors) -> Optional[Difference]:
    """Execute all vectors; None where every logit is equal."""
    found = backend.execute(vectors.images)
    wrong = np.flatnonzero((found != vectors.logits).any(axis=1))
    if len(wrong) == 0:
        return None
    index = int(wrong[0])
    return Difference(index, vectors.logits[index], found[index])
