"""The demo's HTTP server: werkzeug's threaded one, on a socket of our own."""

from __future__ import annotations

import errno
import socket
import subprocess
from typing import Any, Callable, List

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class _Handler(WSGIRequestHandler):
    timeout = 30  # seconds: a client that stalls in its upload must not hold a thread for ever

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing of requests; what fails in the application is logged by Flask."""


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


def create(app: Flask, listener: socket.socket) -> BaseWSGIServer:
    """The server, a thread a request; `listener` stays the caller's to close."""
    host, port = listener.getsockname()[:2]
    # werkzeug exits the process where it cannot bind, so it gets a socket that is bound already.
    return make_server(
        host, port, app, threaded=True, request_handler=_Handler, fd=listener.fileno()
    )


def serve(app: Flask, listener: socket.socket, announce: Callable[[str], None]) -> None:
    """Serve `app` until it is interrupted; `announce` gets a line for each address it is at."""
    host, port = listener.getsockname()[:2]
    server = create(app, listener)
    try:
        for address in _addresses(host):
            announce(f"http://{address}:{port}/")
        announce("Ctrl-C stops.")
        server.serve_forever()
    except KeyboardInterrupt:
        pass  # how Ctrl-C and SIGTERM ask to stop
    finally:
        server.server_close()


def _addresses(host: str) -> List[str]:
    """Where `host` can be reached: all of this machine's IPv4 addresses for 0.0.0.0."""
    if host != "0.0.0.0":
        return [f"[{host}]" if ":" in host else host]
    try:
        found = subprocess.run(["hostname", "-I"], stdout=subprocess.PIPE, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ["127.0.0.1"]
    return ["127.0.0.1", *(a for a in found.stdout.decode().split() if ":" not in a)]
