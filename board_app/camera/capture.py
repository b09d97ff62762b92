"""One capture for all viewers: each takes the newest frame when it is ready for it.

So a slow viewer misses frames and holds nobody up. The camera is opened when someone watches and
closed when nobody does any more; one that is unplugged is opened again when it is back.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Callable, Optional, Protocol

import numpy as np

from board_app.errors import CameraError

_PACE = 1 / 15  # seconds a frame at least: the processor has more to do
_IDLE = 5.0  # seconds after which nobody watches any more
_RETRY = 1.0  # seconds between two tries to open the camera


class Source(Protocol):
    """An open camera."""

    def read(self) -> np.ndarray:
        """The newest frame (height, width, 3) uint8 RGB; CameraError where the camera is gone."""
        ...

    def close(self) -> None:
        """Give the camera back."""
        ...


@dataclass(frozen=True)
class Frame:
    """A frame's number, from 1, and its pixels (height, width, 3) uint8 RGB."""

    number: int
    pixels: np.ndarray


class Capture:
    """The camera that `open_source` opens; safe to share between threads."""

    def __init__(self, open_source: Callable[[], Source]) -> None:
        self._open_source = open_source
        self._news = threading.Condition()
        self._frame: Optional[Frame] = None
        self._error: Optional[CameraError] = None
        self._number = 0
        self._wanted = 0.0
        self._thread: Optional[threading.Thread] = None
        self._closed = False

    def newer(self, number: int, patience: float) -> Frame:
        """The newest frame, once it is newer than `number`.

        Raises CameraError where there is no camera now, or none comes within `patience` seconds.
        """
        end = time.monotonic() + patience
        with self._news:
            self._watch()
            while self._frame is None or self._frame.number <= number:
                if self._error is not None:
                    raise self._error
                if not self._news.wait(end - time.monotonic()):
                    raise CameraError("the camera gives no pictures")
            return self._frame

    def close(self) -> None:
        """Close the camera; nobody can watch any more."""
        with self._news:
            self._closed = True
            self._error = CameraError("the camera is closed")
            thread = self._thread
            self._news.notify_all()
        if thread is not None:
            thread.join(_IDLE)  # a camera that hangs holds nobody else

    def _watch(self) -> None:
        self._wanted = time.monotonic()
        if self._thread is None and not self._closed:
            self._error = None
            self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        source: Optional[Source] = None
        try:
            while self._goes_on():
                began = time.monotonic()
                pause = _PACE
                try:
                    source = source or self._open_source()
                    self._publish(source.read())
                except CameraError as error:
                    if source is not None:
                        source.close()
                    source, pause = None, _RETRY
                    self._fail(error)
                self._sleep(began + pause - time.monotonic())
        finally:
            if source is not None:
                source.close()

    def _goes_on(self) -> bool:
        """Whether someone watches; where nobody does, the thread is at its end."""
        with self._news:
            if not self._closed and time.monotonic() - self._wanted < _IDLE:
                return True
            self._thread = self._frame = None
            return False

    def _publish(self, pixels: np.ndarray) -> None:
        with self._news:
            self._number += 1
            self._frame = Frame(self._number, pixels)
            if not self._closed:
                self._error = None
            self._news.notify_all()

    def _fail(self, error: CameraError) -> None:
        with self._news:
            self._frame, self._error = None, error
            self._news.notify_all()

    def _sleep(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        with self._news:
            while not self._closed and time.monotonic() < end:
                self._news.wait(end - time.monotonic())
