"""The picture in a request: its size limit, and where it is."""

from __future__ import annotations

from typing import Dict, List

from flask import abort, g, request

from board_app.pictures.picture import MAX_BYTES
from board_app.web import form
from board_app.web.form import Field, FormError

MAX_PICTURES = 16
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
    return any(field.content != b"" for field in _multipart().get(name, []))


def picture() -> bytes:
    """The request's picture: the form's file "picture", or the body itself."""
    return pictures()[0]


def pictures() -> List[bytes]:
    """The request's pictures, one at least: the form's files "picture", or the body itself."""
    if request.mimetype != "multipart/form-data":
        body = _body()
        if not body:
            abort(400, 'no picture: send one as the form\'s file "picture" or as the body')
        return [body]
    found = [field.content for field in _multipart().get("picture", []) if field.filename]
    if not found:
        abort(400, 'no picture was chosen: the form\'s file "picture" is missing')
    if len(found) > MAX_PICTURES:
        abort(400, f"{len(found)} pictures are too many; {MAX_PICTURES} at most")
    return found


def _multipart() -> Dict[str, List[Field]]:
    if request.mimetype != "multipart/form-data":
        return {}
    if "form" not in g:
        try:
            g.form = form.multipart(_body(), request.mimetype_params.get("boundary", ""))
        except FormError as error:
            abort(400, str(error))
    fields: Dict[str, List[Field]] = g.form
    return fields


def _body() -> bytes:
    body: bytes = request.get_data()
    return body
