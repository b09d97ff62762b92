"""The chip's behaviour without its circuit: the same registers and DDR, the network in numpy.

It is fast and can be made to fail, for tests of the driver. What it says of time is made up of
two numbers, a latency and an interval; the verilated chip is the one to ask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from board_app.driver import chip
from board_app.driver.chip import Frames

Network = Callable[[NDArray[np.uint8]], NDArray[np.int32]]
DDR_BASE = 0x1000_0000
_RESET_CYCLES = 64
_WORD = 0xFFFF_FFFF


@dataclass
class Faults:
    """What is to go wrong, once each: set again for another time; `always` keeps them."""

    hang: bool = False
    """The next batch stops half way."""
    input_error: bool = False
    output_error: bool = False
    """The next batch sees an AXI error response."""
    always: bool = False

    def take(self, name: str) -> bool:
        """Whether fault `name` happens now."""
        happens = bool(getattr(self, name))
        if not self.always:
            setattr(self, name, False)
        return happens


class _Dma:
    def __init__(self, frame_bytes: int) -> None:
        self.address = 0
        self.repetitions = 0
        self.running = False
        self.done = False
        self.refused = False
        self._frame_bytes = frame_bytes

    def start(self) -> None:
        """Begin, or refuse what does not lie at whole words within 32 bits."""
        end = self.address + self.repetitions * self._frame_bytes
        self.refused = self.address % chip.ALIGNMENT != 0 or end > 1 << 32
        self.running, self.done = not self.refused, self.refused


class BehaviouralChip:
    """Has the API of SimulatedChip: `read`, `write`, `ddr`, `advance`, `cycle`, `power_cycle`.

    While `port_dead`, memory answers nothing: no batch ends, and no soft reset of a batch.
    """

    def __init__(
        self,
        network: Network,
        build_id: int,
        *,
        interval: int = 6000,
        latency: int = 9000,
        memory: int = 16 << 20,
        shape: tuple[int, int, int] = (32, 32, 3),
        classes: int = 10,
    ) -> None:
        """`network` maps images (N, *shape) to logits (N, classes); times in cycles, `memory` in
        bytes."""
        self._frames = Frames(shape, classes)
        self._network = network
        self._build_id = build_id
        self._interval = interval
        self._latency = latency
        self.ddr_base = DDR_BASE
        self.ddr: NDArray[np.uint8] = np.zeros(memory, np.uint8)
        self.faults = Faults()
        self.port_dead = False
        self.cycle = 0
        self._reset_until = 0
        self._clear()

    def _clear(self) -> None:
        """The registers' initial state."""
        self._idma, self._odma = _Dma(self._frames.in_bytes), _Dma(self._frames.out_bytes)
        self._begun: int | None = None
        self._total = self._finished = self._cycles = self._errors = 0
        self._hangs = self._resets = False

    def power_cycle(self) -> None:
        """Lose the registers and what is under way, as when the bitstream is loaded anew."""
        self._clear()
        self._reset_until = 0

    @property
    def loses_port(self) -> bool:
        """Whether to take the chip away now would leave its memory port dead."""
        return self._begun is not None

    def lose_port(self) -> None:
        """Memory answers nothing from now on: a chip before this one has left the port dead."""
        self.port_dead = True

    def read(self, offset: int) -> int:
        """The register at `offset` from the chip's base address."""
        window, register = divmod(offset, chip.WINDOW)
        if window == 2:
            return self._read_control(register)
        dma = (self._idma, self._odma)[window]
        values: dict[int, int] = {
            chip.CTRL: dma.running | dma.done << 1 | (not dma.running) << 2,
            chip.ADDRESS_LOW: dma.address & _WORD,
            chip.ADDRESS_HIGH: dma.address >> 32,
            chip.REPETITIONS: dma.repetitions,
        }
        return values.get(register, 0)

    def write(self, offset: int, value: int) -> None:
        """Write `value` to the register at `offset` from the chip's base address."""
        window, register = divmod(offset, chip.WINDOW)
        if window == 2:
            if register == chip.SOFT_RESET and value & 1:
                self._resets = self.port_dead and self._begun is not None
                if not self._resets:
                    self._clear()
                self._reset_until = self.cycle + _RESET_CYCLES
            return
        dma = (self._idma, self._odma)[window]
        if register == chip.ADDRESS_LOW:
            dma.address = dma.address >> 32 << 32 | value
        elif register == chip.ADDRESS_HIGH:
            dma.address = value << 32 | dma.address & _WORD
        elif register == chip.REPETITIONS:
            dma.repetitions = value
        elif register == chip.CTRL and value & chip.START:
            dma.start()
            if self._idma.running and self._odma.running:
                self._begin()

    def advance(self, cycles: int) -> None:
        """Let `cycles` clock cycles pass."""
        self.cycle += cycles
        if self._begun is None or self.port_dead:
            return
        frames = min((self.cycle - self._begun - self._latency) // self._interval, self._total)
        if self._hangs:
            frames = min(frames, self._total // 2)
        if frames > self._finished:
            self._transfer(self._finished, frames)
            self._finished = frames
        if frames == self._total:
            self._cycles = self._latency + self._total * self._interval
            for dma in (self._idma, self._odma):
                dma.running, dma.done = False, True
            self._begun = None

    def _begin(self) -> None:
        self._begun, self._finished, self._errors = self.cycle, 0, 0
        self._total = min(self._idma.repetitions, self._odma.repetitions)
        self._hangs = self.faults.take("hang")
        self._errors |= chip.INPUT_ERROR * self.faults.take("input_error")
        self._errors |= chip.OUTPUT_ERROR * self.faults.take("output_error")

    def _transfer(self, first: int, last: int) -> None:
        pixels = self._memory(self._idma.address, first, last, self._frames.in_bytes)
        place = self._memory(self._odma.address, first, last, self._frames.out_bytes)
        if pixels is None:
            self._errors |= chip.INPUT_ERROR
        elif place is None:
            self._errors |= chip.OUTPUT_ERROR
        elif not self._errors:
            frames = pixels.reshape(last - first, -1)[:, : self._frames.pixel_bytes]
            logits = self._network(frames.reshape(-1, *self._frames.shape)).astype("<i4")
            added = np.pad(logits, ((0, 0), (0, logits.shape[1] % 2)))
            place[:] = added.reshape(-1).view(np.uint8)

    def _memory(self, address: int, first: int, last: int, size: int) -> NDArray[np.uint8] | None:
        """Frames `first` to `last` of `size` bytes from `address` on; None outside of memory."""
        start = address + first * size - self.ddr_base
        end = address + last * size - self.ddr_base
        return self.ddr[start:end] if 0 <= start <= end <= len(self.ddr) else None

    def _read_control(self, register: int) -> int:
        running = self._idma.running << 2 | self._odma.running << 3
        refused = self._idma.refused << 4 | self._odma.refused << 5
        values: dict[int, int] = {
            chip.SOFT_RESET: int(self.cycle < self._reset_until or self._resets),
            chip.BUILD_ID: self._build_id,
            chip.MAGIC: chip.MAGIC_VALUE,
            chip.STATUS: self._errors | running | refused,
            chip.CYCLES: self._cycles,
            chip.FIRST_OUTPUT: self._latency + self._interval if self._finished else 0,
            chip.FRAMES_READ: self._finished,
            chip.FRAMES_WRITTEN: self._finished,
            chip.UPTIME: self.cycle & _WORD,
        }
        return values.get(register, 0)
