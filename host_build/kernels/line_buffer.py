"""Twin of line_buffer.sv: pixels to columns of three rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream, distributed_ram


@dataclass(frozen=True)
class LineBuffer(Kernel):
    """Columns of `height` x `width` images with pixels of `bits` bits, zeros above and below.

    A pixel comes in every cycle; the last row of an image leaves with the first of the next, or
    alone, and costs no cycles.
    """

    height: int
    width: int
    bits: int
    stride: int = 1

    module = "line_buffer"
    latency = 1

    def __post_init__(self) -> None:
        for name in ("height", "width"):
            self._require(getattr(self, name) >= 2, name, "at least 2")
        self._require(self.bits >= 1, "bits", "at least 1")
        self._require(self.stride in (1, 2), "stride", "1 or 2")

    @property
    def rows(self) -> int:
        """Output rows of an image."""
        return -(-self.height // self.stride)

    @property
    def cycles(self) -> int:
        return self.height * self.width

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", 3 * self.bits),)

    def parameters(self) -> dict[str, int | str]:
        return {
            "HEIGHT": self.height, "WIDTH": self.width, "BITS": self.bits, "STRIDE": self.stride
        }  # fmt: skip

    def golden(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, height, width, elements) to (N, rows, width, 3, elements)."""
        padded = np.pad(images, ((0, 0), (1, 1), (0, 0), (0, 0)))
        columns = np.lib.stride_tricks.sliding_window_view(padded, 3, axis=1)
        return columns[:, :: self.stride].transpose(0, 1, 2, 4, 3)

    def resources(self) -> Resources:
        position = (self.height - 1).bit_length() + 2 * (self.width - 1).bit_length()
        # Where the last row ends with the image there is nothing left to give without input.
        tail = self.stride == 1 or self.height % 2
        logic = 8 + 1.5 * position if tail else position
        control = Resources(lut=logic, ff=2 + position + 3 * self.bits)
        return control + distributed_ram(2 * self.bits, self.width)
