"""Who asked for what: a line a request, never what was sent, in a file that stays small."""

from __future__ import annotations

import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Optional

_BYTES, _KEPT = 1 << 20, 3  # the file's size, and how many older ones there are beside it


class AccessLog:
    """Appends to `path`; OSError where that cannot be written. None logs nothing."""

    def __init__(self, path: Optional[Path]) -> None:
        self._handler: logging.Handler = logging.NullHandler()
        if path is not None:
            self._handler = RotatingFileHandler(path, maxBytes=_BYTES, backupCount=_KEPT)
            self._handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def __call__(
        self, client: str, method: str, path: str, status: int, sent: int, seconds: float
    ) -> None:
        """One request: bytes `sent` as the answer, and the time since its first byte came.

        `path` is without its query, which may have a token.
        """
        text = f"{client} {method} {path} {status} {sent} bytes {1e3 * seconds:.1f} ms"
        self._handler.handle(logging.LogRecord("access", logging.INFO, "", 0, text, None, None))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()
