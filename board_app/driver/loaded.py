"""Stop the chip that is in the FPGA before another takes its place.

A process that was killed leaves its batch running, and its memory goes to others. To read registers
that nothing answers hangs a real processor, so the chip is touched only where it must be there: a
record beside the lock, gone with the power, says that this driver loaded it, and pynq's own state
is as it was then, so no one has loaded anything else through pynq since.
"""

from __future__ import annotations

import hashlib
import importlib
from pathlib import Path
from typing import Any, List

from board_app.driver import chip

_LOOKS = 100  # at the reset: each takes a board about a microsecond, the reset far less


def stop(pynq: Any, lock: Path) -> None:
    """Reset the chip that `remember` noted, if there is one; a reset that does not end is left."""
    record = _record(lock)
    if not record.is_file() or record.read_text() != _state():
        return
    record.unlink()
    _, address, _ = chip.IPS["control0"]
    control = pynq.MMIO(address, chip.WINDOW)
    if control.read(chip.MAGIC) == chip.MAGIC_VALUE:
        control.write(chip.SOFT_RESET, 1)
        for _ in range(_LOOKS):
            if not control.read(chip.SOFT_RESET) & 1:
                break


def remember(lock: Path) -> None:
    """Note that this driver's chip is what pynq loaded last."""
    _record(lock).write_text(_state())


def metadata() -> List[Path]:
    """The files that pynq keeps of the last handoff it parsed; they need not exist."""
    folder = Path(importlib.import_module("pynq.pl_server").__path__[0])
    return [folder / "_current_metadata.pkl", *sorted(folder.glob("global_pl_state*.json"))]


def _record(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.loaded")


def _state() -> str:
    digest = hashlib.sha256()
    for path in metadata()[1:]:
        digest.update(path.read_bytes())
    return digest.hexdigest()
