"""Two deployments at once, and power lost in one: what is in use is whole, the next succeeds."""

from __future__ import annotations

import contextlib
import hashlib
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from .interrupts import at_work
from .stand_in import Board, Checkout, Sshd, path_without

# Of two copies the first waits until the second has begun, which waits until the first is in use.
SECOND_IS_LATE = """
if mkdir "$HOME/first" 2>/dev/null; then
  until [ -e "$HOME/second" ]; do sleep 0.1; done
else
  touch "$HOME/second"
  until [ -e "$HOME/resnet8/current" ]; do sleep 0.1; done
fi
exec $real "$@"
"""


def whole(board: Board) -> bool:
    """Whether every file of the release in use is what its list says."""
    release = board.root / "current"
    rows = (release / "SHA256SUMS").read_text().splitlines()
    return all(
        hashlib.sha256((release / row[66:]).read_bytes()).hexdigest() == row[:64] for row in rows
    )


def test_two_deployments_at_once(checkout: Checkout, board: Board, tmp_path: Path) -> None:
    other = Checkout.make(tmp_path / "other")
    other.set_version("two")
    for one in (checkout, other):
        one.add_overlay("net", {"slow-selftest": b""})
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(one.run, "net", *board.arguments()) for one in (checkout, other)]
        outputs = [one.result() for one in both]
    assert [done.returncode for done in outputs] == [0, 0], outputs
    assert "waiting for another deployment" in outputs[0].stdout + outputs[1].stdout
    in_use = (board.root / "current/board_app/version.txt").read_text()
    assert whole(board) and board.version() == in_use


@pytest.mark.parametrize("tool", ["rsync", "tar"])
def test_the_same_release_at_the_same_moment(
    tool: str, checkout: Checkout, board: Board, sshd: Sshd, tmp_path: Path
) -> None:
    """Both begin to copy it, and one has used it when the other still does."""
    if tool == "tar":
        board.program("tar", SECOND_IS_LATE)
        path = f"{board.programs}:{path_without(tmp_path / 'all', 'rsync')}"
        sshd.use(board.home, path)
    else:
        board.program("rsync", SECOND_IS_LATE)
    other = Checkout.make(tmp_path / "other")
    with ThreadPoolExecutor() as threads:
        both = [threads.submit(one.run, "net", *board.arguments()) for one in (checkout, other)]
        outputs = [one.result() for one in both]
    assert [done.returncode for done in outputs] == [0, 0], outputs
    assert (board.home / "second").exists() and "damaged" not in str(outputs)
    assert whole(board) and board.version() == "one" and len(board.releases()) == 1
    assert len(at_work(board.root)) == 1


def test_power_lost_in_a_deployment(checkout: Checkout, board: Board) -> None:
    begin = time.monotonic()
    assert checkout.run("net", *board.arguments()).returncode == 0
    length = time.monotonic() - begin
    checkout.set_version("two")
    with ThreadPoolExecutor() as threads:
        running = threads.submit(checkout.run, "net", *board.arguments())
        time.sleep(random.uniform(0.3, 0.9) * length)
        for process in at_work(board.root):
            with contextlib.suppress(OSError):
                os.kill(int(process.name), signal.SIGKILL)
        running.result()
    assert whole(board)
    done = checkout.run("net", *board.arguments())
    assert done.returncode == 0, done.stdout
    assert whole(board) and board.version() == "two"
