"""A PYNQ-Z2 without any software: registers, clocks, memory, and an FPGA to be loaded.

Memory has the processors' cache apart from the DDR, so that a forgotten flush or invalidate gives
wrong data. Time passes as the chip's cycles do. Needs numpy, and nothing of the host environment.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from board_app.driver import chip as registers
from board_app.driver.processing_system import (
    AFI0,
    AFI_READ_CTRL,
    AFI_WRITE_CTRL,
    FPGA0_CLK_CTRL,
    PLLS,
    SLCR,
)
from host_build.generate.handoff import STAND_IN

_SLCR_BYTES = 0xA00
_IO_PLL_CTRL = 0x108
_SLCR_RESET = {
    0x100: 26 << 12, 0x104: 21 << 12, _IO_PLL_CTRL: 20 << 12,  # ARM, DDR and IO PLL, × 50 MHz
    0x120: 2 << 8, 0x900: 0xF,  # level shifters on
    **{FPGA0_CLK_CTRL + 16 * clock: 2 << 20 | 10 << 8 for clock in range(4)},
}  # fmt: skip
_PAGE = 4096


class Chip(Protocol):
    """What the board needs of a chip, behavioural or verilated."""

    ddr: NDArray[np.uint8]
    """All memory the board has; buffers may lie anywhere in it."""
    ddr_base: int
    """Its first byte's physical address."""

    @property
    def cycle(self) -> int: ...

    @property
    def loses_port(self) -> bool: ...

    def lose_port(self) -> None: ...

    def read(self, offset: int) -> int: ...

    def write(self, offset: int, value: int) -> None: ...

    def advance(self, cycles: int) -> None: ...


class BoardError(RuntimeError):
    """The board was used as a real one cannot be; the message says how."""


