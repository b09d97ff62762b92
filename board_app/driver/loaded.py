"""Whose circuit is in the FPGA: registers are touched only where this driver's chip must be.

To read registers that nothing answers hangs a real processor, and notebooks load what they like:
our lock means nothing to them. Every load, pynq's or not, opens the kernel's fpga_manager files for
writing, which sets their time; pynq's own state says less, as it writes none where the handoff came
from its cache. So the files' times are noted after a load, and looked at again before each use.

A process that was killed leaves its batch running, and its memory goes to others. The note lies
beside the lock, gone with the power, so that the next process can stop that chip. A chip whose
reset does not end has lost a transfer on its way to memory, and the port stays dead for every chip
after it, until the processing system itself is reset: then the note stays, and no load is tried.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

from board_app.driver import chip
from board_app.errors import AcceleratorError
from board_app.system.files import write_atomically

DEAD_PORT = (
    "the chip's soft reset does not end: its memory port has lost a transfer, and stays dead for "
    "whatever is loaded next. Reboot the board (sudo reboot, or switch it off and on); to load "
    "again does not help"
)
LOAD_ANYWAY = "--load-anyway"

_LOOKS = 1000  # at the reset: each takes a board microseconds, the reset far less than one

_Stamp = Optional[Tuple[int, int]]  # a file's inode and time in ns; None where there is none


class Load:
    """The files that the next load of the FPGA writes, as they were after this one."""

    def __init__(self, files: Sequence[Path]) -> None:
        """Note how `files` are now."""
        self._stamps = {file: _stamp(file) for file in files}

    def again(self) -> bool:
        """Whether the FPGA was loaded again, however that ended."""
        return any(_stamp(file) != stamp for file, stamp in self._stamps.items())

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
        self._record = _record(lock)
        stamps = {str(file): stamp for file, stamp in self._stamps.items()}
        self._noted = _Note(stamps, _pynq_state())
        self._noted.write(self._record)

    def note_reset(self, ended: bool) -> None:
        """Tell it too whether the last soft reset has ended."""
        if ended != self._noted.reset_ended:
            self._noted = replace(self._noted, reset_ended=ended)
            with suppress(OSError):  # what is told to the user now matters more than the note
                self._noted.write(self._record)


def stop(pynq: Any, device: Any, lock: Path, load_anyway: bool = False) -> None:
    """Reset the chip that was remembered, if it is still there.

    AcceleratorError where that reset does not end, or did not and the board was not reset since;
    with `load_anyway` it is only noted. A process that is killed leaves its batch at work.
    """
    record = _record(lock)
    noted = _Note.read(record)
    if noted is None or not noted.of_this_boot(Path(device.BS_FPGA_MAN)):
        return
    if noted.holds():
        if _reset(pynq):
            record.unlink()
            return
        noted = replace(noted, reset_ended=False)
        noted.write(record)
    if not noted.reset_ended and not load_anyway:
        raise AcceleratorError(
            f"{DEAD_PORT}. {LOAD_ANYWAY} loads all the same (python -m board_app selftest "
            f"--backend fpga {LOAD_ANYWAY})"
        )


def _reset(pynq: Any) -> bool:
    """Whether the chip that is there, if it is of our kind, has ended its soft reset."""
    _, address, _ = chip.IPS["control0"]
    control = pynq.MMIO(address, chip.WINDOW)
    if control.read(chip.MAGIC) != chip.MAGIC_VALUE:
        return True
    control.write(chip.SOFT_RESET, 1)
    return any(not control.read(chip.SOFT_RESET) & 1 for _ in range(_LOOKS))


def metadata() -> List[Path]:
    """The files that pynq keeps of the last handoff it parsed; they need not exist."""
    folder = Path(importlib.import_module("pynq.pl_server").__path__[0])
    return [folder / "_current_metadata.pkl", *sorted(folder.glob("global_pl_state*.json"))]


def _record(lock: Path) -> Path:
    return lock.with_name(f"{lock.name}.loaded")


@dataclass(frozen=True)
class _Note:
    """What is known of the last load: files, pynq's state, and whether the chip could be reset."""

    stamps: Dict[str, _Stamp]
    pynq: str
    reset_ended: bool = True

    @classmethod
    def read(cls, record: Path) -> Optional[_Note]:
        """The note in `record`; None where there is none that can be read."""
        try:
            row = json.loads(record.read_text())
            stamps = {file: stamp and (stamp[0], stamp[1]) for file, stamp in row["stamps"].items()}
            return cls(stamps, row["pynq"], row["reset_ended"])
        except (OSError, ValueError, TypeError, LookupError, AttributeError):
            return None

    def write(self, record: Path) -> None:
        """Put it there whole, or leave what is there."""
        write_atomically(record, json.dumps(asdict(self)).encode())

    def of_this_boot(self, file: Path) -> bool:
        """Whether the board has not been reset since: the kernel's `file` is still the same one."""
        noted, now = self.stamps.get(str(file)), _stamp(file)
        return noted is not None and now is not None and noted[0] == now[0]

    def holds(self) -> bool:
        """Whether everything is as it was then."""
        return self.pynq == _pynq_state() and all(
            _stamp(Path(file)) == stamp for file, stamp in self.stamps.items()
        )


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
