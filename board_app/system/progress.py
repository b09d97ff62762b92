"""How far a long job is, on a terminal; nothing in a log or a pipe."""

from __future__ import annotations

import sys
import time

_PAUSE = 0.1  # seconds between two updates: a serial console takes 10 ms a line


class Counter:
    """A context manager to call with (increment, total); total 0 means that it is not known."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._done = 0
        self._shown = 0.0
        self._visible = sys.stderr.isatty()

    def __call__(self, increment: int, total: int) -> None:
        self._done += increment
        if not self._visible or time.monotonic() - self._shown < _PAUSE:
            return
        self._shown = time.monotonic()
        share = f" ({100 * self._done // total}%)" if total else ""
        print(f"\r{self._label}: {self._done:,}{share}\033[K", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._visible:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
