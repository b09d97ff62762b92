"""A PYNQ-Z2 for pynq to run on, unmodified: a pynq Device over the board's simulated hardware.

Registers go through pynq's MMIO to the chip; buffers are pynq's; clocks are the PS's registers.
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
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from board_app.driver.session import SIMULATED_NAME, SIMULATED_WINDOWS
from host_build.simulation.hardware import BoardError, BoardHardware, Chip

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pynq's, that this processor is not a board's
    from pynq import Clocks, ps
    from pynq.buffer import PynqBuffer
    from pynq.pl_server import embedded_device
    from pynq.pl_server.device import Device

__all__ = ["BoardError", "SimulatedBoard", "in_use"]


def in_use(device: Any) -> None:
    """Make `device` the board that pynq finds in this process."""
    Device.active_device = device
    ps.CPU_ARCH = ps.ZYNQ_ARCH
    if "_real_instance" in vars(Clocks):
        del Clocks._real_instance  # it holds the registers of the board before


class _Bitfile(embedded_device.BitfileHandler):  # type: ignore[misc]
    """pynq's reader of .bit and .hwh, its metadata cache included."""

    def get_xclbin_data(self) -> Any:
        # On a board pynq makes it with xclbinutil, a program of XRT's, of which there is none here.
        return super().get_xclbin_data() or embedded_device.DEFAULT_XCLBIN


class SimulatedBoard(BoardHardware, Device):  # type: ignore[misc]
    """The board: `Overlay`, `allocate`, `MMIO` and `Clocks` work on it once it is installed."""

    def __init__(
        self, chips: Callable[[int], Chip], *, cma: int = 128 << 20, access_cycles: int = 100,
        backend_name: str = SIMULATED_NAME, windows: int = SIMULATED_WINDOWS,
    ) -> None:  # fmt: skip
        """`backend_name` is what the page says of its answers, `windows` how many of a photo it has
        time for; the other arguments are those of `BoardHardware`."""
        Device.__init__(self, "simulated_board")
        BoardHardware.__init__(self, chips, cma=cma, access_cycles=access_cycles)
        self.name = "Pynq-Z2 (simulated)"
        self.backend_name, self.windows = backend_name, windows
        self.arch = ps.ZYNQ_ARCH
        self.capabilities = {"REGISTER_RW": True}
        # Where a board has /sys/class/fpga_manager/fpga0 and /lib/firmware.
        self._files = Path(tempfile.mkdtemp(prefix="simulated_board_"))
        weakref.finalize(self, shutil.rmtree, self._files, ignore_errors=True)
        self.BS_FPGA_MAN = str(self._files / "firmware")
        self.BS_FPGA_MAN_FLAGS = str(self._files / "flags")
        self._loaded_at = 0  # ns
        self._boot()

    def install(self) -> None:
        """Make it the board that pynq finds in this process."""
        in_use(self)

    def power_cycle(self) -> None:
        """Lose the chip, its memory and the clocks' settings."""
        super().power_cycle()
        self._boot()

    def _boot(self) -> None:
        """Make the kernel's files anew."""
        for path in map(Path, (self.BS_FPGA_MAN, self.BS_FPGA_MAN_FLAGS)):
            fresh = path.with_suffix(".new")
            fresh.write_text("")
            fresh.rename(path)

    def read_registers(self, address: int, length: int) -> bytes:
        """pynq's MMIO reads here."""
        words = [self.read_word(at) for at in range(address, address + length, 4)]
        return struct.pack(f"<{len(words)}I", *words)

    def write_registers(self, address: int, data: bytes) -> None:
        """pynq's MMIO writes here."""
        for at, (word,) in enumerate(struct.iter_unpack("<I", bytes(data))):
            self.write_word(address + 4 * at, word)

    def allocate(
        self, shape: Any, dtype: DTypeLike = "u4", cacheable: bool = False, **_: Any
    ) -> Any:
        """A pynq buffer of contiguous memory; RuntimeError where there is none left."""
        size = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        number = self.take_memory(size, cacheable)
        address, seen = self.buffer(number)
        buffer = PynqBuffer(
            shape, np.dtype(dtype), buffer=seen.data, device=self, device_address=address,
            bo=number, coherent=False,
        )  # fmt: skip
        # pynq gives a buffer back to `return_to`, and would unmap one that is not `freed`.
        buffer.memory, buffer.return_to, buffer.pointer = self, self, number
        buffer.freed = True
        return buffer

    def return_pointer(self, pointer: int) -> None:
        """pynq frees a buffer here."""
        self.give_back(pointer)

    def flush(self, bo: int, offset: int, _: int, size: int) -> None:
        """Write the CPU's bytes to the DDR."""
        self.write_back(bo, offset, size)

    def invalidate(self, bo: int, offset: int, _: int, size: int) -> None:
        """Let the CPU see the DDR's bytes."""
        self.read_again(bo, offset, size)

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        """What pynq's parsers say of a .bit and its .hwh."""
        return _Bitfile(bitfile_name).get_parser(partial=partial)

    def download(self, bitstream: Any, parser: Any = None) -> None:
        """Load a stand-in made by `simulation_bitstream`; BoardError for anything else."""
        content = _Bitfile(bitstream.bitfile_name).get_bin_data()
        self.load(content)
        self.gen_cache(bitstream, parser)
        self._note(bitstream, content)
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
