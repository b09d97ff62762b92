"""The page that people see."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template

from board_app.web import upload
from board_app.web.demo import current, encode

blueprint = Blueprint("pages", __name__)


@blueprint.route("/")
def index() -> str:
    """The page without a result."""
    return render_template("index.html", demo=current(), result=None)


@blueprint.route("/", methods=["POST"])
def classify() -> str:
    """The page with the result for an uploaded picture, or for the sample "sample"."""
    demo = current()
    sample = upload.sample()
    if sample is not None:
        try:
            result = demo.sample(int(sample))
        except (IndexError, ValueError):
            abort(404)
    else:
        result = demo.upload(upload.picture())
    return render_template("index.html", demo=demo, result=result)


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
