"""Errors: a page for browsers, JSON for programs."""

from __future__ import annotations

import math

from flask import Flask, current_app, json, render_template, request
from werkzeug.exceptions import (
    Conflict,
    HTTPException,
    NotFound,
    ServiceUnavailable,
    UnsupportedMediaType,
)
from werkzeug.wrappers import Response

from board_app.errors import (
    BackendAway,
    BackendError,
    Busy,
    CameraError,
    DatasetError,
    PictureError,
)
from board_app.measure.whole_set import RunError

_PLAIN = {
    401: "This demo wants a token. Open its page once as /?token=TOKEN, or send the header "
    '"Authorization: Bearer TOKEN".',
    404: "There is no such page.",
    405: "This address does not take that kind of request.",
    500: "The demo failed on this request. Its log, on the machine it runs on, says why.",
}
_TITLES = {
    400: "No picture came",
    401: "Who is it?",
    413: "This is too large",
    415: "This cannot be read as a picture",
    500: "Something went wrong here",
}
_FAILED = (
    "The network cannot be computed",
    "The FPGA failed on this picture. If it fails again, deploy the overlay again, or turn the "
    "board off and on; the demo's log says what happened.",
)


def register(app: Flask) -> None:
    """Answer every error of `app`, unexpected ones too."""
    app.register_error_handler(HTTPException, _respond)
    app.register_error_handler(PictureError, _refuse)
    app.register_error_handler(BackendError, _give_up)
    app.register_error_handler(BackendAway, _wait)
    app.register_error_handler(Busy, _put_off)
    app.register_error_handler(CameraError, _unplugged)
    app.register_error_handler(RunError, lambda error: _respond(Conflict(str(error))))
    app.register_error_handler(DatasetError, _miss)


def _refuse(error: PictureError) -> Response:
    return _respond(UnsupportedMediaType(str(error)))


def _give_up(error: BackendError) -> Response:
    current_app.logger.error("%s", error)
    return _answer(*_FAILED, ServiceUnavailable())


def _put_off(error: Busy) -> Response:
    response = _answer("Too much to do just now", str(error), ServiceUnavailable())
    response.headers["Retry-After"] = str(max(1, math.ceil(error.seconds)))
    return response


def _wait(error: BackendAway) -> Response:
    current_app.logger.error("%s", error)
    response = _answer("The FPGA is not there just now", str(error), ServiceUnavailable())
    response.headers["Retry-After"] = "5"
    return response


def _unplugged(error: CameraError) -> Response:
    return _answer("The board's camera gives no picture", str(error), ServiceUnavailable())


def _miss(error: DatasetError) -> Response:
    return _answer("No test images", str(error), NotFound())


def _respond(error: HTTPException) -> Response:
    code = error.code or 500
    text = _PLAIN.get(code) or error.description or error.name
    return _answer(_TITLES.get(code, error.name), text, error)


def _answer(title: str, text: str, error: HTTPException) -> Response:
    """`error`'s response, its headers kept, that says `text`."""
    response = error.get_response()
    if request.path.startswith(("/api/", "/healthz")):
        response.data = json.dumps({"error": text})
        response.content_type = "application/json"
    else:
        response.data = render_template("error.html", title=title, text=text)
        response.content_type = "text/html; charset=utf-8"
    return response
