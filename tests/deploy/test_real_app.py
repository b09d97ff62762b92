"""The real app with a small overlay: on this machine, and on the board played by sshd."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..board.networks import write_overlay
from .stand_in import Board, Checkout, Sshd, board_python, free_port, get, stop_demo


@pytest.fixture(scope="module")
def python() -> str:
    return board_python()


@pytest.fixture
def real(tmp_path: Path, python: str) -> Iterator[Checkout]:
    """A checkout with the real app and its environment, an overlay, and a short benchmark."""
    made = Checkout.real(tmp_path / "a checkout")
    write_overlay(made.folder / "overlays" / "lightweight")
    yield made
    stop_demo(made.folder / ".local-board")


def test_local(real: Checkout, tmp_path: Path) -> None:
    port = free_port()
    offline = {"XDG_CACHE_HOME": str(tmp_path / "cache"), "https_proxy": "http://127.0.0.1:9"}
    offline["XDG_DATA_HOME"] = str(tmp_path / "data")
    done = real.run("lightweight", "--local", "--web-port", port, "--https", env=offline)
    assert done.returncode == 0, done.stdout
    assert "bit for bit" in done.stdout
    assert "on the 20 sample pictures instead" in done.stdout
    assert "throughput" in done.stdout
    assert f"at https://127.0.0.1:{port}/" in done.stdout
    trusting = ssl.create_default_context(
        cafile=tmp_path / "data" / "resnet8-demo" / "certificate.pem"
    )
    with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=trusting) as response:
        assert b"<html" in response.read()
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
