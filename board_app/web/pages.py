"""The pages that people see."""

from __future__ import annotations

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from board_app.web import run, upload
from board_app.web.demo import current
from board_app.web.result import encode

blueprint = Blueprint("pages", __name__)


@blueprint.route("/")
def index() -> str:
    """The page without a result."""
    return render_template("index.html", demo=current(), result=None)


@blueprint.route("/", methods=["POST"])
def classify() -> str:
    """The page with the result for an uploaded picture; for a frame of a video the result alone.

    The form's fields "video" and "race" say that it is one, and that the processor is to race.
    """
    demo = current()
    video = upload.asks("video")
    result = demo.upload(upload.picture(), video=video, race=upload.asks("race"))
    return render_template("result.html" if video else "index.html", demo=demo, result=result)


@blueprint.route("/samples/<int:index>")
def sample(index: int) -> str:
    """The page with the result for a sample, after a race with ?race=1."""
    demo = current()
    try:
        result = demo.sample(index, race="race" in request.args)
    except IndexError:
        abort(404)
    return render_template("index.html", demo=demo, result=result, sample=index)


@blueprint.route("/samples/<int:index>.png")
def sample_picture(index: int) -> Response:
    """A sample's picture, 32x32."""
    try:
        content = encode(current().sample_image(index), "PNG")
    except IndexError:
        abort(404)
    response = Response(content, mimetype="image/png")
    response.headers["Cache-Control"] = "max-age=3600"
    return response


@blueprint.route("/run")
def whole_set() -> str:
    """The run over all test images, as far as it is."""
    demo = current()
    return render_template("run.html", demo=demo, row=run.row(demo, demo.whole_set.status))


@blueprint.route("/run", methods=["POST"])
def start_run() -> AnyResponse:
    """Start it, and show it."""
    current().whole_set.start()
    return redirect(url_for("pages.whole_set"), 303)


@blueprint.route("/run/cancel", methods=["POST"])
def cancel_run() -> AnyResponse:
    """Cancel it, and show how far it was."""
    current().whole_set.cancel()
    return redirect(url_for("pages.whole_set"), 303)


@blueprint.route("/api")
def programs() -> str:
    """How programs use it."""
    return render_template("api.html", demo=current())
