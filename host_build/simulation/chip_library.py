"""The C interface of a simulated chip: its structures, its functions, what they report."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from host_build.simulation.verilator import ProtocolError, SimulationError

GP0_BASE = 0x4000_0000
"""Where the processors see the registers."""
DDR_BASE = 0x1000_0000
SLVERR, DECERR = 2, 3
FIXED, INCR, WRAP = 0, 1, 2

_RUNNING, _DONE, _PROTOCOL, _ERROR = range(4)
MOST_BEATS = 16


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


QUICK = Bus()
"""Nothing pauses or fails."""


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
        ("data", ctypes.c_uint32 * MOST_BEATS),
        ("strobes", ctypes.c_uint32 * MOST_BEATS),
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
