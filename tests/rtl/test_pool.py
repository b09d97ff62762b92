"""pool.sv against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from host_build.kernels.pool import Pool
from host_build.simulation.verilator import Circuit, pack, unpack
from tests.rtl.support import STALLS, build_kernel, frame_cycles, random_integers

pytestmark = pytest.mark.rtl

KERNELS = [
    Pool(1, 1, 2, 1), Pool(4, 64, 16, 6), Pool(16, 16, 64, 4), Pool(3, 12, 5, 5, in_signed=True),
    Pool(1, 70, 3, 8), Pool(2, 4, 7, 12, in_signed=True),
    Pool(1, 1, 2, 1, largest=True), Pool(3, 12, 4, 5, largest=True),
    Pool(2, 2, 9, 1, in_signed=True, largest=True), Pool(2, 16, 9, 6, True, largest=True),
]  # fmt: skip


@pytest.fixture(scope="module", params=KERNELS, ids=str)
def pool(request: pytest.FixtureRequest) -> tuple[Pool, Circuit]:
    return request.param, build_kernel(request.param)


@pytest.mark.parametrize("stalls", STALLS, ids=str)
def test_results(pool: tuple[Pool, Circuit], stalls: tuple[float, float]) -> None:
    kernel, circuit = pool
    frames = 6
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shape = (frames, 1, kernel.pixels, kernel.channels)
        pixels = random_integers(rng, shape, kernel.in_bits, kernel.in_signed)
        result = circuit.run(
            {"in": pack(pixels.reshape(-1, kernel.lanes), kernel.in_bits)},
            {"out": frames * kernel.groups},
            stall_in=stalls[0], stall_out=stalls[1], seed=seed,
        )  # fmt: skip
        sums = unpack(result.outputs["out"], kernel.out_bits, kernel.lanes, signed=kernel.in_signed)
        assert np.array_equal(sums.reshape(frames, -1), kernel.golden(pixels))
        if stalls == (0, 0):
            assert frame_cycles(result, "in", frames) == kernel.cycles
            assert frame_cycles(result, "out", frames) == kernel.cycles
            assert result.cycles["out"][-1] - result.cycles["in"][-1] == kernel.latency


@pytest.mark.parametrize(
    ("arguments", "field"), [((3, 16, 16, 6), "lanes"), ((4, 16, 1, 6), "pixels")]
)
def test_twin_refuses(arguments: tuple[int, int, int, int], field: str) -> None:
    with pytest.raises(ValueError, match=field):
        Pool(*arguments)
