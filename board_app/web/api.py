"""The same for programs, as JSON."""

from __future__ import annotations

import numpy as np
from flask import Blueprint, Response, jsonify

from board_app.pictures.picture import SIDE, load
from board_app.system import machine
from board_app.web import upload
from board_app.web.demo import current

blueprint = Blueprint("api", __name__)


@blueprint.route("/api/classify", methods=["POST"])
def classify() -> Response:
    """Classify the picture in the form's file "picture", or the body itself."""
    demo = current()
    found = demo.classifier.classify(load(upload.picture()).pixels)
    return jsonify(
        {
            "class": found.label,
            "logits": found.logits,
            "probability": found.probability,
            "probabilities": found.probabilities,
            "milliseconds": found.milliseconds,
            "backend": demo.classifier.backend_name,
            "overlay": demo.classifier.overlay.folder.name,
        }
    )


@blueprint.route("/api/info")
def info() -> Response:
    """What is running: overlay, backend, machine and versions."""
    classifier = current().classifier
    manifest = classifier.overlay.manifest
    return jsonify(
        {
            "overlay": classifier.overlay.folder.name,
            "network": manifest.network,
            "parameters": manifest.parameters,
            "classes": list(manifest.classes),
            "build_id": manifest.build_id,
            "accuracy": manifest.accuracy,
            "backend": classifier.backend_name,
            "machine": machine.describe(),
            "versions": machine.versions(),
        }
    )


@blueprint.route("/healthz")
def healthz() -> Response:
    """Says that a picture would be answered, of which the network computes one: else 503."""
    current().classifier.execute(np.zeros((1, SIDE, SIDE, 3), np.uint8))
    return jsonify({"status": "ok"})
