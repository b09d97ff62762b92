"""stream_fork.sv: every consumer gets every beat once, in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_build.kernels.stream_fork import StreamFork
from host_build.simulation.verilator import Circuit, Deadlock, build
from tests.rtl.support import STALLS

pytestmark = pytest.mark.rtl

KERNEL = StreamFork(20, copies=3)
BENCH = Path(__file__).with_name("stream_fork_bench.sv")


@pytest.fixture(scope="module")
def circuit() -> Circuit:
    return build(
        "stream_fork_bench", [BENCH, *KERNEL.sources()], {"WIDTH": KERNEL.width},
        KERNEL.inputs, KERNEL.outputs,
    )  # fmt: skip


def random_beats(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 1 << KERNEL.width, count)


@pytest.mark.parametrize("stalls", STALLS, ids=str)
def test_copies_every_beat(circuit: Circuit, stalls: tuple[float, float]) -> None:
    for seed in range(5):
        data = random_beats(500, seed)
        expected = dict.fromkeys((s.name for s in KERNEL.outputs), len(data))
        result = circuit.run(
            {"in": data}, expected, stall_in=stalls[0], stall_out=stalls[1], seed=seed
        )
        for stream in KERNEL.outputs:
            assert np.array_equal(result.outputs[stream.name], data)
        if stalls == (0, 0):
            assert (result.cycles["out_2"] - result.cycles["in"] == KERNEL.latency).all()
            assert (np.diff(result.cycles["in"]) == KERNEL.cycles).all()


def test_consumers_do_not_wait_for_each_other(circuit: Circuit) -> None:
    data = random_beats(2, 0)
    try:
        with pytest.raises(Deadlock, match=r"in: 0 of 2 .*out_1: 1 of 2.*out_2: 0 of 0"):
            circuit.run({"in": data}, {"out_0": 1, "out_1": 2, "out_2": 0}, patience=100)
    finally:
        circuit.reset()


def test_twin_refuses() -> None:
    with pytest.raises(ValueError, match=r"copies is 1"):
        StreamFork(8, copies=1)
