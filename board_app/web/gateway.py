"""The WSGI application in threads: so many requests in work, so many waiting, no more."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, AsyncGenerator, AsyncIterator, Callable, Dict, Iterable, List, Optional

from board_app.web.message import Headers

_log = logging.getLogger(__name__)

Application = Callable[[Dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class Full(Exception):
    """As many requests wait, or streams run, as may."""


@dataclass(frozen=True)
class Reply:
    """The application's answer: a `body`, or a `stream` of blocks that come in time."""

    status: str
    headers: Headers
    body: bytes
    stream: Optional[Iterable[bytes]] = None


class Gateway:
    """Calls `application`; `streams` have threads of their own, so that they hold up no request."""

    def __init__(self, application: Application, workers: int, waiting: int, streams: int) -> None:
        self._application = application
        self._workers = ThreadPoolExecutor(workers, "request")
        self._streams = ThreadPoolExecutor(streams, "stream")
        self._free = asyncio.Semaphore(workers)
        self._room = workers + waiting
        self._stream_room = streams

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """A place among those who wait, then one among those in work; Full where there is none."""
        if not self._room:
            raise Full
        self._room -= 1
        try:
            async with self._free:
                yield
        finally:
            self._room += 1

    async def call(self, environ: Dict[str, object]) -> Reply:
        """The application's reply to a request that has its place."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._workers, self._call, environ)

    async def blocks(self, stream: Iterable[bytes]) -> AsyncGenerator[bytes, None]:
        """The stream's blocks as they come; Full where too many run."""
        loop = asyncio.get_running_loop()
        if not self._stream_room:
            _close(stream)
            raise Full
        self._stream_room -= 1
        iterator = iter(stream)
        try:
            while True:
                block = await loop.run_in_executor(self._streams, next, iterator, None)
                if block is None:
                    return
                yield block
        finally:
            self._stream_room += 1
            await loop.run_in_executor(self._streams, _close, stream)

    def close(self) -> None:
        """Wait for the threads, whose requests have ended."""
        self._workers.shutdown()
        self._streams.shutdown()

    def _call(self, environ: Dict[str, object]) -> Reply:
        found: List[Any] = []

        def start_response(status: str, headers: Headers, error: Any = None) -> None:
            found[:] = status, headers

        try:
            iterable = self._application(environ, start_response)
            status, headers = found
            known = any(name.lower() == "content-length" for name, _ in headers)
            bare = environ["REQUEST_METHOD"] == "HEAD" or status[:3] in ("204", "304")
            if not known and not bare and not isinstance(iterable, (list, tuple)):
                return Reply(status, headers, b"", iterable)
            try:
                return Reply(status, headers, b"".join(iterable))
            finally:
                _close(iterable)
        except Exception:
            _log.exception("the application failed")
            return Reply("500 Internal Server Error", [], b"")


def _close(iterable: Iterable[bytes]) -> None:
    close = getattr(iterable, "close", None)
    if close is not None:
        with suppress(ValueError):  # a generator that was given up while it works
            close()
