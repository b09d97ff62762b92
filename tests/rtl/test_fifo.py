"""fifo.sv against a queue."""

from __future__ import annotations

import numpy as np
import pytest

from host_build.kernels.fifo import Fifo
from host_build.simulation.verilator import Circuit, Deadlock, pack
from tests.rtl.support import STALLS, build_kernel, random_integers

pytestmark = pytest.mark.rtl

KERNELS = [
    Fifo(1, 3), Fifo(6, 4), Fifo(33, 16), Fifo(96, 65), Fifo(100, 40, "block"), Fifo(18, 700),
]  # fmt: skip


@pytest.fixture(scope="module", params=KERNELS, ids=str)
def fifo(request: pytest.FixtureRequest) -> tuple[Fifo, Circuit]:
    return request.param, build_kernel(request.param)


def beats(kernel: Fifo, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return pack(random_integers(rng, (count, kernel.width), 1, False), 1)


@pytest.mark.parametrize("stalls", STALLS, ids=str)
def test_keeps_the_order(fifo: tuple[Fifo, Circuit], stalls: tuple[float, float]) -> None:
    kernel, circuit = fifo
    for seed in range(3):
        data = beats(kernel, 3000, seed)
        result = circuit.run(
            {"in": data}, {"out": 3000}, stall_in=stalls[0], stall_out=stalls[1], seed=seed
        )
        assert np.array_equal(result.outputs["out"], data)


def test_full_rate_and_latency(fifo: tuple[Fifo, Circuit]) -> None:
    kernel, circuit = fifo
    result = circuit.run({"in": beats(kernel, 500, 0)}, {"out": 500})
    assert result.cycles["out"][0] - result.cycles["in"][0] == kernel.latency
    assert (np.diff(result.cycles["in"]) == kernel.cycles).all()
    assert (np.diff(result.cycles["out"]) == kernel.cycles).all()


def test_holds_exactly_its_depth(fifo: tuple[Fifo, Circuit]) -> None:
    kernel, circuit = fifo
    data = beats(kernel, kernel.depth + 1, 1)
    try:
        with pytest.raises(Deadlock, match=f"in: {kernel.depth} of {kernel.depth + 1} beats"):
            circuit.run({"in": data}, {"out": 0}, patience=100)
        # The producer stays at full rate behind a full buffer that drains at full rate.
        rest = circuit.run({"in": data}, {"out": len(data)})
        assert np.array_equal(rest.outputs["out"][: kernel.depth], data[:-1])
    finally:
        circuit.reset()


@pytest.mark.parametrize(("width", "depth", "field"), [(8, 2, "depth"), (0, 4, "width")])
def test_twin_refuses(width: int, depth: int, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Fifo(width, depth)
