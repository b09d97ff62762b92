"""The race: what the chip computed of a picture once more, on the processor beside it."""

from __future__ import annotations

import threading
import time
from typing import Optional

from board_app.errors import Busy
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from board_app.pictures import windows
from board_app.pictures.picture import Picture

_SECONDS = 5.0  # after which another race may be asked for


class Track:
    """The processor, for one race at a time: two at once would both be slow."""

    def __init__(self, overlay: Overlay) -> None:
        self._overlay = overlay
        self._reference: Optional[Reference] = None
        self._lock = threading.Lock()

    def milliseconds(self, picture: Picture, count: int) -> float:
        """How long the processor takes for `count` windows of `picture`; Busy in another race."""
        if not self._lock.acquire(blocking=False):
            raise Busy(_SECONDS)
        try:
            if self._reference is None:
                self._reference = Reference(self._overlay.graph())
            pixels = windows.cut(picture, count).pixels
            began = time.perf_counter()
            self._reference.execute(pixels)
            return 1000 * (time.perf_counter() - began)
        finally:
            self._lock.release()
