"""Both forms of thresholds against numpy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from host_build.kernels.thresholds import ThresholdKernel, Thresholds
from host_build.kernels.thresholds_parallel import ThresholdsParallel
from host_build.simulation.verilator import build, pack, unpack
from tests.rtl.support import STALLS

pytestmark = pytest.mark.rtl


@dataclass(frozen=True)
class Case:
    """One build; its thresholds are drawn anew for every run."""

    form: type[ThresholdKernel]
    lanes: int
    channels: int
    count: int
    in_bits: int
    out_bits: int
    bias: int = 0
    in_signed: bool = True
    shared: bool = False

    def kernel(self, rng: np.random.Generator) -> ThresholdKernel:
        """Random thresholds: equal ones, ones that are never and ones that are always reached."""
        edge = 1 << self.in_bits
        rows = 1 if self.shared else self.channels
        values = rng.integers(-edge, edge, (rows, self.count), endpoint=True)
        near = rng.integers(-4, 4, (rows, self.count))
        values = np.where(rng.random((rows, 1)) < 0.5, near, values)
        values[0, -1], values[-1, 0] = 2 * edge, -2 * edge
        return self.form(
            self.lanes, self.channels, np.sort(values, axis=1), self.in_bits, self.out_bits,
            self.bias, self.in_signed,
        )  # fmt: skip


CASES = [
    Case(Thresholds, 1, 16, 63, 14, 6), Case(Thresholds, 4, 12, 15, 9, 5, bias=-8),
    Case(Thresholds, 3, 3, 31, 8, 6, bias=-16, in_signed=False),
    Case(Thresholds, 2, 10, 100, 12, 7), Case(Thresholds, 2, 4, 255, 10, 8, shared=True),
    Case(Thresholds, 12, 12, 1, 6, 1),
    Case(ThresholdsParallel, 4, 12, 3, 10, 2), Case(ThresholdsParallel, 6, 6, 7, 12, 4, bias=-8),
    Case(ThresholdsParallel, 2, 6, 5, 8, 8, bias=3, in_signed=False, shared=True),
    Case(ThresholdsParallel, 2, 4, 63, 7, 6, bias=-32, shared=True),
    Case(ThresholdsParallel, 2, 6, 5, 9, 3, shared=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_counts(case: Case) -> None:
    for seed, stalls in enumerate(STALLS * 2):
        rng = np.random.default_rng(seed)
        kernel = case.kernel(rng)
        # The values of the whole range, and those at and beside the thresholds.
        low = -(1 << case.in_bits - 1) if case.in_signed else 0
        high = low + (1 << case.in_bits) - 1
        values = rng.integers(low, high, (300, case.channels), endpoint=True)
        picked = kernel.stored[np.arange(case.channels), rng.integers(0, case.count, values.shape)]
        beside = (picked + rng.integers(-1, 2, values.shape)).clip(low, high)
        values = np.where(rng.random(values.shape) < 0.5, values, beside)
        # Only the images differ, and the width of a threshold is that of the widest.
        parameters = kernel.parameters()
        circuit = build(
            kernel.module, kernel.sources(), parameters, kernel.inputs, kernel.outputs,
            images=kernel.images(),
        )  # fmt: skip
        result = circuit.run(
            {"in": pack(values.reshape(-1, case.lanes), case.in_bits)},
            {"out": values.size // case.lanes}, stall_in=stalls[0], stall_out=stalls[1], seed=seed,
        )  # fmt: skip
        levels = unpack(result.outputs["out"], case.out_bits, case.lanes, signed=case.bias < 0)
        assert np.array_equal(levels.reshape(values.shape), kernel.golden(values))
        if stalls == (0, 0):
            assert (result.cycles["out"] - result.cycles["in"] == kernel.latency).all()
            pixels = result.cycles["out"].reshape(-1, kernel.groups)[:, -1]
            assert (np.diff(pixels) == kernel.cycles).all()


@pytest.mark.parametrize(
    ("lanes", "values", "bias", "message"),
    [
        (3, [[0, 1, 2]], 0, "lanes is 3"),
        (2, [[0, 1, 2]] * 3, 0, "values has shape"),
        (2, [[2, 1, 3]], 0, "sort"),
        (2, [[0, 1, 2]], 1, "out_bits is 2; legal: enough for 1..4"),
        (2, [[0, 1, 2]], -1, "out_bits is 2"),
    ],
)
def test_twin_refuses(lanes: int, values: list[list[int]], bias: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Thresholds(lanes, 4, np.array(values), 8, 2, bias)
