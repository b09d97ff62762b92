"""The same for programs, as JSON."""

from __future__ import annotations

from typing import Dict, Optional

import numpy as np
from flask import Blueprint, Response, abort, jsonify, request

from board_app.network.classifier import Classifier, Found
from board_app.pictures.picture import MAX_BYTES, Picture, load, load_all
from board_app.system import machine
from board_app.web import upload
from board_app.web.demo import current

blueprint = Blueprint("api", __name__)

_MOST_WINDOWS = 1000


@blueprint.route("/api/classify", methods=["POST"])
def classify() -> Response:
    """Classify the form's files "picture", or the body itself.

    ?windows=N looks through at most N windows; 1 is the middle square. Several files are answered
    by a list "pictures" in their order, with an "error" in the place of each that is no picture.
    """
    classifier = current().classifier
    contents = upload.pictures()
    most = _windows()
    if len(contents) == 1:
        return jsonify(
            _row(classifier, classifier.search(load(contents[0], classifier.shape), most))
        )
    loaded = load_all(contents, classifier.shape)
    pictures = [one for one in loaded if isinstance(one, Picture)]
    found = iter(classifier.search_all(pictures, most) if pictures else [])
    rows = [
        _row(classifier, next(found)) if isinstance(one, Picture) else {"error": str(one)}
        for one in loaded
    ]
    return jsonify({"pictures": rows})


def _windows() -> Optional[int]:
    text = request.args.get("windows")
    if text is None:
        return None
    if not text.isdecimal() or not 0 < int(text) <= _MOST_WINDOWS:
        abort(400, f"windows={text} is no whole number from 1 to {_MOST_WINDOWS}")
    return int(text)


def _row(classifier: Classifier, found: Found) -> Dict[str, object]:
    backend, overlay = classifier.backend_name, classifier.overlay.folder.name
    return {**found.row(), "backend": backend, "overlay": overlay}


@blueprint.route("/api/info")
def info() -> Response:
    """What is running: overlay, backend, machine and versions."""
    classifier = current().classifier
    manifest = classifier.overlay.manifest
    height, width, channels = manifest.shape
    return jsonify(
        {
            "overlay": classifier.overlay.folder.name,
            "network": manifest.network,
            "parameters": manifest.parameters,
            "input": {"width": width, "height": height, "channels": channels},
            "classes": list(manifest.classes),
            "build_id": manifest.build_id,
            "accuracy": manifest.accuracy,
            "backend": classifier.backend_name,
            "windows": current().backend.windows,
            "limits": {"bytes": MAX_BYTES, "pictures": upload.MAX_PICTURES},
            "machine": machine.describe(),
            "versions": machine.versions(),
        }
    )


@blueprint.route("/healthz")
def healthz() -> Response:
    """Says that a picture would be answered, of which the network computes one: else 503."""
    classifier = current().classifier
    classifier.execute(np.zeros((1, *classifier.shape), np.uint8))
    return jsonify({"status": "ok"})
