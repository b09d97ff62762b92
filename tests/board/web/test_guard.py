"""With a token, nobody gets anything without it."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.web import create_app, guard

TOKEN = "0123456789abcdef"


@pytest.fixture
def app(overlay: Overlay, backend: Backend) -> Flask:
    app = create_app(overlay, backend)
    guard.protect(app, TOKEN)
    return app


WRONG = [
    {},
    {"headers": {"Authorization": "Bearer 0123456789abcdeX"}},
    {"headers": {"Authorization": TOKEN}},
    {"headers": {"Authorization": "Basic " + TOKEN}},
    {"headers": {"Cookie": "board_app_token=0123"}},
    {"query_string": {"token": "nö"}},
]


@pytest.mark.parametrize("arguments", WRONG)
def test_without_it(app: Flask, arguments: dict) -> None:
    every = {rule.rule for rule in app.url_map.iter_rules() if "<" not in rule.rule}
    for path in every - {"/healthz"}:
        for method in ("GET", "POST", "DELETE"):
            response = app.test_client().open(path, method=method, **arguments)
            assert response.status_code == 401, path
            assert response.headers["WWW-Authenticate"] == "Bearer"
            assert TOKEN not in response.get_data(as_text=True)
    assert "token" in app.test_client().get("/api/info", **arguments).get_json()["error"]


def test_what_is_open(app: Flask) -> None:
    assert app.test_client().get("/healthz").status_code == 200
    response = app.test_client().get("/static/demo.css")
    assert response.status_code == 200
    response.close()


def test_with_it(app: Flask) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    assert app.test_client().get("/api/info", headers=headers).status_code == 200
    assert app.test_client().post("/api/run", headers=headers).status_code == 404
    # Not with a request that changes something, which another page could make.
    assert app.test_client().post(f"/api/run?token={TOKEN}").status_code == 401


def test_a_browser_brings_it_once(app: Flask) -> None:
    client = app.test_client()
    response = client.get(f"/run?a=1&token={TOKEN}")
    assert (response.status_code, response.headers["Location"]) == (303, "/run?a=1")
    assert "HttpOnly" in response.headers["Set-Cookie"]
    assert "SameSite=Strict" in response.headers["Set-Cookie"]
    assert client.get("/run").status_code == 200


@pytest.mark.parametrize("text", ["", "short", "0123456789abcde\n", "0123456789 abcdef", "ü" * 20])
def test_a_bad_file(tmp_path: Path, text: str) -> None:
    path = tmp_path / "token"
    path.write_text(text)
    with pytest.raises(OSError, match="openssl rand"):
        guard.read(path)


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text(f"{TOKEN}\nand a remark\n")
    assert guard.read(path) == TOKEN
    with pytest.raises(FileNotFoundError):
        guard.read(tmp_path / "none")
