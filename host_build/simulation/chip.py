"""The chip in simulation: its registers as the processors see them, its memory as numpy does.

chip_build makes what is loaded here; loading needs no tool and no compiler.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from host_build.simulation.verilator import ProtocolError, SimulationError, _working_directory

__all__ = [
    "DDR_BASE", "BuiltChip", "Bus", "ProtocolError", "SimulatedChip", "SimulationError", "Traffic",
]  # fmt: skip

GP0_BASE = 0x4000_0000
"""Where the processors see the registers."""
DDR_BASE = 0x1000_0000
SLVERR, DECERR = 2, 3
FIXED, INCR, WRAP = 0, 1, 2

_RUNNING, _DONE, _PROTOCOL, _ERROR = range(4)
_MOST_BEATS = 16


@dataclass(frozen=True)
class Bus:
    """How memory and processors behave; latencies are in cycles, from and to, drawn per burst.

    `stall` and `registers_stall` are the probabilities per cycle of a pause on each channel.
    `bursts` reads and as many writes are accepted before the first one is answered. Memory answers
    `response` at addresses in the range `error`; with `answers` False it accepts and says nothing.
    """

    read_latency: tuple[int, int] = (35, 45)
    write_latency: tuple[int, int] = (25, 35)
    stall: float = 0.0
    registers_stall: float = 0.0
    bursts: int = 8
    error: tuple[int, int] = (0, 0)
    response: int = SLVERR
    answers: bool = True


@dataclass(frozen=True)
class Traffic:
    """What passed between chip and memory since the chip was made.

    `read_waits` are cycles in which the chip did not take data that was offered, `write_waits`
    cycles in which memory had an address and waited for its data.
    """

    read_bursts: int
    read_beats: int
    write_bursts: int
    write_beats: int
    read_waits: int
    write_waits: int
    most_reads: int
    """Reads that were accepted and not fully answered, at most."""


class _Bus(ctypes.Structure):
    """The layouts of these three are those of axi.h."""

    _fields_ = [
        ("stall", ctypes.c_double),
        ("registers_stall", ctypes.c_double),
        ("read_latency", ctypes.c_uint32 * 2),
        ("write_latency", ctypes.c_uint32 * 2),
        ("bursts", ctypes.c_uint32),
        ("error", ctypes.c_uint32 * 2),
        ("response", ctypes.c_uint32),
        ("silent", ctypes.c_uint32),
    ]


class _Traffic(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in Traffic.__dataclass_fields__]


class Transfer(ctypes.Structure):
    _fields_ = [
        ("write", ctypes.c_uint32),
        ("address", ctypes.c_uint32),
        ("beats", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("burst", ctypes.c_uint32),
        ("id", ctypes.c_uint32),
        ("data", ctypes.c_uint32 * _MOST_BEATS),
        ("strobes", ctypes.c_uint32 * _MOST_BEATS),
    ]


@dataclass(frozen=True)
class BuiltChip:
    """A chip that chip_build made: its shared library, and the folder of its memory images."""

    library: Path
    images: Path
    traced: bool


class Clocked:
    """What a shared library simulates, cycle by cycle; its errors are exceptions here."""

    _library: ctypes.CDLL
    _handle: int

    @property
    def cycle(self) -> int:
        """Clock cycles since it was made; power cycles do not change them."""
        return int(self._library.chip_cycle(self._handle))

    def advance(self, cycles: int) -> None:
        """Let `cycles` clock cycles pass."""
        left = ctypes.c_uint64(cycles)
        status = _RUNNING
        while status == _RUNNING:  # the call comes back now and then, so that Ctrl-C works
            status = self._library.chip_advance(self._handle, ctypes.byref(left))
        self._check(status)

    def _check(self, status: int) -> None:
        if status == _DONE:
            return
        message = f"{self._library.chip_error(self._handle).decode()}, in cycle {self.cycle}"
        raise (ProtocolError if status == _PROTOCOL else SimulationError)(message)


class SimulatedChip(Clocked):
    """One chip with its memory. It is clocked by `advance` and by accesses to its registers.

    `ddr` is the memory as the hardware has it, from `ddr_base` on. Every rule of AXI3 that chip or
    registers break is a ProtocolError; after one only `power_cycle` is of use. For one thread.
    """

    def __init__(
        self, built: BuiltChip, bus: Bus = Bus(), *, ddr_base: int = DDR_BASE,
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
        if not 1 <= beats <= _MOST_BEATS:
            raise ValueError(f"a burst has 1 to {_MOST_BEATS} beats, not {beats}")
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


def set_bus(place: Any, bus: Bus) -> None:
    """Let the bus at a C pointer behave like `bus`. ValueError where nothing can."""
    if min(bus.read_latency[0], bus.write_latency[0]) < 1 or bus.bursts < 1:
        raise ValueError("latencies and bursts must be at least 1")
    to = place.contents
    to.stall, to.registers_stall = bus.stall, bus.registers_stall
    to.read_latency[:], to.write_latency[:] = bus.read_latency, bus.write_latency
    to.bursts, to.silent = bus.bursts, not bus.answers
    to.error[:], to.response = bus.error, bus.response


def load(path: Path, traced: bool) -> ctypes.CDLL:
    """The library of a chip, with the types of its functions."""
    library = ctypes.CDLL(str(path))
    handle, number = ctypes.c_void_p, ctypes.c_uint64
    signatures: dict[str, tuple[object, list[object]]] = {
        "new": (handle, [handle, number, ctypes.c_uint32, number]),
        "free": (None, [handle]),
        "cycle": (number, [handle]),
        "error": (ctypes.c_char_p, [handle]),
        "bus": (ctypes.POINTER(_Bus), [handle]),
        "traffic": (ctypes.POINTER(_Traffic), [handle]),
        "loses_port": (ctypes.c_int, [handle]),
        "power_up": (ctypes.c_int, [handle, ctypes.c_int]),
        "advance": (ctypes.c_int, [handle, handle]),
        "transfer": (ctypes.c_int, [handle, handle, ctypes.c_uint32]),
    }
    if traced:
        signatures["trace"] = (None, [handle, ctypes.c_char_p])
        signatures["end_trace"] = (None, [handle])
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"chip_{name}")
        function.restype, function.argtypes = result, arguments
    return library
