"""The real app with a small overlay: on this machine, and on the board played by sshd."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..board.networks import write_overlay
from .stand_in import REPOSITORY, Board, Checkout, Sshd, free_port, get, stop_demo


@pytest.fixture(scope="module")
def python() -> str:
    """The board environment's Python."""
    script = REPOSITORY / "tools" / "environment.sh"
    made = subprocess.run([script, "board"], text=True, capture_output=True)
    if made.returncode != 0:
        pytest.skip(f"the board's environment cannot be made here: {made.stderr[-500:]}")
    return made.stdout.strip()


@pytest.fixture
def real(tmp_path: Path, python: str) -> Iterator[Checkout]:
    """A checkout with the real app and its environment, an overlay, and a short benchmark."""
    made = Checkout.make(tmp_path / "a checkout", REPOSITORY / "board_app")
    (made.folder / ".venv").symlink_to(REPOSITORY / ".venv")
    write_overlay(made.folder / "overlays" / "lightweight")
    benchmark = made.folder / "board_app" / "benchmark.py"
    text = benchmark.read_text()
    assert "WINDOW_SECONDS = 2.0" in text
    benchmark.write_text(text.replace("WINDOW_SECONDS = 2.0", "WINDOW_SECONDS = 0.02"))
    yield made
    stop_demo(made.folder / ".local-board")


def test_local(real: Checkout, tmp_path: Path) -> None:
    port = free_port()
    offline = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "https_proxy": "http://127.0.0.1:9"}
    done = real.run("lightweight", "--local", "--web-port", port, env=offline)
    assert done.returncode == 0, done.stdout
    assert "bit for bit" in done.stdout
    assert "on the 20 sample pictures instead" in done.stdout
    assert "throughput" in done.stdout
    assert "<html" in str(get(port, "/"))
    assert "demo: stopped" in real.run("--stop", "--local").stdout
    assert get(port, "/") is None


def test_board(real: Checkout, sshd: Sshd, tmp_path: Path, python: str) -> None:
    board = Board.make(tmp_path, sshd, python)
    try:
        done = real.run("lightweight", *board.arguments(), env={"XDG_CACHE_HOME": str(tmp_path)})
        assert done.returncode == 0, done.stdout
        assert "<html" in str(get(board.web_port, "/"))
        assert len(list((board.root / "current" / "samples").iterdir())) == 20
    finally:
        stop_demo(board.root)
