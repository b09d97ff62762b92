"""One capture for all viewers, whatever the camera and the viewers do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from board_app.camera import capture
from board_app.camera.capture import Capture
from board_app.errors import CameraError


class Played:
    """A camera whose frames are of one colour, one more for each; it can be unplugged."""

    def __init__(self) -> None:
        self.plugged = True
        self.opened = self.closed = self.frames = 0

    def open(self) -> Played:
        if not self.plugged:
            raise CameraError("no camera is plugged in")
        self.opened += 1
        return self

    def read(self) -> np.ndarray:
        if not self.plugged:
            raise CameraError("the camera was unplugged")
        self.frames += 1
        return np.full((48, 64, 3), self.frames % 256, np.uint8)

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def camera() -> Played:
    return Played()


@pytest.fixture
def watched(camera: Played, monkeypatch: pytest.MonkeyPatch) -> Iterator[Capture]:
    for name, seconds in {"_PACE": 0.002, "_IDLE": 0.2, "_RETRY": 0.01}.items():
        monkeypatch.setattr(capture, name, seconds)
    made = Capture(camera.open)
    yield made
    made.close()


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_many_viewers_one_capture(watched: Capture, camera: Played) -> None:
    assert camera.opened == 0  # nobody watches

    def look(_: int) -> list[int]:
        numbers = [0]
        for _ in range(20):
            numbers.append(watched.newer(numbers[-1], 5).number)
        return numbers[1:]

    with ThreadPoolExecutor(8) as pool:
        for numbers in pool.map(look, range(8)):
            assert numbers == sorted(set(numbers))
    assert camera.opened == 1


def test_a_slow_viewer_misses_frames_and_holds_nobody_up(watched: Capture) -> None:
    slow = watched.newer(0, 5)
    quick = slow
    for _ in range(30):
        quick = watched.newer(quick.number, 5)
    assert watched.newer(slow.number, 5).number >= quick.number
    assert quick.number >= slow.number + 30


def test_the_newest_frame_is_whole(watched: Capture) -> None:
    frame = watched.newer(0, 5)
    assert frame.pixels.shape == (48, 64, 3)
    assert (frame.pixels == frame.number % 256).all()


def test_closed_when_nobody_watches_and_opened_again(watched: Capture, camera: Played) -> None:
    last = watched.newer(0, 5).number
    until(lambda: camera.closed == 1)
    assert camera.opened == 1
    assert watched.newer(last, 5).number > last
    assert camera.opened == 2


def test_unplugged_is_told_and_recovers(watched: Capture, camera: Played) -> None:
    last = watched.newer(0, 5).number
    camera.plugged = False
    with pytest.raises(CameraError, match="plugged"):
        while True:
            last = watched.newer(last, 5).number
    camera.plugged = True

    def back() -> bool:
        try:
            return watched.newer(last, 5).number > last
        except CameraError:
            return False

    until(back)
    assert camera.opened == 2 and camera.closed == 1


def test_a_camera_that_hangs(camera: Played, watched: Capture) -> None:
    release = threading.Event()
    camera.read = lambda: release.wait(5) and np.zeros((2, 2, 3), np.uint8)  # type: ignore[method-assign]
    with pytest.raises(CameraError, match="gives no pictures"):
        watched.newer(0, 0.05)
    release.set()
    assert watched.newer(0, 5).pixels.shape == (2, 2, 3)


def test_closing_ends_those_who_wait(camera: Played, watched: Capture) -> None:
    last = watched.newer(0, 5).number
    watched.close()
    with pytest.raises(CameraError, match="closed"):
        watched.newer(last + 1000, 5)
    assert camera.closed == 1
