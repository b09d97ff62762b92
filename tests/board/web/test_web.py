"""The demo's pages and its JSON interface."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from board_app.errors import BackendError
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.web import create_app


@pytest.fixture
def picture(images: Dataset) -> bytes:
    content = io.BytesIO()
    Image.fromarray(images.images[4]).save(content, "PNG")
    return content.getvalue()


def form(content: bytes, name: str = "picture.png") -> dict[str, Any]:
    return {"data": {"picture": (io.BytesIO(content), name)}, "content_type": "multipart/form-data"}


def test_page(client: FlaskClient) -> None:
    response = client.get("/")
    text = response.get_data(as_text=True)
    assert response.status_code == 200
    assert text.count('<img src="/samples/') == 20 and "Probability of each class" not in text
    assert response.headers["Content-Security-Policy"].startswith("default-src 'self'")


def test_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    text = client.get("/").get_data(as_text=True)
    for path in ["/", *re.findall(r'(?:src|href)="([^"]*)"', text)]:
        response = client.get(path)
        assert response.status_code == 200, path
        content = response.get_data()
        for ours in (b"http://www.w3.org/2000/svg", b"http://localhost/"):
            content = content.replace(ours, b"")
        assert b"http://" not in content and b"https://" not in content
        response.close()


def test_samples(client: FlaskClient, images: Dataset) -> None:
    response = client.get("/samples/3.png")
    assert response.mimetype == "image/png"
    with Image.open(io.BytesIO(response.get_data())) as image:
        np.testing.assert_array_equal(np.asarray(image), images.images[11])
    assert client.get("/samples/20.png").status_code == 404


def test_classify_a_sample(client: FlaskClient) -> None:
    text = client.get("/samples/3").get_data(as_text=True)
    assert text.count("<li data-live=") == 10 and " ms</b>" in text
    assert ("automobile</title>" in text) == ("and right" in text)


@pytest.mark.parametrize("sample", ["20", "-1", "one"])
def test_unknown_sample(client: FlaskClient, sample: str) -> None:
    assert client.get(f"/samples/{sample}").status_code == 404


def test_the_first_sample_is_a_right_one(
    overlay: Overlay, backend: Backend, images: Dataset
) -> None:
    logits = backend.execute(images.images)
    answers = logits.argmax(axis=1)
    likely = int(overlay.manifest.probabilities(logits).max(axis=1).argmax())
    labels = (answers + 1) % 10  # all wrong but one
    labels[likely] = answers[likely]
    gallery = Dataset(images.images[: likely + 1], labels[: likely + 1].astype(np.uint8), "few")
    text = create_app(overlay, backend, gallery).test_client().get("/").get_data(as_text=True)
    assert re.findall(r'href="/samples/(\d+)"', text)[0] == str(likely)


def test_classify_an_upload(client: FlaskClient, picture: bytes) -> None:
    response = client.post("/", **form(picture))
    text = response.get_data(as_text=True)
    assert response.status_code == 200
    assert text.count("data:image/png;base64,") == 2  # as it came: small enough to be lossless
    widths = [float(width) for width in re.findall(r'-bar" width="([\d.]+)%"', text)]
    assert len(widths) == 10 and sum(widths) == pytest.approx(100, abs=0.1)
    assert "Processor, no FPGA here" in text and "simulated" not in text


def test_without_samples(overlay: Overlay, backend: Backend) -> None:
    client = create_app(overlay, backend).test_client()
    assert "samples" not in client.get("/").get_data(as_text=True)
    assert client.get("/samples/0.png").status_code == 404
    assert client.get("/samples/0").status_code == 404


def test_api_agrees_with_the_backend(
    client: FlaskClient, picture: bytes, images: Dataset, overlay: Overlay, backend: Backend
) -> None:
    logits = backend.execute(images.images[4:5])
    expected = overlay.manifest.probabilities(logits)[0]
    for arguments in (
        form(picture),
        {"data": picture},
        {"data": picture, "content_type": "image/png"},
    ):
        response = client.post("/api/classify", **arguments)
        row = response.get_json()
        assert response.status_code == 200
        assert row["class"] == CLASSES[expected.argmax()]
        assert [row["logits"][name] for name in CLASSES] == logits[0].tolist()
        assert [row["probabilities"][name] for name in CLASSES] == pytest.approx(expected.tolist())
        assert row["milliseconds"] > 0
        assert (row["backend"], row["overlay"]) == ("reference", "lightweight")


def test_api_takes_several(
    client: FlaskClient, images: Dataset, backend: Backend, overlay: Overlay
) -> None:
    files = []
    for image in images.images[:3]:
        content = io.BytesIO()
        Image.fromarray(image).save(content, "PNG")
        files.append((io.BytesIO(content.getvalue()), "a.png"))
    files.insert(1, (io.BytesIO(b"some text"), "b.png"))
    response = client.post("/api/classify", data={"picture": files})
    rows = response.get_json()["pictures"]
    assert response.status_code == 200
    assert "not a picture" in rows.pop(1)["error"]
    assert [list(row["logits"].values()) for row in rows] == backend.execute(
        images.images[:3]
    ).tolist()
    assert {row["batch"] for row in rows} == {3}
    none = client.post("/api/classify", data={"picture": [(io.BytesIO(b"x"), "x")] * 2})
    assert none.status_code == 200 and all("error" in row for row in none.get_json()["pictures"])
    many = client.post(
        "/api/classify", data={"picture": [(io.BytesIO(b"x"), "x") for _ in range(17)]}
    )
    assert_error(many, "/api/classify", 400, "17 pictures are too many; 16 at most")


def test_api_searches(client: FlaskClient, backend: Backend) -> None:
    content = io.BytesIO()
    Image.effect_noise((400, 300), 100).convert("RGB").save(content, "PNG")
    found = client.post("/api/classify", data=content.getvalue()).get_json()
    assert 1 < found["windows"] <= backend.windows == client.get("/api/info").get_json()["windows"]
    left, top, right, bottom = found["box"]
    assert 0 <= left < right <= 400 and 0 <= top < bottom <= 300
    found = client.post("/api/classify?windows=1", data=content.getvalue()).get_json()
    assert (found["windows"], found["box"]) == (1, [50, 0, 350, 300])
    for wrong in ("0", "-1", "many", "1001", ""):
        response = client.post(f"/api/classify?windows={wrong}", data=content.getvalue())
        assert_error(response, "/api/classify", 400, "no whole number from 1 to 1000")


def test_api_takes_what_curl_sends(client: FlaskClient, picture: bytes) -> None:
    """`curl --data-binary @picture` says that the body is a form."""
    arguments = {"data": picture, "content_type": "application/x-www-form-urlencoded"}
    assert client.post("/api/classify", **arguments).status_code == 200


def test_info_and_health(client: FlaskClient) -> None:
    row = client.get("/api/info").get_json()
    assert row["classes"] == list(CLASSES) and row["backend"] == "reference"
    assert row["versions"]["numpy"] == np.__version__
    assert client.get("/healthz").get_json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/", "/api/classify"])
@pytest.mark.parametrize(
    "arguments, status, message",
    [
        ({}, 400, "no picture"),
        ({"data": {}, "content_type": "multipart/form-data"}, 400, "no picture was chosen"),
        ({"data": {"picture": (io.BytesIO(), "")}}, 400, "no picture was chosen"),
        (form(b""), 415, "is empty"),
        (form(b"some text", "cat.png"), 415, "not a picture that can be read"),
        (form(b"\x89PNG\r\n\x1a\n\0\0"), 415, "picture"),
        ({"data": b"some text"}, 415, "not a picture that can be read"),
        ({"headers": {"Transfer-Encoding": "chunked"}}, 411, "not in chunks"),
    ],
)
def test_bad_uploads(
    client: FlaskClient, path: str, arguments: dict[str, Any], status: int, message: str
) -> None:
    if "data" in arguments and isinstance(arguments["data"], dict):
        # A test client closes the files it sends; each run needs its own.
        fresh = {
            name: (io.BytesIO(file.getvalue()) if not file.closed else io.BytesIO(), label)
            for name, (file, label) in arguments["data"].items()
        }
        arguments = {**arguments, "data": fresh}
    assert_error(client.post(path, **arguments), path, status, message)


def assert_error(response: Any, path: str, status: int, message: str) -> None:
    """JSON for programs, a page for people."""
    assert response.status_code == status
    if path.startswith("/api"):
        assert message in response.get_json()["error"]
    else:
        text = response.get_data(as_text=True)
        assert response.mimetype == "text/html" and 'role="alert"' in text
        assert message.lower() in text.lower()


@pytest.mark.parametrize("path", ["/", "/api/classify"])
def test_too_large(client: FlaskClient, path: str) -> None:
    response = client.post(path, data=bytes(20_000_000), content_type="image/png")
    assert_error(response, path, 413, "20 MB; 16 MB at most")
    response = client.post(
        path, data=bytes(20_000_000), content_type="multipart/form-data; boundary=x"
    )
    assert_error(response, path, 413, "16 MB at most")


@pytest.mark.parametrize(
    "path, status, message",
    [("/nothing", 404, "no such page"), ("/api/nothing", 404, "no such page")],
)
def test_no_page(client: FlaskClient, path: str, status: int, message: str) -> None:
    assert_error(client.get(path), path, status, message)


def test_wrong_method_says_which_are_right(client: FlaskClient) -> None:
    response = client.get("/api/classify")
    assert_error(response, "/api/classify", 405, "does not take that kind of request")
    assert "POST" in response.headers["Allow"]


class Failing:
    """A backend that breaks."""

    name = "failing"
    simulated = False
    windows = 24
    clock_mhz = last_cycles = None

    def __init__(self, error: Exception) -> None:
        self.error = error

    def now(self) -> float:
        return 0.0

    def execute(self, images: np.ndarray) -> np.ndarray:
        raise self.error


@pytest.mark.parametrize("path", ["/", "/api/classify"])
@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (RuntimeError("secret detail"), 500, "The demo failed on this request"),
        (BackendError("secret registers"), 503, "If it fails again, deploy the overlay again"),
    ],
)
def test_failing_backend(
    overlay: Overlay, picture: bytes, path: str, error: Exception, status: int, message: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    client = create_app(overlay, Failing(error)).test_client()
    response = client.post(path, **form(picture))
    assert_error(response, path, status, message)
    assert b"secret" not in response.get_data()
    assert "secret" in caplog.text
    assert_error(client.get("/healthz"), "/api", status, message)


def test_names_are_escaped(overlay: Overlay) -> None:
    named = replace(overlay, manifest=replace(overlay.manifest, network="<script>x</script>"))
    text = create_app(named, Failing(RuntimeError())).test_client().get("/").get_data(as_text=True)
    assert "<script>x" not in text
    assert "&lt;script&gt;x" in text
