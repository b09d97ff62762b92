"""The demo: a page to classify pictures on, and the same as JSON under /api."""

from __future__ import annotations

from typing import Optional

from flask import Flask, Response

from board_app.network.backend import Backend
from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import Dataset
from board_app.web import api, errors, pages, upload
from board_app.web.demo import KEY, Demo

_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


def create_app(overlay: Overlay, backend: Backend, samples: Optional[Dataset] = None) -> Flask:
    """The demo of `overlay` on `backend`, which all requests share, offering `samples` to try."""
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = upload.MAX_REQUEST
    app.extensions[KEY] = Demo(Classifier(overlay, backend), samples)
    app.before_request(upload.check_length)
    app.after_request(_protect)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint)
    errors.register(app)
    return app


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
