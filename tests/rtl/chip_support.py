"""Chips for tests, and the shortest driver of one."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from board_app.driver.chip import Frames
from host_build.generate.chip import Chip
from host_build.simulation.chip import BuiltChip, Bus, SimulatedChip
from host_build.simulation.chip_build import Design, build

START, DONE, IDLE = 1, 2, 4
"""Bits of a DMA's first register."""


class Reg(IntEnum):
    """Registers, and the places of a DMA's own in its window."""

    INPUT = 0x0000
    OUTPUT = 0x1000
    CONTROL = 0x2000
    RESET = 0x2008
    STATUS = 0x200C
    CYCLES = 0x2010
    FIRST = 0x2014
    STARVED = 0x2018
    BLOCKED = 0x201C
    HELD = 0x2020
    READ = 0x2024
    WRITTEN = 0x2028
    UPTIME = 0x202C
    ADDRESS = 0x10
    FRAMES = 0x1C


ECHO = Path(__file__).with_name("echo_network.sv")
FRAME = 24
"""Bytes of a frame of the echo."""
WILD = Bus((1, 120), (1, 90), stall=0.3, registers_stall=0.3)


def echo_frames(beats: int) -> Frames:
    """Pictures of so many pixels of 4 bytes, and as many logits."""
    return Frames((beats, 1, 4), beats)


def built_echo() -> BuiltChip:
    """A chip that copies memory, three beats a frame."""
    chip = Chip("echo_network", 32, echo_frames(FRAME // 4), 0xC0FFEE11)
    return build(Design.of_chip(chip, {ECHO.name: ECHO.read_text()}))


def prepare(chip: SimulatedChip, window: int, place: int, frames: int) -> None:
    """Set address and number of frames of one DMA; `place` is within the chip's memory."""
    chip.write(window + Reg.ADDRESS, chip.ddr_base + place)
    chip.write(window + Reg.ADDRESS + 4, 0)
    chip.write(window + Reg.FRAMES, frames)


def start(
    chip: SimulatedChip, source: int, target: int, frames: int, order: tuple[int, ...] = (1, 0)
) -> None:
    """Start a batch, the output first as drivers do, or in another `order`."""
    prepare(chip, Reg.INPUT, source, frames)
    prepare(chip, Reg.OUTPUT, target, frames)
    for dma in order:
        chip.write((Reg.INPUT, Reg.OUTPUT)[dma], START)


def finished(chip: SimulatedChip, limit: int = 100_000) -> bool:
    """Wait until the output is done; False if it takes more than `limit` cycles."""
    end = chip.cycle + limit
    while not chip.read(Reg.OUTPUT) & DONE:
        if chip.cycle > end:
            return False
        chip.advance(20)
    return True


def soft_reset(chip: SimulatedChip, limit: int = 5_000) -> bool:
    """Ask for a soft reset; whether it is over within `limit` cycles."""
    chip.write(Reg.RESET, 1)
    end = chip.cycle + limit
    while chip.read(Reg.RESET):
        if chip.cycle > end:
            return False
        chip.advance(20)
    return True


def fill(chip: SimulatedChip, place: int, count: int, seed: int) -> NDArray[np.uint8]:
    """Random bytes in the chip's memory."""
    data = np.random.default_rng(seed).integers(0, 256, count).astype(np.uint8)
    chip.ddr[place : place + count] = data
    return data
