"""The demo: a page to classify pictures on, and the same as JSON under /api."""

from __future__ import annotations

from typing import Callable, Optional

from flask import Flask, Response

from board_app.measure.whole_set import WholeSet
from board_app.network.backend import Backend
from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import Dataset
from board_app.web import api, errors, pages, run, upload
from board_app.web.demo import KEY, Demo

_POLICY = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'"


def create_app(
    overlay: Overlay,
    backend: Backend,
    samples: Optional[Dataset] = None,
    test_images: Optional[Callable[[], Dataset]] = None,
) -> Flask:
    """The demo of `overlay` on `backend`, which all requests share, offering `samples` to try.

    `test_images` reads the images of the run over all of them, anew for each: they take 31 MB.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = upload.MAX_REQUEST
    classifier = Classifier(overlay, backend)
    app.extensions[KEY] = Demo(classifier, samples, WholeSet(classifier, test_images))
    app.before_request(upload.check_length)
    app.after_request(_protect)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(run.blueprint)
    errors.register(app)
    return app


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
