"""What lies under pynq on a board, played: the kernel's files, /lib/firmware, /dev/mem and XRT.

pynq itself, its EmbeddedDevice included, runs unmodified: of what it uses only the system's part
is another. That is `open`, `Path`, `os`, `mmap` and `numpy.frombuffer` where it reaches for the
board's files, and XRT's Python module, which is pyxrt in pynq 3.1 and a C interface in 3.0.
"""

from __future__ import annotations

import builtins
import ctypes
import errno
import io
import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from pynq import buffer as pynq_buffer
from pynq import ps
from pynq.pl_server import embedded_device, global_state, xrt_device
from pynq.pl_server.device import Device
from pynq.pl_server.embedded_device import EmbeddedDevice

from board_app.driver import pynq_session
from host_build.simulation.board import BoardError, in_use
from host_build.simulation.hardware import BoardHardware

_MANAGER = "/sys/class/fpga_manager/fpga0"
_FIRMWARE = "/lib/firmware"


def forget_devices() -> None:
    """Let pynq look for devices anew."""
    for name in {"_devices", "_active_device"} & set(vars(Device)):
        delattr(Device, name)


class Kernel:
    """The system of a board with `hardware`; pynq finds it as it finds a board's."""

    def __init__(self, folder: Path, hardware: BoardHardware, patch: pytest.MonkeyPatch) -> None:
        self.hardware = hardware
        self.refuses = False  # fpga_manager every file
        self.shift = 0  # of every buffer's physical address
        self.loaded: list[str] = []
        self._manager, self.firmware = folder / _MANAGER[1:], folder / _FIRMWARE[1:]
        self._files: dict[int, str] = {}
        self._loaded_at = 0  # ns
        self._firmware_file = str(self._manager / "firmware")
        self.firmware.mkdir(parents=True)
        self.boot()
        self._patch(patch, folder)
        forget_devices()
        in_use(Device.devices[0])  # pynq looks for it

    def boot(self) -> None:
        """Make the kernel's files anew; the FPGA is empty."""
        self._manager.mkdir(parents=True, exist_ok=True)
        for name, text in {"state": "unknown\n", "flags": "0\n", "firmware": ""}.items():
            fresh = self._manager / f"{name}.new"
            fresh.write_text(text)
            fresh.rename(self._manager / name)

    def lose_power(self) -> None:
        """And boot again."""
        self.hardware.power_cycle()
        self.boot()

    def _patch(self, patch: pytest.MonkeyPatch, folder: Path) -> None:
        patch.setattr(EmbeddedDevice, "BS_FPGA_MAN", self._firmware_file)
        patch.setattr(EmbeddedDevice, "BS_FPGA_MAN_FLAGS", str(self._manager / "flags"))
        for module in (embedded_device, global_state):
            patch.setattr(module, "open", self._open, raising=False)
        patch.setattr(embedded_device, "Path", self._path)
        patch.setattr(embedded_device, "np", _Numpy())
        machine = SimpleNamespace(machine=lambda: ps.ZYNQ_ARCH)
        patch.setattr(embedded_device, "platform", machine, raising=False)
        patch.setattr(os, "geteuid", lambda: 0)
        patch.setattr(os, "open", self._os_open(os.open))
        patch.setattr(mmap, "mmap", self._mmap(mmap.mmap))
        if hasattr(xrt_device, "xrt"):
            patch.setattr(xrt_device.xrt, "kernel", self)
        else:
            patch.setattr(xrt_device, "pyxrt", _pyxrt(self), raising=False)
        # pynq makes a description of memory with a program of XRT's.
        program = folder / "bin" / "xclbinutil"
        program.parent.mkdir()
        default = Path(embedded_device.__file__).with_name("default.xclbin")
        program.write_text(f"#!/bin/sh\nexec cp '{default}' t.xclbin\n")
        program.chmod(0o755)
        patch.setenv("PATH", str(program.parent), prepend=os.pathsep)
        patch.chdir(folder)  # pynq 3.1 leaves loaded.xclbin in the present folder
        clock = SimpleNamespace(monotonic=self.hardware.now, sleep=self.hardware.sleep)
        patch.setattr(pynq_session, "time", clock)

    def _path(self, first: Any, *rest: Any) -> Path:
        if str(first).startswith(_FIRMWARE):
            first = str(first).replace(_FIRMWARE, str(self.firmware))
        return Path(first, *rest)

    def _open(self, path: Any, mode: str = "r", **options: Any) -> Any:
        name = str(path)
        if name.startswith(_MANAGER):
            name = str(self._manager) + name[len(_MANAGER) :]
        if name == self._firmware_file and mode == "w":
            return _Written(self._load)
        return builtins.open(name, mode, **options)  # noqa: PTH123 - as pynq calls it

    def _load(self, name: str) -> None:
        """What writing a file's name into fpga_manager's `firmware` does."""
        firmware, state = self._manager / "firmware", self._manager / "state"
        firmware.write_text(name)
        self._loaded_at = max(time.time_ns(), self._loaded_at + 1)
        os.utime(firmware, ns=(self._loaded_at, self._loaded_at))
        self.hardware.chip = None if self.refuses else self.hardware.chip
        try:
            if self.refuses:
                raise BoardError("no synchronisation word")
            self.hardware.load((self.firmware / name).read_bytes())
        except (BoardError, OSError) as error:
            state.write_text("write error\n")
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL)) from error
        state.write_text("operating\n")
        self.loaded.append(name)

    def _os_open(self, real: Callable[..., int]) -> Callable[..., int]:
        def fake(path: Any, *rest: Any, **options: Any) -> int:
            if path != "/dev/mem":
                return real(path, *rest, **options)
            file = real(os.devnull, os.O_RDWR)
            self._files[file] = path
            return file

        return fake

    def _mmap(self, real: Any) -> Any:
        def fake(file: int, length: int, *rest: Any, **options: Any) -> Any:
            if self._files.pop(file, None) is None:
                return real(file, length, *rest, **options)
            assert options["offset"] % mmap.PAGESIZE == 0
            return _Window(self.hardware, options["offset"])

        return fake


