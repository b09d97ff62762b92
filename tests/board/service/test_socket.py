"""The socket between the halves: equal logits, and what neither half puts up with."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from board_app.driver.backends import open_backend
from board_app.errors import BackendAway, BackendError
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.service import protocol
from board_app.service.client import Client
from board_app.service.protocol import Message, ProtocolError
from board_app.service.server import Server

from ...deploy.stand_in import wait_until
from ..wrapped import Wrapped

BUILD = "0123abcd"


@pytest.fixture
def path() -> Iterator[Path]:
    """Short: the path of a Unix socket has 107 characters at most."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "fpga"


@dataclass
class Running:
    """A server in a thread, and what it told."""

    backend: Backend
    path: Path
    told: list[str] = field(default_factory=list)

    def __enter__(self) -> Running:
        self._server = Server(self.backend, BUILD, self.path)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def _serve(self) -> None:
        with suppress(OSError):  # how it ends here
            self._server.serve(self.told.append)

    def __exit__(self, *_: object) -> None:
        self._server._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.__exit__()


@pytest.fixture
def running(backend: Backend, path: Path) -> Iterator[Running]:
    with Running(backend, path) as running:
        yield running


def pixels(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("count", [0, 1, 7, protocol.MOST_IMAGES + 3])
def test_logits_are_those_of_the_backend(running: Running, backend: Backend, count: int) -> None:
    client = Client(running.path, BUILD, 10)
    start = client.now()
    found = client.execute(pixels(count))
    assert found.dtype == np.int32 and found.shape == (count, 10)
    np.testing.assert_array_equal(found, backend.execute(pixels(count)))
    assert (client.now() > start) == (count > 0)
    assert (client.name, client.windows) == (backend.name, backend.windows)
    client.close()


def test_it_is_a_backend_by_name(
    running: Running, overlay: Overlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(protocol.SOCKET_VARIABLE, str(running.path))
    with pytest.raises(BackendError, match="the FPGA has the overlay of build 0123abcd"):
        open_backend("socket", overlay)
    monkeypatch.setenv(protocol.SOCKET_VARIABLE, str(running.path.parent / "none"))
    open_backend("socket", overlay).close()


def test_what_the_backend_says_comes_through(backend: Backend, path: Path) -> None:
    class Broken(Wrapped):
        def execute(self, images: np.ndarray) -> np.ndarray:
            raise BackendError("idma0: CTRL=0x1")

    with Running(Broken(backend), path) as running:
        client = Client(path, BUILD, 10)
        with pytest.raises(BackendError, match="idma0: CTRL=0x1"):
            client.execute(pixels(1))
        client.close()
    assert running.told == ["idma0: CTRL=0x1"]


def test_it_waits_for_nobody_and_comes_back(backend: Backend, path: Path) -> None:
    client = Client(path, BUILD, 10)
    with pytest.raises(BackendAway, match="is started again by itself"):
        client.execute(pixels(1))
    for _ in range(2):  # the second time over a connection that has ended since
        with Running(backend, path):
            np.testing.assert_array_equal(client.execute(pixels(2)), backend.execute(pixels(2)))
    client.close()


def test_shapes_the_network_does_not_take(running: Running) -> None:
    client = Client(running.path, BUILD, 10)
    with pytest.raises(BackendError, match="expected uint8 images"):
        client.execute(np.zeros((1, 5, 5, 3), np.uint8))
    assert len(client.execute(pixels(1))) == 1, "the connection lives on"
    client.close()


def _connected(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(10)
    connection.connect(str(path))
    if protocol.receive(connection) is None:
        connection.close()
        raise ConnectionError("refused")
    return connection


def _header(version: int = 1, json_bytes: int = 2, array_bytes: int = 0) -> bytes:
    return struct.pack("<4sHHII", b"R8FP", version, 1, json_bytes, array_bytes)


def _request(values: bytes, content: bytes = b"") -> bytes:
    return _header(1, len(values), len(content)) + values + content


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", "does not speak this protocol"),
        (os.urandom(1).replace(b"R", b"x") * 1000, "does not speak this protocol"),
        (_header(version=2), "speaks version 2 of the protocol, this one version 1"),
        (_header(array_bytes=0xFFFF_FFFF), r"4,294,967,295 bytes is refused.*1,024 images"),
        (_header(json_bytes=0xFFFF_FFFF), "is refused"),
        (_request(b"{]"), "JSON is damaged"),
        (_request(b"[" * 4000), "JSON is damaged"),
        (_request(b"[]"), "no object"),
        (_request(b'{"dtype": "object", "shape": [1]}', b"12345678"), "'object'.* is refused"),
        (_request(b'{"dtype": "uint8", "shape": [-1, -4]}', b"1234"), "is no shape"),
        (_request(b'{"dtype": "uint8", "shape": [65536, 65536]}', b"1234"), "has not 4 bytes"),
        (_request(b'{"dtype": "uint8", "shape": [true]}', b"1"), "is no shape"),
    ],
)
def test_garbage_costs_its_own_connection_only(running: Running, sent: bytes, says: str) -> None:
    with _connected(running.path) as connection:
        connection.sendall(sent)
        with suppress(ConnectionResetError):  # where it had not read all
            assert connection.recv(1) == b""
    wait_until(lambda: bool(running.told))
    (told,) = running.told
    with pytest.raises(ProtocolError, match=says):
        raise ProtocolError(told)
    client = Client(running.path, BUILD, 10)
    assert len(client.execute(pixels(1))) == 1
    client.close()


def test_a_message_that_stops_half_way(running: Running) -> None:
    with _connected(running.path) as connection:
        connection.sendall(_header(array_bytes=3072)[:9])
    client = Client(running.path, BUILD, 10)
    assert len(client.execute(pixels(1))) == 1
    client.close()


def test_too_many_connections(running: Running) -> None:
    many = [_connected(running.path) for _ in range(8)]
    with pytest.raises(ConnectionError, match="refused"):
        _connected(running.path)
    wait_until(lambda: bool(running.told))
    assert running.told == ["more than 8 connections: one is refused"]
    for connection in many:
        connection.close()


def test_a_server_of_another_version(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def greet() -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                connection.sendall(_header(version=7) + b"{}")
                connection.close()

        thread = threading.Thread(target=greet)
        thread.start()
        says = "speaks version 7 .* start the demo again"
        with pytest.raises(BackendError, match=says):
            Client(path, BUILD, 10)
        with _connection(path) as connection, pytest.raises(ProtocolError, match=says):
            protocol.receive(connection)
        thread.join()


def _connection(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(str(path))
    return connection


def test_an_array_of_each_kind_travels() -> None:
    near, far = socket.socketpair()
    with near, far:
        for array in (pixels(2), np.arange(-10, 10, dtype=np.int32).reshape(2, 10)):
            protocol.send(near, Message(protocol.LOGITS, {"cycles": 3}, array[:, ::-1]))
            found = protocol.receive(far)
            assert found is not None and found.array is not None and found.values["cycles"] == 3
            np.testing.assert_array_equal(found.array, array[:, ::-1])
            assert found.array.dtype == array.dtype


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_nobody_else_may_use_it(running: Running) -> None:
    assert running.path.stat().st_mode & 0o777 == 0o600
    script = f"import socket; socket.socket(socket.AF_UNIX).connect({str(running.path)!r})"
    python = next(p for p in ("/usr/bin/python3", sys.executable) if Path(p).exists())
    found = subprocess.run([python, "-c", script], user=65534, stderr=subprocess.PIPE, text=True)
    assert "PermissionError" in found.stderr
