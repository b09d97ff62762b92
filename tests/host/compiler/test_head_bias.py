"""A constant vector out of levels that every image has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Convolution, DataType
from board_app.network.reference import Reference
from host_build.compiler.head_bias import add_bias
from host_build.compiler.model import CompileError
from host_build.generate.convolution import convolution_kernels
from host_build.generate.folding import FoldingError, LayerFolding

PIXELS = DataType(8, signed=False)


def _head(channels: int, classes: int) -> Convolution:
    weights = np.random.default_rng(1).integers(-7, 8, (classes, 1, 1, channels)).astype(np.int8)
    return Convolution("conv0", (INPUT,), (1, 1, classes), DataType(20, signed=True), weights, 1, 0)


@settings(deadline=None, max_examples=60)
@given(
    channels=st.integers(2, 40),
    share=st.floats(-1, 1),
    seed=st.integers(0, 1000),
    classes=st.integers(1, 12),
)
def test_any_bias_within_reach_is_added_exactly(channels, share, seed, classes):
    reach = 127 * 255 * (channels - 1)
    random = np.random.default_rng(seed)
    bias = (random.uniform(-1, 1, classes) * abs(share) * reach).astype(np.int64)
    bias[0] = int(share * reach)
    head = _head(channels, classes)
    added = add_bias(head, (1, 1, channels), PIXELS, bias, "add0", DataType(32, signed=True))
    images = random.integers(0, 256, (3, 1, 1, channels)).astype(np.uint8)
    plain = Reference(Graph((head,), (1, 1, channels), PIXELS)).execute(images)
    found = Reference(Graph((head, *added), (1, 1, channels), PIXELS)).execute(images)
    assert np.array_equal(found, plain + bias)


def test_a_bias_out_of_reach_is_refused():
    head = _head(2, 3)
    bias = np.array([0, 127 * 255 + 1, 0])
    with pytest.raises(CompileError, match="up to 32386 steps, is more than kernels add"):
        add_bias(head, (1, 1, 2), PIXELS, bias, "add0", DataType(32, signed=True))


def test_the_least_weight_of_8_bits_has_kernels():
    head = _head(4, 6)
    head.weights[2, 0, 0, 1] = -128
    for style, legal in (("LUT", True), ("DSP1", True), ("DSP2", False)):
        fold = LayerFolding(2, 2, style=style)
        if legal:
            _, unit = convolution_kernels(head, PIXELS, (1, 1, 4), fold)
            assert unit.weight_bits == 8
        else:
            with pytest.raises(
                FoldingError, match=r"-128\.\.7, but must be -127\.\.127 for style DSP2"
            ):
                convolution_kernels(head, PIXELS, (1, 1, 4), fold)
