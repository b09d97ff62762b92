"""Chips that were read back in simulation, many of the same circuit side by side.

The board around each is that of every simulated chip. One alone is a BuiltChip, which loads as
simulation.chip.SimulatedChip; `Chips` are up to 64, which take little longer than one.
"""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host_build.readback.model import Circuit
from host_build.readback.ports import ports
from host_build.readback.program import program
from host_build.simulation import chip_build, toolchain
from host_build.simulation.chip_library import (
    DDR_BASE,
    GP0_BASE,
    BuiltChip,
    Bus,
    Clocked,
    Transfer,
    load,
    set_bus,
)
from host_build.simulation.verilator import _working_directory

MOST = 64
_FEW = 8
_HERE = Path(__file__).parent / "simulator"
_PARTS = ("pins.h", "block_ram.h", "dsp.h", "lut_memory.h", "netlist.h")


def build(circuit: Circuit, count: int = 1, *, cache: Path = toolchain.CACHE) -> BuiltChip:
    """The circuit for `count` chips. ReadbackError, BuildError or ToolMissing.

    The C++ is the same for all circuits, so it is compiled once.
    """
    word = "uint8_t" if count <= _FEW else "uint64_t"
    text = chip_build.board() + simulator() + (_HERE / "chips.cpp").read_text()
    library = toolchain.compile_library(text, {"LANE_WORD": word}, cache)
    images = toolchain.image_folder({"program.bin": program(circuit).tobytes()}, cache)
    return BuiltChip(library, images, traced=False)


def simulator() -> str:
    """The C++ that runs a program: class Netlist, and struct Ports, which it takes and gives."""
    fields = f"namespace {{ struct Ports {{ uint64_t {', '.join(ports())}; }}; }}\n"
    return "".join((_HERE / name).read_text() for name in _PARTS) + fields


class Chips(Clocked):
    """`count` chips, each with `ddr_bytes` of memory: row k of `ddr` is that of chip k.

    Every access to a register is one of all of them. Rules of AXI3 are checked as for one.
    """

    def __init__(self, built: BuiltChip, count: int, ddr_bytes: int, *, seed: int = 0) -> None:
        self.count = count
        self.ddr: NDArray[np.uint8] = np.zeros((count, ddr_bytes), np.uint8)
        self.ddr_base = DDR_BASE
        self._library = load(built.library, traced=False)
        self._library.chips_new.restype = ctypes.c_void_p
        self._library.chips_new.argtypes = [
            ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_uint32,
        ]  # fmt: skip
        self._handle = self._library.chips_new(
            self.ddr.ctypes.data, ddr_bytes, DDR_BASE, seed, count
        )
        if not self._handle:
            raise ValueError(f"this build is not for {count} chips")
        weakref.finalize(self, self._library.chip_free, self._handle)
        self._library.chips_bus.restype = self._library.chip_bus.restype
        self._library.chips_bus.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        for chip in range(count):
            set_bus(self._library.chips_bus(self._handle, chip), Bus())
        with _working_directory(built.images):
            self._check(self._library.chip_power_up(self._handle, False))

    def read(self, offset: int) -> list[int]:
        """The 32-bit register at `offset` of the whole map, of every chip."""
        return [int(done.data[0]) for done in self._transfer(False, offset, [0] * self.count)]

    def write(self, offset: int, values: int | Sequence[int]) -> None:
        """Write the register of every chip, all the same value or each its own."""
        each = [values] * self.count if isinstance(values, int) else values
        self._transfer(True, offset, each)

    def _transfer(self, write: bool, offset: int, values: Sequence[int]) -> Sequence[Transfer]:
        transfers = (Transfer * self.count)()
        for transfer, value in zip(transfers, values, strict=True):
            transfer.write, transfer.address, transfer.beats = write, GP0_BASE + offset, 1
            transfer.size, transfer.burst = 2, 1
            transfer.data[0], transfer.strobes[0] = value, 0xF
        self._check(self._library.chip_transfer(self._handle, transfers, 1))
        return list(transfers)
