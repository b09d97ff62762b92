"""Thresholds against QONNX's own quantiser, for every rounding it knows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qonnx.custom_op.general.quant import quant

from host_build.compiler.rounding import Rounding

MODES = ("ROUND", "HALF_EVEN", "HALF_UP", "HALF_DOWN", "FLOOR", "CEIL", "UP", "DOWN")


@pytest.mark.parametrize("mode", MODES)
@settings(deadline=None, max_examples=25)
@given(
    scale=st.sampled_from([2.0**-5, 0.25, 1.0]) | st.floats(2.0**-10, 8, width=32),
    bits=st.integers(2, 6),
    signed=st.booleans(),
    narrow=st.booleans(),
    seed=st.integers(0, 1000),
    zero=st.just(0) | st.integers(1, 2),
)
def test_thresholds_are_the_quantiser_at_ties_too(mode, scale, bits, signed, narrow, seed, zero):
    scales = np.float32([[scale], [scale * 0.75]])
    zero = -zero if signed else zero
    rounding = Rounding("q", scales, bits, signed, narrow, mode, zero)
    thresholds = rounding.thresholds()
    assert (np.diff(thresholds, axis=1) >= 0).all()
    halves = np.arange(-(2**bits) - 2, 2**bits + 3, 0.5)
    ties = halves * scales
    noise = np.random.default_rng(seed).normal(0, 2**bits, (2, 200)) * scales
    x = np.concatenate([ties, np.nextafter(ties.astype(np.float32), np.float32(99)), noise], axis=1)
    x = x.astype(np.float32)
    x[np.abs(x) < 1e-6 * scales] = 0  # nearer to zero than any threshold is kept
    found = (x[:, :, None] >= thresholds[:, None, :]).sum(axis=2)
    least = 0 if not signed else -(2 ** (bits - 1)) + narrow
    level = quant(x, scales, np.float32(zero), np.float32(bits), signed, narrow, mode) / scales
    assert np.array_equal(found + least - zero, np.round(level))


def test_finns_thresholds_stay_where_the_scale_is_a_learned_one():
    def finns(scale: float, mode: str) -> bool:
        return Rounding("q", np.float32([[scale]]), 4, True, False, mode).is_finns

    assert finns(0.1234567, "ROUND")
    assert not finns(0.125, "ROUND")
    assert not finns(0.75, "HALF_UP")
    assert not finns(0.1234567, "FLOOR")
