"""The chip in simulation: its registers as the processors see them, its memory as numpy does.

chip_build makes what is loaded here; loading needs no tool and no compiler.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host_build.simulation.chip_library import (
    DDR_BASE,
    DECERR,
    FIXED,
    GP0_BASE,
    INCR,
    MOST_BEATS,
    QUICK,
    SLVERR,
    WRAP,
    BuiltChip,
    Bus,
    Clocked,
    Traffic,
    Transfer,
    load,
    set_bus,
)
from host_build.simulation.verilator import ProtocolError, SimulationError, _working_directory

__all__ = [
    "DDR_BASE", "DECERR", "FIXED", "INCR", "SLVERR", "WRAP", "BuiltChip", "Bus", "ProtocolError",
    "SimulatedChip", "SimulationError", "Traffic",
]  # fmt: skip


class SimulatedChip(Clocked):
    """One chip with its memory. It is clocked by `advance` and by accesses to its registers.

    `ddr` is the memory as the hardware has it, from `ddr_base` on. Every rule of AXI3 that chip or
    registers break is a ProtocolError; after one only `power_cycle` is of use. For one thread.
    """

    def __init__(
        self, built: BuiltChip, bus: Bus = QUICK, *, ddr_base: int = DDR_BASE,
        ddr_bytes: int = 16 << 20, seed: int = 0,
    ) -> None:  # fmt: skip
        self.ddr_base = ddr_base
        self.ddr: NDArray[np.uint8] = np.zeros(ddr_bytes, np.uint8)
        self.traced = built.traced
        self._images = built.images
        self._library = load(built.library, built.traced)
        self._random = np.random.default_rng(seed)
        self._handle = self._library.chip_new(self.ddr.ctypes.data, ddr_bytes, ddr_base, seed)
        weakref.finalize(self, self._library.chip_free, self._handle)
        self.bus = bus
        self.power_cycle()

    @property
    def bus(self) -> Bus:
        """How memory and processors behave; it can be set at any time."""
        return self._bus

    @bus.setter
    def bus(self, bus: Bus) -> None:
        set_bus(self._library.chip_bus(self._handle), bus)
        self._bus = bus

    @property
    def traffic(self) -> Traffic:
        counted = self._library.chip_traffic(self._handle).contents
        return Traffic(*(int(getattr(counted, name)) for name in Traffic.__dataclass_fields__))

    @property
    def loses_port(self) -> bool:
        """Whether to take the chip away now would leave its memory port dead.

        So it does where memory has part of a write, or does not answer what it was asked.
        """
        return bool(self._library.chip_loses_port(self._handle))

    def lose_port(self) -> None:
        """Memory answers nothing from now on: a chip before this one has left the port dead."""
        self.bus = replace(self.bus, answers=False)

    def power_cycle(self, *, memory_remembers: bool = False) -> None:
        """Start afresh as after loading the bitstream: random registers, then the reset.

        What was under way is lost; DDR keeps what is in it. If `memory_remembers`, it goes on to
        answer what the chip before had asked, as it does when only the FPGA is loaded anew: a
        write whose data was not complete gets that of the new chip, which lacks it in the end.
        """
        with _working_directory(self._images):  # $readmemh runs at the first evaluation
            self._check(self._library.chip_power_up(self._handle, memory_remembers))

    def read(self, offset: int) -> int:
        """Read the 32-bit register at `offset` of the whole map; some cycles pass."""
        return self.read_burst(offset, 1)[0]

    def write(self, offset: int, value: int, strobes: int = 0xF) -> None:
        """Write a register, or the bytes of it whose strobe is set."""
        self.write_burst(offset, [value], strobes=strobes)

    def read_burst(self, offset: int, beats: int, *, size: int = 2, burst: int = INCR) -> list[int]:
        """One AXI3 read of up to 16 beats of 2**`size` bytes."""
        (done,) = self._transfer([self._transaction(False, offset, [0] * beats, 0, size, burst)])
        return list(done.data)[:beats]

    def write_burst(
        self, offset: int, values: Sequence[int], *, strobes: int = 0xF, size: int = 2,
        burst: int = INCR,
    ) -> None:  # fmt: skip
        """One AXI3 write of up to 16 beats."""
        self._transfer([self._transaction(True, offset, values, strobes, size, burst)])

    def read_each(self, offsets: Sequence[int]) -> list[int]:
        """Read registers one after another, without waiting for a value before the next address."""
        wanted = [self._transaction(False, offset, [0]) for offset in offsets]
        return [done.data[0] for done in self._transfer(wanted)]

    def write_each(self, values: Sequence[tuple[int, int]]) -> None:
        """Write (offset, value) one after another, without waiting in between."""
        self._transfer([self._transaction(True, offset, [value]) for offset, value in values])

    def exchange(self, reads: Sequence[int], writes: Sequence[tuple[int, int]]) -> list[int]:
        """Read registers while others, as (offset, value), are written: two cores at work."""
        wanted = [self._transaction(False, offset, [0]) for offset in reads]
        wanted += [self._transaction(True, offset, [value]) for offset, value in writes]
        return [done.data[0] for done in self._transfer(wanted)[: len(reads)]]

    def _transaction(
        self, write: bool, offset: int, values: Sequence[int], strobes: int = 0xF, size: int = 2,
        burst: int = INCR,
    ) -> Transfer:  # fmt: skip
        beats = len(values)
        if not 1 <= beats <= MOST_BEATS:
            raise ValueError(f"a burst has 1 to {MOST_BEATS} beats, not {beats}")
        number = int(self._random.integers(1 << 12))
        transfer = Transfer(write, GP0_BASE + offset, beats, size, burst, number)
        transfer.data[:beats] = values
        transfer.strobes[:beats] = [strobes] * beats
        return transfer

    def _transfer(self, wanted: Sequence[Transfer]) -> list[Transfer]:
        transfers = (Transfer * len(wanted))(*wanted)
        self._check(self._library.chip_transfer(self._handle, transfers, len(wanted)))
        return list(transfers)

    @contextmanager
    def trace(self, path: Path) -> Iterator[None]:
        """Write a VCD of what happens in the block; needs traced=True."""
        if not self.traced:
            raise ValueError("this chip was made without traced=True")
        self._library.chip_trace(self._handle, str(path).encode())
        try:
            yield
        finally:
            self._library.chip_end_trace(self._handle)
