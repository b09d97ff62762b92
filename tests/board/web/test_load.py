"""Many clients at once get answers or 503, the same for the same picture; callers share batches.

`python -m host_build load NAME` is the long form, which measures.
"""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from board_app.errors import BackendError
from board_app.network import overlay
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from board_app.web import create_app, server
from board_app.web.bounds import Limits
from board_app.web.server import Server
from host_build.simulation.load import Load, Slowed, batching, run
from host_build.simulation.timed import open_timed

from ..wrapped import Wrapped


@pytest.fixture(scope="module")
def lightweight() -> Overlay:
    return overlay.find("lightweight")


def test_the_timed_board_is_as_exact_and_as_slow_as_the_chip(lightweight: Overlay) -> None:
    images = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    with open_timed(lightweight) as opened:
        expected = Reference(lightweight.graph()).execute(images)
        np.testing.assert_array_equal(opened.execute(images), expected)
        circuit = lightweight.manifest.circuit
        cycles = circuit["latency_cycles"] + 19 * circuit["cycles_per_frame"]
        assert opened.last_cycles == cycles
        start = opened.now()
        opened.execute(images)
        assert opened.now() - start >= cycles / (circuit["clock_mhz"] * 1e6)


def test_callers_share_batches(lightweight: Overlay) -> None:
    with open_timed(lightweight) as opened:
        assert batching(opened, 1, 0.2).batch == 1
        assert batching(opened, 16, 0.3).batch > 4


def test_a_slower_processor_takes_longer_and_the_chip_does_not(lightweight: Overlay) -> None:
    images = np.random.default_rng(1).integers(0, 256, (20, 32, 32, 3), dtype=np.uint8)
    with open_timed(lightweight) as opened:
        expected = opened.execute(images)
        cycles, slept = opened.last_cycles, []
        slowed = Slowed(opened, 4.0, slept.append)
        began = time.perf_counter()
        np.testing.assert_array_equal(slowed.execute(images), expected)
        taken = time.perf_counter() - began
        assert slowed.last_cycles == cycles
        beside = taken - cycles / (1e6 * opened.clock_mhz)
        assert 0 < slept[0] <= 3 * beside


@pytest.mark.parametrize("together", [1, 8])
def test_many_clients(lightweight: Overlay, together: int) -> None:
    with (
        open_timed(lightweight) as opened,
        server.listen("127.0.0.1", 0) as listener,
        Server(create_app(lightweight, opened), listener, limits=Limits(workers=8, waiting=4)),
    ):
        found = run(
            listener.getsockname(), 20, 1.5, together=together, process=os.getpid()
        )  # fmt: skip
    assert not found.failures
    assert found.pictures and len(found.latencies) * together == found.pictures
    assert len(found.memory) >= 1


class Wrong(Wrapped):
    """A backend that answers by its mood, or not at all."""

    calls = 0
    error: Exception | None = None

    def execute(self, images: np.ndarray) -> np.ndarray:
        if self.error:
            raise self.error
        self.calls += 1
        logits: np.ndarray = self._backend.execute(images) + self.calls
        return logits


@pytest.mark.parametrize(
    ("error", "what"),
    [
        (None, "another answer than before"),
        (RuntimeError("broken"), "status 500"),
        (BackendError("broken"), "status 503"),  # which does not say when to come again
    ],
)
def test_failures_are_seen(lightweight: Overlay, error: Exception | None, what: str) -> None:
    with open_timed(lightweight) as opened, server.listen("127.0.0.1", 0) as listener:
        backend = Wrong(opened)
        backend.error = error
        with Server(create_app(lightweight, backend), listener):
            found = run(listener.getsockname(), 2, 1.0)
    assert set(found.failures) == {what}


def test_growth() -> None:
    load = Load(1, 1)
    assert load.growth == 0
    load.memory = [100, 5, 5, 5, 5, 7, 7, 7]
    assert load.growth == 2
