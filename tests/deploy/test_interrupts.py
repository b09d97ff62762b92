"""Ctrl-C at random moments: all obeyed, nothing left at work, what was in use stays in use."""

from __future__ import annotations

import random
from pathlib import Path

from .interrupts import interrupts
from .stand_in import Board, Checkout, free_port, get, quick_python

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