class _Written(io.StringIO):
    """A file of the kernel's, which takes what was written when it is closed."""

    def __init__(self, take: Callable[[str], None]) -> None:
        super().__init__()
        self._take = take

    def close(self) -> None:
        if not self.closed:
            text = self.getvalue()
            super().close()
            self._take(text)


class _Window:
    """A part of /dev/mem that is mapped."""

    def __init__(self, hardware: BoardHardware, base: int) -> None:
        self.hardware, self.base = hardware, base


class _Words:
    """The array of words that pynq makes of it; each is read and written by a processor."""

    def __init__(self, hardware: BoardHardware, base: int, count: int) -> None:
        self._hardware, self._base, self._count = hardware, base, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            start, stop, _ = index.indices(self._count)
            return _Words(self._hardware, self._base + 4 * start, stop - start)
        return np.uint32(self._hardware.read_word(self._at(index)))

    def __setitem__(self, index: int, value: Any) -> None:
        self._hardware.write_word(self._at(index), int(value))

    def view(self, dtype: Any) -> _Words:
        return self

    def _at(self, index: int) -> int:
        if not 0 <= index < self._count:
            raise IndexError(index)
        return self._base + 4 * index


class _Numpy:
    """numpy, which cannot make an array whose words are asked for one by one."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    def frombuffer(self, source: Any, dtype: Any, count: int = -1, offset: int = 0) -> Any:
        if not isinstance(source, _Window):
            return np.frombuffer(source, dtype, count, offset)
        assert dtype is np.uint32
        return _Words(source.hardware, source.base + offset, count)


class _Buffer:
    """A buffer object of XRT's."""

    def __init__(self, kernel: Kernel, size: int, cacheable: bool) -> None:
        self._kernel, self._size = kernel, size
        self._number = kernel.hardware.take_memory(size, cacheable)
        self.physical, self.seen = kernel.hardware.buffer(self._number)

    def __del__(self) -> None:
        if hasattr(self, "seen"):
            self.free()

    def free(self) -> None:
        self._kernel.hardware.give_back(self._number)

    def map(self) -> memoryview:
        return memoryview(self.seen)

    def size(self) -> int:
        return self._size

    def address(self) -> int:
        return self.physical + self._kernel.shift

    def sync(self, direction: str) -> None:
        if direction == "to device":
            self._kernel.hardware.write_back(self._number, 0, self._size)
        else:
            self._kernel.hardware.read_again(self._number, 0, self._size)


