"""add.sv against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from host_build.kernels.add import Add
from host_build.simulation.verilator import Circuit, pack, unpack
from tests.rtl.support import STALLS, build_kernel, random_integers

pytestmark = pytest.mark.rtl

KERNELS = [
    Add(1, 1, 1, False, False), Add(16, 6, 6, True, True), Add(3, 6, 4, True, False),
    Add(5, 4, 8, True, False, out_bits=12), Add(2, 7, 20, False, True), Add(4, 32, 31, True, True),
]  # fmt: skip


@pytest.fixture(scope="module", params=KERNELS, ids=str)
def adder(request: pytest.FixtureRequest) -> tuple[Add, Circuit]:
    return request.param, build_kernel(request.param)


@pytest.mark.parametrize("stalls", STALLS, ids=str)
def test_adds(adder: tuple[Add, Circuit], stalls: tuple[float, float]) -> None:
    kernel, circuit = adder
    count = 400
    for seed in range(3):
        rng = np.random.default_rng(seed)
        a = random_integers(rng, (count, kernel.lanes), kernel.a_bits, kernel.a_signed)
        b = random_integers(rng, (count, kernel.lanes), kernel.b_bits, kernel.b_signed)
        result = circuit.run(
            {"a": pack(a, kernel.a_bits), "b": pack(b, kernel.b_bits)}, {"out": count},
            stall_in=stalls[0], stall_out=stalls[1], seed=seed,
        )  # fmt: skip
        sums = unpack(result.outputs["out"], kernel.sum_bits, kernel.lanes, signed=kernel.signed)
        assert np.array_equal(sums, kernel.golden(a, b))
        if stalls == (0, 0):
            assert (result.cycles["out"] - result.cycles["a"] == kernel.latency).all()
            assert (np.diff(result.cycles["a"]) == kernel.cycles).all()


def test_twin_refuses() -> None:
    with pytest.raises(ValueError, match=r"out_bits is 7; legal: at least 8"):
        Add(2, 6, 6, True, False, out_bits=7)