class BoardHardware:
    """The board as its processors see it: words at addresses, buffers by number."""

    def __init__(
        self, chips: Callable[[int], Chip], *, cma: int = 128 << 20, access_cycles: int = 100
    ) -> None:
        """`chips` gives a fresh chip of a build id, as a download does, KeyError if there is none.

        `cma` is the contiguous memory in bytes (no more than the chip's DDR has), `access_cycles`
        the time that software takes for a register access, in the chip's cycles.
        """
        self.chip: Chip | None = None
        self.forget_flush = False  # for tests: what comes of it
        self.forget_invalidate = False
        self._chips = chips
        self._cma = cma
        self._access_cycles = access_cycles
        self._buffers: dict[int, tuple[int, NDArray[np.uint8]]] = {}  # address, the CPU's bytes
        self._last_buffer = 0
        self._port_dead = False
        self._seconds = 0.0
        self._counted = 0  # of the chip's cycles: reading it lets some pass, too
        self._slcr = dict(_SLCR_RESET)
        self._afi = {AFI_READ_CTRL: 0, AFI_WRITE_CTRL: 0xF00}  # 64 bits; others stop a processor

    def power_cycle(self) -> None:
        """Lose the chip, its memory and the clocks' settings."""
        self.chip, self._port_dead = None, False
        self._slcr = dict(_SLCR_RESET)

    def load(self, content: bytes) -> None:
        """Load the FPGA with a .bin made of `simulation_bitstream`'s; BoardError for others."""
        data = np.frombuffer(content, "<u4").byteswap().tobytes()
        if not data.startswith(STAND_IN):
            raise BoardError(
                "this bitstream is for a real FPGA: the simulated board has no circuit for it"
            )
        (build_id,) = struct.unpack(">I", data[len(STAND_IN) :])
        self._port_dead |= self.chip is not None and self.chip.loses_port
        try:
            self.chip = self._chips(build_id)
        except KeyError:
            raise BoardError(f"there is no simulated chip of build {build_id:08x}") from None
        if self._port_dead:  # whatever is loaded: until the power is lost
            self.chip.lose_port()
        self._counted = self.chip.cycle

    @property
    def fclk0_mhz(self) -> float:
        """The chip's clock, as the PS's registers have it."""
        word = self._slcr[FPGA0_CLK_CTRL]
        _, control = PLLS[word >> 4 & 3]
        pll = 50.0 * (self._slcr[control] >> 12 & 0x7F)
        return pll / ((word >> 8 & 0x3F) * (word >> 20 & 0x3F))

    def now(self) -> float:
        """Seconds that the chip has run."""
        return self._seconds

    def sleep(self, seconds: float) -> None:
        """Let the chip run for so long."""
        self._advance(round(seconds * 1e6 * self.fclk0_mhz))

    def read_word(self, address: int) -> int:
        """A processor's read of a register; BoardError where a real one would never return."""
        if SLCR <= address < SLCR + _SLCR_BYTES:
            return self._slcr.get(address - SLCR, 0)
        if address - AFI0 in self._afi:
            return self._afi[address - AFI0]
        chip, offset = self._chip_at(address)
        self._advance(self._access_cycles)
        return chip.read(offset)

    def write_word(self, address: int, word: int) -> None:
        """A processor's write to one."""
        if SLCR <= address < SLCR + _SLCR_BYTES:
            self._slcr[address - SLCR] = word
            return
        chip, offset = self._chip_at(address)
        self._advance(self._access_cycles)
        chip.write(offset, word)

    def _chip_at(self, address: int) -> tuple[Chip, int]:
        offset = address - registers.BASE
        if not 0 <= offset < len(registers.IPS) * registers.WINDOW:
            raise BoardError(f"nothing is at address 0x{address:08x}: a real board would hang")
        if self.chip is None:
            raise BoardError(
                f"the FPGA is empty, and nothing answers at 0x{address:08x}: a real board would "
                "hang"
            )
        return self.chip, offset

    def _advance(self, cycles: int) -> None:
        if self.chip is None:
            self._seconds += cycles / (1e6 * self.fclk0_mhz)
        else:
            self.chip.advance(cycles)
            self._seconds += (self.chip.cycle - self._counted) / (1e6 * self.fclk0_mhz)
            self._counted = self.chip.cycle

    def take_memory(self, size: int, cacheable: bool) -> int:
        """The number of a buffer of contiguous memory; RuntimeError where there is none left."""
        address = self._free_address(-(-size // _PAGE) * _PAGE)
        ddr = self._ddr(address, size)
        self._last_buffer += 1
        # Without a cache the CPU writes to the DDR itself.
        self._buffers[self._last_buffer] = (address, ddr.copy() if cacheable else ddr)
        return self._last_buffer

    def give_back(self, number: int) -> None:
        """Free a buffer; harmless when done twice."""
        self._buffers.pop(number, None)

    def buffer(self, number: int) -> tuple[int, NDArray[np.uint8]]:
        """A buffer's physical address, and what the processors see of it."""
        return self._buffers[number]

    def write_back(self, number: int, offset: int, size: int) -> None:
        """Flush the cache: the CPU's bytes to the DDR."""
        if not self.forget_flush:
            address, seen = self._buffers[number]
            self._ddr(address + offset, size)[:] = seen[offset : offset + size]

    def read_again(self, number: int, offset: int, size: int) -> None:
        """Invalidate the cache: let the CPU see the DDR's bytes."""
        if not self.forget_invalidate:
            address, seen = self._buffers[number]
            seen[offset : offset + size] = self._ddr(address + offset, size)

    def _ddr(self, address: int, size: int) -> NDArray[np.uint8]:
        if self.chip is None:
            raise BoardError("the memory's contents are lost")
        start = address - self.chip.ddr_base
        return self.chip.ddr[start : start + size]

    def _free_address(self, size: int) -> int:
        """The lowest gap of `size` bytes between the buffers."""
        if self.chip is None:
            raise RuntimeError("Overlay is not downloaded")
        at = self.chip.ddr_base
        end = at + min(self._cma, len(self.chip.ddr))
        for address, seen in sorted(self._buffers.values(), key=lambda row: row[0]):
            if address - at >= size:
                break
            at = -(-(address + seen.nbytes) // _PAGE) * _PAGE
        if at + size > end:
            raise RuntimeError(f"Allocate failed: no {size} contiguous bytes")
        return at
