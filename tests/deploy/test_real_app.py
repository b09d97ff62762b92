"""The real app with a small overlay: on this machine, and on the board played by sshd."""

from __future__ import annotations

import ssl
import time
import urllib.error
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


def test_a_token_and_an_access_log(real: Checkout, tmp_path: Path) -> None:
    """Both outlive a deployment that fails; the token is in no command line and no log."""
    port, secret = free_port(), "0123456789abcdef0123"
    (tmp_path / "token").write_text(f"{secret}\nsecond line\n")
    options = ["--local", "--web-port", port, "--no-benchmark"]
    guarded = [*options, "--token-file", tmp_path / "token", "--access-log"]
    done = real.run("lightweight", *guarded)
    assert done.returncode == 0, done.stdout
    log = real.folder / ".local-board" / "log" / "access.log"
    assert f"its access log is {log}" in done.stdout and "open it once as" in done.stdout
    (kept,) = log.parents[1].glob("token-*")
    assert kept.stat().st_mode & 0o777 == 0o600 and secret not in kept.name

    assert status(port, "/") == 401 and status(port, "/", secret) == 200
    end = time.monotonic() + 20
    while " GET / 200 " not in log.read_text():  # it is written once the answer is sent
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    assert secret not in log.read_text()
    assert secret not in (log.parents[1] / "demo.sh").read_text()

    (tmp_path / "token").write_text("another0another0\n")
    package = real.folder / "board_app" / "__init__.py"
    whole = package.read_text()
    package.write_text(f"{whole}\nimport sys\nif 'serve' in sys.argv: sys.exit('broken')\n")
    assert real.run("lightweight", *guarded).returncode == 1
    assert status(port, "/", secret) == 200, "the demo before, with its own token"

    package.write_text(whole)
    assert real.run("lightweight", *options).returncode == 0
    assert status(port, "/") == 200
    assert list(log.parents[1].glob("token-*")) == [kept], "that of the demo before, no other"


def status(port: int, path: str, token: str = "") -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request) as response:
            return response.status
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_board(real: Checkout, sshd: Sshd, tmp_path: Path, python: str) -> None:
    board = Board.make(tmp_path, sshd, python)
    try:
        done = real.run("lightweight", *board.arguments(), env={"XDG_CACHE_HOME": str(tmp_path)})
        assert done.returncode == 0, done.stdout
        assert "<html" in str(get(board.web_port, "/"))
        assert len(list((board.root / "current" / "samples").iterdir())) == 20
    finally:
        stop_demo(board.root)
