"""The run over all test images, as programs and the page see it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.web import create_app


@pytest.fixture
def app(overlay: Overlay, backend: Backend, images: Dataset) -> Flask:
    return create_app(overlay, backend, test_images=lambda: images)


def events(client: FlaskClient) -> Iterator[dict]:
    """The statuses as they come."""
    response = client.get("/api/run/events")
    assert response.mimetype == "text/event-stream"
    for text in response.iter_encoded():
        kind, data, *rest = text.decode().split("\n")
        assert kind == "event: run" and rest == ["", ""]
        yield json.loads(data.removeprefix("data: "))


def test_a_run_is_seen_by_all(app: Flask) -> None:
    ours, theirs = events(app.test_client()), events(app.test_client())
    client = app.test_client()
    assert [next(ours)["state"], next(theirs)["state"]] == ["none", "none"]
    started = client.post("/api/run")
    assert started.status_code == 202 and started.get_json()["number"] == 1
    for stream in (ours, theirs):
        row = next(row for row in stream if row["state"] != "running")
        assert (row["state"], row["done"], row["total"]) == ("done", 60, 60)
        assert sum(map(sum, row["confusion"])) == 60 and row["classes"] == list(CLASSES)
        assert row["correct"] == sum(row["confusion"][label][label] for label in range(10))
        assert row["accuracy"] == row["correct"] / 60
        assert row["interval"][0] <= row["accuracy"] <= row["interval"][1]
        assert row["images_per_second"] > 0 and row["network_images_per_second"] > 0
        assert row == client.get("/api/run").get_json()
        stream.close()


def test_nothing_to_cancel(client: FlaskClient) -> None:
    response = client.delete("/api/run")
    assert response.status_code == 409 and "no run" in response.get_json()["error"]


def test_without_images(overlay: Overlay, backend: Backend) -> None:
    client = create_app(overlay, backend).test_client()
    row = client.get("/api/run").get_json()
    assert (row["available"], row["accuracy"]) == (False, None)
    response = client.post("/api/run")
    assert response.status_code == 404 and "--cifar10 DIR" in response.get_json()["error"]
