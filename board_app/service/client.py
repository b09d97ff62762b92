"""The backend of the half without privileges: it asks the half that has the FPGA."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import List, Optional

import numpy as np

from board_app.errors import BackendAway, BackendError
from board_app.service import protocol
from board_app.service.protocol import ERROR, EXECUTE, HELLO, LOGITS, Message, ProtocolError

_PATIENCE = 120.0  # seconds for a batch: the simulated board takes most of a minute for the largest
_WINDOWS = 320  # of a photo, until the other half has said how many


class Client:
    """A Backend over the socket. Comes back by itself after the other half was started again."""

    def __init__(self, path: Path, build_id: str, classes: int) -> None:
        """The other half may come later; BackendError where it is there for another build."""
        self._classes = classes
        self.name = "fpga"
        self.simulated = False
        self.windows = _WINDOWS
        self.clock_mhz: Optional[float] = None
        self.last_cycles: Optional[int] = None
        self._path, self._build_id = path, build_id
        self._connection: Optional[socket.socket] = None
        self._seconds = 0.0
        self._lock = threading.Lock()
        with suppress(BackendAway):
            self._connect()

    def now(self) -> float:
        """Seconds that the other half has worked for this one, by the board's clock."""
        return self._seconds

    def execute(self, images: np.ndarray) -> np.ndarray:
        """Logits (N, classes) int32 of `images` (N, height, width, channels) uint8.

        BackendAway where the other half is not there, BackendError where the FPGA failed.
        """
        parts: List[np.ndarray] = []
        cycles: List[Optional[int]] = []
        with self._lock:
            most = protocol.most_images(images[:1].nbytes, 4 * self._classes)
            for start in range(0, len(images), most):
                part = images[start : start + most]
                answer = self._ask(Message(EXECUTE, {}, part))
                if answer.kind == ERROR:
                    raise BackendError(str(answer.values.get("error")))
                logits = answer.array
                if answer.kind != LOGITS or logits is None or len(logits) != len(part):
                    self.close()
                    raise BackendError("the half that has the FPGA answered something else")
                parts.append(logits)
                cycles.append(answer.values.get("cycles"))
                self._seconds += float(answer.values.get("seconds", 0.0))
            self.last_cycles = None if None in cycles else sum(filter(None, cycles))
        return np.concatenate(parts) if parts else np.empty((0, self._classes), np.int32)

    def close(self) -> None:
        """Close the connection; the next batch opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, message: Message) -> Message:
        """The answer, asking once more where the connection is of a half that has ended since."""
        for fresh in (self._connection is None, True):
            try:
                connection = self._connect()
                protocol.send(connection, message)
                answer = protocol.receive(connection)
            except socket.timeout:
                self.close()
                raise BackendAway(
                    f"the process that has the FPGA has not answered for {_PATIENCE:g} s"
                ) from None
            except OSError:
                answer = None
            except ProtocolError as error:
                self.close()
                raise BackendError(str(error)) from None
            if answer is not None:
                return answer
            self.close()
            if fresh:
                break
        raise _away("it ended while it computed")

    def _connect(self) -> socket.socket:
        if self._connection is None:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(_PATIENCE)
            try:
                connection.connect(str(self._path))
                self._greet(protocol.receive(connection))
            except PermissionError:
                connection.close()
                raise BackendError(
                    f"this user may not use {self._path}: it is for the demo's own user"
                ) from None
            except OSError as error:
                connection.close()
                raise _away(error.strerror or str(error)) from None
            except ProtocolError as error:
                connection.close()
                raise BackendError(str(error)) from None
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _greet(self, hello: Optional[Message]) -> None:
        if hello is None:
            raise ConnectionResetError("it closed the connection")
        values = hello.values
        if hello.kind != HELLO or values.get("build_id") != self._build_id:
            raise BackendError(
                f"the FPGA has the overlay of build {values.get('build_id')}, this page is for "
                f"build {self._build_id}: start the demo again"
            )
        self.name, self.simulated = str(values["name"]), bool(values["simulated"])
        self.windows, self.clock_mhz = int(values["windows"]), values["clock_mhz"]


def _away(why: str) -> BackendAway:
    return BackendAway(
        "the process that has the FPGA is not there just now; it is started again by itself, which "
        f"takes a board half a minute. Try again then ({why})"
    )
