"""Whose circuit is in the FPGA: registers are touched only where this driver's chip must be.

To read registers that nothing answers hangs a real processor, and notebooks load what they like:
our lock means nothing to them. Every load, pynq's or not, opens the kernel's fpga_manager files for
writing, which sets their time; pynq's own state says less, as it writes none where the handoff came
from its cache. So the files' times are noted after a load, and looked at again before each use.

A process that was killed leaves its batch running, and its memory goes to others. The note lies
beside the lock, gone with the power, so that the next process can stop that chip.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from board_app.driver import chip
from board_app.errors import AcceleratorError

_LOOKS = 100  # at the reset: each takes a board about a microsecond, the reset far less

_Stamp = Optional[Tuple[int, int]]  # a file's inode and time in ns; None where there is none


class Load:
    """The files that the next load of the FPGA writes, as they were after this one."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Note how `files` are now."""
        self._stamps = {file: _stamp(file) for file in files}

    def check(self) -> None:
        """AcceleratorError where the FPGA was loaded again."""
        for file, stamp in self._stamps.items():
            now = _stamp(file)
            if now != stamp:
                when = time.strftime("%H:%M:%S", time.localtime(now[1] / 1e9)) if now else "a reset"
                raise AcceleratorError(
                    f"another program has loaded the FPGA since this driver did (at {when}, says "
                    f"{file}), or the board has lost its power. This driver's chip is gone, and to "
                    "read its registers could hang the board, so they are left alone. End what "
                    "uses the FPGA (in Jupyter, shut down the notebook's kernel), then start this "
                    "program again: it loads its own overlay"
                )

    def remember(self, lock: Path) -> None:
        """Tell the process that has `lock` after this one."""
        stamps = {str(file): stamp for file, stamp in self._stamps.items()}
        _record(lock).write_text(json.dumps({"stamps": stamps, "pynq": _pynq_state()}))


def stop(pynq: Any, lock: Path) -> None:
    """Reset the chip that was remembered, if it is still there; a reset that does not end is left.

    A process that is killed leaves its batch at work.
    """
    record = _record(lock)
    if not _holds(record):
        return
    record.unlink()
    _, address, _ = chip.IPS["control0"]
    control = pynq.MMIO(address, chip.WINDOW)
    if control.read(chip.MAGIC) == chip.MAGIC_VALUE:
        control.write(chip.SOFT_RESET, 1)
        for _ in range(_LOOKS):
            if not control.read(chip.SOFT_RESET) & 1:
                break


def metadata() -> List[Path]:
    """The files that pynq keeps of the last handoff it parsed; they need not exist."""
    folder = Path(importlib.import_module("pynq.pl_server").__path__[0])
    return [folder / "_current_metadata.pkl", *sorted(folder.glob("global_pl_state*.json"))]


def _record(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.loaded")


def _holds(record: Path) -> bool:
    """Whether everything is as it was when `record` was written."""
    try:
        noted: Dict[str, Any] = json.loads(record.read_text())
        stamps = {file: stamp and tuple(stamp) for file, stamp in noted["stamps"].items()}
        state = noted["pynq"]
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        return False
    return state == _pynq_state() and all(_stamp(Path(file)) == stamps[file] for file in stamps)


def _stamp(file: Path) -> _Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns


def _pynq_state() -> str:
    digest = hashlib.sha256()
    for path in metadata()[1:]:
        digest.update(path.read_bytes())
    return digest.hexdigest()
