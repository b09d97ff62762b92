"""Twin of pool.sv: the sum of each channel over a frame, or its largest value."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream, distributed_ram


@dataclass(frozen=True)
class Pool(Kernel):
    """Sum of `pixels` pixels of `channels` channels, `lanes` channels a beat, or the `largest`.

    The results leave with the last pixel of their frame, so a frame takes as long as its input.
    """

    lanes: int
    channels: int
    pixels: int
    in_bits: int
    in_signed: bool = False
    largest: bool = False

    module = "pool"
    latency = 1

    def __post_init__(self) -> None:
        self._require(self.lanes >= 1 and self.channels % self.lanes == 0, "lanes",
                      f"a divisor of the {self.channels} channels")  # fmt: skip
        self._require(self.pixels >= 2, "pixels", "at least 2")
        self._require(self.in_bits >= 1, "in_bits", "at least 1")

    @property
    def out_bits(self) -> int:
        return self.in_bits + (0 if self.largest else (self.pixels - 1).bit_length())

    @property
    def groups(self) -> int:
        return self.channels // self.lanes

    @property
    def cycles(self) -> int:
        return self.pixels * self.groups

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.lanes * self.in_bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.lanes * self.out_bits),)

    def parameters(self) -> dict[str, int | str]:
        return {
            "LANES": self.lanes, "CHANNELS": self.channels, "PIXELS": self.pixels,
            "IN_BITS": self.in_bits, "IN_SIGNED": int(self.in_signed),
            "LARGEST": int(self.largest), "OUT_BITS": self.out_bits,
        }  # fmt: skip

    def golden(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """(frames, height, width, channels) to (frames, channels)."""
        return np.asarray(frames.max(axis=(1, 2)) if self.largest else frames.sum(axis=(1, 2)))

    def resources(self) -> Resources:
        sums = self.lanes * self.out_bits
        counters = (self.groups - 1).bit_length() + (self.pixels - 1).bit_length()
        memory = Resources(ff=sums) if self.groups == 1 else distributed_ram(sums, self.groups)
        compare = self.lanes * (2 + self.in_bits / 2) if self.largest else 0
        return memory + Resources(lut=8 + counters + sums + compare, ff=7 + counters + sums)
