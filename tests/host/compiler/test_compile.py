"""The compiler on networks that exercise each of its paths, and on models it must refuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnx
import pytest
import torch
from brevitas.graph.calibrate import calibration_mode
from onnx import TensorProto, helper, numpy_helper

from board_app.network.graph import load
from board_app.network.nodes import Add, Convolution, Pool, Threshold
from board_app.network.overlay import find
from board_app.network.reference import Reference
from board_app.pictures import cifar10 as data
from host_build.assemble.package import package
from host_build.compiler.check import require_close
from host_build.compiler.model import CompileError
from host_build.compiler.pictures import of_dataset
from host_build.compiler.pipeline import compile_model
from host_build.compiler.pixels import RANGES
from host_build.networks.skeleton import skeleton
from host_build.networks.variants import Bits, Variant
from host_build.training.export import export, logits
from host_build.training.resnet import ResNet

from ..conftest import TINY

EDGES8 = replace(
    TINY, name="edges8", stem_bits=Bits(8, 4), head_weight_bits=8, input_bits=8
)  # fmt: skip
FINE = replace(TINY, name="fine", groups=tuple(replace(g, add_bits=5) for g in TINY.groups))


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (6, 32, 32, 3), np.uint8)


def _network(images: np.ndarray, variant: Variant = TINY) -> ResNet:
    """A tiny network in eval mode whose BatchNorms scale by both signs."""
    torch.manual_seed(2)
    model = ResNet(variant)
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).float()
    with torch.no_grad(), calibration_mode(model):
        for _ in range(5):
            model(pixels)
    for module in model.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            module.weight.data[::2] *= -1
            torch.nn.init.normal_(module.bias, std=0.3)
    return model.eval()


@pytest.mark.parametrize("variant", [TINY, EDGES8, FINE], ids=lambda v: v.name)
def test_tiny_network_end_to_end(images, tmp_path, variant):
    model = _network(images, variant)
    export(model, tmp_path / "tiny.onnx")
    expected = logits(model, torch.from_numpy(images)).double().numpy()
    compiled = compile_model(tmp_path / "tiny.onnx", tmp_path / "b", images, expected=expected)

    kinds = [type(node) for node in compiled.graph.nodes]
    assert kinds.count(Convolution) == 1 + 2 + 3 + 1
    assert kinds.count(Add) == 2
    assert kinds.count(Pool) == 1
    assert kinds[0] is Threshold
    assert compiled.graph.output.shape == (1, 1, 10)
    stages = sorted(p.name for p in (tmp_path / "b").glob("*.onnx"))
    assert stages == ["1_tidy.onnx", "2_streamline.onnx", "3_dataflow.onnx"]

    assert [_structure(n) for n in skeleton(variant).nodes] == [
        _structure(n) for n in compiled.graph.nodes
    ]

    stored = load(tmp_path / "b" / "4_graph.npz")
    assert stored.dump() == compiled.graph.dump()
    integers = Reference(stored).execute(images)
    require_close("all", expected, integers * compiled.logit_scale, rounding=True)

    test = of_dataset(data.Dataset(images, np.zeros(len(images), np.uint8), ""), data.CLASSES)
    made = package("tiny", compiled, tmp_path / "overlays", test)
    assert made.manifest.parameters == TINY.total_parameters
    assert find("tiny", tmp_path / "overlays").graph().dump() == compiled.graph.dump()
    vectors = np.load(made.folder / "vectors.npz")
    assert np.array_equal(Reference(stored).execute(vectors["images"]), vectors["logits"])


def _structure(node) -> tuple:
    """All but the numbers, and the width of sums, which depends on them."""
    numbers = next((a.shape for a in vars(node).values() if isinstance(a, np.ndarray)), None)
    levels = (node.dtype, node.bias) if isinstance(node, Threshold) else None
    return type(node), node.name, node.inputs, node.shape, numbers, levels


@pytest.mark.slow
def test_original_model_scores_what_it_scored(cifar10, original, tmp_path):
    """The released lightweight network, old dialect: 84.54% with its normalisation restored."""
    test = data.load(cifar10, "test")
    source = original / "finn_lightweight_resnet8_acc84.51.onnx"
    compiled = compile_model(source, tmp_path, test.images[:20], pixels=RANGES["normalised"])
    predicted = Reference(compiled.graph).execute(test.images).argmax(axis=1)
    assert int((predicted == test.labels).sum()) == 8454


def _model_with(operation: str, path) -> None:
    value = helper.make_tensor_value_info
    node = helper.make_node(operation, ["x"], ["y"], name="odd_one")
    graph = helper.make_graph(
        [node],
        "g",
        [value("x", TensorProto.FLOAT, [1, 3, 32, 32])],
        [value("y", TensorProto.FLOAT, [1, 3, 32, 32])],
    )
    onnx.save(helper.make_model(graph), path)


def test_unsupported_node_is_named(tmp_path, images):
    _model_with("Sigmoid", tmp_path / "m.onnx")
    with pytest.raises(CompileError, match="'odd_one' is a Sigmoid"):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


def test_float_network_is_refused(tmp_path, images):
    _model_with("Relu", tmp_path / "m.onnx")
    with pytest.raises(CompileError):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"\x08\x07"])
def test_file_that_is_no_model(tmp_path, images, content):
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(CompileError, match=r"m\.onnx"):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


def test_missing_model(tmp_path, images):
    with pytest.raises(CompileError, match="there is no file"):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


@pytest.mark.parametrize(
    ("side", "outputs", "message"),
    [
        (500, 10, "takes pictures of 500x500 pixels of 3 channels"),
        (32, 1, "gives 1 logits; a classifier has 2 to 1,024"),
    ],
)
def test_model_of_another_shape(tmp_path, images, side, outputs, message):
    pixels = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3, side, side])
    logits = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, outputs])
    weight = helper.make_tensor(
        "w", TensorProto.FLOAT, [3 * side * side, outputs], np.zeros(3 * side * side * outputs)
    )
    nodes = [
        helper.make_node("Flatten", ["x"], ["flat"], name="flatten"),
        helper.make_node("MatMul", ["flat", "w"], ["y"], name="head"),
    ]
    graph = helper.make_graph(nodes, "g", [pixels], [logits], [weight])
    onnx.save(helper.make_model(graph), tmp_path / "m.onnx")
    with pytest.raises(CompileError, match=message):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


def test_require_close_counts_rounded_images_and_refuses_more():
    before = np.tile(np.arange(10.0), (40, 1))
    after = before.copy()
    assert require_close("s", before, after) == 0
    after[3, 2] += 0.1
    assert require_close("s", before, after, rounding=True) == 1
    # A ResNet20 had two of 20 that differed, by up to 4% of the largest logit.
    deep = before[:20] + 0.33 * np.eye(20, 10) * (np.arange(20) < 2)[:, None]
    assert require_close("s", before[:20], deep, rounding=True) == 2
    with pytest.raises(CompileError, match="image 3"):
        require_close("s", before, after)
    after[3, 2] += 5
    with pytest.raises(CompileError, match="s changed the network"):
        require_close("s", before, after, rounding=True)
    after = before + np.eye(40, 10)[:, ::-1] * 0.1
    after[:8, 0] += 0.1
    with pytest.raises(CompileError, match="images differ"):
        require_close("s", before, after, rounding=True)


def _rounds(mode: str, path) -> None:
    """A network with scales of powers of two: half of its pixels and sums lie between levels."""
    random = np.random.default_rng(4)
    arrays = {
        "pixel": 2.0**-7, "middle": -1.0, "zero": 0.0, "bits": 4.0, "fine": 2.0**-3, "one": 1.0,
        "coarse": 2.0**-2, "w1": random.integers(-3, 4, (4, 3, 3, 3)),
        "w2": random.integers(-3, 4, (4, 10)),
    }  # fmt: skip
    node = helper.make_node
    quant = dict(domain="qonnx.custom_op.general", narrow=0, rounding_mode=mode)
    nodes = [
        node("Mul", ["x", "pixel"], ["scaled"]),
        node("Add", ["scaled", "middle"], ["centred"]),
        node("Quant", ["centred", "fine", "zero", "bits"], ["q"], signed=1, **quant),
        node("Quant", ["w1", "one", "zero", "bits"], ["w1q"], signed=1, **quant),
        node("Conv", ["q", "w1q"], ["sums"], kernel_shape=[3, 3], pads=[1] * 4),
        node("Relu", ["sums"], ["positive"]),
        node("Quant", ["positive", "coarse", "zero", "bits"], ["p"], signed=0, **quant),
        node("GlobalAveragePool", ["p"], ["pooled"]),
        node("Flatten", ["pooled"], ["flat"]),
        node("Quant", ["w2", "one", "zero", "bits"], ["w2q"], signed=1, **quant),
        node("MatMul", ["flat", "w2q"], ["y"]),
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, [1, 3, 32, 32])],
        [value("y", TensorProto.FLOAT, [1, 10])],
        [numpy_helper.from_array(np.float32(a), name) for name, a in arrays.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 13), helper.make_opsetid("qonnx.custom_op.general", 2)]
    onnx.save(helper.make_model(graph, opset_imports=opsets), path)


@pytest.mark.parametrize("mode", ["ROUND", "CEIL"])
def test_every_rounding_is_the_file_s_own_on_every_image(tmp_path, images, mode):
    _rounds(mode, tmp_path / "m.onnx")
    assert compile_model(tmp_path / "m.onnx", tmp_path / "b", images).rounded == 0


def test_unknown_rounding_is_named(tmp_path, images):
    _rounds("ROUND_TO_ZERO", tmp_path / "m.onnx")
    with pytest.raises(CompileError, match=r"'Quant#\d' rounds by 'ROUND_TO_ZERO'"):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_numbers_that_are_none_are_refused(tmp_path, images, number):
    _rounds("ROUND", tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    weights = next(t for t in model.graph.initializer if t.name == "w2")
    spoiled = numpy_helper.to_array(weights).copy()
    spoiled[2, 3] = number
    weights.CopyFrom(numpy_helper.from_array(spoiled, "w2"))
    onnx.save(model, tmp_path / "m.onnx")
    with pytest.raises(CompileError, match="1 of the 40 numbers of 'w2' are NaN or infinite"):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


def test_a_stage_that_rounds_otherwise_is_noticed(tmp_path, images, monkeypatch):
    """Without the exact thresholds FINN's are used, which round half up."""
    monkeypatch.setattr("host_build.compiler.rounding.make_exact", lambda model, roundings: None)
    _rounds("FLOOR", tmp_path / "m.onnx")
    with pytest.raises(CompileError, match="tidy changed the network"):
        compile_model(tmp_path / "m.onnx", tmp_path / "b", images)


def test_nan_is_close_to_nothing():
    before = np.tile(np.arange(10.0), (40, 1))
    after = before.copy()
    after[3, 2] = np.nan
    for one, other in ((before, after), (after, before), (after, after)):
        with pytest.raises(CompileError, match="image 3"):
            require_close("s", one, other, rounding=True)
    assert require_close("s", np.zeros((2, 10)), np.zeros((2, 10))) == 0
