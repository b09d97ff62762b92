"""Twin of subsample.sv: the first of every few pixels of the first of every few rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream
from host_build.kernels.limits import WINDOW_STEPS


@dataclass(frozen=True)
class Subsample(Kernel):
    """Of `height` x `width` pixels of `groups` beats of `bits` bits those `stride` (y, x) apart."""

    height: int
    width: int
    groups: int
    bits: int
    stride: tuple[int, int] = (2, 2)

    module = "subsample"
    latency = 0

    def __post_init__(self) -> None:
        for name in ("height", "width", "groups", "bits"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(all(s in WINDOW_STEPS for s in self.stride), "stride", "1 to 4 each way")

    @property
    def cycles(self) -> int:
        return self.height * self.width * self.groups

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.bits),)

    def parameters(self) -> dict[str, int | str]:
        return {
            "HEIGHT": self.height, "WIDTH": self.width, "GROUPS": self.groups, "BITS": self.bits,
            "STRIDE_Y": self.stride[0], "STRIDE_X": self.stride[1],
        }  # fmt: skip

    def golden(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, height, width, elements) to (N, rows, columns, elements)."""
        return images[:, :: self.stride[0], :: self.stride[1]]

    def resources(self) -> Resources:
        position = sum((n - 1).bit_length() for n in (self.height, self.width, self.groups))
        return Resources(lut=2 + 0.3 * position, ff=position)
