"""What executes a network, whether in numpy or in the FPGA."""

from __future__ import annotations

from typing import Optional, Protocol

import numpy as np


class Backend(Protocol):
    """Executes the network; not thread-safe, so one caller at a time."""

    name: str
    simulated: bool
    """Whether it is a board in software, whose clock is not the wall's."""

    @property
    def windows(self) -> int:
        """How many windows of a photo it is given: what it has the time for."""
        ...

    @property
    def clock_mhz(self) -> Optional[float]:
        """The chip's clock; None without a chip."""
        ...

    @property
    def last_cycles(self) -> Optional[int]:
        """Cycles of the last `execute` by the chip's own counter; None without a chip."""
        ...

    def execute(self, images: np.ndarray) -> np.ndarray:
        """Logits (N, classes) int32 of `images` (N, height, width, channels) uint8."""
        ...

    def now(self) -> float:
        """Seconds on the clock that times it: a simulated board's is not the wall's."""
        ...

    def close(self) -> None:
        """Give back what it holds; harmless when done twice."""
        ...
