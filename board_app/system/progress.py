"""How far a long job is, on a terminal; nothing in a log or a pipe."""

from __future__ import annotations

import sys
import time

_PAUSE = 0.1  # seconds between two updates: a serial console takes 10 ms a line


class Counter:
    """A context manager to call with (increment, total); total 0 means that it is not known.

    With `counted` it tells how many are done, else their share only; both with the time left.
    """

    def __init__(self, label: str, *, counted: bool = True) -> None:
        self._label = label
        self._counted = counted
        self._began = time.monotonic()
        self._done = 0
        self._shown = 0.0
        self._visible = sys.stderr.isatty()

    def __call__(self, increment: int, total: int) -> None:
        self._done += increment
        if not self._visible or time.monotonic() - self._shown < _PAUSE:
            return
        self._shown = time.monotonic()
        parts = [f"{self._done:,}"] if self._counted else []
        if total:
            parts.append(f"{100 * self._done // total}%")
        if total and 0 < self._done <= total:
            left = (self._shown - self._began) * (total - self._done) / self._done
            parts.append(f"{int(left) // 60}:{int(left) % 60:02} left")
        print(f"\r{self._label}: {', '.join(parts)}\033[K", end="", file=sys.stderr, flush=True)

    def __enter__(self) -> Counter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._visible:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
