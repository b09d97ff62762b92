"""Pools, depthwise convolutions, clips and sums mean the same to the stages as in the file."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from board_app.network.nodes import Add, Depthwise, MaxPool, SumPool, Threshold
from host_build.compiler import check, clip
from host_build.compiler.adapt import adapt
from host_build.compiler.model import CompileError, ModelWrapper, execute_onnx
from host_build.compiler.pipeline import compile_model
from host_build.compiler.read import read

from .networks import finish, mobile_block, start, stem, sums_of_sums


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (3, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("kind", "window"),
    [
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("MaxPool", {"kernel_shape": [3, 2], "strides": [2, 3], "pads": [0, 1, 2, 0]}),
        ("MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
        ("MaxPool", {"kernel_shape": [4, 4], "strides": [3, 3], "auto_pad": "SAME_UPPER"}),
        ("MaxPool", {"kernel_shape": [4, 4], "strides": [3, 3], "auto_pad": "SAME_LOWER"}),
        ("MaxPool", {"kernel_shape": [5, 5], "auto_pad": "VALID"}),
        ("AveragePool", {"kernel_shape": [2, 2], "strides": [2, 2]}),
        ("AveragePool", {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 0, 1, 2],
                         "count_include_pad": 1}),
        ("AveragePool", {"kernel_shape": [4, 4], "strides": [4, 4], "ceil_mode": 1}),
    ],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("quantised_first", [True, False])
def test_pools_are_spelled_out(
    tmp_path: Path, images: np.ndarray, kind: str, window: dict[str, Any], quantised_first: bool
) -> None:
    network = start()
    if not quantised_first and kind == "MaxPool":
        network.convolution(4, 4)
    network.add(kind, **window)
    network.add("Relu")
    network.quant(0.17, signed=0)
    given = read(finish(network).save(tmp_path / "m.onnx"))
    adapted = adapt(given.model)
    kinds = [node.op_type for node in adapted.graph.node]
    assert "AveragePool" not in kinds
    if kind == "MaxPool":
        # What it compares are levels.
        assert kinds[kinds.index("MaxPool") - 1] == "Quant"
    check.require_close("adapt", given.run(images, None), check.run(adapted, images))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["itself", "convolution", "unquantised-sum", "two-pools"])
def test_a_pool_that_two_nodes_read_is_exact(tmp_path: Path, images: np.ndarray, name: str) -> None:
    """As behind a ResNet's stem; the shortcut is the pool itself, or a convolution that reads it.

    One summand has a sign, the other none.
    """
    path = finish(stem(name)).save(tmp_path / "m.onnx")
    compiled = compile_model(path, tmp_path, images)
    assert compiled.rounded == 0
    nodes = compiled.graph.nodes
    (block,) = (node for node in nodes if isinstance(node, Add))
    pools = [node for node in nodes if isinstance(node, MaxPool)]
    assert len(pools) == (2 if name == "two-pools" else 1)
    assert sum(pools[-1].name in node.inputs for node in nodes) == 2
    assert (pools[-1].name in block.inputs) == (name != "convolution")
    # The quantisers of pixels, both convolutions of the block and before it: none holds the pool.
    thresholds = [node for node in nodes if isinstance(node, Threshold)]
    assert not {pool.name for pool in pools} & {name for n in thresholds for name in n.inputs}


def test_a_pool_with_a_zero_point_that_two_nodes_read(tmp_path: Path, images: np.ndarray) -> None:
    network = start()
    network.convolution(4, 4)
    network.quant(0.2311, zero=3, mode="FLOOR")
    network.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    pool = network.last
    network.convolution(4, 4)
    first = network.quant(0.3)
    network.last = pool
    network.convolution(4, 4, 1)
    network.add("Add", first, first=network.quant(0.3))
    network.quant(0.3)
    given = read(finish(network).save(tmp_path / "m.onnx"))
    adapted = adapt(given.model)
    held = [node for node in adapted.graph.node if node.name.endswith("_held")]
    assert len(held) == 1
    check.require_close("adapt", given.run(images, None), check.run(adapted, images))


@pytest.mark.slow
def test_an_inverted_residual_before_a_pool_is_exact(tmp_path: Path, images: np.ndarray) -> None:
    network = start()
    mobile_block(network)
    network.add("AveragePool", kernel_shape=[3, 2], strides=[2, 3], pads=[1, 0, 0, 1],
                count_include_pad=1)  # fmt: skip
    network.quant(0.1213, signed=0)
    path = finish(network).save(tmp_path / "m.onnx")
    compiled = compile_model(path, tmp_path, images)
    kinds = [type(node) for node in compiled.graph.nodes]
    assert [kinds.count(kind) for kind in (Depthwise, SumPool, Add)] == [1] * 3


def _clipped(low: float, high: float, thresholds: list[float]) -> ModelWrapper:
    value = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Clip", ["x", "low", "high"], ["t"], name="clip"),
        helper.make_node("MultiThreshold", ["t", "thresholds"], ["y"], name="levels",
                         domain="qonnx.custom_op.general", out_dtype="UINT4"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, [1, 300])],
        [value("y", TensorProto.FLOAT, [1, 300])],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 1)]
    model = ModelWrapper(helper.make_model(graph, opset_imports=opsets))
    for name, numbers in (("low", low), ("high", high), ("thresholds", [thresholds])):
        model.set_initializer(name, np.asarray(numbers, np.float32))
    model.set_tensor_shape("t", [1, 300])
    return model


@pytest.mark.parametrize(
    ("low", "high"), list(itertools.combinations((-1.0, 0.0, 0.5, 2.0, 9.0), 2))
)
def test_a_clip_is_part_of_the_quantiser(low: float, high: float) -> None:
    model = _clipped(low, high, [-2.0, -1.0, -0.5, 0.0, 0.5, 1.5, 2.0, 3.0])
    x = np.linspace(-3, 10, 300, dtype=np.float32)[None]
    x[0, :5] = low, high, 0.5, 2.0, -1.0
    before = execute_onnx(model, {"x": x})["y"]
    clip.fold(model)
    assert [node.op_type for node in model.graph.node] == ["MultiThreshold"]
    assert np.array_equal(execute_onnx(model, {"x": x})["y"], before)
    assert len(np.unique(before)) > 1


def test_a_clip_to_one_value_is_refused() -> None:
    model = _clipped(2.0, 2.0, [1.0])
    model.graph.node[1].op_type = "Quant"
    assert list(clip.refusals(model)) == ["node 'clip' clips to 2..2, which leaves one value"]


def test_a_clip_whose_bounds_change_is_refused(tmp_path: Path) -> None:
    network = start()
    network.convolution(4, 4)
    network.add("Clip", "t0", 6.0)
    network.quant(0.3, signed=0)
    given = read(finish(network).save(tmp_path / "m.onnx"))
    assert "computes its bounds" in " ".join(clip.refusals(adapt(given.model)))


def test_places_of_the_largest_are_refused(tmp_path: Path) -> None:
    network = start()
    network.add("MaxPool", kernel_shape=[2, 2])
    path = finish(network).save(tmp_path / "m.onnx")
    model = onnx.load(path)
    (pool,) = (node for node in model.graph.node if node.op_type == "MaxPool")
    pool.output.append("places")
    onnx.save(model, path)
    with pytest.raises(CompileError, match="gives places too; read are the largest values"):
        adapt(read(path).model)


def test_sums_that_nobody_quantises_are_held(tmp_path: Path, images: np.ndarray) -> None:
    network = start()
    sums_of_sums(network, 3)
    given = read(finish(network).save(tmp_path / "m.onnx"))
    adapted = adapt(given.model)
    check.require_close("adapt", given.run(images, None), check.run(adapted, images))
    held = [node for node in adapted.graph.node if node.name.endswith("_held")]
    bits = [adapted.get_initializer(node.input[3]).item() for node in held]
    # The last one has its own quantiser.
    assert bits == [5, 6]


def test_sums_of_too_many_bits_are_refused(tmp_path: Path) -> None:
    network = start()
    sums_of_sums(network, 2, bits=8)
    given = read(finish(network).save(tmp_path / "m.onnx"))
    with pytest.raises(CompileError, match=r"sums of -256 to 254 steps, of 9 bits; up to 8 have"):
        adapt(given.model)


@pytest.mark.slow
def test_sums_of_sums_are_exact(tmp_path: Path, images: np.ndarray) -> None:
    network = start()
    sums_of_sums(network)
    compiled = compile_model(finish(network).save(tmp_path / "m.onnx"), tmp_path, images)
    nodes = {node.name: node for node in compiled.graph.nodes}
    (second,) = (
        n for n in nodes.values()
        if isinstance(n, Add) and any(isinstance(nodes[name], Add) for name in n.inputs)
    )  # fmt: skip
    assert second.shape == (32, 32, 4)
