"""The demo: a page to classify pictures on, and the same as JSON under /api."""

from __future__ import annotations

from typing import Callable, Optional

from flask import Flask, Response

from board_app.camera.capture import Capture
from board_app.measure.whole_set import WholeSet
from board_app.network.backend import Backend
from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import Dataset
from board_app.web import api, errors, pages, run, upload, watching, words
from board_app.web.demo import KEY, Demo
from board_app.web.race import Track
from board_app.web.watch import Watch

_POLICY = (
    "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
    # A picture of another page is dropped as its address.
    "connect-src 'self' data: http: https:"
)


def create_app(
    overlay: Overlay,
    backend: Backend,
    samples: Optional[Dataset] = None,
    test_images: Optional[Callable[[], Dataset]] = None,
    camera: Optional[Capture] = None,
    secure: bool = False,
) -> Flask:
    """The demo of `overlay` on `backend`, which all requests share, offering `samples` to try.

    `test_images` reads the images of the run over all of them, anew for each: they take 31 MB.
    `camera` is the board's, and `secure` whether the page is to be had over HTTPS too.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = upload.MAX_REQUEST
    classifier = Classifier(overlay, backend)
    app.extensions[KEY] = Demo(
        classifier,
        samples,
        WholeSet(classifier, test_images),
        Track(overlay),
        backend,
        None if camera is None else Watch(camera, classifier),
        secure,
    )
    app.before_request(upload.check_length)
    app.after_request(_protect)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(run.blueprint)
    app.register_blueprint(watching.blueprint)
    words.register(app)
    errors.register(app)
    return app


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
