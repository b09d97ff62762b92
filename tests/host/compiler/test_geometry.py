"""Windows of every side, step and padding, and groups: as integers what the file itself gives."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper
from qonnx.transformation.infer_shapes import InferShapes

from board_app.network.nodes import Convolution, Threshold
from host_build.compiler.adapt import adapt
from host_build.compiler.model import CompileError, ModelWrapper, apply, execute_onnx
from host_build.compiler.pipeline import buildable, compile_model

from .networks import finish, start, windows_at_once, zero_points


def test_all_at_once(tmp_path):
    path = finish(windows_at_once()).save(tmp_path / "m.onnx")
    images = np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3), np.uint8)
    compiled = compile_model(path, tmp_path / "b", images)
    windows = [n for n in compiled.graph.nodes if isinstance(n, Convolution)]
    assert [(n.kernel, n.strides, n.pads) for n in windows[:-1]] == [
        ((5, 5), (2, 1), (0, 0, 0, 0)),
        ((3, 3), (2, 2), (0, 0, 1, 1)),
        ((1, 3), (1, 1), (0, 2, 0, 0)),
        ((3, 3), (1, 3), (2, 2, 2, 2)),
    ]
    # What the second group reads has no weight in the first, and the other way round.
    assert not windows[1].weights[:3, ..., 2:].any()
    assert not windows[1].weights[3:, ..., :2].any()
    assert compiled.rounded == 0


@pytest.mark.parametrize(
    ("kernel", "pads"), [(1, [1, 1, 1, 1]), (1, [0, 2, 1, 0]), (2, [3, 0, 0, 1]), (3, [3, 3, 0, 4])]
)
def test_more_padding_than_window_is_a_larger_window_of_the_same_sums(tmp_path, kernel, pads):
    given = start(kernel=kernel, pads=pads, strides=[1, 2])
    model = apply(ModelWrapper(str(finish(given).save(tmp_path / "m.onnx"))), InferShapes())
    changed = adapt(model)
    (node,) = changed.get_nodes_by_op_type("Conv")
    found = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    sides = found["kernel_shape"] * 2
    assert all(pad < side for pad, side in zip(found["pads"], sides, strict=True))
    image = np.random.default_rng(1).integers(0, 256, (1, 3, 32, 32)).astype(np.float32)
    logits = [execute_onnx(m, {"x": image})[m.graph.output[0].name] for m in (model, changed)]
    assert np.allclose(*logits, rtol=1e-5)


def test_zero_points_become_the_thresholds_first_level(tmp_path):
    """What is padded is still the number 0, also where the padding is on some sides only."""
    path = finish(zero_points()).save(tmp_path / "m.onnx")
    images = np.random.default_rng(3).integers(0, 256, (4, 32, 32, 3), np.uint8)
    compiled = compile_model(path, tmp_path / "b", images)
    assert compiled.rounded == 0
    levels = [(str(n.dtype), n.bias) for n in compiled.graph.nodes if isinstance(n, Threshold)]
    assert levels == [("int9", -37), ("int5", -5), ("uint4", 0)]


@pytest.mark.parametrize(
    ("zero", "relu", "message"),
    [
        (2.5, False, r"has the zero point \[2.5\]; one that is among its levels, 0 to 15"),
        (16, False, r"has the zero point \[16.0\]"),
        (3, True, "has a zero point behind a Relu"),
    ],
)
def test_zero_points_that_have_no_kernel(tmp_path, zero, relu, message):
    network = start()
    network.convolution(4, 4)
    if relu:
        network.add("Relu")
    network.quant(0.3, signed=0, zero=zero)
    with pytest.raises(CompileError, match=message):
        buildable(finish(network).save(tmp_path / "m.onnx"))
