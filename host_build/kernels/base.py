"""What every kernel's Python twin offers, and the costs they share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import ceil
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


def distributed_ram(width: int, depth: int) -> Resources:
    """LUTs of a simple dual-port LUTRAM: 32 x 6 or 64 x 3 bits in four LUTs, and the read muxes."""
    if depth <= 32:
        return Resources(lut=4 * ceil(width / 6))
    banks = ceil(depth / 64)
    muxes = width * ceil((banks - 1) / 3)
    return Resources(lut=4 * ceil(width / 3) * banks + muxes + (banks if banks > 1 else 0))


def block_ram(width: int, depth: int) -> Resources:
    """The fewest BRAM18 of one shape that hold `depth` words of `width` bits."""
    halves = min(ceil(width / wide) * ceil(depth / deep) for deep, wide in _BRAM18_WIDTHS.items())
    return Resources(bram36=halves / 2)


def ram(style: RamStyle, width: int, depth: int) -> Resources:
    return block_ram(width, depth) if style == "block" else distributed_ram(width, depth)


def lut_rom(width: int, depth: int) -> Resources:
    """LUTs of a read-only table: six address bits in one LUT a bit."""
    return Resources(lut=width * (ceil(depth / 64) * 1.1 if depth > 32 else min(1.0, depth / 8)))
