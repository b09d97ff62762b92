"""The run over all test images: start it, watch it, cancel it."""

from __future__ import annotations

import time
from typing import Dict, Iterator

from flask import Blueprint, Response, json, jsonify

from board_app.measure.whole_set import CANCELLED, DONE, FAILED, NONE, RUNNING, Status
from board_app.web.demo import Demo, current

blueprint = Blueprint("run", __name__)

_PAUSE = 0.2  # seconds between two events
_HEARTBEAT = 2.0  # seconds without one, after which a comment shows who has gone


@blueprint.route("/api/run")
def status() -> Response:
    """The run that is, else the last one."""
    return jsonify(row(current(), current().whole_set.status))


@blueprint.route("/api/run", methods=["POST"])
def start() -> Response:
    """Start a run: 202, or 409 where there is one."""
    response = jsonify(row(current(), current().whole_set.start()))
    response.status_code = 202
    return response


@blueprint.route("/api/run", methods=["DELETE"])
def cancel() -> Response:
    """Cancel the run: its last status, or 409 where there is none."""
    return jsonify(row(current(), current().whole_set.cancel()))


@blueprint.route("/api/run/events")
def events() -> Response:
    """The status as server-sent events `run`: now, and at every change."""
    response = Response(_events(current()), mimetype="text/event-stream")
    response.headers["Cache-Control"] = "no-store"
    return response


def _events(demo: Demo) -> Iterator[str]:
    status = demo.whole_set.status
    yield _event(demo, status)
    while True:
        following = demo.whole_set.wait(status, _HEARTBEAT)
        if following is status:
            yield ": nothing new\n\n"
            continue
        yield _event(demo, following)
        status = following
        if status.state == RUNNING:
            time.sleep(_PAUSE)


def _event(demo: Demo, status: Status) -> str:
    return f"event: run\ndata: {json.dumps(row(demo, status))}\n\n"


def row(demo: Demo, status: Status) -> Dict[str, object]:
    """What is told of a run."""
    accuracy = status.accuracy
    return {
        "number": status.number,
        "state": status.state,
        "text": _text(status),
        "error": status.error,
        "available": demo.whole_set.available,
        "done": status.done,
        "total": status.total,
        "correct": accuracy and accuracy.correct,
        "accuracy": accuracy and accuracy.fraction,
        "interval": accuracy and accuracy.interval,
        "seconds": status.seconds,
        "images_per_second": _rate(status.done, status.seconds),
        "network_images_per_second": _rate(status.done, status.network_seconds),
        "classes": list(demo.classifier.overlay.manifest.classes),
        "confusion": status.confusion.tolist(),
        "backend": demo.classifier.backend_name,
    }


def _text(status: Status) -> str:
    return {
        NONE: "No run yet.",
        RUNNING: "Running.",
        DONE: f"Done, in {status.seconds:.1f} s.",
        CANCELLED: f"Cancelled after {status.done:,} images.",
        FAILED: f"It failed: {status.error}.",
    }[status.state]


def _rate(images: int, seconds: float) -> float:
    return images / seconds if seconds else 0.0
