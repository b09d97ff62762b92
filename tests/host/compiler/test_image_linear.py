"""A linear layer that reads a small image becomes one window of it, and no number changes."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import helper, numpy_helper

from board_app.network.nodes import Convolution
from host_build.compiler.model import CompileError
from host_build.compiler.pipeline import buildable, compile_model
from tests.host.compiler.networks import lenet


@pytest.fixture(scope="module")
def pictures():
    return np.random.default_rng(12).integers(0, 256, (4, 32, 32, 3), np.uint8)


def test_a_hidden_layer_with_a_bias_whose_input_is_quantised_flat(tmp_path, pictures):
    path = lenet(["Quant"], bias=True).save(tmp_path / "m.onnx")
    compiled = compile_model(path, tmp_path / "o", pictures)
    assert compiled.rounded == 0
    assert compiled.bias_error == 0
    *_, layer, head = (n for n in compiled.graph.nodes if isinstance(n, Convolution))
    assert layer.kernel == (4, 4)
    assert layer.shape == (1, 1, 6)
    assert head.kernel == (1, 1)


def test_channels_that_keras_puts_last(tmp_path, pictures):
    path = lenet(["Transpose"], width=3).save(tmp_path / "m.onnx", shape=(3, 32, 24))
    compiled = compile_model(path, tmp_path / "o", pictures[:, :, :24])
    assert compiled.rounded == 0
    *_, layer, _ = (n for n in compiled.graph.nodes if isinstance(n, Convolution))
    assert layer.kernel == (4, 3)


def test_a_factor_of_each_input_is_refused_by_name(tmp_path):
    network = lenet(head=True)
    flat = next(index for index, node in enumerate(network.nodes) if node.op_type == "Flatten")
    gemm = next(node for node in network.nodes if node.op_type == "Gemm")
    factors = network.constant(np.linspace(0.5, 1, 64)[None])
    made = helper.make_node("Mul", [network.nodes[flat].output[0], factors], ["scaled"])
    network.nodes.insert(flat + 1, made)
    gemm.input[0] = "scaled"
    with pytest.raises(CompileError, match="makes one vector of 4x4 pixels, which no kernel does"):
        buildable(network.save(tmp_path / "m.onnx"))


def test_a_scale_of_each_input_is_refused_by_name(tmp_path):
    network = lenet(head=True)
    gemm = next(node for node in network.nodes if node.op_type == "Gemm")
    quant = next(node for node in network.nodes if node.output[0] == gemm.input[1])
    scale = next(c for c in network.constants if c.name == quant.input[1])
    scale.CopyFrom(numpy_helper.from_array(np.linspace(0.1, 0.2, 64, dtype=np.float32), scale.name))
    with pytest.raises(CompileError, match="makes one vector of 4x4 pixels, which no kernel does"):
        buildable(network.save(tmp_path / "m.onnx"))


def test_a_head_whose_bias_is_rounded_to_its_steps(tmp_path, pictures):
    path = lenet(head=True, bias=True).save(tmp_path / "m.onnx")
    compiled = compile_model(path, tmp_path / "o", pictures)
    assert compiled.rounded == 0
    assert 0 < compiled.bias_error <= compiled.logit_scale / 2
    assert compiled.notes == (
        f"the bias of the logits is rounded to their steps: by up to {compiled.bias_error:.2g}",
    )
    head, bias = [n for n in compiled.graph.nodes if isinstance(n, Convolution)][-2:]
    assert head.kernel == bias.kernel == (4, 4)
    assert not bias.weights[:, 1:].any()
    assert not bias.weights[:, :, 1:].any()
