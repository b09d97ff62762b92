"""vector_pair.sv and vector_unpair.sv: two vectors at once and one after the other again."""

from __future__ import annotations

import numpy as np
import pytest

from host_build.kernels.base import Kernel
from host_build.kernels.vector_pair import VectorPair
from host_build.kernels.vector_unpair import VectorUnpair
from host_build.simulation.verilator import pack, unpack
from tests.rtl.support import STALLS, build_kernel, random_integers

pytestmark = pytest.mark.rtl

PAIRS = 8
ELEMENT = 5


@pytest.mark.parametrize(
    "kernel", [VectorPair(4, ELEMENT, 9), VectorPair(1, ELEMENT, 1), VectorPair(3, ELEMENT, 2)],
    ids=str,
)  # fmt: skip
def test_pairs_elements_of_neighbours(kernel: VectorPair) -> None:
    circuit = build_kernel(kernel)
    shape = (2 * PAIRS, kernel.beats, kernel.lanes)
    vectors = random_integers(np.random.default_rng(2), shape, ELEMENT, False)
    expected = kernel.golden(vectors).reshape(-1, 2 * kernel.lanes)
    for stalls in STALLS:
        result = circuit.run(
            {"in": pack(vectors.reshape(-1, kernel.lanes), ELEMENT)}, {"out": len(expected)},
            stall_in=stalls[0], stall_out=stalls[1],
        )  # fmt: skip
        found = unpack(result.outputs["out"], ELEMENT, 2 * kernel.lanes)
        assert np.array_equal(found, expected)
        if stalls == (0.0, 0.0):
            taken = result.cycles["in"].astype(int)
            assert taken[-1] - taken[0] == PAIRS * kernel.cycles - 1
            assert result.cycles["out"][0] - taken[kernel.beats] == kernel.latency


@pytest.mark.parametrize(
    "kernel",
    [VectorUnpair(2 * ELEMENT, 6, 2), VectorUnpair(ELEMENT, 1, 1), VectorUnpair(ELEMENT, 40, 2)],
    ids=str,
)
def test_unpairs_at_the_pace_of_the_unit(kernel: VectorUnpair) -> None:
    circuit = build_kernel(kernel)
    elements = kernel.width // ELEMENT
    shape = (PAIRS, kernel.beats, 2, elements)
    pairs = random_integers(np.random.default_rng(3), shape, ELEMENT, False)
    expected = kernel.golden(pairs).reshape(-1, elements)
    beats = pack(pairs.reshape(-1, 2 * elements), ELEMENT)
    for stalls in STALLS:
        result = circuit.run(
            {"in": beats}, {"out": len(expected)}, stall_in=stalls[0], stall_out=stalls[1]
        )
        assert np.array_equal(unpack(result.outputs["out"], ELEMENT, elements), expected)
        if stalls == (0.0, 0.0):
            given = result.cycles["out"].astype(int)
            assert given[0] - int(result.cycles["in"][0]) == kernel.latency
            # A source that never rests is limited by the output: not one idle cycle there.
            assert given[-1] - given[0] == PAIRS * kernel.cycles - 1


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (VectorPair, (0, 4, 2)), (VectorPair, (2, 4, 2, 3)),
        (VectorUnpair, (8, 0, 1)), (VectorUnpair, (8, 2, 1, 1)),
    ],
)  # fmt: skip
def test_twins_refuse(kind: type[Kernel], arguments: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"legal: (at least 1|even)"):
        kind(*arguments)
