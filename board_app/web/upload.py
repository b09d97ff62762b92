"""The picture in a request: its size limit, and where it is."""

from __future__ import annotations

from typing import Dict

from flask import abort, request

from board_app.pictures.picture import MAX_BYTES
from board_app.web import form
from board_app.web.form import Field, FormError

MAX_REQUEST = MAX_BYTES + (64 << 10)  # a form puts a few lines around the picture


def check_length() -> None:
    """Refuse a request whose body is too large; the server has kept nothing of it."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        abort(411, "send the picture with its length (Content-Length), not in chunks")
    length = request.content_length or 0
    if length > MAX_REQUEST:
        abort(413, f"the picture is too large: {length / 1e6:.0f} MB; {MAX_BYTES >> 20} MB at most")


def asks(name: str) -> bool:
    """Whether the form has a field `name` that is not empty."""
    field = _multipart().get(name)
    return field is not None and field.content != b""


def picture() -> bytes:
    """The request's picture: the form's file "picture", or the body itself."""
    if request.mimetype != "multipart/form-data":
        body = _body()
        if not body:
            abort(400, 'no picture: send one as the form\'s file "picture" or as the body')
        return body
    field = _multipart().get("picture")
    if field is None or not field.filename:
        abort(400, 'no picture was chosen: the form\'s file "picture" is missing')
    return field.content


def _multipart() -> Dict[str, Field]:
    if request.mimetype != "multipart/form-data":
        return {}
    try:
        return form.multipart(_body(), request.mimetype_params.get("boundary", ""))
    except FormError as error:
        abort(400, str(error))


def _body() -> bytes:
    body: bytes = request.get_data()
    return body
