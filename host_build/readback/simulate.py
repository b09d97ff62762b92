"""Run images through a circuit that was read back, behind the ports of the processing system."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from board_app.driver import chip as registers
from host_build.configuration.errors import ReadbackError
from host_build.readback import verilog
from host_build.readback.model import Circuit
from host_build.simulation import chip_build, toolchain
from host_build.simulation.chip import BuiltChip, SimulatedChip

_RESET_CYCLES = 16
"""More than the chip keeps its own reset after the processing system's."""
_SOURCE, _TARGET = 0x10_0000, 0xC0_0000
_MOST = (_TARGET - _SOURCE) // registers.FRAME_BYTES
_PATIENCE = 8
_STEP = 500


@dataclass(frozen=True)
class Run:
    """`logits` (N, 10) int32; `cycles` of the batch, and to its first logit, as the chip counts."""

    logits: NDArray[np.int32]
    cycles: int
    first_cycles: int
    seconds: float


def build(circuit: Circuit, *, cache: Path = toolchain.CACHE) -> BuiltChip:
    """The circuit as a program. ReadbackError, BuildError or ToolMissing."""
    with tempfile.TemporaryDirectory() as temporary:
        sources = verilog.sources(circuit, Path(temporary))
        return chip_build.build(chip_build.Design(sources), cache=cache)


def run(
    built: BuiltChip, build_id: int, images: NDArray[np.uint8], frame_cycles: int,
    progress: Callable[[int], object] = lambda done: None,
) -> Run:  # fmt: skip
    """What the chip makes of `images` (N, 32, 32, 3), in one batch of up to some 3,000.

    `frame_cycles` is what it should take for one, so that one that hangs is told.
    Raises ReadbackError where it does not say that it is this build, or does not finish, and
    SimulationError where it breaks a rule of its bus.
    """
    if not 0 < len(images) <= _MOST:
        raise ValueError(f"a batch has 1 to {_MOST} images, not {len(images)}")
    begun = time.monotonic()
    chip = SimulatedChip(built)
    chip.advance(_RESET_CYCLES)
    dma_in, dma_out, control = (k * registers.WINDOW for k in range(3))
    found = chip.read(control + registers.BUILD_ID)
    if chip.read(control + registers.MAGIC) != registers.MAGIC_VALUE or found != build_id:
        raise ReadbackError(f"the circuit says that it is build {found:08x}, not {build_id:08x}")
    chip.ddr[_SOURCE : _SOURCE + images.nbytes] = images.ravel()
    for window, place in ((dma_in, _SOURCE), (dma_out, _TARGET)):
        chip.write(window + registers.ADDRESS_LOW, chip.ddr_base + place)
        chip.write(window + registers.ADDRESS_HIGH, 0)
        chip.write(window + registers.REPETITIONS, len(images))
    for window in (dma_out, dma_in):
        chip.write(window + registers.CTRL, registers.START)
    end = chip.cycle + _PATIENCE * frame_cycles + 2 * frame_cycles * len(images)
    while not chip.read(dma_out + registers.CTRL) & registers.DONE:
        if chip.cycle > end:
            written = chip.read(control + registers.FRAMES_WRITTEN)
            raise ReadbackError(
                f"the circuit hangs: {written} of {len(images)} images are done after "
                f"{end:,} cycles"
            )
        chip.advance(_STEP)
        progress(chip.read(control + registers.FRAMES_WRITTEN))
    size = registers.LOGIT_BYTES * len(images)
    answers = chip.ddr[_TARGET : _TARGET + size].view("<i4").reshape(-1, registers.CLASSES)
    return Run(
        answers.astype(np.int32), chip.read(control + registers.CYCLES),
        chip.read(control + registers.FIRST_OUTPUT), time.monotonic() - begun,
    )  # fmt: skip
