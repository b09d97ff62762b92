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

from .interrupts import at_work
from .stand_in import Board, Checkout


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
