"""The picture in a request: its size limit, and where it is."""

from __future__ import annotations

from flask import abort, request

from board_app.pictures.picture import MAX_BYTES

MAX_REQUEST = MAX_BYTES + (64 << 10)  # a form puts a few lines around the picture
_MAX_DRAINED = 256 << 20
_BLOCK = 1 << 20


def check_length() -> None:
    """Refuse a request whose body is too large, before any of it is stored."""
    if "chunked" in request.headers.get("Transfer-Encoding", "").lower():
        abort(411, "send the picture with its length (Content-Length), not in chunks")
    length = request.content_length or 0
    if length > MAX_REQUEST:
        _drain(length)
        abort(413, f"the picture is too large: {length / 1e6:.0f} MB; {MAX_BYTES >> 20} MB at most")


def picture() -> bytes:
    """The request's picture: the form's file "picture", or the body itself."""
    if request.mimetype != "multipart/form-data":
        body: bytes = request.get_data(cache=False)
        if not body:
            abort(400, 'no picture: send one as the form\'s file "picture" or as the body')
        return body
    file = request.files.get("picture")
    if file is None or not file.filename:
        abort(400, 'no picture was chosen: the form\'s file "picture" is missing')
    content: bytes = file.read()
    return content


def _drain(length: int) -> None:
    """Read the body away: a browser shows the answer only once all of its upload was taken."""
    left = min(length, _MAX_DRAINED)
    stream = request.environ["wsgi.input"]
    while left > 0:
        block = stream.read(min(left, _BLOCK))
        if not block:
            return
        left -= len(block)
