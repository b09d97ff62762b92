"""HTTP/1.1 messages: a request's head to WSGI's environ, a response's head to bytes (RFC 9112)."""

from __future__ import annotations

import io
import json
import re
import sys
from dataclasses import dataclass
from email.utils import formatdate
from html import escape
from http import HTTPStatus
from typing import Dict, List, Optional, Tuple
from urllib.parse import unquote_to_bytes, urlsplit

Headers = List[Tuple[str, str]]

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REQUEST = re.compile(r"([A-Z]{1,20}) ([!-~]+) HTTP/1\.([01])")
_HOPS = {"connection", "keep-alive", "server", "transfer-encoding", "upgrade"}


class BadRequest(Exception):
    """The head cannot be understood; `status` is the answer, the message says why."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True)
class Head:
    """A request's first line and its headers, whose names are in small letters."""

    method: str
    path: str
    query: str
    minor: int
    headers: Dict[str, str]

    @property
    def length(self) -> int:
        """Bytes of the body that follow; 0 where it comes in chunks, which nothing here takes."""
        return 0 if self.chunked else int(self.headers.get("content-length", 0))

    @property
    def chunked(self) -> bool:
        """Whether the body's end is not known before it comes."""
        return "transfer-encoding" in self.headers

    @property
    def keep_alive(self) -> bool:
        """Whether the client may send another request on the same connection."""
        said = self.headers.get("connection", "").lower()
        return "close" not in said and (self.minor == 1 or "keep-alive" in said)

    @property
    def expects_continue(self) -> bool:
        """Whether the client sends its body only when it is told to."""
        return self.minor == 1 and self.headers.get("expect", "").lower() == "100-continue"


def parse(block: bytes) -> Head:
    """The head in `block`, which ends with an empty line; BadRequest where it is none."""
    first, *lines = block.decode("latin-1").rstrip("\r\n").split("\r\n")
    found = _REQUEST.fullmatch(first)
    if found is None:
        raise BadRequest("this is no HTTP/1.1 request")
    method, target, minor = found.groups()
    try:
        url = urlsplit(target)
    except ValueError:
        raise BadRequest("the address cannot be read") from None
    if not url.path.startswith("/"):
        raise BadRequest("the address cannot be read")
    headers: Dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not _TOKEN.fullmatch(name):
            raise BadRequest("a header of the request cannot be read")
        name, value = name.lower(), value.strip(" \t")
        if name in headers and (name, value) != ("content-length", headers[name]):
            value = f"{headers[name]}, {value}"
        headers[name] = value
    if not re.fullmatch("[0-9]{1,15}", headers.get("content-length", "0")):
        raise BadRequest("the request's length (Content-Length) is no number")
    return Head(method, url.path, url.query, int(minor), headers)


def environ(
    head: Head, body: bytes, client: str, server: Tuple[str, int], scheme: str
) -> Dict[str, object]:
    """What a WSGI application is called with (PEP 3333)."""
    row: Dict[str, object] = {
        "REQUEST_METHOD": head.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(head.path).decode("latin-1"),
        "QUERY_STRING": head.query,
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/1.{head.minor}",
        "REMOTE_ADDR": client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scheme,
        "wsgi.input": io.BytesIO(body),
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in head.headers.items():
        if "_" not in name:  # which would look like another with "-"
            key = name.upper().replace("-", "_")
            row[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
    return row


def response(
    status: str,
    headers: Headers,
    *,
    close: bool,
    bare: bool = False,
    length: Optional[int] = None,
) -> bytes:
    """A response's head.

    Without `length`, and one in `headers`, the body comes in chunks, or until the connection is
    closed; with `bare` there is none.
    """
    kept = [(name, value) for name, value in headers if name.lower() not in _HOPS]
    names = {name.lower() for name, _ in kept}
    if "content-length" not in names and not bare:
        if length is not None:
            kept.append(("Content-Length", str(length)))
        elif not close:
            kept.append(("Transfer-Encoding", "chunked"))
    if "date" not in names:
        kept.append(("Date", formatdate(usegmt=True)))
    kept.append(("Connection", "close" if close else "keep-alive"))
    lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in kept)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def error(status: int, text: str, path: str, retry: Optional[int] = None) -> bytes:
    """A whole response that ends the connection: for programs JSON, for people a short page."""
    if path.startswith(("/api/", "/healthz")):
        kind, body = "application/json", json.dumps({"error": text})
    else:
        kind = "text/html; charset=utf-8"
        body = f'<!doctype html>\n<html lang="en"><title>{status}</title><p>{escape(text)}\n'
    headers = [("Content-Type", kind)]
    if retry is not None:
        headers.append(("Retry-After", str(retry)))
    content = body.encode()
    line = f"{status} {HTTPStatus(status).phrase}"
    return response(line, headers, close=True, length=len(content)) + content
