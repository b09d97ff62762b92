"""Ctrl-C at random moments: all obeyed, nothing left at work, what was in use stays in use."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .interrupts import at_work, interrupts, started
from .stand_in import REPOSITORY, Board, Checkout, free_port, get, quick_python, wait_until

SCRIPTS = [REPOSITORY / "deploy.sh", *sorted(REPOSITORY.glob("tools/*.sh"))]
COUNT = 3  # `python -m tests.deploy.interrupts` takes a hundred


def test_here(checkout: Checkout, tmp_path: Path) -> None:
    port = free_port()
    arguments: list[object] = ["net", "--local", "--web-port", port]
    env = {"PYTHON": str(quick_python(tmp_path / "a python"))}
    root = checkout.folder / ".local-board"
    found = interrupts(
        checkout, arguments, root, lambda: get(port, "/version"), COUNT, random.Random(), env
    )
    assert all(one.obeyed for one in found), found


def test_on_the_board(checkout: Checkout, board: Board) -> None:
    arguments: list[object] = ["net", *board.arguments()]
    found = interrupts(checkout, arguments, board.root, board.version, COUNT, random.Random(), {})
    assert all(one.obeyed for one in found), found


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_trap_is_taken_for_a_part_of_a_substitution(script: Path) -> None:
    """A fault of bash 5.2, which went on after one of a hundred Ctrl-C, or ended in the middle."""
    text = script.read_text()
    assert re.findall(r"trap [^'].*INT", text) in ([], ["trap \"$1\"$'\\n)' INT"]), "no other traps"
    (how,) = re.findall(r"on_interrupt\(\) .*", text) or [""]
    if how:
        code = f'{how}\non_interrupt \'exit 130\'\n: "$(kill -INT $$)" "$(true)"\necho it goes on'
        done = subprocess.run(
            ["bash", "-c", code], capture_output=True, text=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )  # fmt: skip
        assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


@contextmanager
def deploying(checkout: Checkout, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """A deployment that is under way, with its output to read."""
    process = started(checkout, arguments, {}, subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def press(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130 and "interrupted" in output, output


def in_use(board: Board, version: str) -> Callable[[], bool]:
    return lambda: board.version() == version and len(at_work(board.root)) == 1


def test_while_the_demo_before_ends(checkout: Checkout, board: Board) -> None:
    """It had been told to end, and was taken for one that goes on."""
    checkout.add_overlay("net", {"slow-stop": b""})
    assert checkout.run("net", *board.arguments()).returncode == 0
    checkout.set_version("two")
    with deploying(checkout, "net", *board.arguments()) as process:
        wait_until(lambda: board.version() is None, 30)
        press(process)
    wait_until(in_use(board, "one"), 30)


@pytest.mark.parametrize("later", [0, 0.1])
def test_when_it_has_just_finished(checkout: Checkout, board: Board, later: float) -> None:
    """The board has done all of it, and is told that it came too late to be wanted."""
    assert checkout.run("net", *board.arguments()).returncode == 0
    checkout.set_version("two")
    # The board's last word, while the connection stays.
    board.program("bash", 'case "$*" in "-s "*) $real "$@"; code=$?; sleep 1; exit $code ;; esac\n'
                  'exec $real "$@"')  # fmt: skip
    with deploying(checkout, "net", *board.arguments()) as process:
        assert process.stdout is not None
        assert any("demo: running" in line for line in process.stdout)
        time.sleep(later)
        press(process)
    wait_until(in_use(board, "one"), 30)


def test_when_it_ends_while_it_is_looked_for(checkout: Checkout, board: Board) -> None:
    """What is to be ended has gone since it was seen: exit 1 then, and the new release in use."""
    assert checkout.run("net", *board.arguments()).returncode == 0
    checkout.set_version("two")
    board.program("ps", 'case "$*" in "-o pgid= "*) exit 1 ;; esac\nexec $real "$@"')
    with deploying(checkout, "net", *board.arguments()) as process:
        assert process.stdout is not None
        assert any("self-test of net" in line for line in process.stdout)
        press(process)
    wait_until(in_use(board, "one"), 30)


def test_while_old_releases_are_removed(checkout: Checkout, board: Board) -> None:
    """What was in use is not among them, however many came after it."""
    assert checkout.run("net", *board.arguments()).returncode == 0
    checkout.add_overlay("net", {"fails-serve": b""})
    for number in range(3):
        checkout.set_version(f"failed {number}")
        assert checkout.run("net", *board.arguments()).returncode == 1
    (checkout.folder / "overlays/net/fails-serve").unlink()
    checkout.add_overlay("net", {"net.npz": b"weights"})
    checkout.set_version("two")
    board.program("rm", '$real "$@"; case "$*" in *releases/*) sleep 1 ;; esac')
    with deploying(checkout, "net", *board.arguments()) as process:
        wait_until(lambda: board.version() == "two", 30)
        press(process)
    wait_until(in_use(board, "one"), 30)
    assert (board.root / "current/board_app/version.txt").read_text() == "one"
