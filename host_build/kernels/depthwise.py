"""Twin of depthwise.sv: the windows of each channel, weighed and summed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import (
    Kernel,
    Resources,
    Stream,
    block_ram,
    distributed_ram,
    signed_bits,
)
from host_build.kernels.thresholds import hex_lines

# A product of this many partial ones, or fewer, costs a DSP block more than it is worth.
_FEW_PARTIAL_PRODUCTS = 16
# Bits of weights from which on block memory is cheaper than look-up tables.
_BLOCK_BITS = 4_096
# Of a weight or a sum: a sign and something to sign.
_LEAST_BITS = 2
# Look-up tables for 64 bits of weights; small tables vanish into what reads them.
_TABLE_LUTS = 5.2


@dataclass(frozen=True, eq=False)
class Depthwise(Kernel):
    """Sums of `weights` (channels, pixels) integers times the pixels of a window.

    Both have their pixels in the order in which windows bring them. `lanes` channels come a beat.
    The image is named after `name`, which is unique in a design.
    """

    lanes: int
    weights: NDArray[np.int64] = field(repr=False)
    in_bits: int
    in_signed: bool = False
    name: str = "depthwise"

    module = "depthwise"
    submodules = ("weight_rom",)
    latency = 3

    def __post_init__(self) -> None:
        shape = self.weights.shape
        if len(shape) != 2 or shape[1] < 2:
            raise ValueError(f"Depthwise.weights has shape {shape}; legal: (channels, 2 or more)")
        self._require(self.lanes >= 1 and self.channels % self.lanes == 0, "lanes",
                      f"a divisor of the {self.channels} channels")  # fmt: skip
        self._require(self.in_bits >= 1, "in_bits", "at least 1")

    @property
    def channels(self) -> int:
        return int(self.weights.shape[0])

    @property
    def pixels(self) -> int:
        return int(self.weights.shape[1])

    @property
    def groups(self) -> int:
        return self.channels // self.lanes

    @property
    def weight_bits(self) -> int:
        return max(signed_bits(int(self.weights.min()), int(self.weights.max())), _LEAST_BITS)

    @property
    def out_bits(self) -> int:
        """Exactly as many as the sums of any pixels need."""
        low, high = -(1 << self.in_bits - 1), (1 << self.in_bits - 1) - 1
        if not self.in_signed:
            low, high = 0, (1 << self.in_bits) - 1
        ends = np.stack([self.weights * low, self.weights * high])
        sums = np.stack([ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)])
        return max(signed_bits(int(sums.min()), int(sums.max())), _LEAST_BITS)

    @property
    def dsp(self) -> bool:
        return self.in_bits * self.weight_bits > _FEW_PARTIAL_PRODUCTS

    @property
    def block(self) -> bool:
        words = self.pixels * self.groups
        return words > 64 and words * self.lanes * self.weight_bits > _BLOCK_BITS

    @property
    def cycles(self) -> int:
        """For one window: the module knows no larger frames."""
        return self.pixels * self.groups

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.lanes * self.in_bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.lanes * self.out_bits),)

    def parameters(self) -> dict[str, int | str]:
        return {
            "LANES": self.lanes, "GROUPS": self.groups, "PIXELS": self.pixels,
            "IN_BITS": self.in_bits, "IN_SIGNED": int(self.in_signed),
            "WEIGHT_BITS": self.weight_bits, "OUT_BITS": self.out_bits,
            "DSP": int(self.dsp), "BLOCK": int(self.block), "IMAGE": f"{self.name}.mem",
        }  # fmt: skip

    def images(self) -> dict[str, str]:
        """A word a beat: the weights of its channels, the first in the low bits."""
        beats = self.weights.T.reshape(self.pixels * self.groups, self.lanes).astype(object)
        mask = (1 << self.weight_bits) - 1
        places = np.array([1 << lane * self.weight_bits for lane in range(self.lanes)], object)
        words = ((beats & mask) * places).sum(axis=1)
        return {f"{self.name}.mem": hex_lines(words, self.lanes * self.weight_bits)}

    def golden(self, windows: NDArray[np.int64]) -> NDArray[np.int64]:
        """(..., pixels, channels) to (..., channels)."""
        return np.asarray((windows * self.weights.T).sum(axis=-2))

    def resources(self) -> Resources:
        words, width = self.pixels * self.groups, self.lanes * self.weight_bits
        sums, product = self.lanes * self.out_bits, self.in_bits + 1 + self.weight_bits
        place = (words - 1).bit_length() + (self.groups - 1).bit_length()
        memory = Resources(ff=sums) if self.groups == 1 else distributed_ram(sums, self.groups)
        if self.groups > 64:  # the choice between two banks joins the adder
            memory += Resources(lut=-sums)
        table = _TABLE_LUTS * width * max(words - 16, 0) / 64
        rom = block_ram(width, words) if self.block else Resources(lut=table, ff=width)
        if self.dsp:
            products = Resources(dsp=self.lanes)
        else:
            partial = self.in_bits * self.weight_bits
            products = Resources(lut=1.5 * partial, ff=product + self.in_bits) * self.lanes
        return (
            memory
            + rom
            + products
            + Resources(lut=8 + place / 2 + sums + 4 * self.lanes, ff=12 + place + sums)
        )
