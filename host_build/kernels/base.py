"""What every kernel's Python twin offers, and the costs they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from math import ceil, expm1
from pathlib import Path
from typing import ClassVar, Literal

FOLDER = Path(__file__).parent
RamStyle = Literal["distributed", "block"]

# Widest word of a BRAM18 at each depth; a BRAM36 is two of them side by side.
_BRAM18_WIDTHS = {512: 36, 1024: 18, 2048: 9, 4096: 4, 8192: 2, 16384: 1}


@dataclass(frozen=True)
class Stream:
    """A valid/ready stream of `width` bits; `name` is the prefix of its ports."""

    name: str
    width: int

    @property
    def words(self) -> int:
        """32-bit words that hold a beat."""
        return -(-self.width // 32)


@dataclass(frozen=True)
class Resources:
    """Estimated cost on a 7-series device; `bram36` counts in halves, `lut` includes LUTRAM."""

    lut: float = 0
    ff: float = 0
    bram36: float = 0
    dsp: float = 0

    def __add__(self, other: Resources) -> Resources:
        return Resources(
            self.lut + other.lut, self.ff + other.ff,
            self.bram36 + other.bram36, self.dsp + other.dsp,
        )  # fmt: skip

    def __mul__(self, count: int) -> Resources:
        return Resources(self.lut * count, self.ff * count, self.bram36 * count, self.dsp * count)


class Kernel(ABC):
    """The parameters of one hardware module; subclasses are frozen dataclasses.

    A subclass raises ValueError from `__post_init__` for parameters that the module refuses.
    """

    module: ClassVar[str]
    """The SystemVerilog module, in the file of that name beside this one."""
    submodules: ClassVar[tuple[str, ...]] = ()

    @property
    @abstractmethod
    def inputs(self) -> tuple[Stream, ...]: ...

    @property
    @abstractmethod
    def outputs(self) -> tuple[Stream, ...]: ...

    @abstractmethod
    def parameters(self) -> dict[str, int | str]:
        """The instance's parameters by name."""

    @property
    @abstractmethod
    def cycles(self) -> int:
        """Clock cycles a frame takes in steady state, if neither side makes the kernel wait.

        A kernel that knows no frames (fifo, fork, add, width_converter) counts one beat of its
        widest stream.
        """

    @property
    @abstractmethod
    def latency(self) -> int:
        """Clock cycles from the acceptance of the last input beat that an output beat depends on,
        in an idle kernel, to that output beat's first offer."""

    @abstractmethod
    def resources(self) -> Resources:
        """An estimate from formulas that were fitted to Yosys."""

    def images(self) -> dict[str, str]:
        """The `$readmemh` files, text by name."""
        return {}

    @classmethod
    def sources(cls) -> list[Path]:
        return [FOLDER / f"{name}.sv" for name in (cls.module, *cls.submodules)]

    def _require(self, legal: bool, name: str, wanted: str) -> None:
        if not legal:
            value = getattr(self, name)
            raise ValueError(f"{type(self).__name__}.{name} is {value!r}; legal: {wanted}")


@cache
def distributed_ram(width: int, depth: int) -> Resources:
    """LUTs of a simple dual-port LUTRAM: 32 x 6 or 64 x 3 bits in four LUTs, and what chooses."""
    full, rest = divmod(depth, 64)
    memories = 4 * ceil(width / 3) * (full + (rest > 32))
    if 0 < rest <= 32:
        memories += 4 * ceil(width / 6)
    banks = ceil(depth / 64)
    if banks == 1:
        return Resources(lut=memories)
    # A multiplexer a bit to read, and an enable a bank to write.
    return Resources(lut=memories + width * ceil((banks - 1) / 3) + 2 * banks)


@cache
def block_ram(width: int, depth: int) -> Resources:
    """The fewest BRAM18 of one shape that hold `depth` words of `width` bits."""
    halves = min(ceil(width / wide) * ceil(depth / deep) for deep, wide in _BRAM18_WIDTHS.items())
    return Resources(bram36=halves / 2)


def ram(style: RamStyle, width: int, depth: int) -> Resources:
    return block_ram(width, depth) if style == "block" else distributed_ram(width, depth)


@cache
def lut_rom(width: int, words: int) -> Resources:
    """A table in logic: the LUTs, and the registers where something keeps what is read.

    A column of it is a function of the address: six address bits are one LUT, more take a selection
    besides. With `words` words there are 2 ** words columns; equal ones are kept once, constant
    ones not at all, and a column's complement or the address itself takes no LUT.
    """
    columns = 2.0 ** min(words, 64)
    different = _drawn(width, columns / 2 - 1 - (words - 1).bit_length())
    each = 1 if words <= 64 else 1.6 * words / 64
    if words > 32 and width > 16:
        # Yosys looks for what wide words have in common, and ends with more than it began with.
        each *= 1.4
    return Resources(lut=each * different, ff=_drawn(width, columns - 2))


def _drawn(count: int, among: float) -> float:
    """How many different ones `count` random draws find."""
    return -among * expm1(-count / among) if among > 0 else 0.0


def clog2(value: int) -> int:
    """Bits that count `value` things, as SystemVerilog's $clog2."""
    return (value - 1).bit_length() if value > 1 else 0


def signed_bits(low: int, high: int) -> int:
    """The fewest two's complement bits that hold every integer in low .. high."""
    return 1 + max(high, -low - 1, 0).bit_length()


def range_bits(low: int, high: int) -> int:
    """The same, but without a sign bit where no integer is negative."""
    return signed_bits(low, high) - (low >= 0)


def divisors(value: int) -> list[int]:
    return [n for n in range(1, value + 1) if value % n == 0]
