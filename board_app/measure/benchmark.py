"""Accuracy, throughput and latency of a backend, all through the same `execute`.

The method is MLPerf-Tiny-style. Offline: batches of one size, one after another, in five windows;
the throughput is their median. Single stream: one image after another, in five windows of ten
seconds at least. The time is taken around `execute`: from pixels in memory to logits in memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from statistics import median
from typing import List, Optional, Tuple

import numpy as np

from board_app.measure.accuracy import Accuracy, compare
from board_app.network.backend import Backend
from board_app.pictures.cifar10 import Dataset, Progress

WINDOWS = 5
SIZES = (1, 8, 32, 128, 512)
_BATCH = 100  # images, where only the answers count
_MILLISECONDS = 1000  # what progress is counted in


@dataclass(frozen=True)
class Effort:
    """Seconds that each window takes at least, and the most images for the accuracy."""

    stream: float = 10.0
    offline: float = 1.0
    images: Optional[int] = None


FULL, QUICK = Effort(), Effort(1.0, 0.2, 1000)


@dataclass(frozen=True)
class Span:
    """When a part of the measurement began and ended: seconds since 1970."""

    began: float
    ended: float


@dataclass(frozen=True)
class Offline:
    """Images a second in each window, in batches of `batch`."""

    batch: int
    windows: Tuple[float, ...]
    span: Span

    @property
    def throughput(self) -> float:
        """Images a second: the windows' median."""
        return median(self.windows)


@dataclass(frozen=True)
class Stream:
    """Seconds of every image alone, in each window."""

    windows: Tuple[np.ndarray, ...]
    span: Span

    @property
    def latencies(self) -> np.ndarray:
        """The times of all windows."""
        return np.concatenate(self.windows)


@dataclass(frozen=True)
class Speed:
    """Throughput by batch size, smallest first, and the single stream."""

    offline: Tuple[Offline, ...]
    stream: Stream

    @property
    def best(self) -> Offline:
        """The batch size with the highest throughput."""
        return max(self.offline, key=lambda row: row.throughput)


@dataclass
class Schedule:
    """How far a measurement is, in milliseconds of what it is to take; what is left out counts."""

    progress: Progress
    total: float = 0.0
    _done: float = field(default=0.0, init=False)
    _told: int = field(default=0, init=False)

    def spend(self, seconds: float) -> None:
        """Say that `seconds` of the total are over."""
        self._done += seconds
        now = round(_MILLISECONDS * min(self._done, self.total))
        self.progress(now - self._told, max(1, round(_MILLISECONDS * self.total)))
        self._told = now


def seconds(effort: Effort) -> float:
    """What `speed` takes, but for batches that are longer than their windows."""
    return WINDOWS * (len(SIZES) * effort.offline + effort.stream)


def accuracy(backend: Backend, dataset: Dataset, classes: int, schedule: Schedule) -> Accuracy:
    """Classify every image once; its time comes on top of the schedule's total."""
    images = dataset.images
    answers = np.empty(len(images), np.int64)
    backend.execute(images[:_BATCH])  # the first call sets up memory and caches; it does not count
    for start in range(0, len(images), _BATCH):
        part = slice(start, start + _BATCH)
        begin = time.perf_counter()
        answers[part] = backend.execute(images[part]).argmax(axis=1)
        took = time.perf_counter() - begin
        if start == 0:
            schedule.total += took * len(images) / min(_BATCH, len(images))
        schedule.spend(took)
    return compare(dataset.labels, answers, classes)


def speed(backend: Backend, images: np.ndarray, effort: Effort, schedule: Schedule) -> Speed:
    """Time `images` (N, height, width, channels) uint8, again and again.

    `schedule` has its seconds in it. Batch sizes beyond the first whose batch takes longer than a
    window are left out.
    """
    backend.execute(images[:1])
    offline: List[Offline] = []
    for size in SIZES:
        if offline and offline[-1].batch / offline[-1].throughput > max(effort.offline, 1e-3):
            schedule.spend(WINDOWS * effort.offline)
            continue
        batch = np.resize(images, (size, *images.shape[1:]))
        offline.append(_offline(backend, batch, effort.offline, schedule))
    return Speed(tuple(offline), _stream(backend, images, effort.stream, schedule))


def _offline(backend: Backend, batch: np.ndarray, least: float, schedule: Schedule) -> Offline:
    began = time.time()
    backend.execute(batch)  # memory for this size
    rates = []
    for _ in range(WINDOWS):
        times = _window(backend, [batch], least, schedule)
        rates.append(len(batch) * len(times) / float(times.sum()))
    return Offline(len(batch), tuple(rates), Span(began, time.time()))


def _stream(backend: Backend, images: np.ndarray, least: float, schedule: Schedule) -> Stream:
    began = time.time()
    alone = [images[index : index + 1] for index in range(len(images))]
    windows = tuple(_window(backend, alone, least, schedule) for _ in range(WINDOWS))
    return Stream(windows, Span(began, time.time()))


def _window(
    backend: Backend, batches: List[np.ndarray], least: float, schedule: Schedule
) -> np.ndarray:
    """Seconds of each `execute` of `batches`, round and round for `least` seconds at least."""
    times: List[float] = []
    total = told = 0.0
    while not times or total < least:
        batch = batches[len(times) % len(batches)]
        begin = time.perf_counter()
        backend.execute(batch)
        times.append(time.perf_counter() - begin)
        total += times[-1]
        if total - told > 0.1:  # seldom: telling takes time too
            schedule.spend(min(total, least) - min(told, least))
            told = total
    schedule.spend(least - min(told, least))
    return np.array(times)
