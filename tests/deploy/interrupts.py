"""Ctrl-C at random moments of a deployment: `python -m tests.deploy.interrupts [COUNT [SEED]]`.

Half of them hit a deployment on this machine, half one to the board played by sshd. Each must end
at once with exit status 130, say so, and leave in use what was.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from .stand_in import Board, Checkout, Sshd, free_port, get, quick_python, stop_demo, wait_until

PATIENCE = 10.0  # seconds from the signal to the end
_LAST_WORD = "demo: running"  # of a deployment


@dataclass(frozen=True)
class Interrupted:
    """What one Ctrl-C did, `at` seconds after the start."""

    at: float
    code: int
    took: float
    output: str
    after: str = ""
    """What was in use and at work then, if not what was before."""

    @property
    def obeyed(self) -> bool:
        ended = self.code == 130 and "interrupted" in self.output and self.took < PATIENCE
        return ended and not self.after


def started(
    checkout: Checkout,
    arguments: Sequence[object],
    env: dict[str, str],
    output: int | IO[str],
    cwd: Path | None = None,
) -> subprocess.Popen[str]:
    """deploy.sh, which goes on, in a group of processes of its own as in a terminal."""
    return subprocess.Popen(
        [str(checkout.folder / "deploy.sh"), *map(str, arguments)],
        stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, **env}, start_new_session=True, cwd=cwd,
        # A shell gives what it runs in the background a SIGINT that is ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip


def interrupt(
    checkout: Checkout, arguments: list[object], at: float, env: dict[str, str]
) -> Interrupted | None:
    """Press Ctrl-C `at` seconds into a deployment; None where it had ended, or said all, before."""
    with tempfile.TemporaryFile("w+") as file:
        process = started(checkout, arguments, env, file)
        try:
            time.sleep(at)
            size = os.fstat(file.fileno()).st_size
            ended = process.poll() is not None
            if not ended:
                os.killpg(process.pid, signal.SIGINT)  # as a terminal does
            begin = time.monotonic()
            code = process.wait(60)
            took = time.monotonic() - begin
        finally:
            process.kill()
            process.wait()
        file.seek(0)
        output = file.read()
        if ended or (code == 0 and _LAST_WORD in output.encode()[:size].decode()):
            return None
        return Interrupted(at, code, took, output)


def at_work(root: Path) -> list[Path]:
    """The processes whose folder is in `root`: the demo, and what a deployment left behind."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if root in [(process / "cwd").readlink(), *(process / "cwd").readlink().parents]:
                found.append(process)
    return found


def interrupts(
    checkout: Checkout,
    arguments: list[object],
    root: Path,
    version: Callable[[], str | None],
    count: int,
    chance: random.Random,
    env: dict[str, str],
) -> list[Interrupted]:
    """`count` Ctrl-C at random moments of a deployment of another version than the one in use."""
    checkout.set_version("one")
    begin = time.monotonic()
    done = checkout.run(*arguments, env=env)
    assert done.returncode == 0, done.stdout
    length = time.monotonic() - begin
    found: list[Interrupted] = []
    while len(found) < count:
        checkout.set_version(f"interrupted {len(found)}")
        one = interrupt(checkout, arguments, chance.uniform(0.02, length), env)
        if one is None:  # too late: the next begins with what is in use again
            checkout.set_version("one")
            assert checkout.run(*arguments, env=env).returncode == 0
            continue
        try:
            wait_until(lambda: version() == "one" and len(at_work(root)) == 1, 30)
        except AssertionError:
            works = [process.joinpath("cmdline").read_bytes() for process in at_work(root)]
            return [*found, replace(one, after=f"version {version()}, at work: {works}")]
        found.append(one)
    return found


def main(count: int, seed: int) -> int:
    """0 where all were obeyed."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "ssh").mkdir()
        checkout = Checkout.make(place / "a checkout")
        sshd = Sshd(place / "ssh")
        board = Board.make(place, sshd)
        port = free_port()
        python = {"PYTHON": str(quick_python(place / "a python"))}
        try:
            here = interrupts(
                checkout, ["net", "--local", "--web-port", port],
                checkout.folder / ".local-board", lambda: get(port, "/version"),
                count - count // 2, chance, python,
            )  # fmt: skip
            there = interrupts(
                checkout, ["net", *board.arguments()], board.root, board.version, count // 2,
                chance, python,
            )  # fmt: skip
        finally:
            stop_demo(checkout.folder / ".local-board")
            stop_demo(board.root)
            sshd.close()
    for name, rows in (("here", here), ("on the board", there)):
        obeyed = [row for row in rows if row.obeyed]
        print(
            f"{name}: {len(obeyed)} of {len(rows)} obeyed, between "
            f"{min(row.at for row in rows):.2f} and {max(row.at for row in rows):.2f} s; "
            f"the longest took {max(row.took for row in rows):.2f} s to end"
        )
        for row in rows:
            if not row.obeyed:
                print(f"  at {row.at:.2f} s: exit {row.code}, {row.output!r} {row.after}")
    return int(not all(row.obeyed for row in [*here, *there]))


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*numbers, *(100, 0)[len(numbers) :]))
