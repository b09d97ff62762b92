"""The demo behind its real server: many clients, bad clients, and a clean stop."""

from __future__ import annotations

import io
import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from board_app import cli
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.web import create_app, server

from ..wrapped import Wrapped

Address = tuple[str, int]

# werkzeug up to 2.2.1 drops a socket it made and never bound, where it is given one.
pytestmark = pytest.mark.filterwarnings(r"ignore:unclosed.*laddr=\('0.0.0.0', 0\):ResourceWarning")


class Counting(Wrapped):
    """A backend that notices when two threads are in it."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self._busy = threading.Semaphore(1)
        self.overlaps = 0

    def execute(self, images: np.ndarray) -> np.ndarray:
        if not self._busy.acquire(blocking=False):
            self.overlaps += 1
        try:
            time.sleep(0.005)
            return self._backend.execute(images)
        finally:
            self._busy.release()


@pytest.fixture
def counting(backend: Backend) -> Counting:
    return Counting(backend)


@pytest.fixture
def address(
    overlay: Overlay, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Address]:
    """A running server's host and port."""
    monkeypatch.setattr(server._Handler, "timeout", 0.5)
    with server.listen("127.0.0.1", 0) as listener:
        running = server.create(create_app(overlay, counting), listener)
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield listener.getsockname()
        running.shutdown()
        thread.join()
        running.server_close()


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def post(address: Address, content: bytes) -> dict:
    url = f"http://{address[0]}:{address[1]}/api/classify"
    with urllib.request.urlopen(url, data=content, timeout=20) as response:
        return json.load(response)


def healthy(address: Address) -> bool:
    with urllib.request.urlopen(
        f"http://{address[0]}:{address[1]}/healthz", timeout=20
    ) as response:
        return response.status == 200


def test_concurrent_requests(
    address: Address, counting: Counting, overlay: Overlay, backend: Backend, images: Dataset
) -> None:
    expected = backend.execute(images.images).argmax(axis=1)
    with ThreadPoolExecutor(16) as pool:
        rows = list(pool.map(lambda pixels: post(address, png(pixels)), images.images))
    assert [row["class"] for row in rows] == [CLASSES[label] for label in expected]
    assert counting.overlaps == 0


def test_too_large_an_upload_gets_its_answer(address: Address) -> None:
    """Not a reset connection, which is what a browser would show if the body were left unread."""
    for _ in range(3):
        with pytest.raises(urllib.error.HTTPError) as refused:
            post(address, bytes(20_000_000))
        with refused.value as response:
            assert response.code == 413
            assert "16 MB at most" in json.load(response)["error"]


def upload(address: Address, announced: int, sent: bytes) -> socket.socket:
    """Begin an upload."""
    client = socket.create_connection(address, timeout=20)
    client.sendall(
        b"POST /api/classify HTTP/1.1\r\nHost: board\r\nContent-Type: image/png\r\n"
        + f"Content-Length: {announced}\r\n\r\n".encode()
        + sent
    )
    return client


@pytest.mark.parametrize("announced", [1_000_000, 20_000_000])
def test_upload_cut_off(address: Address, announced: int, capfd: pytest.CaptureFixture) -> None:
    for _ in range(5):
        upload(address, announced, bytes(1000)).close()
    assert healthy(address)
    time.sleep(0.1)
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("announced", [1_000_000, 20_000_000])
def test_upload_that_stalls_is_given_up(
    address: Address, announced: int, capfd: pytest.CaptureFixture
) -> None:
    with upload(address, announced, bytes(1000)) as client:
        start = time.monotonic()
        while client.recv(4096):
            pass
        assert time.monotonic() - start < 5
    assert healthy(address)
    assert "Traceback" not in capfd.readouterr().err


def test_not_http(address: Address) -> None:
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(b"\x16\x03\x01 what a TLS client says\r\n\r\n")
        client.recv(4096)
    assert healthy(address)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_when_told(overlays: Path, number: signal.Signals) -> None:
    command = [
        sys.executable, "-m", "board_app", "serve", "--overlays", str(overlays),
        "--host", "127.0.0.1", "--port", "0",
    ]  # fmt: skip
    root = Path(cli.__file__).resolve().parent.parent

    def interruptible() -> None:
        """What a shell starts in the background is deaf to SIGINT, and so would this be."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    with subprocess.Popen(
        command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        preexec_fn=interruptible,
    ) as process:  # fmt: skip
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "lightweight on reference at\n"
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}healthz", timeout=20) as response:
            assert response.status == 200
        process.send_signal(number)
        try:
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
        error = process.stderr.read()
    assert "Traceback" not in error and "GET" not in error
