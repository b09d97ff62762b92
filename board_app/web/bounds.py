"""What all connections together may take: how many there are, how long they wait, their memory."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import AsyncIterator

from board_app.web.gateway import Full
from board_app.web.upload import MAX_REQUEST

_PATIENCE = 5.0  # seconds to wait for memory


@dataclass(frozen=True)
class Limits:
    """How many may be at once, and how many seconds they have.

    `workers` are requests in work, `waiting` those that have come whole and wait for that,
    `streams` answers without an end; `memory` bytes are for bodies. `idle` is until a request
    begins, `head` for its head, `stall` without a byte of its body coming or of the answer going,
    and `grace` for what is in work when the server stops.
    """

    connections: int = 256
    workers: int = 32
    waiting: int = 64
    streams: int = 32
    memory: int = 2 * MAX_REQUEST
    idle: float = 20.0
    head: float = 10.0
    stall: float = 10.0
    grace: float = 10.0


class Memory:
    """Bytes that bodies may take together."""

    def __init__(self, size: int) -> None:
        self._left = size
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def lease(self, size: int) -> AsyncIterator[None]:
        """So many bytes while the context lasts; Full where there are none in time."""
        async with self._changed:
            if self._left < size:
                try:
                    await asyncio.wait_for(
                        self._changed.wait_for(lambda: self._left >= size), _PATIENCE
                    )
                except asyncio.TimeoutError:
                    raise Full from None
            self._left -= size
        try:
            yield
        finally:
            async with self._changed:
                self._left += size
                self._changed.notify_all()
