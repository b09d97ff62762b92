"""The demo's HTTP server, on a socket of our own.

The board's image has no WSGI server but Werkzeug's, whose own documentation says that it is not for
production: a thread a connection, however many. This one has asyncio for the connections and
threads for whole requests only; docs/server.md says what it bounds.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from functools import partial
from typing import Callable, Dict, List, Optional

from board_app.web import message
from board_app.web.bounds import Limits, Memory
from board_app.web.connection import MAX_HEAD, Connection, Log, Shared
from board_app.web.gateway import Application, Gateway

_FULL = "too many connections: try again in a moment"
_HANDSHAKE = b"\x16"  # RFC 8446, section 5.1
_PAUSE = 0.1  # seconds after accepting failed, as where there are no more files


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; OSError says in words why there is none."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        number = error.errno or 0
        unknown = "the host is no address of this machine"
        reason = {
            errno.EADDRINUSE: "it is in use; stop what uses it or take another with --port",
            errno.EADDRNOTAVAIL: unknown,
            errno.EACCES: "ports below 1024 need root; take another with --port",
        }.get(number, unknown if number < 0 else str(error))  # the resolver's errors are below 0
        raise OSError(f"cannot listen on {host} port {port}: {reason}") from None


class Server:
    """A context manager that serves `application` meanwhile, in a thread of its own.

    `listener` stays the caller's to close; with `context` it speaks TLS with those who begin so,
    and plain HTTP with others. Leaving finishes what is in work, takes no more, and ends the
    streams.
    """

    def __init__(
        self,
        application: Application,
        listener: socket.socket,
        *,
        context: Optional[ssl.SSLContext] = None,
        limits: Optional[Limits] = None,
        log: Optional[Log] = None,
    ) -> None:
        self._application = application
        self._listener = listener
        self._context = context
        self._limits = limits or Limits()
        self._log = log
        self._connections: Dict["asyncio.Task[None]", Connection] = {}
        self._ready, self._ended = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="server")

    def __enter__(self) -> Server:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._shared.stopping.set)
        self._thread.join()

    def wait(self) -> None:
        """Until the caller is interrupted, or the server fails."""
        self._ended.wait()  # a thread whose join is interrupted counts as ended, up to Python 3.12

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        finally:
            self._ready.set()
            self._ended.set()

    async def _main(self) -> None:
        limits = self._limits
        self._loop = asyncio.get_running_loop()
        self._shared = Shared(
            Gateway(self._application, limits.workers, limits.waiting, limits.streams),
            Memory(limits.memory),
            limits,
            asyncio.Event(),
            self._listener.getsockname()[:2],
            self._log,
        )
        self._listener.setblocking(False)
        self._listen()
        self._ready.set()
        await self._shared.stopping.wait()
        self._loop.remove_reader(self._listener)
        await self._finish()

    async def _finish(self) -> None:
        """End those that wait, then give those in work their time."""
        for task, connection in self._connections.items():
            if connection.waiting_since is not None:
                task.cancel()
        if self._connections:
            await asyncio.wait(list(self._connections), timeout=self._limits.grace)
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._loop.run_in_executor(None, self._shared.gateway.close)

    def _listen(self) -> None:
        if not self._shared.stopping.is_set():
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        try:
            client, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:
            self._loop.remove_reader(self._listener)
            self._loop.call_later(_PAUSE, self._listen)
            return
        client.setblocking(False)
        # asyncio does this only where a socket says that it is TCP, which create_server's do not.
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self._connections) >= self._limits.connections and not self._make_room():
            self._turn_away(client)
            return
        connection = Connection(self._shared, self._loop.time())
        task = self._loop.create_task(self._serve(client, connection))
        self._connections[task] = connection
        task.add_done_callback(partial(self._forget, client))

    def _turn_away(self, client: socket.socket) -> None:
        with client, suppress(OSError):
            if self._context is None:
                client.send(message.error(503, _FULL, "/api/", 1))

    def _forget(self, client: socket.socket, task: "asyncio.Task[None]") -> None:
        client.close()  # also where the task was cancelled before it began
        self._connections.pop(task, None)

    def _make_room(self) -> bool:
        """Close the connection that has been waiting for the longest; whether there was one."""
        waiting = [
            (connection.waiting_since, task)
            for task, connection in self._connections.items()
            if connection.waiting_since is not None
        ]
        if not waiting:
            return False
        _, task = min(waiting, key=lambda row: row[0])
        self._connections.pop(task)
        task.cancel()
        return True

    async def _serve(self, client: socket.socket, connection: Connection) -> None:
        reader = asyncio.StreamReader(MAX_HEAD)
        protocol = asyncio.StreamReaderProtocol(reader)
        try:
            secure = self._context is not None and await self._begins_tls(client)
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: protocol,
                client,
                ssl=self._context if secure else None,
                ssl_handshake_timeout=self._limits.head if secure else None,
            )
        except (OSError, asyncio.TimeoutError):
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        await connection.serve(reader, writer)

    async def _begins_tls(self, client: socket.socket) -> bool:
        """Whether the client's first byte, which stays to be read, is that of a TLS handshake."""
        readable = asyncio.Event()
        self._loop.add_reader(client, readable.set)
        try:
            await asyncio.wait_for(readable.wait(), self._limits.head)
        finally:
            self._loop.remove_reader(client)
        return client.recv(1, socket.MSG_PEEK) == _HANDSHAKE


def serve(
    application: Application,
    listener: socket.socket,
    announce: Callable[[str], None],
    *,
    context: Optional[ssl.SSLContext] = None,
    log: Optional[Log] = None,
) -> None:
    """Serve until it is interrupted; `announce` gets a line for each address it is at."""
    host, port = listener.getsockname()[:2]
    scheme = "http" if context is None else "https"
    with Server(application, listener, context=context, log=log) as server:
        try:
            for address in addresses(host):
                announce(f"{scheme}://{address}:{port}/")
            announce("Ctrl-C stops.")
            server.wait()
        except KeyboardInterrupt:
            pass  # how Ctrl-C and SIGTERM ask to stop


def addresses(host: str) -> List[str]:
    """Where `host` can be reached: all of this machine's IPv4 addresses for 0.0.0.0."""
    if host != "0.0.0.0":
        return [f"[{host}]" if ":" in host else host]
    try:
        found = subprocess.run(["hostname", "-I"], stdout=subprocess.PIPE, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ["127.0.0.1"]
    return ["127.0.0.1", *(a for a in found.stdout.decode().split() if ":" not in a)]
