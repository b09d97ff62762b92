"""All test images through the network while others use it too: one run at a time, seen by all."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Callable, Optional, Tuple

import numpy as np

from board_app.errors import BackendError, Busy, DatasetError
from board_app.measure.accuracy import Accuracy, compare
from board_app.network.classifier import Classifier
from board_app.pictures.cifar10 import CLASSES, Dataset

_STEP_SECONDS = 0.2  # between two counts of a run, and what others may have to wait for it
_FIRST, _LARGEST = 16, 500  # images a step
_log = logging.getLogger(__name__)

NONE, RUNNING, DONE, CANCELLED, FAILED = "none", "running", "done", "cancelled", "failed"


@dataclass(frozen=True)
class Status:
    """How far a run is: the `number`th since the program started, 0 before the first.

    `state` is one of this module's; `error` says why one failed. `confusion` (classes, classes)
    int64: row = true class, column = the network's answer, over the images `done` of `total`.
    `seconds` is since its start by the wall's clock; `network_seconds` what its batches took by the
    backend's clock, which on a simulated board is not the wall's.
    """

    number: int
    state: str
    done: int
    total: int
    confusion: np.ndarray
    seconds: float
    network_seconds: float
    error: Optional[str] = None

    @property
    def accuracy(self) -> Optional[Accuracy]:
        """Of the images done; None where there are none."""
        return Accuracy(self.confusion) if self.done else None


class RunError(Exception):
    """There is a run already, or none to cancel; the message says which."""


class WholeSet:
    """The run over the images that `load` reads, in a thread of its own while it lasts."""

    def __init__(
        self,
        classifier: Classifier,
        load: Optional[Callable[[], Dataset]],
        misfit: Optional[str] = None,
    ) -> None:
        """Without `load` there is no run; `misfit` says why the images are none for the network."""
        self.misfit = misfit
        self._classifier = classifier
        self._load = load
        self._changed = threading.Condition()
        self._cancelled = False
        self._status = _begin(0, NONE)

    @property
    def why_not(self) -> str:
        """Why there is no run, where there is none."""
        return self.misfit or (
            "CIFAR-10's test images are not on this machine; serve with --cifar10 DIR"
        )

    @property
    def available(self) -> bool:
        """Whether there are images to run over."""
        return self._load is not None

    @property
    def status(self) -> Status:
        """The run that is, else the last one."""
        return self._status

    def start(self) -> Status:
        """Start a run; RunError where one is running, DatasetError where there are no images."""
        if self._load is None:
            raise DatasetError(self.why_not)
        with self._changed:
            if self._status.state == RUNNING:
                raise RunError("a run is going on already: watch it, or cancel it first")
            self._cancelled = False
            self._set(_begin(self._status.number + 1, RUNNING))
            threading.Thread(
                target=self._run, args=(self._load,), name="whole set", daemon=True
            ).start()
            return self._status

    def cancel(self) -> Status:
        """End the run, which keeps what it has counted; RunError where there is none."""
        with self._changed:
            if self._status.state != RUNNING:
                raise RunError("no run is going on")
            self._cancelled = True
            while self._status.state == RUNNING:
                self._changed.wait()
            return self._status

    def close(self) -> None:
        """End a run if there is one."""
        with suppress(RunError):
            self.cancel()

    def wait(self, status: Status, seconds: float) -> Status:
        """The status once it is another than `status`, or after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._status is not status, seconds)
            return self._status

    def _run(self, load: Callable[[], Dataset]) -> None:
        try:
            self._classify_all(load())
        except (BackendError, DatasetError) as error:
            _log.error("the run failed: %s", error)
            text = str(error) if isinstance(error, DatasetError) else "the network failed"
            self._end(FAILED, text)
        except BaseException:
            self._end(FAILED, "the program failed; its log says why")
            raise
        else:
            self._end(CANCELLED if self._status.done < self._status.total else DONE)

    def _classify_all(self, dataset: Dataset) -> None:
        began = time.monotonic()
        self._set(replace(self._status, total=len(dataset)))
        step = _FIRST
        while self._status.done < len(dataset) and not self._cancelled:
            start = time.monotonic()
            try:
                found, network_seconds = self._step(dataset, self._status.done, step)
            except Busy as error:
                time.sleep(min(error.seconds, 1.0))
                continue
            self._set(
                replace(
                    self._status,
                    done=self._status.done + found.images,
                    confusion=self._status.confusion + found.confusion,
                    seconds=time.monotonic() - began,
                    network_seconds=self._status.network_seconds + network_seconds,
                )
            )
            pace = step / max(time.monotonic() - start, 1e-6)
            step = max(_FIRST, min(int(pace * _STEP_SECONDS), 2 * step, _LARGEST))

    def _step(self, dataset: Dataset, at: int, images: int) -> Tuple[Accuracy, float]:
        """What the next images give, and the network's seconds for them."""
        part = slice(at, at + images)
        answer = self._classifier.execute(dataset.images[part])
        found = compare(dataset.labels[part], answer.logits.argmax(axis=1), len(CLASSES))
        # The batch may have had others' pictures too.
        return found, answer.seconds * found.images / answer.images

    def _end(self, state: str, error: Optional[str] = None) -> None:
        self._set(replace(self._status, state=state, error=error))

    def _set(self, status: Status) -> None:
        with self._changed:
            self._status = status
            self._changed.notify_all()


def _begin(number: int, state: str) -> Status:
    return Status(number, state, 0, 0, np.zeros((len(CLASSES),) * 2, np.int64), 0.0, 0.0)
