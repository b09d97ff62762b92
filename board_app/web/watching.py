"""The board's camera: its page, its pictures as a stream, and what is in the newest of them."""

from __future__ import annotations

import threading
from typing import Iterator

from flask import Blueprint, Response, abort, render_template, request

from board_app.errors import CameraError
from board_app.web.demo import current
from board_app.web.watch import Watch

blueprint = Blueprint("watching", __name__)

_VIEWERS = threading.BoundedSemaphore(8)  # each holds a connection and a thread for as long


@blueprint.route("/camera")
def page() -> str:
    """The page of the board's camera, with what is in its newest frame."""
    watch = _watch()
    try:
        result = watch.newer(0).result
    except CameraError:
        result = None  # the stream says why
    return render_template("index.html", demo=current(), result=result, camera=True)


@blueprint.route("/camera/result")
def result() -> Response:
    """What is in a frame newer than number ?after, as a part of the page."""
    seen = _watch().newer(request.args.get("after", 0, int))
    part = render_template("result.html", demo=current(), result=seen.result, number=seen.number)
    response = Response(part)
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.route("/camera/stream")
def stream() -> Response:
    """The pictures, each in the place of the one before (motion JPEG)."""
    watch = _watch()
    if not _VIEWERS.acquire(blocking=False):
        abort(503, "as many watch the camera as can: try again later", retry_after=5)
    response = Response(_parts(watch), mimetype="multipart/x-mixed-replace; boundary=frame")
    response.call_on_close(_VIEWERS.release)
    response.headers["Cache-Control"] = "no-store"
    return response


def _parts(watch: Watch) -> Iterator[bytes]:
    for jpeg in watch.stream():
        head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
        yield head.encode() + jpeg + b"\r\n"


def _watch() -> Watch:
    watch = current().camera
    if watch is None:
        abort(404)
    return watch
