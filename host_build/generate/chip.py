"""The chip around a network: registers, DMAs, counters. The same plan gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lcm
from pathlib import Path

from host_build.errors import HostError
from host_build.generate import verilog
from host_build.generate.layout import Plan
from host_build.kernels.axi_registers import AxiRegisters
from host_build.kernels.base import Kernel, Resources
from host_build.kernels.batch_counters import BatchCounters
from host_build.kernels.dma import BEAT_BITS
from host_build.kernels.input_dma import InputDma
from host_build.kernels.output_dma import OutputDma
from host_build.kernels.width_converter import WidthConverter
from host_build.text import templates

HERE = Path(__file__).parent
CORE, TOP = "chip_core", "chip_top"
"""The module that is simulated, and the one that has the processing system and the pins, too."""


class ChipError(HostError):
    """The network's streams cannot be joined to memory; the message says why."""


@dataclass(frozen=True)
class _Wire:
    name: str
    width: int


@dataclass(frozen=True)
class Chip:
    """What surrounds the module `network`, whose streams are `in` and `out`.

    `in` has beats of `in_bits` bits, `in_beats` a frame; `out` has 32 bits, `out_beats` a frame.
    Frames lie in memory one after the other without gaps: the first beat, and the least significant
    byte of each, at the lowest address.
    """

    network: str
    in_bits: int
    in_beats: int
    out_beats: int
    build_id: int

    def __post_init__(self) -> None:
        if self.in_bits % 8:
            raise ChipError(f"input beats of {self.in_bits} bits are not whole bytes")
        for name, bits in (
            ("input", self.in_bits * self.in_beats),
            ("output", 32 * self.out_beats),
        ):
            if bits == 0 or bits % BEAT_BITS:
                raise ChipError(f"{name} frames of {bits // 8} bytes are not multiples of 8 bytes")
        if not 0 <= self.build_id < 1 << 32:
            raise ChipError(f"build id {self.build_id:#x} has more than 32 bits")

    @property
    def in_bytes(self) -> int:
        """Bytes of an input frame in memory."""
        return self.in_bits * self.in_beats // 8

    @property
    def out_bytes(self) -> int:
        """Bytes of an output frame in memory."""
        return 4 * self.out_beats

    @cached_property
    def input_dma(self) -> InputDma:
        return InputDma(self.in_bytes * 8 // BEAT_BITS)

    @cached_property
    def output_dma(self) -> OutputDma:
        return OutputDma(self.out_bytes * 8 // BEAT_BITS)

    @property
    def input_converters(self) -> tuple[WidthConverter, ...]:
        return converters(BEAT_BITS, self.in_bits)

    @property
    def output_converters(self) -> tuple[WidthConverter, ...]:
        return converters(verilog.LOGIT_BITS, BEAT_BITS)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Everything but the network."""
        return (
            AxiRegisters(self.build_id), self.input_dma, *self.input_converters,
            *self.output_converters, self.output_dma, BatchCounters(),
        )  # fmt: skip

    @property
    def resources(self) -> Resources:
        """An estimate without the network."""
        return sum((kernel.resources() for kernel in self.kernels), Resources())


def chip(plan: Plan, network: str, build_id: str) -> Chip:
    """The chip of a plan; `build_id` is the manifest's, eight hexadecimal digits."""
    return Chip(network, plan.source.width, plan.source.beats, plan.sink.beats, int(build_id, 16))


def converters(narrow_or_wide: int, wanted: int) -> tuple[WidthConverter, ...]:
    """From one width of beats to another at the full rate of the narrower one.

    Where neither divides the other the way is by their least common multiple: bytes would take
    less room, but pass one a cycle only.
    """
    common = lcm(narrow_or_wide, wanted)
    widths = dict.fromkeys((narrow_or_wide, common, wanted))
    pairs = zip(list(widths)[:-1], list(widths)[1:], strict=True)
    return tuple(WidthConverter(before, after) for before, after in pairs)


def core(chip: Chip) -> str:
    """The text of module chip_core."""
    values = {
        "chip": chip,
        "wires_in": _wires("pixels", BEAT_BITS, chip.input_converters),
        "wires_out": _wires("logits", verilog.LOGIT_BITS, chip.output_converters),
    }
    return templates.render(HERE / f"{CORE}.sv.j2", values, {"literal": verilog.literal})


def core_sources(chip: Chip) -> list[Path]:
    """The kernels' files that chip_core needs besides the network's, in a fixed order."""
    return sorted({path for kernel in chip.kernels for path in kernel.sources()})


def files(plan: Plan, network: str, build_id: str) -> dict[str, str]:
    """Every source of the chip and the memory images, text by file name; chip_top is the top.

    Raises ChipError, or ValueError where `network` or `build_id` is none.
    """
    made = chip(plan, network, build_id)
    found = verilog.files(plan, network)
    found |= {f"{CORE}.sv": core(made), f"{TOP}.sv": (HERE / f"{TOP}.sv").read_text()}
    found |= {path.name: path.read_text() for path in core_sources(made)}
    return dict(sorted(found.items()))


def _wires(name: str, width: int, chain: tuple[WidthConverter, ...]) -> list[_Wire]:
    widths = [width, *(converter.out_width for converter in chain)]
    return [_Wire(f"{name}_{bits}", bits) for bits in widths]
