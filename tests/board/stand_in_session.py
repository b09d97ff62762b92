"""A session over a chip's model, without pynq: a cache apart from memory, and a log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from board_app.driver import chip
from board_app.driver.session import NAME, SIMULATED_NAME
from board_app.errors import AcceleratorError
from host_build.simulation.behaviour import BehaviouralChip

CLOCK_MHZ = 100.0
ACCESS_CYCLES = 50


@dataclass
class Window:
    """One IP's registers; every access takes time, and every write is logged."""

    session: StandInSession
    name: str
    base: int

    def read(self, offset: int) -> int:
        self.session.model.advance(ACCESS_CYCLES)
        self.session.before_read(self.name, offset)
        value = self.session.model.read(self.base + offset)
        return self.session.seen.get((self.name, offset), value)

    def write(self, offset: int, value: int) -> None:
        assert type(value) is int, "pynq's MMIO takes nothing else"
        self.session.model.advance(ACCESS_CYCLES)
        self.session.log.append((self.name, offset, value))
        self.session.model.write(self.base + offset, value)


class StandInBuffer:
    """The CPU's bytes, and an address in the model's memory."""

    def __init__(self, session: StandInSession, count: int, dtype: str, address: int) -> None:
        self.array = np.full(count, 0x5A, dtype)
        self.device_address = address
        self.freed = False
        self._session = session

    def flush(self) -> None:
        self._session.log.append(("flush", self.device_address, self.array.nbytes))
        if self.array.dtype == np.uint8 and self._session.forget_flush:
            return
        self._memory[:] = self.array.view(np.uint8)

    def invalidate(self) -> None:
        self._session.log.append(("invalidate", self.device_address, self.array.nbytes))
        if not self._session.forget_invalidate:
            self.array.view(np.uint8)[:] = self._memory

    def free(self) -> None:
        assert not self.freed
        self.freed = True

    @property
    def _memory(self) -> np.ndarray:
        start = (self.device_address & 0xFFFF_FFFF) - self._session.model.ddr_base
        return self._session.model.ddr[start : start + self.array.nbytes]


@dataclass
class StandInSession:
    """What `Accelerator` needs of a board, and what a test wants to know or to break."""

    model: BehaviouralChip
    clock_mhz: float = CLOCK_MHZ
    offset: int = 0  # of every buffer's address
    memory: int = 8 << 20
    forget_flush: bool = False
    forget_invalidate: bool = False
    closed: int = 0
    reset_ended: bool = True
    simulated: bool = True
    windows: int = 64
    log: list[tuple[str, int, int]] = field(default_factory=list)
    buffers: list[StandInBuffer] = field(default_factory=list)
    seen: dict[tuple[str, int], int] = field(default_factory=dict)  # instead of what is read
    before_read: Callable[[str, int], None] = lambda name, offset: None

    @property
    def name(self) -> str:
        return SIMULATED_NAME if self.simulated else NAME

    def __post_init__(self) -> None:
        self.ips = {name: Window(self, name, row[1] - chip.BASE) for name, row in chip.IPS.items()}

    def allocate(self, count: int, dtype: str) -> StandInBuffer:
        used = sum(-(-b.array.nbytes // 4096) * 4096 for b in self.buffers if not b.freed)
        if used + count * np.dtype(dtype).itemsize > self.memory:
            raise AcceleratorError("no contiguous memory (CMA)")
        address = self.model.ddr_base + sum(-(-b.array.nbytes // 4096) * 4096 for b in self.buffers)
        self.buffers.append(StandInBuffer(self, count, dtype, address + self.offset))
        return self.buffers[-1]

    def check(self) -> None:
        pass

    def note_reset(self, ended: bool) -> None:
        self.reset_ended = ended

    def now(self) -> float:
        return self.model.cycle / (1e6 * self.clock_mhz)

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.model.advance(round(seconds * 1e6 * self.clock_mhz))

    def close(self) -> None:
        self.closed += 1
