"""A session on pynq: the only module that imports it, and only when an overlay is opened.

On the simulated board pynq runs unchanged; its Device has `now` and `sleep`, as it is slower.
"""

from __future__ import annotations

import importlib
import re
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import numpy as np

from board_app.driver import chip, loaded, processing_system
from board_app.driver.accelerator import Accelerator
from board_app.driver.chip import Hardware, Registers
from board_app.driver.session import NAME, WINDOWS, Buffer, ChipLock
from board_app.errors import AcceleratorError
from board_app.network.overlay import Overlay

_USER_ID = re.compile(rb"UserID=0X([0-9A-F]{8})")
_NO_USER_ID = (0, 0xFFFF_FFFF)
_HEADER = 1024  # bytes; a .bit file's header has about 120
_HINTS = {
    "Root permissions required": "run as root (sudo)",
    "No Devices Found": "run on a PYNQ-Z2, and source /etc/profile.d/pynq_venv.sh and "
    "/etc/profile.d/xrt_setup.sh first",
    "xclbinutil": "it is XRT's: source /etc/profile.d/xrt_setup.sh first",
    "No space left on device": "make room on the SD card (df -h /lib/firmware)",
    "Invalid argument": "the kernel refused the file, and says why: sudo dmesg | grep -i fpga",
}


def open_overlay(
    overlay: Overlay, lock: Optional[Path] = None, *, load_anyway: bool = False
) -> Accelerator:
    """Load a checked overlay into the FPGA and open the driver on it.

    Raises BackendError where it has no bitstream, there is no board, or another process has it;
    and, without `load_anyway`, where the chip before has left the memory port dead.
    """
    hardware = Hardware.of_manifest(overlay.manifest)
    bitstream = overlay.folder / f"{overlay.folder.name}.bit"
    if not overlay.has_bitstream:
        raise AcceleratorError(
            f"the overlay {overlay.folder.name} has no bitstream: it runs on the backend reference "
            f"and on the simulated board only (./deploy.sh {overlay.folder.name} --sim)"
        )
    if bitstream.with_suffix(".hwh").name not in overlay.manifest.files:
        raise AcceleratorError(f"the manifest of {overlay.folder} lists no .hwh file")
    return open_bitstream(bitstream, hardware, lock, load_anyway=load_anyway)


def open_bitstream(
    bitstream: Path, hardware: Hardware, lock: Optional[Path] = None, *, load_anyway: bool = False
) -> Accelerator:
    """Load a .bit with its .hwh beside it; AcceleratorError where they are not `hardware`'s."""
    return Accelerator(PynqSession(bitstream, hardware, lock, load_anyway), hardware)


class PynqSession:
    """A loaded overlay through pynq's Overlay, MMIO and allocate."""

    def __init__(
        self,
        bitstream: Path,
        hardware: Hardware,
        lock: Optional[Path] = None,
        load_anyway: bool = False,
    ) -> None:
        """Take the chip, check handoff and bitstream, then load it."""
        pynq = _pynq()
        self._lock = ChipLock(lock)
        try:
            with _explained(bitstream):
                device = pynq.Device.active_device
            loaded.stop(pynq, device, self._lock.path, load_anyway)
            forget_metadata()
            with _explained(bitstream):
                overlay = pynq.Overlay(str(bitstream), download=False)
            _check(bitstream, overlay.ip_dict, hardware)
            _download(bitstream, device, overlay)
            self._load = loaded.Load(_written_by_loads(device, overlay))
            self._load.remember(self._lock.path)
            self.clock_mhz = processing_system.check_clock(pynq, hardware.clock_mhz)
            processing_system.check_port(pynq)
        except BaseException:
            self._lock.release()
            raise
        self.simulated = hasattr(device, "now")
        self.name: str = getattr(device, "backend_name", NAME)
        self.windows: int = getattr(device, "windows", WINDOWS)
        self.now: Callable[[], float] = getattr(device, "now", time.monotonic)
        self.sleep: Callable[[float], None] = getattr(device, "sleep", time.sleep)
        self.ips: Dict[str, Registers] = {
            name: pynq.MMIO(overlay.ip_dict[name]["phys_addr"], chip.WINDOW, device=device)
            for name in chip.IPS
        }
        self._pynq, self._device = pynq, device

    def allocate(self, count: int, dtype: str) -> Buffer:
        """A cacheable buffer of contiguous memory (CMA)."""
        try:
            buffer = self._pynq.allocate((count,), dtype, target=self._device, cacheable=True)
        except (RuntimeError, MemoryError, OSError) as error:
            size = count * np.dtype(dtype).itemsize
            raise AcceleratorError(
                f"no contiguous memory (CMA) for {size:,} bytes: {error}; {_free_memory()}. Other "
                "programs or notebooks hold it: shut their kernels down"
            ) from error
        return _PynqBuffer(buffer)

    def check(self) -> None:
        """AcceleratorError where another program has loaded the FPGA."""
        self._load.check()

    def note_reset(self, ended: bool) -> None:
        """Tell who loads next whether the chip's soft reset has ended."""
        self._load.note_reset(ended)

    def close(self) -> None:
        """Let others have the chip; the overlay stays loaded."""
        self._lock.release()


