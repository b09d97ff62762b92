"""The chip's own figures: its cycles at its clock, and every logit beside the reference's."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from board_app import cli
from board_app.driver import backends
from board_app.driver.accelerator import Accelerator
from board_app.driver.chip import Hardware
from board_app.measure import benchmark, chip_benchmark, report
from board_app.measure.benchmark import Effort
from board_app.network import overlay
from board_app.network.overlay import Overlay
from board_app.network.pooling import pool
from board_app.network.reference import Reference
from board_app.pictures import picture, windows
from board_app.pictures.cifar10 import Dataset
from board_app.system import machine
from host_build.simulation.behaviour import BehaviouralChip

from ..networks import residual
from ..stand_in_session import StandInSession

BUILD, INTERVAL, LATENCY = 0x0123_ABCD, 6000, 9000
REFERENCE = Reference(residual(1))
NOTHING = np.empty((0, 32, 32, 3), np.uint8)


def driver(*, simulated: bool = True, wrong: np.ndarray = NOTHING) -> Accelerator:
    """On a chip that computes the reference, but for one logit of each image in `wrong`."""

    def network(images: np.ndarray) -> np.ndarray:
        logits = REFERENCE.execute(images)
        known = {image.tobytes() for image in wrong}
        logits[[image.tobytes() in known for image in images], 3] += 1
        return logits

    model = BehaviouralChip(network, BUILD, interval=INTERVAL, latency=LATENCY)
    session = StandInSession(model, simulated=simulated)
    return Accelerator(session, Hardware(BUILD, 100.0, INTERVAL, LATENCY, (32, 32, 3), 10))


def measure(opened: Accelerator, images: Dataset) -> chip_benchmark.ChipMeasurement:
    with opened:
        return chip_benchmark.measure(
            opened, REFERENCE, images.images, images.labels, lambda done, total: None
        )


def test_cycles_and_equality(images: Dataset) -> None:
    found = measure(driver(), images)
    assert found.cycles == INTERVAL + LATENCY / len(images)
    assert found.images_per_second == pytest.approx(1e8 / found.cycles)
    assert found.first_cycles == INTERVAL + LATENCY
    assert found.equal == found.images == len(images) and found.retries == 0


def test_a_chip_that_differs_by_one_logit(images: Dataset) -> None:
    found = measure(driver(wrong=images.images[:1]), images)
    assert found.equal == len(images) - 1


@pytest.mark.parametrize("simulated", [False, True])
def test_the_reference_is_spared_on_a_real_board(
    images: Dataset, monkeypatch: pytest.MonkeyPatch, simulated: bool
) -> None:
    monkeypatch.setattr(chip_benchmark, "MOST", 20)
    assert measure(driver(simulated=simulated), images).images == (60 if simulated else 20)


@pytest.mark.parametrize("other", [0, 2])
@pytest.mark.parametrize("simulated", [True, False])
def test_benchmark_command(
    overlays: Path, sample_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture, images: Dataset, simulated: bool, other: int,
) -> None:  # fmt: skip
    monkeypatch.setattr(benchmark, "FULL", Effort(0, 0))
    monkeypatch.setattr(benchmark, "QUICK", Effort(0, 0))
    opened = driver(simulated=simulated, wrong=images.images[:other])
    monkeypatch.setitem(backends.BACKENDS, "fpga", lambda *_: opened)
    path = tmp_path / "row.json"
    arguments = ["benchmark", "--overlays", str(overlays), "--backend", "fpga", "--samples"]
    assert cli.main([*arguments, "--json", str(path)]) == (1 if other else 0)
    row, text = json.loads(path.read_text()), capsys.readouterr().out
    assert row["backend"] == ("fpga, simulated" if simulated else "fpga")
    for name in ("throughput", "offline", "latency_ms", "processor"):
        assert (name in row) == (not simulated)
    assert [each["batch"] for each in row["chip"]["offline"]] == [1, 8]
    assert row["chip"]["offline"][1]["cycles_per_image"] == INTERVAL + LATENCY / 8
    assert ("the board is simulated" in text) == simulated
    assert row["chip"]["equal_to_reference"] == 20 - other
    assert ("THE CHIP DIFFERS" in text) == bool(other)
    assert row["chip"]["cycles_per_image"] == INTERVAL + LATENCY / 20
    assert "images/s at 100 MHz" in text and "150 µs" in text
    with pytest.raises(backends.BackendError, match="closed"):
        opened.execute(np.zeros((1, 32, 32, 3), np.uint8))


def test_report_without_a_chip(overlay: Overlay, images: Dataset) -> None:
    accuracy = measure(driver(), images).accuracy
    row = report.row(
        overlay, "reference", images.source, len(images), accuracy, states=[machine.state()]
    )
    assert "chip" not in row and "equality" not in report.text(row)


def test_throughput_command(
    overlays: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    arguments = ["throughput", "--overlays", str(overlays), "--batch", "16"]
    assert cli.main(arguments) == 2
    assert "which the backend reference has not: --backend fpga" in capsys.readouterr().err
    for option in ([], ["--json"]):
        monkeypatch.setitem(backends.BACKENDS, "fpga", lambda *_: driver())
        assert cli.main([*arguments, *option, "--backend", "fpga"]) == 0
        text = capsys.readouterr().out
        assert "throughput[images/s]" in text and f"{16 * INTERVAL + LATENCY}" in text.replace(
            ",", ""
        )
    assert json.loads(text)["batch_size"] == 16


def test_a_simulated_board_takes_no_power(
    overlays: Path, sample_folder: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setitem(backends.BACKENDS, "fpga", lambda *_: driver())
    arguments = ["benchmark", "--overlays", str(overlays), "--backend", "fpga", "--samples"]
    assert cli.main([*arguments, "--watts", "2.5"]) == 2
    assert "the board is simulated: it takes no power" in capsys.readouterr().err


def test_classify_searches_on_the_simulated_board(
    overlays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    """By the chip's own counter; with fewer windows than a real one, and nothing to excuse."""
    monkeypatch.setitem(backends.BACKENDS, "fpga", lambda *_: driver())
    photo = tmp_path / "photo.png"
    pixels = np.random.default_rng(5).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    Image.fromarray(pixels).resize((400, 300)).save(photo)
    arguments = ["classify", "--overlays", str(overlays), "--backend", "fpga", "--json"]
    assert cli.main([*arguments, str(photo)]) == 0
    captured = capsys.readouterr()
    row = json.loads(captured.out)
    assert 32 < row["windows"] <= 64 and captured.err == ""
    expected = REFERENCE.execute(windows.cut(picture.load_file(photo, (32, 32, 3)), 64).pixels)
    answer = pool(overlay.find("lightweight", overlays).manifest, expected, 4)
    assert row["probability"] == answer.probabilities.max()
    assert row["cycles"] == INTERVAL * row["windows"] + LATENCY  # one batch
    assert row["chip_milliseconds"] == row["cycles"] / 1e5
