"""What is in the board's camera's frames: looked at once for all, and never of what is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from board_app.camera import capture
from board_app.camera.capture import Capture
from board_app.errors import CameraError
from board_app.network.backend import Backend
from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.web import create_app, watch
from board_app.web.watch import Watch

from ..camera.test_capture import Played, until


@pytest.fixture
def camera() -> Played:
    return Played()


@pytest.fixture
def watched(
    camera: Played, overlay: Overlay, backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Watch]:
    monkeypatch.setattr(capture, "_PACE", 0.002)
    made = Watch(Capture(camera.open), Classifier(overlay, backend))
    yield made
    made.close()


def test_a_frame_is_looked_at_once_for_all(watched: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "_FRESH", 60.0)
    seen = watched.newer(0)
    assert watched.newer(0) is watched.newer(seen.number - 1) is seen
    assert watched.newer(seen.number).number > seen.number


def test_an_old_frame_is_looked_at_for_nobody(
    watched: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "_FRESH", 0.0)
    seen = watched.newer(0)
    again = watched.newer(0)
    assert again is not seen and again.number >= seen.number


def test_a_camera_that_is_gone_shows_nothing(watched: Watch, camera: Played) -> None:
    watched.newer(0)
    camera.plugged = False
    until(lambda: camera.closed > 0)
    with pytest.raises(CameraError):
        watched.newer(0)


def test_one_viewer_too_many_is_told(overlay: Overlay, backend: Backend, camera: Played) -> None:
    app = create_app(overlay, backend, camera=Capture(camera.open))
    with ExitStack() as stack:
        for _ in range(8):
            response = app.test_client().get("/camera/stream")
            stack.callback(response.close)
            assert response.status_code == 200
        refused = app.test_client().get("/camera/stream")
        assert refused.status_code == 503 and refused.headers["Retry-After"] == "5"
        text = refused.get_data(as_text=True)
        assert "As many watch the camera as can" in text and "FPGA" not in text
    response = app.test_client().get("/camera/stream")
    assert response.status_code == 200
    response.close()
