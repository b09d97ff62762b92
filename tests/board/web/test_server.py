"""The demo behind its real server: many clients, bad clients, and a clean stop."""

from __future__ import annotations

import http.client
import io
import json
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from flask import Flask, Response
from PIL import Image

from board_app import cli
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.web import certificate, create_app, server
from board_app.web.access_log import AccessLog
from board_app.web.bounds import Limits
from board_app.web.server import Server

from ..wrapped import Wrapped

Address = tuple[str, int]

LIMITS = Limits(connections=40, workers=16, idle=0.5, head=0.5, stall=0.5)


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
def app(overlay: Overlay, counting: Counting) -> Flask:
    return create_app(overlay, counting)


@pytest.fixture
def address(app: Flask) -> Iterator[Address]:
    """A running server's host and port."""
    with server.listen("127.0.0.1", 0) as listener, Server(app, listener, limits=LIMITS):
        yield listener.getsockname()


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


def test_many_half_open_ones_take_no_thread(address: Address) -> None:
    begun = [
        b"",
        b"GET / HTTP/1.1\r\nHost: board\r\n",
        b"POST /api/classify HTTP/1.1\r\nContent-Length: 1000000\r\n\r\n" + bytes(1000),
    ]
    threads = threading.active_count()
    with ExitStack() as stack:
        for number in range(500):
            client = stack.enter_context(socket.create_connection(address, timeout=20))
            client.sendall(begun[number % 3])
        assert threading.active_count() <= threads + 2  # those who ask now
        assert healthy(address)


def exchange(address: Address, sent: bytes) -> bytes:
    """All that comes for what is sent."""
    with socket.create_connection(address, timeout=20) as client:
        client.sendall(sent)
        return b"".join(iter(lambda: client.recv(65536), b""))


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01 what a TLS client says\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\n\r\n", 400),
        (b"GET http://[ HTTP/1.1\r\n\r\n", 400),
        (b"CONNECT board:80 HTTP/1.1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nA: 1\r\n folded\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET /healthz HTTP/1.1\r\nA: " + b"a" * 40_000, 431),
        (b"GET /healthz HTTP/1.1\r\nHost: b", 408),
        (b"POST /api/run HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411),
    ],
)  # fmt: skip
def test_bad_heads_are_told(address: Address, sent: bytes, status: int) -> None:
    answer = exchange(address, sent)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(answer.split(b"\r\n\r\n", 1)[1])["error"]
    assert healthy(address)


def test_a_connection_is_kept(address: Address, images: Dataset) -> None:
    content = png(images.images[0])
    client = http.client.HTTPConnection(*address, timeout=20)
    for _ in range(5):
        client.request("POST", "/api/classify", content)
        response = client.getresponse()
        assert response.status == 200 and "Server" not in response.headers
        assert json.load(response)["class"] in CLASSES
        kept = client.sock
        client.request("HEAD", "/")
        assert client.getresponse().read() == b"" and client.sock is kept
    client.close()


def test_an_answer_does_not_wait_for_an_acknowledgement(app: Flask) -> None:
    """Its head and its body are two writes: with Nagle's algorithm the body comes 40 ms later."""
    with server.listen("127.0.0.1", 0) as listener, Server(app, listener) as served:
        client = http.client.HTTPConnection(*listener.getsockname(), timeout=20)
        client.request("GET", "/api/info")
        assert client.getresponse().read()
        (connection,) = served._connections.values()
        accepted = connection._writer.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        client.close()


def test_a_browser_may_ask_whether_a_file_changed(address: Address) -> None:
    client = http.client.HTTPConnection(*address, timeout=20)
    client.request("GET", "/static/demo.css")
    first = client.getresponse()
    assert first.read()
    for _ in range(2):
        client.request("GET", "/static/demo.css", headers={"If-None-Match": first.headers["ETag"]})
        response = client.getresponse()
        assert (response.status, response.read()) == (304, b"")
        assert response.headers["Transfer-Encoding"] is None
    client.request("HEAD", "/static/demo.css")
    assert client.getresponse().status == 200
    client.close()


