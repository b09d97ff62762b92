"""The figures: accuracy and its interval, windows and latencies, and the report of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from board_app.driver.backends import open_backend
from board_app.measure import benchmark, report
from board_app.measure.accuracy import compare
from board_app.network import overlay
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import Dataset, load


class Oracle:
    """Gives each image's first pixel as its class, and notes the batches."""

    name = "oracle"

    def __init__(self) -> None:
        self.batches: list[int] = []

    def execute(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(len(images))
        return np.eye(10, dtype=np.int32)[images[:, 0, 0, 0]]


def dataset(count: int, wrong: int = 0) -> Dataset:
    labels = np.arange(count, dtype=np.uint8) % 10
    images = np.zeros((count, 32, 32, 3), np.uint8)
    images[:, 0, 0, 0] = labels
    images[:wrong, 0, 0, 0] = (labels[:wrong] + 1) % 10
    return Dataset(images, labels, "made")


def measure(images: Dataset, oracle: Oracle) -> benchmark.Measurement:
    return benchmark.measure(oracle, images, lambda step, total: None, window_seconds=0)


@pytest.mark.parametrize("count", [1, 7, 20, 499, 500, 1234])
def test_every_image_counts_once(count: int) -> None:
    oracle = Oracle()
    found = measure(dataset(count, wrong=count // 4), oracle)
    assert found.accuracy.images == count
    assert found.accuracy.correct == count - count // 4
    assert len(found.windows) == 5 and min(found.windows) > 0
    assert len(found.latencies) == 10 and oracle.batches[-10:] == [1] * 10
    assert max(oracle.batches) <= 100


def test_windows_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ticks 1 s a call: a batch takes 1 s, so a 3 s window goes round three times."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: float(next(ticks)))
    oracle = Oracle()
    found = benchmark.measure(oracle, dataset(20), lambda step, total: None, window_seconds=3)
    assert oracle.batches == [20] + [20] * 15 + [1] * 15
    assert found.windows == (20.0,) * 5 and found.throughput == 20
    assert found.latency(50) == found.latency(99) == 1


def test_confusion() -> None:
    found = compare(np.array([0, 0, 1, 2]), np.array([0, 1, 1, 0]), 3)
    assert found.confusion.tolist() == [[1, 1, 0], [0, 1, 0], [1, 0, 0]]
    assert (found.images, found.correct, found.fraction) == (4, 2, 0.5)
    assert [found.of_class(label) for label in range(3)] == [0.5, 1.0, 0.0]
    assert compare(np.array([0]), np.array([0]), 2).of_class(1) is None


@pytest.mark.parametrize(
    "correct, count, low, high",
    [  # Wilson's interval as tabulated, for instance in Newcombe 1998, table I
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (20, 20, 0.8389, 1.0),
    ],
)
def test_interval(correct: int, count: int, low: float, high: float) -> None:
    answers = np.ones(count, np.int64)
    answers[:correct] = 0
    found = compare(np.zeros(count, np.uint8), answers, 2)
    assert found.interval == pytest.approx((low, high), abs=5e-5)


def test_no_images() -> None:
    with pytest.raises(ValueError, match="no images"):
        compare(np.zeros(0), np.zeros(0), 10)


def test_report(overlay: Overlay) -> None:
    row = report.row(overlay, "oracle", dataset(20, 5), measure(dataset(20, 5), Oracle()))
    assert row["accuracy"]["fraction"] == 0.75 and row["data"] == {"source": "made", "images": 20}
    assert row["accuracy"]["per_class"]["truck"] == 1
    text = report.text(row)
    assert "75.00% (15 of 20), 95% interval 53.13% to 88.81%" in text
    assert "on 20 images only: this proves little" in text
    assert "truck" in text and "none seen" not in text and "\ncircuit" not in text


def test_report_has_what_the_circuit_does(overlay: Overlay) -> None:
    row = report.row(overlay, "oracle", dataset(20), measure(dataset(20), Oracle()))
    row["circuit"] = {"clock_mhz": 100.0, "cycles_per_frame": 6144}
    line = "\ncircuit     at 100 MHz 16,276 frames/s (6,144 cycles each)"
    assert f"{line}, as simulated\n" in report.text(row)
    row["circuit"]["latency_cycles"] = 11103
    assert f"{line}, latency 111.0 us (11,103 cycles), as simulated\n" in report.text(row)


def test_report_on_many_images(overlay: Overlay) -> None:
    row = report.row(overlay, "oracle", dataset(2000), measure(dataset(2000), Oracle()))
    assert "proves little" not in report.text(row)


def test_report_without_some_classes(overlay: Overlay) -> None:
    row = report.row(overlay, "oracle", dataset(3), measure(dataset(3), Oracle()))
    assert row["accuracy"]["per_class"]["truck"] is None
    assert report.text(row).count("none seen") == 7


def test_the_real_overlay_keeps_its_accuracy(cifar10: Path) -> None:
    """On 500 images, within 6 points (3.6 standard deviations) of the manifest's accuracy."""
    if "lightweight" not in overlay.names():
        pytest.skip("overlays/lightweight is not built; build it to run this test")
    chosen = overlay.find("lightweight")
    images = load(cifar10, "test").first(500)
    answers = open_backend("reference", chosen).execute(images.images).argmax(axis=1)
    found = compare(images.labels, answers, 10).fraction
    assert found == pytest.approx(chosen.manifest.accuracy["test"], abs=0.06)
