"""The shape of a matrix-vector unit: its parameters, checked, and what follows from them.

How many products share a DSP48E1, and how many are summed before they must be taken apart, follows
from the widths of its 25-bit operand and of its sum; see `Fields`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import RamStyle, clog2, divisors, signed_bits
from host_build.kernels.dsp_fields import Fields

Style = Literal["DSP1", "DSP2", "DSP3", "DSP4", "LUT"]
# Weights that share a DSP block, and activations of neighbouring pixels that do.
PACK: dict[str, int] = {"LUT": 0, "DSP1": 1, "DSP2": 2, "DSP3": 3, "DSP4": 2}
PIXELS: dict[str, int] = {"LUT": 1, "DSP1": 1, "DSP2": 1, "DSP3": 1, "DSP4": 2}
# A run of cascade wires must not leave its clock region, which is 10 DSP blocks high.
LONGEST_CASCADE = 10
# A LUT memory of 32 words is as small as one of 8.
SMALLEST_BUFFER = 32
# With a sign bit it fits the 18-bit operand of a DSP block; sums of a large pool are this wide.
MOST_ACTIVATION_BITS = 16
# Narrower products than this are built from LUTs even where a DSP block was meant.
NARROWEST_PRODUCT = 9


@dataclass(frozen=True, eq=False)
class Shape:
    """The localparams of matrix_vector.sv; the parameters are those of MatrixVector.

    Raises ValueError, with the name of the layer, for anything the hardware could not compute
    exactly.
    """

    weights: NDArray[np.integer]
    simd: int
    pe: int
    style: Style = "DSP2"
    activation_bits: int = 6
    activation_signed: bool = False
    weight_bits: int = 6
    accumulator_bits: int | None = None
    chain: int | None = None
    cascade: int = LONGEST_CASCADE
    rom: RamStyle = "block"
    rom_positions: int | None = None
    ahead: bool = True
    vectors: int = 1
    name: str = "matrix_vector"

    def __post_init__(self) -> None:
        if self.weights.ndim != 2:
            raise self.wrong("weights", self.weights.shape, "(MH, MW)")
        if not re.fullmatch(r"[\w.-]+", self.name):
            raise self.wrong("name", repr(self.name), "letters, digits, '_', '.' and '-'")
        self._one_of("style", self.style, PACK)
        self._one_of("rom", self.rom, ("block", "distributed"))
        self._one_of("simd", self.simd, divisors(self.mw))
        self._one_of("pe", self.pe, divisors(self.mh))
        least = 2 if self.activation_signed else 1
        most = MOST_ACTIVATION_BITS
        self._one_of("activation_bits", self.activation_bits, range(least, most + 1))
        self._one_of("weight_bits", self.weight_bits, range(2, 9))
        self._one_of("cascade", self.cascade, range(1, LONGEST_CASCADE + 1))
        if self.rom_positions is not None:
            self._one_of("rom_positions", self.rom_positions, range(1, self.positions + 1))

        # Packed weights must be narrow: the borrow of a neighbour is taken from them.
        lowest = -(1 << (self.weight_bits - 1)) + (self.pack > 1)
        highest = (1 << (self.weight_bits - 1)) - 1
        if self.weights.min() < lowest or self.weights.max() > highest:
            found = f"{self.weights.min()}..{self.weights.max()}"
            raise self.wrong("weights", found, f"{lowest}..{highest} for style {self.style}")
        if self.pixels > 1:
            self._one_of("activation_signed", self.activation_signed, (False,))
            if self.vectors % self.pixels:
                raise self.wrong("vectors", self.vectors, "even for style DSP4")
        if self.pack:
            self._check_fields()
        needed = signed_bits(*self.output_range)
        if self.accumulator_bits is not None and self.accumulator_bits < needed:
            raise self.wrong("accumulator_bits", self.accumulator_bits, f"{needed} or more")

    @cached_property
    def mw(self) -> int:
        return int(self.weights.shape[1])

    @cached_property
    def mh(self) -> int:
        return int(self.weights.shape[0])

    @property
    def pack(self) -> int:
        return PACK[self.style]

    @property
    def pixels(self) -> int:
        """Vectors that are computed at once."""
        return PIXELS[self.style]

    @cached_property
    def folds(self) -> int:
        """Beats of an input vector."""
        return self.mw // self.simd

    @property
    def repeats(self) -> int:
        """Beats of an output vector: how often the input vector is replayed."""
        return self.mh // self.pe

    @cached_property
    def chains(self) -> int:
        return ceil(self.simd / self.fields.chain) if self.pack else 1

    @cached_property
    def lanes(self) -> int:
        """Lanes at one position of the chains."""
        return self.chains if self.pack else 2

    @cached_property
    def positions(self) -> int:
        return ceil(self.simd / self.lanes)

    @cached_property
    def run(self) -> int:
        """DSP blocks on one run of cascade wires: as equal as can be, at most `cascade`."""
        return ceil(self.positions / ceil(self.positions / self.cascade))

    @cached_property
    def fields(self) -> Fields:
        """How products lie in a DSP block (bits 0 without one)."""
        if not self.pack:
            return Fields(0, 0, 0)
        low, high = self._product_range
        widest = self._widest
        chain = self.chain
        if chain is None:
            room = 1 << (widest - 1)
            fits = min((room - 1) // max(high, 1), room // max(-low, 1)) if widest > 1 else 0
            chain = min(max(fits, 1), self.simd)
            # As many chains, but equally long.
            chain = ceil(self.simd / ceil(self.simd / chain))
            bits = signed_bits(chain * low, chain * high)
        else:
            bits = signed_bits(*self._chain_range(chain))
        # The sum must hold the operands, too.
        return Fields(self.pack, max(bits, self.weight_bits, self.activation_bits + 2), chain)

    @property
    def sum_bits(self) -> int:
        """Bits of what an accumulator takes in."""
        if self.pack:
            return self.fields.bits + clog2(self.chains)
        return self.weight_bits + clog2(2 * self.positions) + self.activation_bits

    @property
    def output_bits(self) -> int:
        """Bits of an output element: as asked for, else what these weights can reach."""
        if self.accumulator_bits is not None:
            return self.accumulator_bits
        return signed_bits(*self.output_range)

    @cached_property
    def output_range(self) -> tuple[int, int]:
        """The lowest and highest value any output can have with these weights."""
        return self._sum_range(self.weights)

    @cached_property
    def depth(self) -> int:
        """Beats in the input buffer."""
        needed = max(self.folds + min(self.folds, 4), self.last_stage + 5, SMALLEST_BUFFER)
        return 1 << clog2(needed)

    def memory_lanes(self, shared: int) -> list[tuple[int, int]]:
        """The lanes [first, last) that each memory serves if `shared` positions share one."""
        padding = self.lanes * self.positions - self.simd
        bounds = [max(k * self.lanes - padding, 0) for k in range(0, self.positions, shared)]
        return list(zip(bounds, [*bounds[1:], self.simd], strict=True))

    def memory_widths(self, shared: int) -> list[int]:
        """Bits of a word of each memory."""
        lane_bits = self.pe * self.weight_bits
        return [(last - first) * lane_bits for first, last in self.memory_lanes(shared)]

    @property
    def cycles_a_vector(self) -> int:
        """Clock cycles for a vector, or for the two that are computed at once."""
        return self.folds * self.repeats

    @property
    def activation_range(self) -> tuple[int, int]:
        if self.activation_signed:
            return -(1 << (self.activation_bits - 1)), (1 << (self.activation_bits - 1)) - 1
        return 0, (1 << self.activation_bits) - 1

    @property
    def tree_levels(self) -> int:
        """Adders in a row between the chains and the accumulators."""
        return clog2(self.chains if self.pack else self.activation_bits)

    @cached_property
    def last_stage(self) -> int:
        """Cycles by which the last position lags behind the first."""
        return self.positions - 1 + ((self.positions - 1) // self.run if self.pack else 0)

    @property
    def _widest(self) -> int:
        return Fields.widest(self.pack, self.weight_bits, self.activation_bits, self.pixels)

    @property
    def _product_range(self) -> tuple[int, int]:
        weight = (1 << (self.weight_bits - 1)) - (self.pack > 1)
        low, high = self.activation_range
        return min(-weight * high, weight * low), max(weight * high, -weight * low)

    def _sum_range(self, weights: NDArray[np.integer]) -> tuple[int, int]:
        """The lowest and highest sum of products along the last axis of `weights`."""
        low, high = self.activation_range
        up = np.clip(weights, 0, None).sum(axis=-1, dtype=np.int64)
        down = np.clip(weights, None, 0).sum(axis=-1, dtype=np.int64)
        return int((up * low + down * high).min()), int((up * high + down * low).max())

    def _chain_range(self, chain: int) -> tuple[int, int]:
        """The same for every chain of up to `chain` lanes, with the weights at hand."""
        chains = ceil(self.simd / chain)
        padding = -self.simd % chains
        folded = self.weights.reshape(-1, self.simd)
        padded = np.pad(folded, ((0, 0), (padding, 0)))
        return self._sum_range(padded.reshape(len(folded), -1, chains).transpose(0, 2, 1))

    def _check_fields(self) -> None:
        product = self.weight_bits + self.activation_bits + (not self.activation_signed)
        alone = self.pack == 1 or (self.pe % self.pack == 1 and self.pixels == 1)
        if alone and product < NARROWEST_PRODUCT:
            legal = f"LUT, or packed without a rest: a product has {product} bits only"
            raise self.wrong("style", self.style, legal)
        if self.chain is not None:
            self._one_of("chain", self.chain, range(1, self.simd + 1))
        widest = self._widest
        if self.fields.bits > widest:
            what = "chain" if self.chain is not None else "style"
            raise self.wrong(
                what, getattr(self, what),
                f"one whose sums fit {widest} bits; these need {self.fields.bits}",
            )  # fmt: skip

    def _one_of(self, parameter: str, value: object, legal: object) -> None:
        if value not in legal:  # type: ignore[operator]
            if isinstance(legal, range):
                raise self.wrong(parameter, value, f"{legal.start}..{legal.stop - 1}")
            raise self.wrong(parameter, value, " or ".join(map(str, legal)))  # type: ignore[call-overload]

    def wrong(self, parameter: str, value: object, legal: str) -> ValueError:
        return ValueError(f"{self.name}: {parameter} is {value}, but must be {legal}")
