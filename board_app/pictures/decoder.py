"""Pictures of strangers are decoded in another process, with limits on its memory and CPU time."""

from __future__ import annotations

import atexit
import math
import os
import select
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import ContextManager, Optional

from board_app.errors import PictureError
from board_app.pictures.decoder_process import DECODED, HEADER, TOO_LARGE
from board_app.pictures.decoding import Decoded, Shape
from board_app.system.line import Line

_AT_ONCE = 2  # small pictures; beside them one large
_PATIENCE = 60.0  # seconds: a fork that is starved by others, or on a slow machine, still ends
_BLOCK = 1 << 20


class Decoder:
    """The process that decodes, started when it is first needed or by `start`.

    A small picture waits for small ones only: those that turn out to be large are given up and
    decoded again, one at a time.
    """

    def __init__(self) -> None:
        self._small = Line(_AT_ONCE)
        self._large = Line(1)
        self._starting = threading.Lock()
        self._process: Optional[subprocess.Popen[bytes]] = None
        self._control: Optional[socket.socket] = None
        self._ready = False

    def start(self) -> None:
        """Start the process now, while this one is small."""
        with self._starting:
            self._spawn()

    def admitted(self, pictures: int) -> ContextManager[None]:
        """Within the context so many pictures may be decoded; Busy where too many wait already."""
        return self._small.admitted(pictures)

    def decode(self, content: bytes, shape: Shape) -> Decoded:
        """Decode a picture's bytes for a network of `shape`.

        PictureError where that cannot be done within the limits, Busy where too many large ones
        wait already.
        """
        with self._starting, suppress(ConnectionError):
            self._connected()  # to wait for that is no part of a turn
        with self._small.turn():
            answer = self._ask("small", shape, content)
        if answer[:1] == TOO_LARGE:
            with self._large.admitted(), self._large.turn():
                answer = self._ask("large", shape, content)
        kind, *sizes = HEADER.unpack_from(answer)
        answer = answer[HEADER.size :]
        if kind != DECODED:
            raise PictureError(answer.decode())
        original, preview = (sizes[0], sizes[1]), (sizes[2], sizes[3])
        pixels = math.prod(shape)
        return Decoded(original, answer[:pixels], preview, answer[pixels:])

    def close(self) -> None:
        """End the process; a later picture starts another."""
        with self._starting:
            self._end()

    def _ask(self, lane: str, shape: Shape, content: bytes) -> bytes:
        request = " ".join(map(str, (lane, *shape))).encode()
        for _ in range(2):  # once more where the process was gone
            process = self._process
            answer = self._ask_once(request, content)
            if answer:
                return answer
            with self._starting:
                if process is self._process:
                    self._end()
        raise PictureError("the picture could not be decoded: the process that does it was ended")

    def _ask_once(self, request: bytes, content: bytes) -> bytes:
        read, write = os.pipe()
        file = os.memfd_create("picture")
        try:
            try:
                with os.fdopen(os.dup(file), "wb") as target:
                    target.write(content)
                os.lseek(file, 0, os.SEEK_SET)
                with self._starting:
                    socket.send_fds(self._connected(), [request], [file, write])
            except ConnectionError:
                return b""
            finally:
                os.close(write)
                os.close(file)
            return _read(read)
        finally:
            os.close(read)

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            self._process.wait(_PATIENCE)
        self._control = self._process = None
        self._ready = False

    def _connected(self) -> socket.socket:
        """The socket to the process, once that listens; ConnectionError where it has ended."""
        control = self._spawn()
        if not self._ready:
            if not control.recv(1):
                raise ConnectionError
            self._ready = True
        return control

    def _spawn(self) -> socket.socket:
        if self._control is None:
            self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            root = str(Path(__file__).resolve().parents[2])
            path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
            module, number = "board_app.pictures.decoder_process", theirs.fileno()
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", module, str(number)],
                    env={**os.environ, "PYTHONPATH": path},
                    stdin=subprocess.DEVNULL,
                    pass_fds=[number],
                    start_new_session=True,  # Ctrl-C is for the one who asks
                )
        return self._control


def _read(pipe: int) -> bytes:
    """The answer's header and what follows it; nothing where all other ends were closed before."""
    found = bytearray()
    whole = HEADER.size
    end = time.monotonic() + _PATIENCE
    while len(found) < whole:
        if not select.select([pipe], [], [], max(0.0, end - time.monotonic()))[0]:
            raise PictureError("the picture takes too long to decode")
        block = os.read(pipe, _BLOCK)
        if not block:
            return b""
        found += block
        if len(found) >= HEADER.size:
            whole = HEADER.size + HEADER.unpack_from(found)[-1]
    return bytes(found)


shared = Decoder()
atexit.register(shared.close)
