"""One browser and one server for all tests; what they show is kept in $SCREENSHOTS, if set."""

from __future__ import annotations

import importlib.util
import io
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

if importlib.util.find_spec("playwright") is None:  # the host environment has none
    collect_ignore_glob = ["test_*.py"]
else:
    import axe_playwright_python
    from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

    expect.set_options(timeout=60_000)  # other work may have the processors

from board_app.camera.capture import Capture
from board_app.errors import Busy, CameraError
from board_app.network import overlay
from board_app.network.classifier import Found
from board_app.network.reference import Reference
from board_app.pictures import picture, samples
from board_app.pictures.cifar10 import CLASSES, Dataset
from board_app.web import create_app, server
from board_app.web.demo import KEY, Demo

DESKTOP = {"viewport": {"width": 1100, "height": 900}}
SHIP = (232, 70, 376, 214)  # where a photo shows it
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}


class TimedChip(Reference):
    """The reference with a chip's time: the cycles that the overlay's circuit takes."""

    name = "fpga"
    windows = 40

    def __init__(self, opened: overlay.Overlay) -> None:
        super().__init__(opened.graph())
        circuit = opened.manifest.circuit
        self._interval, self._latency = circuit["cycles_per_frame"], circuit["latency_cycles"]
        self.clock_mhz = circuit["clock_mhz"]
        self._seconds = 0.0
        self.goes = threading.Event()  # while it is not set the chip stands still
        self.goes.set()
        self.busy = 0.0  # seconds until it has less to do; 0 where it can be asked
        self.now = lambda: self._seconds  # type: ignore[method-assign, assignment]

    def execute(self, images: np.ndarray) -> np.ndarray:
        assert self.goes.wait(60)
        if self.busy:
            raise Busy(self.busy)
        self.last_cycles = self._latency + self._interval * (len(images) - 1)
        self._seconds += self.last_cycles / (1e6 * self.clock_mhz)
        return super().execute(images)


@dataclass
class PlayedCamera:
    """A camera that sees `picture` going round, and can be unplugged."""

    picture: np.ndarray
    plugged: bool = True
    frames: int = 0

    def open(self) -> PlayedCamera:
        if not self.plugged:
            raise CameraError("no camera is plugged in")
        return self

    def read(self) -> np.ndarray:
        if not self.plugged:
            raise CameraError("the camera was unplugged")
        self.frames += 1
        return np.roll(self.picture, 8 * self.frames, axis=1)

    def close(self) -> None:
        pass


@dataclass
class Site:
    """The running demo: where it is, its parts, and a photo with what is to be found in it."""

    port: int
    demo: Demo
    chip: TimedChip
    camera: PlayedCamera
    photo: bytes = field(repr=False)
    found: Found

    def at(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"


def scene(sample: np.ndarray) -> Image.Image:
    """A photo: a sample, enlarged, at the right of an even wall."""
    photo = Image.new("RGB", (400, 240), (150, 155, 160))
    photo.paste(Image.fromarray(sample).resize((144, 144), Image.BICUBIC), SHIP[:2])
    return photo


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    opened = overlay.find("lightweight")
    gallery = samples.gallery(samples.load())
    many = Dataset(np.tile(gallery.images, (10, 1, 1, 1)), np.tile(gallery.labels, 10), "samples")
    content = io.BytesIO()
    photo = scene(gallery.images[gallery.labels.tolist().index(CLASSES.index("ship"))])
    photo.save(content, "JPEG", quality=95)
    camera = PlayedCamera(np.asarray(photo))
    capture = Capture(camera.open)
    chip = TimedChip(opened)
    app = create_app(opened, chip, gallery, lambda: many, capture)
    with server.listen("127.0.0.1", 0) as listener, server.Server(app, listener):
        demo = app.extensions[KEY]
        found = demo.classifier.search(picture.load(content.getvalue(), (32, 32, 3)))
        port = listener.getsockname()[1]
        yield Site(port, demo, chip, camera, content.getvalue(), found)
        capture.close()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=[
                "--no-sandbox",  # tests may run as root
                "--disable-dev-shm-usage",
                "--use-fake-device-for-media-stream=fps=5",
                "--use-fake-ui-for-media-stream",
                "--host-resolver-rules=MAP board.example 127.0.0.1",
            ],
        )
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(**DESKTOP)
    opened.set_default_timeout(60_000)
    yield opened
    opened.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose scripts must not fail."""
    opened = context.new_page()
    failures: list[str] = []
    opened.on("pageerror", lambda error: failures.append(str(error)))
    yield opened
    assert failures == []


@pytest.fixture(scope="session")
def check() -> Callable[[Page, str], None]:
    """Ask axe whether everyone can use the page as it is, and keep a picture of it."""
    axe = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text()
    shots = os.environ.get("SCREENSHOTS")

    def look(page: Page, name: str) -> None:
        page.evaluate(axe)
        for violation in page.evaluate("axe.run()")["violations"]:
            nodes = [node["html"] for node in violation["nodes"]]
            pytest.fail(f"{name}: {violation['id']}, {violation['help']}: {nodes}")
        if shots:
            page.wait_for_timeout(400)  # bars move for 0.2 s
            page.screenshot(path=f"{shots}/{name}.png", full_page=True)

    return look


def until(true: Callable[[], bool], page: Page) -> None:
    """Let the page go on until it is so."""
    end = time.monotonic() + 60
    while not true():
        assert time.monotonic() < end, page.inner_text("main")
        page.wait_for_timeout(50)
