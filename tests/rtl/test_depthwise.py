"""depthwise.sv against numpy."""

from __future__ import annotations

import numpy as np
import pytest

from host_build.kernels.depthwise import Depthwise
from host_build.simulation.verilator import Circuit, pack, unpack
from tests.rtl.support import STALLS, build_kernel, frame_cycles, random_integers

pytestmark = pytest.mark.rtl


def kernel(
    lanes: int, channels: int, pixels: int, in_bits: int, weight_bits: int, signed: bool = False
) -> Depthwise:
    rng = np.random.default_rng([channels, pixels])
    weights = random_integers(rng, (channels, pixels), weight_bits, signed=True)
    weights[0, 0], weights[-1, -1] = -(1 << weight_bits - 1), (1 << weight_bits - 1) - 1
    return Depthwise(lanes, weights, in_bits, signed, name=f"depthwise_{lanes}_{channels}")


KERNELS = [
    kernel(1, 1, 2, 1, 2), kernel(3, 6, 9, 4, 4), kernel(2, 8, 9, 4, 4, signed=True),
    kernel(4, 4, 9, 8, 8, signed=True), kernel(2, 12, 9, 8, 5), kernel(1, 70, 25, 6, 8),
    kernel(5, 5, 3, 1, 3, signed=True),
]  # fmt: skip


@pytest.fixture(scope="module", params=KERNELS, ids=str)
def depthwise(request: pytest.FixtureRequest) -> tuple[Depthwise, Circuit]:
    return request.param, build_kernel(request.param)


@pytest.mark.parametrize("stalls", STALLS, ids=str)
def test_sums(depthwise: tuple[Depthwise, Circuit], stalls: tuple[float, float]) -> None:
    kernel, circuit = depthwise
    windows = 6
    for seed in range(3):
        rng = np.random.default_rng(seed)
        shape = (windows, kernel.pixels, kernel.channels)
        pixels = random_integers(rng, shape, kernel.in_bits, kernel.in_signed)
        result = circuit.run(
            {"in": pack(pixels.reshape(-1, kernel.lanes), kernel.in_bits)},
            {"out": windows * kernel.groups},
            stall_in=stalls[0], stall_out=stalls[1], seed=seed,
        )  # fmt: skip
        sums = unpack(result.outputs["out"], kernel.out_bits, kernel.lanes, signed=True)
        assert np.array_equal(sums.reshape(windows, -1), kernel.golden(pixels))
        if stalls == (0, 0):
            assert frame_cycles(result, "in", windows) == kernel.cycles
            assert frame_cycles(result, "out", windows) == kernel.cycles
            assert result.cycles["out"][-1] - result.cycles["in"][-1] == kernel.latency


def test_every_form_is_among_them() -> None:
    assert {(k.dsp, k.block) for k in KERNELS} == {(False, False), (True, False), (True, True)}


def test_sums_have_no_bit_too_many() -> None:
    weights = np.array([[7, -8], [1, 1]])
    assert Depthwise(1, weights, 4).out_bits == 8  # -120..105
    assert Depthwise(1, weights, 4, in_signed=True).out_bits == 8  # -112..120
    assert Depthwise(1, weights // 8, 4).out_bits == 5  # -15..0


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ((3, np.ones((4, 9), int), 4), "lanes"),
        ((1, np.ones((4, 1), int), 4), "weights"),
        ((1, np.ones((4, 9), int), 0), "in_bits"),
    ],
)
def test_twin_refuses(arguments: tuple, field: str) -> None:
    with pytest.raises(ValueError, match=rf"Depthwise\.{field}"):
        Depthwise(*arguments)