def test_a_stream_of_nothing(app: Flask) -> None:
    app.add_url_rule("/nothing", view_func=lambda: Response(iter(())))
    with server.listen("127.0.0.1", 0) as listener, Server(app, listener):
        client = http.client.HTTPConnection(*listener.getsockname(), timeout=20)
        for _ in range(2):
            client.request("GET", "/nothing")
            response = client.getresponse()
            assert (response.status, response.read()) == (200, b"")
        client.close()


def test_http_1_0_without_a_host(address: Address) -> None:
    """What deploy.sh asks with."""
    answer = exchange(address, b"GET /healthz HTTP/1.0\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and b"Connection: close" in answer


def test_the_body_is_asked_for(address: Address, images: Dataset) -> None:
    """curl waits a second for this with 1 MB and more."""
    content = png(images.images[0])
    with socket.create_connection(address, timeout=20) as client:
        head = f"Connection: close\r\nExpect: 100-continue\r\nContent-Length: {len(content)}"
        client.sendall(f"POST /api/classify HTTP/1.1\r\n{head}\r\n\r\n".encode())
        assert client.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(content)
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")


def blocked(app: Flask) -> tuple[threading.Semaphore, threading.Event]:
    """Give `app` an address that is slow: what says that it was asked, and what lets it go on."""
    asked, gate = threading.Semaphore(0), threading.Event()

    @app.route("/slow")
    def slow() -> str:
        asked.release()
        assert gate.wait(20)
        return "done"

    @app.route("/stream")
    def stream() -> Response:
        return Response(f"{number}\n" for number in iter(lambda: 1, 0))

    return asked, gate


def test_more_than_it_can_take_is_put_off(app: Flask) -> None:
    _, gate = blocked(app)
    limits = Limits(workers=2, waiting=3, streams=1)
    get = b"GET /slow HTTP/1.1\r\nConnection: close\r\n\r\n"
    with (
        server.listen("127.0.0.1", 0) as listener,
        Server(app, listener, limits=limits),
        ThreadPoolExecutor(6) as pool,
    ):
        address = listener.getsockname()
        asking = {pool.submit(exchange, address, get) for _ in range(6)}  # one more than it takes
        answered, waiting = wait(asking, timeout=20, return_when=FIRST_COMPLETED)
        (refused,) = (future.result() for future in answered)
        assert refused.startswith(b"HTTP/1.1 503 ") and b"Retry-After: 1\r\n" in refused
        info = exchange(address, b"GET /api/info HTTP/1.1\r\n\r\n")
        assert info.startswith(b"HTTP/1.1 503 ") and b'{"error": "' in info
        gate.set()
        assert all(b" 200 OK" in future.result(20) for future in waiting)
        assert healthy(address)


def test_a_stream_takes_no_place_of_a_request(app: Flask) -> None:
    blocked(app)
    limits = Limits(workers=1, streams=1, stall=0.5)
    with server.listen("127.0.0.1", 0) as listener, Server(app, listener, limits=limits):
        address = listener.getsockname()
        with socket.create_connection(address, timeout=20) as client:
            client.sendall(b"GET /stream HTTP/1.1\r\n\r\n")
            assert b"Transfer-Encoding: chunked" in client.recv(65536)
            assert healthy(address)
            second = exchange(address, b"GET /stream HTTP/1.1\r\n\r\n")
            assert second.startswith(b"HTTP/1.1 503 ")
        for _ in range(100):  # the first has gone, or is too slow: there is room again
            with socket.create_connection(address, timeout=20) as client:
                client.sendall(b"GET /stream HTTP/1.0\r\n\r\n")
                answer = client.recv(65536)
            if answer.startswith(b"HTTP/1.1 200 "):
                assert b"chunked" not in answer
                break
            time.sleep(0.05)
        else:
            pytest.fail("the stream's place is not free again")


def test_memory_for_uploads_is_bounded(app: Flask) -> None:
    limits = Limits(memory=1_000_000, stall=20)
    with (
        server.listen("127.0.0.1", 0) as listener,
        Server(app, listener, limits=limits),
        ThreadPoolExecutor(1) as pool,
    ):
        address = listener.getsockname()
        with upload(address, 1_000_000, bytes(100_000)):
            time.sleep(0.1)
            small = exchange(address, head(60_000) + bytes(60_000))
            assert small.startswith(b"HTTP/1.1 415 ")
            large = pool.submit(exchange, address, head(500_000) + bytes(500_000))
            assert not wait([large], timeout=0.5).done  # until the stalled one has gone
        assert large.result(20).startswith(b"HTTP/1.1 415 ")


def head(length: int) -> bytes:
    return (
        "POST /api/classify HTTP/1.1\r\nConnection: close\r\n"
        f"Content-Type: image/png\r\nContent-Length: {length}\r\n\r\n"
    ).encode()


def test_stopping_finishes_what_is_in_work(app: Flask) -> None:
    asked, gate = blocked(app)
    get = b"GET /slow HTTP/1.1\r\n\r\n"
    with server.listen("127.0.0.1", 0) as listener, ThreadPoolExecutor(1) as pool:
        address = listener.getsockname()
        with Server(app, listener), socket.create_connection(address, timeout=20) as idle:
            with socket.create_connection(address, timeout=20) as stream:
                stream.sendall(b"GET /stream HTTP/1.1\r\n\r\n")
                stream.recv(100)
            in_work = pool.submit(exchange, address, get)
            while not asked.acquire(timeout=0.01):
                pass
            threading.Timer(0.3, gate.set).start()
        assert idle.fileno() == -1
        answer = in_work.result(20)
        assert answer.startswith(b"HTTP/1.1 200 OK") and answer.endswith(b"done")
        assert b"Connection: close" in answer


def test_access_log(app: Flask, tmp_path: Path) -> None:
    log = AccessLog(tmp_path / "log")
    with (
        server.listen("127.0.0.1", 0) as listener,
        Server(app, listener, log=log),
    ):
        exchange(listener.getsockname(), b"GET /?token=secret HTTP/1.0\r\n\r\n")
        exchange(listener.getsockname(), b"nonsense\r\n\r\n")
    log.close()
    first, second = (tmp_path / "log").read_text().splitlines()
    assert re.fullmatch(r"[-\d]+ [:,\d]+ 127.0.0.1 GET / 200 \d{4} bytes [.\d]+ ms", first)
    assert " - - 400 " in second


def test_tls(overlay: Overlay, counting: Counting, tmp_path: Path) -> None:
    made = certificate.find([], tmp_path / "kept")
    app = create_app(overlay, counting, fingerprint=made.fingerprint)
    trusting = ssl.create_default_context(cafile=made.certificate)
    limits = Limits(head=0.5)
    with (
        server.listen("127.0.0.1", 0) as listener,
        Server(app, listener, context=made.context(), limits=limits),
        socket.create_connection(listener.getsockname()),  # which never says a word
    ):
        port = listener.getsockname()[1]
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=trusting) as response:
            assert made.fingerprint in response.read().decode()
        # Who speaks plain HTTP is sent there, and deploy.sh has its answer.
        plain = f" HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        sent = exchange(listener.getsockname(), b"GET /run?a=b" + plain)
        assert b" 307 " in sent and f"Location: https://127.0.0.1:{port}/run?a=b".encode() in sent
        assert b" 200 " in exchange(listener.getsockname(), b"GET /healthz" + plain)
        with urllib.request.urlopen(f"https://127.0.0.1:{port}/", context=trusting) as response:
            assert response.status == 200


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
