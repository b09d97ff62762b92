"""A token that every request has to bring, where the demo was started with one.

Programs send it as "Authorization: Bearer TOKEN". People open any page once with ?token=TOKEN,
after which their browser has a cookie, as with Jupyter.
"""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Optional
from urllib.parse import urlencode

from flask import Flask, abort, redirect, request
from werkzeug.wrappers import Response

_COOKIE = "board_app_token"
_LEAST = 16
_OPEN = ("/healthz", "/static/")  # what says nothing, and what is in the project anyway


class TokenError(OSError):
    """The token's file has none that would protect anything; the message says why."""


def read(path: Path) -> str:
    """The token in a file: its first line."""
    text = (path.read_text(encoding="ascii", errors="replace").splitlines() or [""])[0].strip()
    if len(text) < _LEAST or not text.isascii() or not text.isalnum():
        raise TokenError(
            f"{path}: a token is {_LEAST} letters and digits or more, on a line of its own; "
            f"make one with: openssl rand -hex {_LEAST}"
        )
    return text


def protect(app: Flask, token: str) -> None:
    """Answer 401 to whoever does not bring `token`."""

    def check() -> Optional[Response]:
        if request.path.startswith(_OPEN) or _same(_brought(), token):
            return None
        asked = request.args.get("token", "")
        if request.method != "GET" or not _same(asked, token):
            abort(401)
        rest = urlencode([pair for pair in request.args.items(multi=True) if pair[0] != "token"])
        response = redirect(f"{request.path}?{rest}" if rest else request.path, 303)
        response.set_cookie(
            _COOKIE, token, httponly=True, samesite="Strict", secure=request.is_secure
        )
        return response

    def say_how(response: Response) -> Response:
        if response.status_code == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    app.before_request(check)
    app.after_request(say_how)


def _brought() -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else request.cookies.get(_COOKIE, "")


def _same(brought: str, token: str) -> bool:
    return hmac.compare_digest(brought.encode("utf-8", "replace"), token.encode())
