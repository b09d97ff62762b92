"""A journal file that processes share, usable after one of them was killed or the disk was full."""

from __future__ import annotations

import json
import os
from pathlib import Path

from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock

LOCK_SECONDS = 30
"""After so long without a change the lock is that of a process that was killed."""


def journal(path: Path) -> JournalStorage:
    """The storage in the file at `path`, a new one if there is none; ValueError if damaged."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Not optuna's default, a symbolic link to `path`: where that is relative, or another machine
    # has it elsewhere, the lock that a killed process left would never grow old.
    lock = JournalFileOpenLock(str(path), grace_period=LOCK_SECONDS)
    if path.exists():
        lock.acquire()
        try:
            _mend(path)
        finally:
            lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock_obj=lock))


def _mend(path: Path) -> None:
    """Drop a last line that a full disk or a power cut left unfinished: the next would join it.

    ValueError if any other line is damaged.
    """
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    for number, line in enumerate(whole.splitlines(), 1):
        try:
            good = "op_code" in json.loads(line)
        except (ValueError, TypeError):
            good = False
        if not good:
            raise ValueError(f"line {number} of the journal is damaged")
    if content and not whole:
        raise ValueError("it is no journal")
    if whole != content:
        os.truncate(path, len(whole))
