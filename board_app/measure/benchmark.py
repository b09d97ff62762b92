"""Accuracy, throughput and latency of a backend, all through the same `execute`.

The method is MLPerf-Tiny-style: throughput is the median of five windows, and latency is that of
a single stream, one image after another, of at least ten inferences and ten seconds. The time is
taken around `execute`: from pixels in memory to logits in memory.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import List, Tuple

import numpy as np

from board_app.measure.accuracy import Accuracy, compare
from board_app.network.backend import Backend
from board_app.pictures.cifar10 import CLASSES, Dataset, Progress

WINDOWS = 5
WINDOW_SECONDS = 2.0
MIN_INFERENCES = 10
_BATCH = 100


@dataclass(frozen=True)
class Measurement:
    """Accuracy; images/s of each window over batches; times in s of single images, one by one."""

    accuracy: Accuracy
    windows: Tuple[float, ...]
    latencies: Tuple[float, ...]

    @property
    def throughput(self) -> float:
        """Images a second: the windows' median."""
        return median(self.windows)

    def latency(self, percentile: float) -> float:
        """A percentile (0..100) of the single images' times, in seconds."""
        return float(np.percentile(self.latencies, percentile))


def measure(
    backend: Backend, dataset: Dataset, progress: Progress, window_seconds: float = WINDOW_SECONDS
) -> Measurement:
    """Classify all images of `dataset`, at least once each, and time it."""
    images = dataset.images
    backend.execute(images[:_BATCH])  # the first call sets up memory and caches; it does not count
    answers = np.empty(len(images), np.int64)
    windows = [
        _window(backend, images, share, answers, window_seconds, progress)
        for share in _shares(len(images))
    ]
    latencies = _single_stream(backend, images, WINDOWS * window_seconds)
    return Measurement(
        compare(dataset.labels, answers, len(CLASSES)), tuple(windows), tuple(latencies)
    )


def _shares(count: int) -> List[np.ndarray]:
    """The images each window takes: a fifth of them, or all where a fifth is below a batch."""
    everything = np.arange(count)
    if count < WINDOWS * _BATCH:
        return [everything] * WINDOWS
    return np.array_split(everything, WINDOWS)


def _window(
    backend: Backend,
    images: np.ndarray,
    share: np.ndarray,
    answers: np.ndarray,
    least: float,
    progress: Progress,
) -> float:
    """Run `share` of the images, again and again for at least `least` seconds: images a second."""
    done, seconds = 0, 0.0
    while done == 0 or seconds < least:
        for start in range(0, len(share), _BATCH):
            chosen = share[start : start + _BATCH]
            batch = images[chosen]
            begin = time.perf_counter()
            logits = backend.execute(batch)
            seconds += time.perf_counter() - begin
            answers[chosen] = logits.argmax(axis=1)
            done += len(chosen)
            progress(len(chosen), 0)
    return done / seconds


def _single_stream(backend: Backend, images: np.ndarray, least: float) -> List[float]:
    times: List[float] = []
    total = 0.0
    while len(times) < MIN_INFERENCES or total < least:
        index = len(times) % len(images)
        begin = time.perf_counter()
        backend.execute(images[index : index + 1])
        times.append(time.perf_counter() - begin)
        total += times[-1]
    return times
