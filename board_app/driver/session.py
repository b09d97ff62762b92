"""What the driver needs of a board: registers, buffers, time; and one owner at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO, Dict, Optional, Protocol

import numpy as np

from board_app.driver.chip import Registers
from board_app.errors import AcceleratorError, ChipBusy

# What answers are said to come from, and how many windows of a photo there is time for: every scale
# of one of 16:9, and as many as a simulation has done in seconds.
NAME, WINDOWS = "fpga", 480
SIMULATED_NAME, SIMULATED_WINDOWS = "fpga, simulated", 64
LOCK_VARIABLE = "BOARD_APP_LOCK"
# Not /run/lock, where anybody's lock comes first, and root may not write to another's.
LOCK = Path("/run/resnet8-accelerator")


class Buffer(Protocol):
    """Memory that both the CPU and the chip reach, through the CPU's cache."""

    array: np.ndarray
    """What the CPU sees."""
    device_address: int
    """What the chip's DMA is told: a physical address."""

    def flush(self) -> None:
        """Bring what the CPU wrote to where the chip reads."""
        ...

    def invalidate(self) -> None:
        """Let the CPU see what the chip wrote."""
        ...

    def free(self) -> None:
        """Give the memory back."""
        ...


class Session(Protocol):
    """A loaded overlay on a board."""

    ips: Dict[str, Registers]
    clock_mhz: float
    simulated: bool
    name: str
    """What answers are said to come from."""
    windows: int
    """How many windows of a photo there is time for."""

    def allocate(self, count: int, dtype: str) -> Buffer:
        """A buffer of `count` elements; AcceleratorError where there is no memory left."""
        ...

    def check(self) -> None:
        """AcceleratorError where the chip may be gone: to read its registers could hang then."""
        ...

    def note_reset(self, ended: bool) -> None:
        """Tell who loads next whether the chip's soft reset has ended."""
        ...

    def now(self) -> float:
        """Seconds on the board's own clock: a simulated board's is slower than the wall's."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let the board work for so long."""
        ...

    def close(self) -> None:
        """Give back what the session holds; the buffers are freed before."""
        ...


class ChipLock:
    """An exclusive lock on the chip; the system drops it when its process ends, however it ends."""

    def __init__(self, path: Optional[Path] = None) -> None:
        """Take it; ChipBusy where someone has it, this process included."""
        path = path or Path(os.environ.get(LOCK_VARIABLE, LOCK))
        self.path = path
        try:
            self._file: IO[str] = path.open("a+")
        except OSError as error:
            raise AcceleratorError(f"cannot open the chip's lock: {error}; run as root") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            owner = self._file.read().strip() or "another process"
            self._file.close()
            if owner.startswith(f"process {os.getpid()},"):
                owner = "this process"
            raise ChipBusy(f"{owner} has the FPGA; end it first (the lock is {path})") from None
        self._file.truncate(0)
        self._file.write(f"process {os.getpid()}, {_command()}")
        self._file.flush()

    def release(self) -> None:
        """Let others have it; harmless when done twice."""
        if not self._file.closed:
            self._file.truncate(0)
            self._file.close()


def _command() -> str:
    try:
        words = Path("/proc/self/cmdline").read_bytes().split(b"\0")
    except OSError:
        return "unknown"
    return b" ".join(words).decode(errors="replace").strip()[:120]
