"""The chip around a network: registers, DMAs, counters. The same plan gives the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import lcm, prod
from pathlib import Path

from board_app.driver.chip import Frames
from host_build.errors import HostError
from host_build.generate import verilog
from host_build.generate.layout import Plan
from host_build.kernels.axi_registers import AxiRegisters
from host_build.kernels.base import Kernel, Resources
from host_build.kernels.batch_counters import BatchCounters
from host_build.kernels.dma import BEAT_BITS
from host_build.kernels.frame_fit import FrameFit
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

    `in` has beats of `in_bits` bits, some of a pixel's channels; `out` has 32 bits, a logit each.
    They lie in memory as `frames`: the first beat, and the least significant byte of each, at the
    lowest address.
    """

    network: str
    in_bits: int
    frames: Frames
    build_id: int

    def __post_init__(self) -> None:
        if self.in_bits % 8:
            raise ChipError(f"input beats of {self.in_bits} bits are not whole bytes")
        if min(*self.frames.shape, self.frames.classes, self.in_bits) < 1:
            raise ChipError(f"{self.frames} has no pixels, or no logits")
        if 8 * self.frames.shape[2] % self.in_bits:
            raise ChipError(
                f"input beats of {self.in_bits} bits are no part of a pixel's "
                f"{self.frames.shape[2]} channels"
            )
        if not 0 <= self.build_id < 1 << 32:
            raise ChipError(f"build id {self.build_id:#x} has more than 32 bits")

    @cached_property
    def input_dma(self) -> InputDma:
        return InputDma(self.frames.in_bytes * 8 // BEAT_BITS)

    @cached_property
    def output_dma(self) -> OutputDma:
        return OutputDma(self.frames.out_bytes * 8 // BEAT_BITS)

    @property
    def input_fit(self) -> FrameFit | None:
        """What drops what memory has beside the pixels, if it has."""
        beats = [8 * size // self.in_bits for size in (self.frames.in_bytes, self._pixels)]
        return _fit(self.in_bits, *beats)

    @property
    def output_fit(self) -> FrameFit | None:
        """What adds to the logits what fills memory's last beat, if they do not."""
        return _fit(verilog.LOGIT_BITS, self.frames.classes, self.frames.out_bytes // 4)

    @property
    def _pixels(self) -> int:
        return prod(self.frames.shape)

    @property
    def input_converters(self) -> tuple[WidthConverter, ...]:
        return converters(BEAT_BITS, self.in_bits)

    @property
    def output_converters(self) -> tuple[WidthConverter, ...]:
        return converters(verilog.LOGIT_BITS, BEAT_BITS)

    @property
    def input_way(self) -> tuple[Kernel, ...]:
        """What is between memory and the network."""
        fit = () if self.input_fit is None else (self.input_fit,)
        return (self.input_dma, *self.input_converters, *fit)

    @property
    def output_way(self) -> tuple[Kernel, ...]:
        """What is between the network and memory."""
        fit = () if self.output_fit is None else (self.output_fit,)
        return (*fit, *self.output_converters, self.output_dma)

    @property
    def kernels(self) -> tuple[Kernel, ...]:
        """Everything but the network."""
        return (
            AxiRegisters(self.build_id), *self.input_way, *self.output_way, BatchCounters()
        )  # fmt: skip

    @property
    def resources(self) -> Resources:
        """An estimate without the network."""
        return sum((kernel.resources() for kernel in self.kernels), Resources())


def chip(plan: Plan, network: str, build_id: str) -> Chip:
    """The chip of a plan; `build_id` is the manifest's, eight hexadecimal digits."""
    frames = Frames(plan.shape, plan.sink.beats)
    return Chip(network, plan.source.width, frames, int(build_id, 16))


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
    wires_in = _wires("pixels", BEAT_BITS, chip.input_converters)
    wires_out = _wires("logits", verilog.LOGIT_BITS, chip.output_converters)
    values = {
        "chip": chip, "wires_in": wires_in, "wires_out": wires_out,
        "fitted_in": _fitted(wires_in[-1], chip.input_fit),
        "fitted_out": _fitted(wires_out[0], chip.output_fit),
    }  # fmt: skip
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


def _fit(width: int, before: int, after: int) -> FrameFit | None:
    return None if before == after else FrameFit(width, before, after)


def _fitted(wire: _Wire, fit: FrameFit | None) -> _Wire:
    """What `wire` is called behind `fit`."""
    return wire if fit is None else _Wire(f"{wire.name}_fitted", wire.width)


def _wires(name: str, width: int, chain: tuple[WidthConverter, ...]) -> list[_Wire]:
    widths = [width, *(converter.out_width for converter in chain)]
    return [_Wire(f"{name}_{bits}", bits) for bits in widths]