def _pyxrt(kernel: Kernel) -> Any:
    """XRT's module, as pynq 3.1 uses it."""

    class Bo:
        flags = SimpleNamespace(normal=0, cacheable=1)

        def __new__(cls, handle: Any, size: int, flags: int, bank: int) -> Any:
            return _Buffer(kernel, size, flags == 1)

    names = (
        "bdf dynamic_regions electrical host m2m max_clock_frequency_mhz mechanical memory name "
        "pcie_info thermal vmr"
    )
    device = SimpleNamespace(get_info=lambda what: what, load_xclbin=lambda file: "uuid")
    return SimpleNamespace(
        device=lambda index: device,
        bo=Bo,
        xrt_info_device=SimpleNamespace(**{name: name for name in names.split()}),
        xclBOSyncDirection=SimpleNamespace(
            XCL_BO_SYNC_BO_TO_DEVICE="to device", XCL_BO_SYNC_BO_FROM_DEVICE="from device"
        ),
    )


class _CInterface:
    """XRT's functions, as pynq 3.0 uses them; what they do not return, pynq does not look at."""

    XRT_SUPPORTED = False  # as a card's; a board's is this one
    xclBOKind = SimpleNamespace(XCL_BO_DEVICE_RAM=0)  # noqa: N815 - XRT's names
    xclBOSyncDirection = SimpleNamespace(  # noqa: N815
        XCL_BO_SYNC_BO_TO_DEVICE="to device", XCL_BO_SYNC_BO_FROM_DEVICE="from device"
    )

    def __init__(self) -> None:
        self.kernel: Kernel | None = None
        self._buffers: dict[int, _Buffer] = {}
        self.xclDeviceInfo2 = lambda: SimpleNamespace(mName=b"edge", mPciSlot=0)
        self.xclBOProperties = lambda: SimpleNamespace(size=0, paddr=0)
        for name in ("Open", "Close", "GetDeviceInfo2", "LockDevice", "UnlockDevice", "LoadXclBin"):
            setattr(self, f"xcl{name}", lambda *_: 0)

    def xclAllocBO(self, handle: Any, size: int, kind: int, flags: int) -> int:  # noqa: N802
        assert self.kernel is not None
        try:
            made = _Buffer(self.kernel, size, bool(flags & xrt_device.ZOCL_BO_FLAGS_CACHEABLE))
        except RuntimeError:
            return 0xFFFF_FFFF
        self._buffers[len(self._buffers) + 1] = made
        return len(self._buffers)

    def xclFreeBO(self, handle: Any, bo: int) -> None:  # noqa: N802
        self._buffers[bo].free()

    def xclMapBO(self, handle: Any, bo: int, write: bool) -> int:  # noqa: N802
        return int(self._buffers[bo].seen.ctypes.data)

    def xclGetBOProperties(self, handle: Any, bo: int, into: Any) -> int:  # noqa: N802
        into.size, into.paddr = self._buffers[bo].size(), self._buffers[bo].address()
        return 0

    def xclSyncBO(  # noqa: N802
        self, handle: Any, bo: int, direction: str, size: int, offset: int
    ) -> int:
        self._buffers[bo].sync(direction)
        return 0


# For good: pynq frees a buffer when Python does, which may be after its test. Memory is numpy's.
_XRT = _CInterface()
for _module in (pynq_buffer, xrt_device):
    _module.libc, _module.ctypes = SimpleNamespace(munmap=lambda *_: 0), ctypes
    if hasattr(_module, "xrt"):
        _module.xrt = _XRT
