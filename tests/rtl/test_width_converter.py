"""width_converter.sv against a reshape."""

from __future__ import annotations

import numpy as np
import pytest

from host_build.kernels.width_converter import WidthConverter
from host_build.simulation.verilator import Circuit, pack, unpack
from tests.rtl.support import STALLS, build_kernel, random_integers

pytestmark = pytest.mark.rtl

KERNELS = [
    WidthConverter(1, 2), WidthConverter(6, 96), WidthConverter(24, 72),
    WidthConverter(8, 4), WidthConverter(96, 6), WidthConverter(105, 35),
]  # fmt: skip


@pytest.fixture(scope="module", params=KERNELS, ids=str)
def converter(request: pytest.FixtureRequest) -> tuple[WidthConverter, Circuit]:
    return request.param, build_kernel(request.param)


@pytest.mark.parametrize("stalls", STALLS, ids=str)
def test_keeps_every_bit(
    converter: tuple[WidthConverter, Circuit], stalls: tuple[float, float]
) -> None:
    kernel, circuit = converter
    beats = 40 * kernel.ratio
    bits = random_integers(np.random.default_rng(1), (beats, kernel.in_width), 1, False)
    expected = kernel.golden(bits)
    for seed in range(3):
        result = circuit.run(
            {"in": pack(bits, 1)}, {"out": len(expected)},
            stall_in=stalls[0], stall_out=stalls[1], seed=seed,
        )  # fmt: skip
        assert np.array_equal(unpack(result.outputs["out"], 1, kernel.out_width), expected)


def test_narrow_side_at_full_rate(converter: tuple[WidthConverter, Circuit]) -> None:
    kernel, circuit = converter
    count = 20 * kernel.ratio
    up = kernel.out_width > kernel.in_width
    data = np.zeros((count if up else 20, kernel.in_width), dtype=int)
    result = circuit.run({"in": pack(data, 1)}, {"out": 20 if up else count})
    narrow, wide = ("in", "out") if up else ("out", "in")
    assert (np.diff(result.cycles[narrow]) == 1).all()
    # Into an empty converter two wide beats follow each other.
    assert (np.diff(result.cycles[wide]) == kernel.cycles)[1:].all()
    filled = kernel.ratio - 1 if up else 0
    assert result.cycles["out"][0] - result.cycles["in"][filled] == kernel.latency


@pytest.mark.parametrize("widths", [(8, 8), (8, 12), (12, 8), (0, 4)])
def test_twin_refuses(widths: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="width"):
        WidthConverter(*widths)
