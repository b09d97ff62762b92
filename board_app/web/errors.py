"""Errors: a page for browsers, JSON for programs."""

from __future__ import annotations

from flask import Flask, current_app, json, render_template, request
from werkzeug.exceptions import HTTPException, ServiceUnavailable, UnsupportedMediaType
from werkzeug.wrappers import Response

from board_app.errors import BackendError, PictureError

_PLAIN = {
    404: "There is no such page.",
    405: "This address does not take that kind of request.",
    500: "The demo failed on this request. Its log, on the machine it runs on, says why.",
    503: "The FPGA failed on this picture. If it fails again, deploy the overlay again, or turn "
    "the board off and on; the demo's log says what happened.",
}
_TITLES = {
    400: "No picture came",
    413: "This is too large",
    415: "This cannot be read as a picture",
    500: "Something went wrong here",
    503: "The network cannot be computed",
}


def register(app: Flask) -> None:
    """Answer every error of `app`, unexpected ones too."""
    app.register_error_handler(HTTPException, _respond)
    app.register_error_handler(PictureError, _refuse)
    app.register_error_handler(BackendError, _give_up)


def _refuse(error: PictureError) -> Response:
    return _respond(UnsupportedMediaType(str(error)))


def _give_up(error: BackendError) -> Response:
    current_app.logger.error("%s", error)
    return _respond(ServiceUnavailable())


def _respond(error: HTTPException) -> Response:
    text = _PLAIN.get(error.code or 0) or error.description
    title = _TITLES.get(error.code or 0, error.name)
    response = error.get_response()
    if request.path.startswith(("/api/", "/healthz")):
        response.data = json.dumps({"error": text})
        response.content_type = "application/json"
    else:
        response.data = render_template("error.html", title=title, text=text)
        response.content_type = "text/html; charset=utf-8"
    return response
