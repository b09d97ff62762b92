"""A PYNQ-Z2 for pynq to run on, unmodified: a pynq Device over a simulated chip.

Registers go through pynq's MMIO to the chip; buffers are pynq's, with the CPU's cache apart from
the DDR, so that a forgotten flush or invalidate gives wrong data; clocks are the PS's registers.
Needs pynq and numpy, and nothing of the host environment.
"""

from __future__ import annotations

import os
import shutil
import struct
import tempfile
import time
import warnings
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray

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

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pynq's, that this processor is not a board's
    from pynq import Clocks, ps
    from pynq.buffer import PynqBuffer
    from pynq.pl_server import embedded_device
    from pynq.pl_server.device import Device

_SLCR_BYTES = 0x200
_IO_PLL_CTRL = 0x108
_SLCR_RESET = {
    0x100: 26 << 12, 0x104: 21 << 12, _IO_PLL_CTRL: 20 << 12,  # ARM, DDR and IO PLL, × 50 MHz
    0x120: 2 << 8, **{FPGA0_CLK_CTRL + 16 * clock: 2 << 20 | 10 << 8 for clock in range(4)},
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


class _Bitfile(embedded_device.BitfileHandler):  # type: ignore[misc]
    """pynq's reader of .bit and .hwh, its metadata cache included."""

    def get_xclbin_data(self) -> Any:
        # On a board pynq makes it with xclbinutil, a program of XRT's, of which there is none here.
        return super().get_xclbin_data() or embedded_device.DEFAULT_XCLBIN


class SimulatedBoard(Device):  # type: ignore[misc]
    """The board: `Overlay`, `allocate`, `MMIO` and `Clocks` work on it once it is installed."""

    def __init__(
        self, chips: Callable[[int], Chip], *, cma: int = 128 << 20, access_cycles: int = 100
    ) -> None:
        """`chips` gives a fresh chip of a build id, as a download does, KeyError if there is none.

        `cma` is the contiguous memory in bytes (no more than the chip's DDR has), `access_cycles`
        the time that software takes for a register access, in the chip's cycles.
        """
        super().__init__("simulated_board")
        self.name = "Pynq-Z2 (simulated)"
        self.arch = ps.ZYNQ_ARCH
        self.capabilities = {"REGISTER_RW": True}
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
        # Where a board has /sys/class/fpga_manager/fpga0 and /lib/firmware.
        self._files = Path(tempfile.mkdtemp(prefix="simulated_board_"))
        weakref.finalize(self, shutil.rmtree, self._files, ignore_errors=True)
        self.BS_FPGA_MAN = str(self._files / "firmware")
        self.BS_FPGA_MAN_FLAGS = str(self._files / "flags")
        self._loaded_at = 0  # ns
        self._boot()

    def install(self) -> None:
        """Make it the board that pynq finds in this process."""
        Device.active_device = self
        ps.CPU_ARCH = ps.ZYNQ_ARCH
        if "_real_instance" in vars(Clocks):
            del Clocks._real_instance  # it holds the registers of the board before

    def power_cycle(self) -> None:
        """Lose the chip, its memory and the clocks' settings."""
        self.chip, self._port_dead = None, False
        self._slcr = dict(_SLCR_RESET)
        self._boot()

    def _boot(self) -> None:
        """Make the kernel's files anew."""
        for path in map(Path, (self.BS_FPGA_MAN, self.BS_FPGA_MAN_FLAGS)):
            fresh = path.with_suffix(".new")
            fresh.write_text("")
            fresh.rename(path)

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

    def read_registers(self, address: int, length: int) -> bytes:
        """pynq's MMIO reads here."""
        words = [self._read(at) for at in range(address, address + length, 4)]
        return struct.pack(f"<{len(words)}I", *words)

    def write_registers(self, address: int, data: bytes) -> None:
        """pynq's MMIO writes here."""
        for at, (word,) in enumerate(struct.iter_unpack("<I", bytes(data))):
            self._write(address + 4 * at, word)

    def _read(self, address: int) -> int:
        if SLCR <= address < SLCR + _SLCR_BYTES:
            return self._slcr.get(address - SLCR, 0)
        if address - AFI0 in self._afi:
            return self._afi[address - AFI0]
        chip, offset = self._chip_at(address)
        self._advance(self._access_cycles)
        return chip.read(offset)

    def _write(self, address: int, word: int) -> None:
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

    def allocate(
        self, shape: Any, dtype: DTypeLike = "u4", cacheable: bool = False, **_: Any
    ) -> Any:
        """A pynq buffer of contiguous memory; RuntimeError where there is none left."""
        if self.chip is None:
            raise RuntimeError("Overlay is not downloaded")
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        address = self._free_address(-(-size // _PAGE) * _PAGE)
        start = address - self.chip.ddr_base
        ddr = self.chip.ddr[start : start + size]
        # Without a cache the CPU writes to the DDR itself.
        seen = ddr.copy() if cacheable else ddr
        self._last_buffer += 1
        self._buffers[self._last_buffer] = (address, seen)
        buffer = PynqBuffer(
            shape, np.dtype(dtype), buffer=seen.data, device=self, device_address=address,
            bo=self._last_buffer, coherent=False,
        )  # fmt: skip
        # pynq gives a buffer back to `return_to`, and would unmap one that is not `freed`.
        buffer.memory, buffer.return_to, buffer.pointer = self, self, self._last_buffer
        buffer.freed = True
        return buffer

    def return_pointer(self, pointer: int) -> None:
        """pynq frees a buffer here."""
        self._buffers.pop(pointer, None)

    def flush(self, bo: int, offset: int, _: int, size: int) -> None:
        """Write the CPU's bytes to the DDR."""
        if not self.forget_flush:
            ddr, seen = self._bytes(bo, offset, size)
            ddr[:] = seen

    def invalidate(self, bo: int, offset: int, _: int, size: int) -> None:
        """Let the CPU see the DDR's bytes."""
        if not self.forget_invalidate:
            ddr, seen = self._bytes(bo, offset, size)
            seen[:] = ddr

    def _bytes(
        self, bo: int, offset: int, size: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        if self.chip is None:
            raise BoardError("the memory's contents are lost")
        address, seen = self._buffers[bo]
        start = address + offset - self.chip.ddr_base
        return self.chip.ddr[start : start + size], seen[offset : offset + size]

    def _free_address(self, size: int) -> int:
        """The lowest gap of `size` bytes between the buffers."""
        assert self.chip is not None
        at = self.chip.ddr_base
        end = at + min(self._cma, len(self.chip.ddr))
        for address, seen in sorted(self._buffers.values(), key=lambda row: row[0]):
            if address - at >= size:
                break
            at = -(-(address + seen.nbytes) // _PAGE) * _PAGE
        if at + size > end:
            raise RuntimeError(f"Allocate failed: no {size} contiguous bytes")
        return at

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """What pynq's parsers say of a .bit and its .hwh."""
        return _Bitfile(bitfile_name).get_parser(partial=partial)

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Load a stand-in made by `simulation_bitstream`; BoardError for anything else."""
        swapped = np.frombuffer(_Bitfile(bitstream.bitfile_name).get_bin_data(), "<u4")
        data = swapped.byteswap().tobytes()
        if not data.startswith(STAND_IN):
            raise BoardError(
                f"{Path(bitstream.bitfile_name).name} is a bitstream for a real FPGA: the "
                "simulated board has no circuit for it"
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
        self.gen_cache(bitstream, parser)
        self._note(bitstream, swapped.tobytes())
        self.post_download(bitstream, parser, self.name)

    def gen_cache(self, bitstream: Any, parser: Any = None) -> None:
        """Cache the metadata in pynq's own folder, as pynq does on a board."""
        embedded_device.EmbeddedDevice.gen_cache(self, bitstream, parser)

    def _note(self, bitstream: Any, data: bytes) -> None:
        """Write the files that pynq writes to load the FPGA; a second time fewer, as pynq does."""
        if not bitstream.binfile_name:
            bitstream.binfile_name = f"{Path(bitstream.bitfile_name).stem}.bin"
            bitstream.firmware_path = self._files / bitstream.binfile_name
            bitstream.firmware_path.write_bytes(data)
        # A load takes longer than a tick of the files' clock; this one need not.
        self._loaded_at = max(time.time_ns(), self._loaded_at + 1)
        texts = {self.BS_FPGA_MAN_FLAGS: "0", self.BS_FPGA_MAN: bitstream.binfile_name}
        for path, text in texts.items():
            Path(path).write_text(text)
            os.utime(path, ns=(self._loaded_at, self._loaded_at))
