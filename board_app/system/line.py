"""Callers who wait for their turn: no more than can have it in time."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import Iterator

from board_app.errors import Busy

PATIENCE = 5.0  # seconds: who would wait longer is told to come again
_MEMORY = 0.8  # of the pace measured so far, when a turn adds to it


class Line:
    """A line of callers; `at_once` have their turn at the same time."""

    def __init__(self, at_once: int) -> None:
        self._turns = threading.Semaphore(at_once)
        self._at_once = at_once
        self._lock = threading.Lock()
        self._admitted = 0
        self._seconds = 0.0  # that a turn takes

    @contextmanager
    def admitted(self, turns: int = 1) -> Iterator[None]:
        """Within the context a caller may have so many turns; Busy where the line is too long."""
        with self._lock:
            wait = self._admitted * self._seconds / self._at_once
            if self._admitted and wait > PATIENCE:
                raise Busy(wait)
            self._admitted += turns
        try:
            yield
        finally:
            with self._lock:
                self._admitted -= turns

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A turn of a caller who is admitted, once those before have had theirs."""
        with self._turns:
            start = time.monotonic()
            try:
                yield
            finally:
                taken = time.monotonic() - start
                with self._lock:
                    old = self._seconds or taken
                    self._seconds = _MEMORY * old + (1 - _MEMORY) * taken