class _PynqBuffer:
    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer
        self.array: np.ndarray = np.asarray(buffer)
        self.device_address: int = buffer.device_address
        self.flush: Callable[[], None] = buffer.flush
        self.invalidate: Callable[[], None] = buffer.invalidate

    def free(self) -> None:
        self.array = np.empty(0, self.array.dtype)
        self._buffer.freebuffer()


def forget_metadata() -> None:
    """Delete pynq's cache of the last handoff.

    It is kept by the .bit file's hash (3.1) or path (3.0), so a new .hwh beside it is not seen.
    """
    for path in loaded.metadata():
        try:
            path.unlink()
        except FileNotFoundError:
            pass
        except OSError as error:
            raise AcceleratorError(f"cannot delete pynq's stale cache: {error}") from error


def _pynq() -> Any:
    try:
        return importlib.import_module("pynq")
    except ImportError as error:
        raise AcceleratorError(
            f"the backend fpga needs pynq, which is on a PYNQ board ({error}); here, use the "
            "backend reference"
        ) from error


def _written_by_loads(device: Any, overlay: Any) -> List[Path]:
    """The kernel's files that every load opens for writing, then the bitstream as pynq gives it."""
    return [
        Path(path) for path in (device.BS_FPGA_MAN, device.BS_FPGA_MAN_FLAGS, overlay.firmware_path)
    ]


def _download(bitstream: Path, device: Any, overlay: Any) -> None:
    """Load it, or say what is in the FPGA then; a copy that found no room is not left half."""
    manager = loaded.Load([Path(device.BS_FPGA_MAN)])
    try:
        with _explained(bitstream):
            overlay.download()
    except AcceleratorError as error:
        if manager.again():
            raise AcceleratorError(f"{error}. What was in the FPGA before is lost") from error
        copy = getattr(overlay, "firmware_path", None)
        if copy is not None:
            with suppress(OSError):
                Path(copy).unlink()
        raise AcceleratorError(f"{error}. The FPGA has what was loaded before") from error


@contextmanager
def _explained(bitstream: Path) -> Iterator[None]:
    """Turn what pynq raises, which may be anything, into one error that says what to do."""
    for path in (bitstream, bitstream.with_suffix(".hwh")):
        if not path.is_file():
            raise AcceleratorError(f"{path} is missing; copy or build the overlay again")
    try:
        yield
    except Exception as error:
        hint = next((f"; {hint}" for text, hint in _HINTS.items() if text in str(error)), "")
        raise AcceleratorError(f"pynq cannot load {bitstream}: {error}{hint}") from error


def _check(bitstream: Path, found: Dict[str, Any], hardware: Hardware) -> None:
    """Refuse a handoff of another kind of chip, or of another build than the .bit's."""
    if any(found.get(name, {}).get("type") != kind for name, (kind, _, _) in chip.IPS.items()):
        ips = ", ".join(f"{name} ({row['type']})" for name, row in sorted(found.items()))
        raise AcceleratorError(
            f"{bitstream.name} cannot be run: it holds {ips}, but this driver's chip has "
            f"{', '.join(chip.IPS)} of resnet8:chip. Without control0 there is no build id to "
            "check, no soft reset and no cycle counter, and nothing says how pixels and logits "
            "are packed; use the driver it was made with, or build the network again for this one"
        )
    handoff = int(found["control0"]["parameters"].get("BUILD_ID", "0"), 16)
    match = _USER_ID.search(bitstream.read_bytes()[:_HEADER])
    header = int(match[1], 16) if match else 0
    for name, build in (("bitstream", header), ("overlay's manifest", hardware.build_id)):
        if build != handoff and (name != "bitstream" or build not in _NO_USER_ID):
            raise AcceleratorError(
                f"the handoff {bitstream.with_suffix('.hwh')} is of build {handoff:08x}, its "
                f"{name} of build {build:08x}; copy or build the overlay again"
            )


def _free_memory() -> str:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        lines = []
    return ", ".join(" ".join(line.split()) for line in lines if line.startswith("Cma")) or (
        "this system has no CMA"
    )
