"""The demo: a page to classify pictures on, and the same as JSON under /api."""

from __future__ import annotations

from typing import Callable, Optional

from flask import Flask, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from board_app.camera.capture import Capture
from board_app.measure.whole_set import WholeSet
from board_app.network.backend import Backend
from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.pictures import cifar10
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
    fingerprint: Optional[str] = None,
) -> Flask:
    """The demo of `overlay` on `backend`, which all requests share, offering `samples` to try.

    `test_images` reads the images of the run over all of them, anew for each: they take 31 MB.
    `camera` is the board's. With a certificate's `fingerprint` pages are to be had over HTTPS only.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = upload.MAX_REQUEST
    classifier = Classifier(overlay, backend)
    misfit = cifar10.misfit(overlay.manifest.shape, overlay.manifest.classes)
    whole_set = WholeSet(classifier, test_images, misfit)
    app.extensions[KEY] = Demo(
        classifier,
        samples,
        whole_set,
        Track(overlay),
        backend,
        None if camera is None else Watch(camera, classifier),
        fingerprint,
    )
    app.before_request(upload.check_length)
    if fingerprint is not None:
        app.before_request(_secure)
    app.after_request(_protect)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(api.blueprint)
    app.register_blueprint(run.blueprint)
    app.register_blueprint(watching.blueprint)
    words.register(app)
    errors.register(app)
    return app


def _secure() -> Optional[AnyResponse]:
    """Send whoever asks over plain HTTP to HTTPS; whether the demo answers may be asked anyway."""
    if request.is_secure or request.path == "/healthz":
        return None
    return redirect(request.url.replace("http:", "https:", 1), 307)


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
