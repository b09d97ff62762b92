"""The ways to execute an overlay's network, by name."""

from __future__ import annotations

from typing import Callable, Dict, Protocol

import numpy as np

from board_app.overlay import Overlay
from board_app.reference import Reference


class BackendError(Exception):
    """The backend is unknown or cannot be opened here; the message says which and what to do."""


class Backend(Protocol):
    """Executes the network; not thread-safe, so one caller at a time."""

    name: str

    def execute(self, images: np.ndarray) -> np.ndarray:
        """Logits (N, 10) int32 of `images` (N, 32, 32, 3) uint8."""
        ...

    def now(self) -> float:
        """Seconds on the clock that times it: a simulated board's is not the wall's."""
        ...

    def close(self) -> None:
        """Give back what it holds; harmless when done twice."""
        ...


def _fpga(overlay: Overlay) -> Backend:
    from board_app.pynq_session import open_overlay

    return open_overlay(overlay)


BACKENDS: Dict[str, Callable[[Overlay], Backend]] = {
    "reference": lambda overlay: Reference(overlay.graph()),
    "fpga": _fpga,
}


def open_backend(name: str, overlay: Overlay) -> Backend:
    """Open the backend called `name` for `overlay`."""
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}; known: {', '.join(sorted(BACKENDS))}")
    return BACKENDS[name](overlay)
