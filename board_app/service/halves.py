"""Both halves as processes, each started again when it ends, up to a limit.

    demo (this process) ── fpga-server   as who started it: root on a board
                        └─ serve         as another user, where one is given

A half dies with this process, however that ends.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Deque, Dict, List, Optional, Sequence

from board_app.errors import BackendError
from board_app.service import protocol

LIMIT, WINDOW = 5, 300.0
"""A half that ends more often than LIMIT times in WINDOW seconds is not started again."""

_EVERY = 0.2  # seconds between two looks
_PATIENCE = 15.0  # for a half that is to end
_SET_DEATH_SIGNAL = 1  # prctl's PR_SET_PDEATHSIG


@dataclass(frozen=True)
class User:
    """Whom a half runs as; `groups` are those it has besides its own."""

    name: str
    uid: int
    gid: int
    groups: Sequence[int]


@dataclass
class Half:
    """`arguments` for Python, whom they run as (None: as this process), and what becomes of it."""

    name: str
    arguments: Sequence[str]
    user: Optional[User] = None
    environment: Dict[str, str] = field(default_factory=dict)
    process: Optional["subprocess.Popen[bytes]"] = None
    ends: Deque[float] = field(default_factory=lambda: deque(maxlen=LIMIT + 1))

    def start(self) -> None:
        """Start it, or start it again."""
        self.process = _spawn(self.arguments, self.user, self.environment)

    def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


def user_named(name: str, release: Path) -> User:
    """The user `name`, with the groups to read `release` and use a camera; BackendError if none."""
    if os.geteuid() != 0:
        raise BackendError(f"only root can start a half of the demo as {name}")
    try:
        row = pwd.getpwnam(name)
    except KeyError:
        raise BackendError(f"there is no user {name} to run the demo's page as") from None
    groups = {release.stat().st_gid}
    if Path("/dev/video0").exists():
        groups.add(Path("/dev/video0").stat().st_gid)
    return User(name, row.pw_uid, row.pw_gid, sorted(groups - {0}))


def may_read(user: User, files: Sequence[Path]) -> bool:
    """Whether `user` can run Python and open `files`."""
    script = "import sys\nfor path in sys.argv[1:]: open(path).close()"
    try:
        process = _spawn(["-c", script, *map(str, files)], user, {}, stderr=subprocess.DEVNULL)
    except OSError:
        return False
    return process.wait() == 0


def supervise(
    halves: Sequence[Half], path: Path, tell: Callable[[str], None], window: float = WINDOW
) -> None:
    """Start `halves` in order and keep them running until interrupted.

    The first of two has the socket at `path`, and the second is started once that answers.
    BackendError where one ends before, or too often.
    """
    try:
        for number, half in enumerate(halves):
            half.start()
            if number + 1 < len(halves):
                _wait(half, path)
        while True:
            time.sleep(_EVERY)
            for half in halves:
                assert half.process is not None
                code = half.process.poll()
                if code is not None:
                    half.ends.append(time.monotonic())
                    if len(half.ends) > LIMIT and half.ends[-1] - half.ends[0] < window:
                        raise BackendError(
                            f"{half.name} has ended {len(half.ends)} times in {window:g} s, at "
                            f"last with {_words(code)}: the demo is given up"
                        )
                    tell(f"{half.name} has ended with {_words(code)}; it is started again")
                    half.start()
    finally:
        for half in reversed(halves):
            half.stop()


def _wait(half: Half, path: Path) -> None:
    """Until the half answers at `path`; however long it waits for the board's boot."""
    assert half.process is not None
    while half.process.poll() is None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            if probe.connect_ex(str(path)) == 0 and protocol.receive(probe) is not None:
                return
        time.sleep(_EVERY)
    raise BackendError(f"{half.name} has ended with {_words(half.process.returncode)}, see above")


def _spawn(
    arguments: Sequence[str],
    user: Optional[User],
    environment: Dict[str, str],
    stderr: Optional[int] = None,
) -> "subprocess.Popen[bytes]":
    whole = {**os.environ, **environment}
    credentials: Dict[str, object] = {}
    if user is not None:
        whole.update(HOME=pwd.getpwuid(user.uid).pw_dir, USER=user.name, LOGNAME=user.name)
        credentials = {"user": user.uid, "group": user.gid, "extra_groups": list(user.groups)}
    words: List[str] = [sys.executable, *arguments]
    return subprocess.Popen(  # type: ignore[call-overload, no-any-return]
        words, env=whole, stdin=subprocess.DEVNULL, stderr=stderr,
        preexec_fn=_die_together, **credentials,
    )  # fmt: skip


def _die_together() -> None:
    ctypes.CDLL(None).prctl(_SET_DEATH_SIGNAL, signal.SIGTERM)


def _words(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit status {code}"
