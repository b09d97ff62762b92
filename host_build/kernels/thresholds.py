"""Twin of thresholds.sv: values to levels by binary search; and what both forms share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from math import log2

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream, block_ram, signed_bits


@dataclass(frozen=True, eq=False)
class ThresholdKernel(Kernel):
    """`bias` plus the number of a channel's thresholds that a value reaches.

    `values` are the thresholds, (channels, T) integers that do not decrease along T, or (1, T) if
    all channels share them. One beyond the range of the input is legal: never or always reached.
    Images are named after `name`, which is unique in a design.
    """

    lanes: int
    channels: int
    values: NDArray[np.int64] = field(repr=False)
    in_bits: int
    out_bits: int
    bias: int = 0
    in_signed: bool = True
    name: str = "thresholds"

    def __post_init__(self) -> None:
        self._require(self.lanes >= 1 and self.channels % self.lanes == 0, "lanes",
                      f"a divisor of the {self.channels} channels")  # fmt: skip
        shape = self.values.shape
        if len(shape) != 2 or shape[0] not in (1, self.channels) or not 1 <= shape[1] <= 255:
            wanted = f"({self.channels} or 1, 1 to 255)"
            raise ValueError(f"{type(self).__name__}.values has shape {shape}; legal: {wanted}")
        if (np.diff(self.values, axis=1) < 0).any():
            raise ValueError(f"{type(self).__name__}.values decrease along a row; sort each row")
        self._require(self.in_bits >= 2, "in_bits", "at least 2")
        low, high = _range(self.out_bits, self.bias < 0)
        fits = low <= self.bias and self.bias + self.count <= high
        self._require(fits, "out_bits", f"enough for {self.bias}..{self.bias + self.count}")

    @property
    def count(self) -> int:
        return int(self.values.shape[1])

    @property
    def shared(self) -> bool:
        return len(self.values) == 1

    @property
    def groups(self) -> int:
        return self.channels // self.lanes

    @property
    def sets(self) -> int:
        """Words of thresholds a lane."""
        return 1 if self.shared else self.groups

    @property
    def cycles(self) -> int:
        """For one pixel of all channels: the module knows no larger frames."""
        return self.groups

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.lanes * self.in_bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.lanes * self.out_bits),)

    @property
    def stored(self) -> NDArray[np.int64]:
        """(channels, T) thresholds, brought to where the input can just reach or not reach them."""
        low, high = _range(self.in_bits, self.in_signed)
        return np.broadcast_to(self.values.clip(low, high + 1), (self.channels, self.count))

    @property
    @abstractmethod
    def threshold_bits(self) -> int:
        """The fewest signed bits that hold what the image holds."""

    def parameters(self) -> dict[str, int | str]:
        return {
            "LANES": self.lanes, "CHANNELS": self.channels, "COUNT": self.count,
            "SHARED": int(self.shared), "IN_BITS": self.in_bits, "IN_SIGNED": int(self.in_signed),
            "THRESHOLD_BITS": self.threshold_bits, "OUT_BITS": self.out_bits, "BIAS": self.bias,
        }  # fmt: skip

    def golden(self, values: NDArray[np.int64]) -> NDArray[np.int64]:
        """(..., channels) values to (..., channels) levels."""
        return np.asarray(self.bias + (values[..., None] >= self.values).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Thresholds(ThresholdKernel):
    """Binary search, a stage a bit; memories of `block_words` words and more are block memories."""

    block_words: int = 512

    module = "thresholds"
    submodules = ("threshold_stage",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require(self.lanes <= 99, "lanes", "at most 99")

    @property
    def steps(self) -> int:
        return self.count.bit_length()

    @property
    def latency(self) -> int:
        return self.steps + 1

    @property
    def searched(self) -> NDArray[np.int64]:
        """(channels, 2**steps - 1): thresholds that no input reaches fill the end."""
        spare = (1 << self.steps) - 1 - self.count
        never = _range(self.in_bits, self.in_signed)[1] + 1
        return np.pad(self.stored, ((0, 0), (0, spare)), constant_values=never)

    @property
    def threshold_bits(self) -> int:
        return signed_bits(int(self.searched.min()), int(self.searched.max()))

    def parameters(self) -> dict[str, int | str]:
        return {**super().parameters(), "BLOCK_WORDS": self.block_words, "IMAGE": self.name}

    def images(self) -> dict[str, str]:
        searched, images = self.searched, {}
        for lane in range(self.lanes):
            rows = searched[lane :: self.lanes][: self.sets]
            for stage in range(self.steps):
                # Of each 2**(steps - stage) thresholds, the middle one.
                half = 1 << (self.steps - stage - 1)
                words = rows[:, half - 1 :: 2 * half].reshape(-1)
                images[f"{self.name}_{lane:02}_{stage}.mem"] = hex_lines(words, self.threshold_bits)
        return images

    def resources(self) -> Resources:
        bits, total = self.threshold_bits, Resources(lut=10, ff=2 + 4 * self.steps)
        for stage in range(self.steps):
            words = self.sets << stage
            block = words >= self.block_words
            memory = block_ram(bits, words) if block else threshold_table(bits, words)
            registers = self.in_bits + stage + (0 if block or words < 8 else bits)
            total += (Resources(lut=0.8 * bits, ff=registers) + memory) * self.lanes
        return total + Resources(ff=self.out_bits) * self.lanes


def _range(bits: int, signed: bool) -> tuple[int, int]:
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)


def threshold_table(bits: int, words: int) -> Resources:
    """LUTs of a table of thresholds: a little less than other ones, for their words are alike.

    A few words vanish into the comparator.
    """
    if words <= 4:
        return Resources()
    return Resources(lut=bits * (log2(words) / 6 if words <= 64 else words / 64))


def hex_lines(words: NDArray[np.int64], bits: int) -> str:
    """A `$readmemh` image of two's complement words."""
    digits, mask = -(-bits // 4), (1 << bits) - 1
    return "".join(f"{int(word) & mask:0{digits}x}\n" for word in words)
