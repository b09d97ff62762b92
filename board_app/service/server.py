"""The half that has the FPGA: it takes arrays from a socket and nothing else from anybody."""

from __future__ import annotations

import os
import socket
import threading
from contextlib import closing, suppress
from pathlib import Path
from typing import Callable, Optional

from board_app.errors import BackendError
from board_app.network.backend import Backend
from board_app.service import protocol
from board_app.service.protocol import ERROR, EXECUTE, HELLO, LOGITS, Message, ProtocolError

_AT_ONCE = 8  # connections; the page has one
_PATIENCE = 30.0  # seconds: who stops in the middle of a message holds no thread for ever


class Server:
    """Serves `backend` on a Unix socket; a context manager, which removes the socket."""

    def __init__(
        self, backend: Backend, build_id: str, path: Path, user: Optional[int] = None
    ) -> None:
        """Listen at `path`, which only root and `user` (this process' own if None) may open."""
        self._backend, self._path = backend, path
        self._hello = Message(
            HELLO,
            {
                "build_id": build_id,
                "name": backend.name,
                "simulated": backend.simulated,
                "windows": backend.windows,
                "clock_mhz": backend.clock_mhz,
            },
        )
        self._busy = threading.Lock()
        self._free = threading.Semaphore(_AT_ONCE)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        mask = os.umask(0o177)  # from its first moment nobody else's
        try:
            self._listener.bind(str(path))
        finally:
            os.umask(mask)
        if user is not None:
            os.chown(path, user, -1)
        self._listener.listen(_AT_ONCE)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        with suppress(OSError):
            self._path.unlink()

    def serve(self, tell: Callable[[str], None]) -> None:
        """Serve until interrupted; `tell` gets what went wrong."""
        while True:
            connection, _ = self._listener.accept()
            if not self._free.acquire(blocking=False):
                tell(f"more than {_AT_ONCE} connections: one is refused")
                connection.close()
                continue
            threading.Thread(target=self._attend, args=(connection, tell), daemon=True).start()

    def _attend(self, connection: socket.socket, tell: Callable[[str], None]) -> None:
        try:
            with closing(connection):
                protocol.send(connection, self._hello)
                while True:
                    connection.settimeout(None)
                    asked = protocol.receive(connection, _PATIENCE)
                    if asked is None:
                        return
                    protocol.send(connection, self._answer(asked, tell))
        except ProtocolError as error:
            tell(f"a connection is closed: {error}")
        except OSError:
            pass  # the other end is gone
        finally:
            self._free.release()

    def _answer(self, asked: Message, tell: Callable[[str], None]) -> Message:
        images = asked.array
        if asked.kind != EXECUTE or images is None:
            return Message(ERROR, {"error": f"a message of kind {asked.kind} is no request"})
        try:
            with self._busy:
                start = self._backend.now()
                logits = self._backend.execute(images)
                seconds = self._backend.now() - start
                cycles = self._backend.last_cycles
        except (BackendError, ValueError) as error:
            tell(str(error))
            return Message(ERROR, {"error": str(error)[:2000]})
        return Message(LOGITS, {"seconds": seconds, "cycles": cycles}, logits)
