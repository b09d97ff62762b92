"""Callers at the same time share batches, get their own answers, and are not kept waiting."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from board_app.errors import BackendError, Busy
from board_app.network.backend import Backend
from board_app.network.batching import Batcher
from board_app.pictures.cifar10 import Dataset

from ..wrapped import Wrapped


class Gated(Wrapped):
    """A backend that works when it is let, and keeps the size of every batch."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.gate = threading.Event()
        self.batches: list[int] = []
        self.error: Exception | None = None

    def execute(self, images: np.ndarray) -> np.ndarray:
        self.batches.append(len(images))
        assert self.gate.wait(20)
        if self.error is not None:
            raise self.error
        return self._backend.execute(images)


@pytest.fixture
def gated(backend: Backend) -> Gated:
    return Gated(backend)


def waiting(batcher: Batcher, count: int) -> None:
    """Until so many callers wait."""
    while len(batcher._waiting) < count:
        time.sleep(0.001)


def test_who_waits_goes_out_together(gated: Gated, backend: Backend, images: Dataset) -> None:
    batcher = Batcher(gated)
    parts = [images.images[at : at + at % 4] for at in range(20)]
    with ThreadPoolExecutor(len(parts)) as pool:
        first = pool.submit(batcher.execute, parts[1])
        while not gated.batches:
            pass
        rest = [pool.submit(batcher.execute, part) for part in parts[2:]]
        waiting(batcher, len(rest))
        gated.gate.set()
        answers = [future.result(20) for future in [first, *rest]]
    for part, answer in zip(parts[1:], answers, strict=True):
        np.testing.assert_array_equal(answer.logits, backend.execute(part))
    assert gated.batches[0] == 1 and len(gated.batches) <= 4
    assert sum(gated.batches) == sum(map(len, parts))
    assert {answer.images for answer in answers} == set(gated.batches)


def test_an_error_is_told_to_all_of_its_batch_and_no_other(gated: Gated, images: Dataset) -> None:
    batcher = Batcher(gated)
    gated.error = BackendError("hot")
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(batcher.execute, images.images[:2]) for _ in range(3)]
        gated.gate.set()
        for future in futures:
            with pytest.raises(BackendError, match="hot"):
                future.result(20)
    gated.error = None
    assert batcher.execute(images.images[:2]).logits.shape == (2, 10)


def test_too_much_is_refused_at_once(gated: Gated, images: Dataset) -> None:
    batcher = Batcher(gated)
    many = np.repeat(images.images, 50, axis=0)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(batcher.execute, images.images[:1])]
        while not gated.batches:
            pass
        futures.append(pool.submit(batcher.execute, many))
        waiting(batcher, 1)
        with pytest.raises(Busy, match="try again"):
            batcher.execute(many)
        futures.append(pool.submit(batcher.execute, images.images[:1]))  # that still has room
        waiting(batcher, 2)
        batcher._pace = 0.01
        with pytest.raises(Busy) as refused:
            batcher.execute(images.images[:1])
        assert refused.value.seconds == pytest.approx(30.01)
        gated.gate.set()
        for future in futures:
            future.result(60)
    batcher.execute(images.images[:1])


def test_all_are_served_in_the_end(backend: Backend, images: Dataset) -> None:
    batcher = Batcher(backend)
    expected = backend.execute(images.images)
    with ThreadPoolExecutor(20) as pool:
        indices = [index % len(images) for index in range(400)]
        answers = list(pool.map(lambda at: batcher.execute(images.images[at : at + 1]), indices))
    found = np.concatenate([answer.logits for answer in answers])
    np.testing.assert_array_equal(found, expected[indices])
