"""Run images through a circuit that was read back, behind the ports of the processing system."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from board_app.driver import chip as registers
from board_app.driver.chip import Frames
from host_build.configuration.errors import ReadbackError
from host_build.readback import chips
from host_build.readback.chips import Chips
from host_build.readback.model import Circuit

_RESET_CYCLES = 16
"""More than the chip keeps its own reset after the processing system's."""
_DEPTH = 3
"""Images that each chip has at least, where there are as many: their pace is measured."""
_PATIENCE = 8
_STEP = 500
_PAGE = 4096


@dataclass(frozen=True)
class Run:
    """`logits` (N, classes) int32; cycles as the chips count them, in `seconds` of the simulation.

    `alone` is how many the first image takes by itself, `pace` those from one image to the next
    where a chip has several, NaN where none has.
    """

    logits: NDArray[np.int32]
    alone: int
    pace: float
    seconds: float


def run(
    circuit: Circuit, build_id: int, images: NDArray[np.uint8], classes: int, frame_cycles: int,
    progress: Callable[[int], object] = lambda done: None,
) -> Run:  # fmt: skip
    """What the chip makes of `images` (N, height, width, channels), shared out over many of it.

    `frame_cycles` is what it should take for one, so that one that hangs is told.
    Raises ReadbackError where it does not say that it is this build, or does not finish, and
    SimulationError where it breaks a rule of its bus.
    """
    begun = time.monotonic()
    count = min(chips.MOST - 1, -(-len(images) // _DEPTH))
    # One more has the first image alone.
    shares = [images[:1], *np.array_split(images, count)]
    most = max(map(len, shares))
    layout = Frames(images.shape[1:], classes)
    target = -(-most * layout.in_bytes // _PAGE) * _PAGE
    memory_bytes = target + most * layout.out_bytes + _PAGE
    all_chips = Chips(chips.build(circuit, len(shares)), len(shares), memory_bytes)
    for memory, share in zip(all_chips.ddr, shares, strict=True):
        rows = memory[: len(share) * layout.in_bytes].reshape(len(share), -1)
        rows[:, : layout.pixel_bytes] = share.reshape(len(share), -1)
    frames = [len(share) for share in shares]
    counted = _batch(all_chips, build_id, frames, target, frame_cycles, progress)
    logits = [
        memory[target : target + layout.out_bytes * n].view("<i4").reshape(n, -1)[:, :classes]
        for memory, n in zip(all_chips.ddr, frames, strict=True)
    ]
    if not np.array_equal(logits[0], logits[1][:1]):
        raise ReadbackError("an image alone has other logits than with others behind it")
    rest = np.array(frames) - 1
    spacing = (np.array(counted) - counted[0]).sum() / rest.sum() if rest.any() else np.nan
    found = np.concatenate(logits[1:]).astype(np.int32)
    return Run(found, counted[0], float(spacing), time.monotonic() - begun)


def _batch(
    all_chips: Chips, build_id: int, frames: list[int], target: int, frame_cycles: int,
    progress: Callable[[int], object],
) -> list[int]:  # fmt: skip
    """Let every chip process the `frames` in its memory; the cycles that each counts."""
    all_chips.advance(_RESET_CYCLES)
    dma_in, dma_out, control = (k * registers.WINDOW for k in range(3))
    found = all_chips.read(control + registers.BUILD_ID)[0]
    if all_chips.read(control + registers.MAGIC)[0] != registers.MAGIC_VALUE or found != build_id:
        raise ReadbackError(f"the circuit says that it is build {found:08x}, not {build_id:08x}")
    for window, place in ((dma_in, 0), (dma_out, target)):
        all_chips.write(window + registers.ADDRESS_LOW, all_chips.ddr_base + place)
        all_chips.write(window + registers.ADDRESS_HIGH, 0)
        all_chips.write(window + registers.REPETITIONS, frames)
    for window in (dma_out, dma_in):
        all_chips.write(window + registers.CTRL, registers.START)
    end = all_chips.cycle + _PATIENCE * frame_cycles + 2 * frame_cycles * max(frames)
    while not all(state & registers.DONE for state in all_chips.read(dma_out + registers.CTRL)):
        if all_chips.cycle > end:
            written = all_chips.read(control + registers.FRAMES_WRITTEN)
            raise ReadbackError(
                f"the circuit hangs: {sum(written[1:])} of {sum(frames[1:])} images are done "
                f"after {end:,} cycles"
            )
        all_chips.advance(_STEP)
        progress(sum(all_chips.read(control + registers.FRAMES_WRITTEN)[1:]))
    return all_chips.read(control + registers.CYCLES)
