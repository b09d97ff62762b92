"""One client's connection: its requests one after another, each within limits of time and memory.

A request has a thread only once it has come whole: who sends slowly, or nothing, holds none.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Awaitable, Callable, List, Optional, Tuple, TypeVar

from board_app.web import message
from board_app.web.bounds import Limits, Memory
from board_app.web.gateway import Full, Gateway, Reply
from board_app.web.message import BadRequest, Head
from board_app.web.upload import MAX_REQUEST

MAX_HEAD = 16 << 10
_SMALL = 64 << 10  # bytes of a body that come in before there must be room for all of it
_BLOCK = 64 << 10
_MAX_DRAINED = 256 << 20
_LEAST_PACE = 32_000  # bytes/s of a body
_LINGER = 2.0  # seconds for a client to read an error before the connection closes
_BUSY = "more comes in than this machine can take: try again in a moment"

T = TypeVar("T")
Log = Callable[[str, str, str, int, int, float], None]


@dataclass(frozen=True)
class Shared:
    """What all connections have in common."""

    gateway: Gateway
    memory: Memory
    limits: Limits
    stopping: asyncio.Event
    address: Tuple[str, int]
    log: Optional[Log]


class Connection:
    """`waiting_since`, by the loop's clock, is None while a request of its is in work."""

    _reader: asyncio.StreamReader
    _writer: asyncio.StreamWriter

    def __init__(self, shared: Shared, accepted: float) -> None:
        self._shared = shared
        self._client = "-"
        self._began = 0.0
        self._sent = 0
        self.waiting_since: Optional[float] = accepted

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve until the client, a limit or the server's end closes the connection."""
        self._reader, self._writer = reader, writer
        peer = writer.get_extra_info("peername")
        self._client = str(peer[0]) if peer else "-"
        try:
            while await self._request():
                self.waiting_since = asyncio.get_running_loop().time()
        except (OSError, asyncio.TimeoutError, asyncio.IncompleteReadError):
            pass  # it is gone, or as good as
        finally:
            self._writer.close()
            with suppress(OSError, asyncio.TimeoutError):
                await asyncio.wait_for(self._writer.wait_closed(), _LINGER)
            self._writer.transport.abort()

    async def _request(self) -> bool:
        """Serve one request; whether another may follow."""
        try:
            head = await self._head()
        except BadRequest as error:
            await self._refuse(error.status, str(error))
            return False
        if head is None:
            return False
        keep = head.keep_alive and not head.chunked
        try:
            first = await self._first(head)
            self.waiting_since = None
            async with self._shared.memory.lease(_kept(head) - len(first)):
                body = await self._rest(head, first)
                keep = keep and _kept(head) == head.length
                async with self._shared.gateway.place():
                    if self._writer.is_closing():
                        return False  # the client has gone while it waited
                    reply = await self._shared.gateway.call(self._environ(head, body))
            del body, first
            return await self._send(head, reply, keep)
        except Full:
            await self._refuse(503, _BUSY, head)
            return False

    async def _head(self) -> Optional[Head]:
        """The next request's head; None where none comes."""
        limits = self._shared.limits
        try:
            first = await asyncio.wait_for(self._reader.readexactly(1), limits.idle)
            while first in (b"\r", b"\n"):  # what some send after a body
                first = await asyncio.wait_for(self._reader.readexactly(1), limits.idle)
        except (asyncio.TimeoutError, asyncio.IncompleteReadError):
            return None
        self._began, self._sent = time.monotonic(), 0
        try:
            rest = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), limits.head)
        except asyncio.LimitOverrunError:
            raise BadRequest("the request's head is too long", 431) from None
        except asyncio.TimeoutError:
            raise BadRequest("the request's head did not come in time", 408) from None
        return message.parse(first + rest)

    async def _first(self, head: Head) -> bytes:
        """The first part of the body."""
        if head.length and head.expects_continue and head.length <= MAX_REQUEST:
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return b"".join(await self._blocks(min(_kept(head), _SMALL)))

    async def _rest(self, head: Head, first: bytes) -> bytes:
        """The whole body; none of one that is too large, which the application refuses."""
        if head.length > MAX_REQUEST:
            if not head.expects_continue:
                # A browser shows the answer only once all of its upload was taken.
                await self._blocks(min(head.length, _MAX_DRAINED), keep=False)
            return b""
        blocks = await self._blocks(head.length - len(first))
        return b"".join([first, *blocks]) if blocks else first

    async def _blocks(self, length: int, keep: bool = True) -> List[bytes]:
        """The next `length` bytes; an error where they do not come in time."""
        found: List[bytes] = []
        end = time.monotonic() + self._shared.limits.stall + length / _LEAST_PACE
        while length:
            if time.monotonic() > end:
                raise asyncio.TimeoutError
            block = await self._in_time(self._reader.read(min(length, _BLOCK)))
            if not block:
                raise asyncio.IncompleteReadError(b"", length)
            length -= len(block)
            if keep:
                found.append(block)
        return found

    async def _send(self, head: Head, reply: Reply, keep: bool) -> bool:
        """Send the reply; whether another request may follow."""
        keep = keep and not self._shared.stopping.is_set()
        status = int(reply.status[:3])
        if reply.stream is not None:
            keep = keep and head.minor == 1
            await self._send_stream(reply, keep)
        else:
            bare = head.method == "HEAD" or status in (204, 304)
            self._write(
                message.response(
                    reply.status, reply.headers, close=not keep, bare=bare, length=len(reply.body)
                )
            )
            for at in range(0, len(reply.body), _BLOCK):
                self._write(reply.body[at : at + _BLOCK])
                await self._in_time(self._writer.drain())
        await self._in_time(self._writer.drain())
        self._note(status, head)
        if not keep:
            await self._linger()
        return keep

    async def _send_stream(self, reply: Reply, chunked: bool) -> None:
        assert reply.stream is not None
        blocks = self._shared.gateway.blocks(reply.stream)
        try:
            begun = False
            async for block in blocks:
                if not begun:
                    begun = True
                    self._write(message.response(reply.status, reply.headers, close=not chunked))
                self._write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
                await self._in_time(self._writer.drain())
                if self._shared.stopping.is_set() or self._writer.is_closing():
                    break
            if not begun:
                self._write(message.response(reply.status, reply.headers, close=not chunked))
        finally:
            await blocks.aclose()
        if chunked:
            self._write(b"0\r\n\r\n")

    async def _refuse(self, status: int, text: str, head: Optional[Head] = None) -> None:
        """Answer without the application, and let the client read it."""
        retry = 1 if status == 503 else None
        self._write(message.error(status, text, head.path if head else "/api/", retry))
        await self._in_time(self._writer.drain())
        self._note(status, head)
        await self._linger()

    async def _linger(self) -> None:
        """Take what the client still sends: to close before would lose it the answer."""
        if self._writer.can_write_eof():
            self._writer.write_eof()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._drain_away(), _LINGER)

    async def _drain_away(self) -> None:
        while await self._reader.read(_BLOCK):
            pass

    async def _in_time(self, work: Awaitable[T]) -> T:
        return await asyncio.wait_for(work, self._shared.limits.stall)

    def _write(self, content: bytes) -> None:
        self._writer.write(content)
        self._sent += len(content)

    def _note(self, status: int, head: Optional[Head]) -> None:
        if self._shared.log is not None:
            method, path = (head.method, head.path) if head else ("-", "-")
            seconds = time.monotonic() - self._began
            self._shared.log(self._client, method, path, status, self._sent, seconds)

    def _environ(self, head: Head, body: bytes) -> "dict[str, object]":
        scheme = "http" if self._writer.get_extra_info("ssl_object") is None else "https"
        return message.environ(head, body, self._client, self._shared.address, scheme)


def _kept(head: Head) -> int:
    """Bytes of the body that are kept."""
    return head.length if head.length <= MAX_REQUEST else 0
