"""A small random overlay, the demo on it, and CIFAR-10 where there is a copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from board_app.driver.backends import open_backend
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.pictures import cifar10, samples
from board_app.pictures.cifar10 import Dataset
from board_app.web import create_app

from .networks import write_overlay


@pytest.fixture(autouse=True)
def no_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test finds or leaves anything in the caches of who runs it, or uses the network."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(samples.VARIABLE, str(tmp_path / "no-samples"))
    monkeypatch.setattr(cifar10, "URL", "http://127.0.0.1:9/nothing-listens-here")


@pytest.fixture(scope="session")
def overlays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the overlay "lightweight"; not to be changed."""
    root = tmp_path_factory.mktemp("overlays")
    write_overlay(root / "lightweight")
    return root


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    """An overlay of the test's own, to damage."""
    return write_overlay(tmp_path / "overlays" / "lightweight")


@pytest.fixture
def backend(overlay: Overlay) -> Backend:
    return open_backend("reference", overlay)


@pytest.fixture(scope="session")
def images() -> Dataset:
    """Sixty random images, six of every class."""
    rng = np.random.default_rng(3)
    pixels = rng.integers(0, 256, (60, 32, 32, 3)).astype(np.uint8)
    return Dataset(pixels, np.arange(60, dtype=np.uint8) % 10, "random")


@pytest.fixture
def sample_folder(tmp_path: Path, images: Dataset, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Twenty sample pictures in BOARD_APP_SAMPLES."""
    folder = tmp_path / "samples"
    folder.mkdir()
    for index in range(20):
        name = f"cifar10_{index:02}_{images.labels[index]}.png"
        Image.fromarray(images.images[index]).save(folder / name)
    monkeypatch.setenv(samples.VARIABLE, str(folder))
    return folder


@pytest.fixture
def app(overlay: Overlay, backend: Backend, images: Dataset) -> Flask:
    return create_app(overlay, backend, samples.gallery(images))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
