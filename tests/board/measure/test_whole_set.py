"""The run over all test images counts each once, ends when it is told, and keeps nobody out."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import pytest

from board_app.errors import BackendError, DatasetError
from board_app.measure.accuracy import compare
from board_app.measure.whole_set import CANCELLED, DONE, FAILED, RUNNING, RunError, Status, WholeSet
from board_app.network.backend import Backend
from board_app.network.classifier import Classifier
from board_app.network.overlay import Overlay
from board_app.pictures.cifar10 import Dataset

from ..wrapped import Wrapped


class Slow(Wrapped):
    """A backend that takes its time and may fail."""

    def __init__(self, backend: Backend) -> None:
        super().__init__(backend)
        self.seconds = 0.0
        self.error: Exception | None = None

    def execute(self, images: np.ndarray) -> np.ndarray:
        time.sleep(self.seconds)
        if self.error is not None:
            raise self.error
        return self._backend.execute(images)


@pytest.fixture
def slow(backend: Backend) -> Slow:
    return Slow(backend)


@pytest.fixture
def run(overlay: Overlay, slow: Slow, images: Dataset) -> WholeSet:
    return WholeSet(Classifier(overlay, slow), lambda: images)


def ended(run: WholeSet, found: Callable[[Status], bool] = lambda _: False) -> Status:
    """The status after the run, or once it is as wanted."""
    status = run.status
    while status.state == RUNNING and not found(status):
        status = run.wait(status, 20)
    return status


def test_all_are_counted_once(run: WholeSet, backend: Backend, images: Dataset) -> None:
    assert run.status.number == 0 and run.status.accuracy is None
    run.start()
    status = ended(run)
    expected = compare(images.labels, backend.execute(images.images).argmax(axis=1), 10)
    assert (status.number, status.state, status.done, status.total) == (1, DONE, 60, 60)
    np.testing.assert_array_equal(status.confusion, expected.confusion)
    assert 0 < status.network_seconds <= status.seconds
    run.start()
    assert ended(run).number == 2
    np.testing.assert_array_equal(run.status.confusion, expected.confusion)


def test_one_at_a_time_and_cancelled(run: WholeSet, slow: Slow) -> None:
    with pytest.raises(RunError, match="no run is going on"):
        run.cancel()
    slow.seconds = 0.1
    run.start()
    with pytest.raises(RunError, match="already"):
        run.start()
    ended(run, lambda status: status.done > 0)
    status = run.cancel()
    assert status.state == CANCELLED and 0 < status.done == status.confusion.sum() < 60
    assert run.status is status
    slow.seconds = 0
    run.start()
    assert ended(run).state == DONE
    run.close()
    slow.seconds = 0.1
    run.start()
    run.close()
    assert run.status.state == CANCELLED


@pytest.mark.parametrize(
    ("error", "message"),
    [(BackendError("secret"), "the network failed"), (DatasetError("gone"), "gone")],
)
def test_a_failure_is_told(run: WholeSet, slow: Slow, error: Exception, message: str) -> None:
    slow.error = error
    run.start()
    status = ended(run)
    assert (status.state, status.error) == (FAILED, message)


def test_without_images(overlay: Overlay, backend: Backend) -> None:
    with pytest.raises(DatasetError, match="--cifar10"):
        WholeSet(Classifier(overlay, backend), None).start()
