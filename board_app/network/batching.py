"""One backend for many callers: what waits together is executed as one batch."""

from __future__ import annotations

import threading
import time
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import Deque, List, Optional

import numpy as np

from board_app.errors import Busy
from board_app.network.backend import Backend

_BATCH_SECONDS = 0.25  # who comes now waits for at most one batch of about so long
_SMALLEST, _LARGEST = 16, 512  # images a batch
_PATIENCE = 5.0  # seconds: who would wait longer is told to come again
_ROOM = 12 << 20  # bytes of images that may wait: 4,096 of 32x32 RGB
_MEMORY = 0.7  # of the pace measured so far, when a batch adds to it


@dataclass(frozen=True)
class Answer:
    """`logits` (N, classes) int32 of a caller's images, and the batch that they were in.

    `seconds` is the whole batch's time by the backend's clock, `cycles` by the chip's own counter
    (None without a chip), and `images` how many were in it.
    """

    logits: np.ndarray
    seconds: float
    cycles: Optional[int]
    images: int


class _Ticket:
    """A caller's images, what became of them, and `woken` for when that or its turn has come."""

    def __init__(self, images: np.ndarray, lock: threading.Lock) -> None:
        self.images = images
        self.woken = threading.Condition(lock)
        self.answer: Optional[Answer] = None
        self.error: Optional[BaseException] = None

    @property
    def done(self) -> bool:
        return self.answer is not None or self.error is not None


class Batcher:
    """Executes callers' images in the order they come in, together where several wait.

    There is no thread of its own: one of those who wait executes for the others too.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._lock = threading.Lock()
        self._waiting: Deque[_Ticket] = deque()
        self._executing = False
        self._pace = 0.0  # seconds an image by the wall's clock, which callers wait by

    def execute(self, images: np.ndarray) -> Answer:
        """Execute `images` (N, height, width, channels) uint8; Busy where too much waits."""
        ticket = _Ticket(images, self._lock)
        with self._lock:
            self._admit(images.nbytes)
            self._waiting.append(ticket)
            while not ticket.done:
                if self._executing:
                    ticket.woken.wait()
                else:
                    self._execute_next()
        if ticket.error is not None:
            raise ticket.error
        assert ticket.answer is not None
        return ticket.answer

    def _admit(self, size: int) -> None:
        if not self._waiting:
            return  # however many: nobody else waits
        seconds = sum(len(ticket.images) for ticket in self._waiting) * self._pace
        taken = sum(ticket.images.nbytes for ticket in self._waiting)
        if seconds > _PATIENCE or taken + size > _ROOM:
            raise Busy(seconds)

    def _execute_next(self) -> None:
        """Execute a batch of those who wait; the lock is held, but not meanwhile."""
        batch = self._next()
        self._executing = True
        self._lock.release()
        try:
            self._answer(batch)
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
        finally:
            self._lock.acquire()
            self._executing = False
            for ticket in [*batch, *islice(self._waiting, 1)]:  # the next one has its turn
                ticket.woken.notify()

    def _next(self) -> List[_Ticket]:
        most = int(_BATCH_SECONDS / self._pace) if self._pace else _SMALLEST
        most = min(max(most, _SMALLEST), _LARGEST)
        batch = [self._waiting.popleft()]
        images = len(batch[0].images)
        while self._waiting and images + len(self._waiting[0].images) <= most:
            batch.append(self._waiting.popleft())
            images += len(batch[-1].images)
        return batch

    def _answer(self, batch: List[_Ticket]) -> None:
        images = np.concatenate([ticket.images for ticket in batch])
        began, start = time.monotonic(), self._backend.now()
        logits = self._backend.execute(images)
        seconds = self._backend.now() - start
        cycles = self._backend.last_cycles
        if len(images):
            taken = (time.monotonic() - began) / len(images)
            self._pace = _MEMORY * self._pace + (1 - _MEMORY) * taken if self._pace else taken
        at = 0
        for ticket in batch:
            part = logits[at : at + len(ticket.images)]
            ticket.answer = Answer(part, seconds, cycles, len(images))
            at += len(ticket.images)
