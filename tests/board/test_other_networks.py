"""Networks of other shapes and classes than CIFAR-10's: everything follows the manifest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image

from board_app.cli import main
from board_app.driver.accelerator import Accelerator
from board_app.driver.backends import open_backend
from board_app.driver.chip import Hardware
from board_app.errors import OverlayError
from board_app.network import vectors
from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from board_app.pictures import picture, windows
from board_app.web import create_app
from host_build.simulation.behaviour import BehaviouralChip

from .networks import Shape, write_overlay
from .pictures.test_picture import save
from .stand_in_session import CLOCK_MHZ, StandInSession
from .web.test_web import form

DIGITS = ((28, 28, 1), ("zero", "one", 'two "2" <b>'))
OBJECTS = ((96, 96, 3), tuple(f"object {number}" for number in range(1000)))
WIDE = ((24, 48, 3), ("left", "right"))
Network = tuple[Shape, tuple[str, ...]]


@pytest.fixture(params=[DIGITS, OBJECTS, WIDE], ids=["28x28x1", "96x96x3", "24x48x3"])
def network(request: pytest.FixtureRequest) -> Network:
    return request.param


@pytest.fixture
def other(network: Network, tmp_path: Path) -> Overlay:
    return write_overlay(tmp_path / "other", 1, *network)


@pytest.fixture
def client(other: Overlay) -> FlaskClient:
    return create_app(other, open_backend("reference", other)).test_client()


def photo() -> bytes:
    return save(Image.effect_noise((640, 480), 90).convert("RGB"), "JPEG")


def test_a_picture_of_its_own_size_keeps_its_pixels(other: Overlay) -> None:
    golden = vectors.load(other)
    height, width, channels = other.manifest.shape
    classifier = Classifier(other, Reference(other.graph()))
    for pixels, logits in zip(golden.images, golden.logits, strict=True):
        image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
        found = classifier.search(picture.load(save(image), other.manifest.shape))
        assert (found.windows, found.box) == (1, (0, 0, width, height))
        np.testing.assert_array_equal(found.pixels, pixels)
        assert list(found.logits.values()) == logits.tolist()


def test_windows_have_its_proportions_and_cover_the_picture(network: Network) -> None:
    height, width, channels = network[0]
    content = photo()
    cut = windows.cut(picture.load(content, network[0]), 10_000)
    assert cut.pixels.shape == (len(cut), height, width, channels) and len(cut) > 30
    left, top, right, bottom = cut.boxes.T
    assert ((right - left) / (bottom - top)) == pytest.approx(width / height, rel=0.05)
    assert (left.min(), top.min()) == (0, 0)
    assert (right.max(), bottom.max()) == pytest.approx((640, 480))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_wide_network_sees_turned_pictures_upright(orientation: int) -> None:
    shape = WIDE[0]
    rows, columns = np.mgrid[0:90, 0:100]
    upright = np.stack([2 * rows, 2 * columns, np.zeros_like(rows)], 2).astype(np.uint8)
    expected = picture.load(save(Image.fromarray(upright)), shape).pixels
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = {
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.swapaxes(0, 1), 6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(upright, -1),
    }[orientation]  # fmt: skip
    content = save(Image.fromarray(np.ascontiguousarray(turned)), "PNG", exif=exif.tobytes())
    found = picture.load(content, shape)
    assert found.size == (100, 90)
    np.testing.assert_allclose(found.pixels.astype(int), expected.astype(int), atol=1)


def test_a_chip_of_it(other: Overlay, network: Network) -> None:
    golden = vectors.load(other)
    shape, classes = network
    reference = Reference(other.graph())
    model = BehaviouralChip(reference.execute, 1, shape=shape, classes=len(classes))
    hardware = Hardware(1, CLOCK_MHZ, 6000, 9000, shape, len(classes))
    with Accelerator(StandInSession(model), hardware) as driver:
        np.testing.assert_array_equal(driver.execute(golden.images), golden.logits)
        assert driver.throughput_test(3)["batch_size"] == 3
        with pytest.raises(ValueError, match="expected uint8 images"):
            driver.execute(golden.images[:, 1:])


def test_the_page_shows_it(client: FlaskClient, network: Network) -> None:
    shape, classes = network
    page = client.get("/").text
    assert f"{len(classes):,} classes" in page and "CIFAR" not in page
    answer = client.post("/", **form(photo()))
    assert answer.status_code == 200
    assert answer.text.count('<span class="number"') == min(10, len(classes))
    assert f"{shape[1]} by {shape[0]} pixels" in answer.text
    assert "<b>" not in answer.text.split('class="bars"')[1].split("</ol>")[0]


def test_programs_get_it(client: FlaskClient, network: Network) -> None:
    (height, width, channels), classes = network
    found = client.post("/api/classify", data=photo()).get_json()
    assert set(found["probabilities"]) == set(found["logits"]) == set(classes)
    assert sum(found["probabilities"].values()) == pytest.approx(1)
    assert client.get("/healthz").status_code == 200
    row = client.get("/api/info").get_json()
    assert row["input"] == {"width": width, "height": height, "channels": channels}
    assert len(row["classes"]) == len(classes)


def test_there_is_no_run_over_images_of_another_kind(client: FlaskClient) -> None:
    assert "are not for this network" in client.get("/run").text
    refused = client.post("/api/run")
    assert refused.status_code == 404
    assert "are not for this network" in refused.get_json()["error"]
    assert len(client.get("/api/run").data) < 100_000


def test_the_commands_take_it(
    other: Overlay, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = ["--overlays", str(tmp_path), "--overlay", "other"]
    file = tmp_path / "photo.jpg"
    file.write_bytes(photo())
    assert main(["selftest", *chosen]) == 0
    assert main(["info", *chosen]) == 0
    assert main(["classify", *chosen, "--top", "2", "--json", str(file)]) == 0
    row = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert len(row["probabilities"]) == 2


def test_its_speed_is_measured_without_an_accuracy(
    other: Overlay,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from board_app.measure import benchmark

    monkeypatch.setattr(benchmark, "QUICK", benchmark.Effort(0.01, 0.01, 1000))
    chosen = ["--overlays", str(tmp_path), "--overlay", "other"]
    result = tmp_path / "result.json"
    assert main(["benchmark", *chosen, "--quick", "--images", "4", "--json", str(result)]) == 0
    said = capsys.readouterr()
    assert "CIFAR-10's images are not for this network" in said.err
    assert "accuracy    not measured" in said.out
    row = json.loads(result.read_text())
    assert row["accuracy"] is None and row["data"]["images"] == 4
    assert row["throughput"]["images_per_second"] > 0


def test_a_network_that_takes_no_pictures(tmp_path: Path) -> None:
    other = write_overlay(tmp_path / "other", 1, (16, 16, 4), ("a", "b"))
    backend = open_backend("reference", other)
    with pytest.raises(OverlayError, match="16x16 pixels of 4 channels: pictures are for"):
        create_app(other, backend)
