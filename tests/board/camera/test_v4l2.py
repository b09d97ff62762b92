"""The camera through a stand-in for OpenCV: no machine of ours has a Video4Linux device."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from board_app.camera import v4l2
from board_app.camera.v4l2 import V4L2Camera
from board_app.errors import CameraError

BLUE = np.zeros((480, 640, 3), np.uint8) + np.array([255, 0, 0], np.uint8)  # OpenCV has it first


class PlayedCapture:
    """cv2.VideoCapture of what a device's file says: "camera", "facts" (opens, no pictures)."""

    def __init__(self, path: str, api: int) -> None:
        assert api == 200
        self.kind = Path(path).read_text()
        self.settings: dict[int, float] = {}
        self.path = Path(path)
        self.released = False

    def isOpened(self) -> bool:  # noqa: N802
        return self.kind in ("camera", "facts")

    def set(self, key: int, value: float) -> bool:
        self.settings[key] = value
        return True

    def read(self) -> tuple[bool, Any]:
        there = self.kind == "camera" and self.path.exists()
        return there, BLUE if there else None

    def release(self) -> None:
        self.released = True


@pytest.fixture
def devices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that plays /dev, with OpenCV's stand-in."""
    played = SimpleNamespace(
        VideoCapture=PlayedCapture, CAP_V4L2=200, CAP_PROP_FOURCC=6, CAP_PROP_FRAME_WIDTH=3,
        CAP_PROP_FRAME_HEIGHT=4, CAP_PROP_BUFFERSIZE=38, COLOR_BGR2RGB=4,
        VideoWriter_fourcc=lambda *letters: "".join(letters),
        cvtColor=lambda frame, code: frame[..., ::-1],
    )  # fmt: skip
    monkeypatch.setitem(sys.modules, "cv2", played)
    monkeypatch.setattr(v4l2, "DEVICES", tmp_path)
    return tmp_path


def test_the_first_that_gives_pictures(devices: Path) -> None:
    (devices / "video0").write_text("facts")
    (devices / "video2").write_text("broken")
    (devices / "video10").write_text("camera")
    camera = V4L2Camera()
    frame = camera.read()
    assert frame.shape == (480, 640, 3) and frame[0, 0].tolist() == [0, 0, 255]
    assert camera._capture.settings == {6: "MJPG", 3: 640, 4: 480, 38: 1}
    assert camera._capture.path.name == "video10"
    camera.close()
    assert camera._capture.released


def test_unplugged(devices: Path) -> None:
    (devices / "video0").write_text("camera")
    camera = V4L2Camera(devices / "video0")
    (devices / "video0").unlink()
    with pytest.raises(CameraError, match="was unplugged"):
        camera.read()


def test_none(devices: Path) -> None:
    with pytest.raises(CameraError, match=r"no camera is plugged in$"):
        V4L2Camera()
    with pytest.raises(CameraError, match=r"no camera is plugged in at .*video7"):
        V4L2Camera(devices / "video7")


def test_without_opencv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(CameraError, match="no OpenCV"):
        V4L2Camera()
