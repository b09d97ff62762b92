"""Verilate a chip: its sources, the board around it in C++, one shared library."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from host_build.generate import chip as chips
from host_build.generate import verilog
from host_build.generate.chip import Chip
from host_build.generate.layout import Plan
from host_build.simulation import toolchain
from host_build.simulation.chip_library import BuiltChip

_BOARD = ("axi.h", "memory.h", "processors.h", "chip_board.h")
_HARNESS = toolchain.HERE / "chip_harness.cpp"


@dataclass(frozen=True)
class Design:
    """The sources of a chip: module chip_core and all below it, with the memory images."""

    sources: Sequence[Path]
    images: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of_plan(
        cls, plan: Plan, network: str, build_id: str, *, cache: Path = toolchain.CACHE
    ) -> Design:
        """The chip of a plan; see generate.chip."""
        top = verilog.top_level(plan, network)
        made = chips.chip(plan, network, build_id)
        return cls.of_chip(made, {f"{network}.sv": top}, verilog.sources(plan), plan.images(),
                           cache=cache)  # fmt: skip

    @classmethod
    def of_chip(
        cls, chip: Chip, generated: Mapping[str, str], kernels: Sequence[Path] = (),
        images: Mapping[str, str] | None = None, *, cache: Path = toolchain.CACHE,
    ) -> Design:  # fmt: skip
        """The chip around a network whose own sources are `generated`, text by name."""
        texts = {f"{chips.CORE}.sv": chips.core(chip), **generated}
        folder = toolchain.image_folder(texts, cache)
        files = sorted({*kernels, *chips.core_sources(chip)})
        return cls([*(folder / name for name in texts), *files], images or {})


def build(design: Design, *, traced: bool = False, cache: Path = toolchain.CACHE) -> BuiltChip:
    """Build the chip, or find it in `cache`. Raises BuildError, ToolMissing or OSError."""
    harness = board() + _HARNESS.read_text()
    library = toolchain.compile_harness(chips.CORE, design.sources, harness, {}, {}, traced, cache)
    return BuiltChip(library, toolchain.image_folder(design.images, cache), traced)


def board() -> str:
    """The C++ that stands before what simulates a chip: class Board."""
    return "".join((toolchain.HERE / name).read_text() for name in _BOARD)
