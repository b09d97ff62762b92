"""The figures: accuracy and its interval, windows and latencies, and the report of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from board_app.driver.backends import open_backend
from board_app.measure import benchmark, plot, report
from board_app.measure.accuracy import compare
from board_app.measure.benchmark import Effort, Schedule
from board_app.measure.report import Watts
from board_app.network import overlay
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import Dataset, load
from board_app.system import machine


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


class Told:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.done = self.total = 0

    def __call__(self, increment: int, total: int) -> None:
        assert increment >= 0 and self.done + increment <= total
        self.done, self.total = self.done + increment, total


def row(images: Dataset, chosen: Overlay, **more: Any) -> dict[str, Any]:
    schedule = Schedule(lambda increment, total: None)
    oracle = Oracle()
    found = benchmark.accuracy(oracle, images, 10, schedule)
    speed = benchmark.speed(oracle, images.images, Effort(0, 0), schedule)
    states = [machine.state()]
    return report.row(
        chosen, "oracle", images.source, len(images), found, states=states, speed=speed, **more
    )


@pytest.mark.parametrize("count", [1, 7, 20, 499, 1234])
def test_every_image_counts_once(count: int) -> None:
    oracle, told = Oracle(), Told()
    found = benchmark.accuracy(oracle, dataset(count, wrong=count // 4), 10, Schedule(told))
    assert found.images == count and found.correct == count - count // 4
    assert max(oracle.batches) <= 100 and sum(oracle.batches) == count + min(count, 100)


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that ticks 1 s a look: every `execute` takes a second."""
    ticks = iter(range(10**6))
    monkeypatch.setattr(benchmark.time, "perf_counter", lambda: float(next(ticks)))


def test_windows_last(ticking: None) -> None:
    oracle, told = Oracle(), Told()
    effort = Effort(stream=3, offline=2)
    found = benchmark.speed(
        oracle, dataset(20).images, effort, Schedule(told, benchmark.seconds(effort))
    )
    expected = [1]
    for size in benchmark.SIZES:
        expected += [size] * 11  # one to warm up, then five windows of two
    assert oracle.batches == expected + [1] * 15
    assert [each.windows for each in found.offline] == [(float(s),) * 5 for s in benchmark.SIZES]
    assert found.best.batch == 512 and found.best.throughput == 512
    assert [len(window) for window in found.stream.windows] == [3] * 5
    assert set(found.stream.latencies) == {1.0}
    assert told.done == told.total == 1000 * benchmark.seconds(effort)


def test_batches_longer_than_a_window_are_left_out(ticking: None) -> None:
    told, effort = Told(), Effort(stream=1, offline=0.5)
    schedule = Schedule(told, benchmark.seconds(effort))
    found = benchmark.speed(Oracle(), dataset(20).images, effort, schedule)
    assert [each.batch for each in found.offline] == [1]
    assert told.done == told.total


def test_progress_ends_at_its_total() -> None:
    told = Told()
    effort = Effort(0.2, 0.01)
    schedule = Schedule(told, benchmark.seconds(effort))
    benchmark.accuracy(Oracle(), dataset(250), 10, schedule)
    benchmark.speed(Oracle(), dataset(250).images, effort, schedule)
    assert told.done == pytest.approx(told.total, rel=0.2)


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
    made = row(dataset(20, 5), overlay)
    assert made["accuracy"]["fraction"] == 0.75 and made["data"] == {"source": "made", "images": 20}
    assert made["accuracy"]["per_class"]["truck"] == 1
    text = report.text(made)
    assert "75.00% (15 of 20), 95% interval 53.13% to 88.81%" in text
    assert "on 20 images only: this proves little" in text
    assert "truck" in text and "none seen" not in text and "\ncircuit" not in text


def test_report_has_what_the_circuit_does(overlay: Overlay) -> None:
    made = row(dataset(20), overlay)
    made["circuit"] = {"clock_mhz": 100.0, "cycles_per_frame": 6144}
    line = "\ncircuit     at 100 MHz 16,276 frames/s (6,144 cycles each)"
    assert f"{line}, as simulated\n" in report.text(made)
    made["circuit"]["latency_cycles"] = 11103
    assert f"{line}, latency 111.0 us (11,103 cycles), as simulated\n" in report.text(made)


def test_report_on_many_images(overlay: Overlay) -> None:
    made = row(dataset(2000), overlay)
    assert "proves little" not in report.text(made)


def test_report_without_some_classes(overlay: Overlay) -> None:
    made = row(dataset(3), overlay)
    assert made["accuracy"]["per_class"]["truck"] is None
    assert report.text(made).count("none seen") == 7


def test_energy_is_power_by_pace(overlay: Overlay) -> None:
    made = row(dataset(20), overlay, watts=Watts(2.0, 1.5, "entered"))
    energy = made["energy"]
    pace = made["throughput"]["images_per_second"]
    assert energy["offline_mj_per_image"] == pytest.approx(2000 / pace)
    assert energy["single_stream_mj_per_image"] > 0
    assert "mJ an image in batches at 2 W" in report.text(made)


def test_the_picture(overlay: Overlay) -> None:
    made = row(dataset(20), overlay)
    made["processor"] = {name: made[name] for name in ("offline", "latency_ms", "throughput")}
    with Image.open(io.BytesIO(plot.draw(made))) as picture:
        assert picture.format == "PNG" and picture.width > 800


def test_the_real_overlay_keeps_its_accuracy(cifar10: Path) -> None:
    """On 500 images, within 6 points (3.6 standard deviations) of the manifest's accuracy."""
    if "lightweight" not in overlay.names():
        pytest.skip("overlays/lightweight is not built; build it to run this test")
    chosen = overlay.find("lightweight")
    images = load(cifar10, "test").first(500)
    answers = open_backend("reference", chosen).execute(images.images).argmax(axis=1)
    found = compare(images.labels, answers, 10).fraction
    assert found == pytest.approx(chosen.manifest.accuracy["test"], abs=0.06)
