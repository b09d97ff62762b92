"""Twin of row_window.sv: columns to whole windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream


@dataclass(frozen=True)
class RowWindow(Kernel):
    """Windows of three columns of `bits` bits from rows of `width`, zeros at either end.

    A column comes in every cycle, at the ends of rows too. Here a row is a frame.
    """

    width: int
    bits: int
    stride: int = 1

    module = "row_window"
    latency = 1

    def __post_init__(self) -> None:
        self._require(self.width >= 2, "width", "at least 2")
        self._require(self.bits >= 1, "bits", "at least 1")
        self._require(self.stride in (1, 2), "stride", "1 or 2")

    @property
    def cycles(self) -> int:
        return self.width

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", 3 * self.bits),)

    def parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width, "BITS": self.bits, "STRIDE": self.stride}

    def golden(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, width, elements) to (N, windows, 3, elements)."""
        padded = np.pad(rows, ((0, 0), (1, 1), (0, 0)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=1)
        return windows[:, :: self.stride].transpose(0, 1, 3, 2)

    def resources(self) -> Resources:
        position = (self.width - 1).bit_length()
        tail = self.bits if self.stride == 1 or self.width % 2 else 0
        return Resources(lut=4 + position + tail, ff=3 + position + 3 * self.bits)
