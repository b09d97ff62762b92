"""What people bring: refused by name at once, read as it is meant, or one line instead of more."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import NodeProto, TensorProto, helper
from qonnx.transformation.base import Transformation

from board_app.network.nodes import Convolution
from host_build.cli import main
from host_build.compiler import read as reading
from host_build.compiler.adapt import adapt
from host_build.compiler.foreign import foreign
from host_build.compiler.import_check import examine
from host_build.compiler.model import CompileError, ModelWrapper, apply
from host_build.compiler.pipeline import buildable, compile_model
from host_build.compiler.read import read

from .networks import CUSTOM, KINDS, Network, finish, hidden, start, sums_of_sums, two_scales


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, (6, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(
    ("convolution", "message"),
    [
        ({"kernel": 9}, "'Conv#4' has windows of 9x9; kernels make 1 to 7 pixels each way"),
        ({"kernel": 3, "pads": [6, 0, 6, 0]}, r"pads 3x3 windows by \[6, 0, 6, 0\] \(top, left,"),
        ({"kernel": 1, "pads": [4] * 4}, "by 4; kernels pad by less than the window has"),
        ({"strides": [5, 5]}, "has stride 5; kernels have 1 to 4"),
        ({"strides": [1, 6]}, "has stride 1x6"),
        ({"dilations": [2, 2], "pads": [2] * 4}, "has dilation 2; kernels have 1"),
    ],
)
def test_what_no_kernel_does_is_refused_by_name(tmp_path, convolution, message):
    assert re.search(message, refusal(finish(start(**convolution)).save(tmp_path / "m.onnx")))


def refusal(path: Path) -> str:
    """Why `path` is refused, of which `compile` and `import-check` say the same."""
    with pytest.raises(CompileError) as caught:
        buildable(path)
    assert examine(path).refusals[0] == str(caught.value)
    return str(caught.value)


def _float_weights(network: Network) -> None:
    network.add("Conv", np.full((4, 4, 3, 3), 0.123), pads=[1] * 4)
    network.quant(0.3)


def _unquantised(network: Network) -> None:
    network.convolution(4, 4)
    network.add("Relu")
    network.convolution(4, 4)
    network.quant(0.3)


def _large_pool(network: Network) -> None:
    network.add("MaxPool", kernel_shape=[8, 8])


def _far_pool(network: Network) -> None:
    network.add("MaxPool", kernel_shape=[2, 2], strides=[5, 5])


def _pool_of_sums(network: Network) -> None:
    network.convolution(4, 4)
    network.add("MaxPool", kernel_shape=[2, 2])
    network.convolution(4, 4)
    network.quant(0.3)


def _scattered_pool(network: Network) -> None:
    network.add("MaxPool", kernel_shape=[2, 2], dilations=[2, 2])


def _average_without_padding(network: Network) -> None:
    network.add("AveragePool", kernel_shape=[3, 3], pads=[1] * 4)


def _pointwise_by_channel(network: Network) -> None:
    before = network.last
    network.add("Conv", network.weights((4, 1, 1, 1)), first=before, group=4)
    network.quant(0.3)


def _concat(network: Network) -> None:
    network.add("Concat", network.last, axis=1)
    network.convolution(8, 4)
    network.quant(0.3)


def _clip(network: Network) -> None:
    network.convolution(4, 4)
    network.add("Clip", 0.0, 6.0)
    network.convolution(4, 4)
    network.quant(0.3)


def _trunc(network: Network) -> None:
    network.add("AveragePool", kernel_shape=[4, 4], strides=[4, 4])
    network.add("Trunc", 0.1, 0.0, 8.0, 4.0, domain=CUSTOM, rounding_mode="FLOOR")


def _uneven_weights(network: Network) -> None:
    before = network.last
    values = network.constant(network.random.integers(0, 8, (4, 4, 3, 3)))
    weights = network.quant(0.1, zero=3, first=values)
    network.add("Conv", weights, first=before, pads=[1] * 4)
    network.quant(0.3)


def _two_levels(network: Network) -> None:
    network.convolution(4, 4)
    network.add("MultiThreshold", np.zeros((4, 1)), domain=CUSTOM, out_dtype="BIPOLAR")


def _integer_operators(network: Network) -> None:
    step, zero = network.constant(0.1), network.constant(0, np.uint8)
    weights = network.constant(np.ones((4, 4, 3, 3)), np.int8)
    network.add("QuantizeLinear", step, zero)
    network.add("QLinearConv", step, zero, weights, step, network.constant(0, np.int8), step, zero,
                pads=[1] * 4)  # fmt: skip
    network.add("DequantizeLinear", step, zero)


def _sigmoid(network: Network) -> None:
    network.convolution(4, 4)
    network.add("Sigmoid")
    network.quant(0.1)


def _zero_point(network: Network) -> None:
    network.convolution(4, 4)
    network.quant(0.3, signed=0, zero=16)


def _wide_sums(network: Network) -> None:
    sums_of_sums(network, 2, bits=8)


def _wide(network: Network) -> None:
    network.convolution(4, 4)
    network.quant(0.01, 12)


@pytest.mark.parametrize(
    ("middle", "message"),
    [
        (_float_weights, "has weights that no Quant node quantises"),
        (_unquantised, "reads numbers that no Quant node quantises, of Relu"),
        (two_scales, "adds numbers of scale 0.3 and 0.2"),
        (_large_pool, "has windows of 8x8; kernels make 1 to 7 pixels each way, 2 at least"),
        (_far_pool, "MaxPool#7' has stride 5; kernels have 1 to 4"),
        (_pool_of_sums, "'MaxPool#9' reads numbers that no Quant node quantises, of Conv"),
        (_scattered_pool, "has dilation 2; kernels have 1"),
        (_average_without_padding, r"averages over what a window has of the image \(count_inc"),
        (_pointwise_by_channel, "has windows of 1x1; kernels make 1 to 7 pixels each way, 2 at"),
        (_concat, "is a Concat: there is no kernel that joins channels; use Add"),
        (_clip, "is a Clip that no Quant node reads; quantise what it gives"),
        (_trunc, "is a Trunc: it cuts off bits of a sum; export the pool without it"),
        (_uneven_weights, "has weights with a zero point; only 0 has a kernel"),
        (_two_levels, "is no sign: it gives other numbers than -1 and 1"),
        (_integer_operators, r"dequantises what QLinearConv '\S+' gives: integer operators hide"),
        (_sigmoid, "is a Sigmoid: it has no integer counterpart here"),
        (_zero_point, r"has the zero point \[16.0\]; one that is among its levels, 0 to 15"),
        (_wide_sums, "gives sums of -256 to 254 steps, of 9 bits; up to 8 have"),
        (_wide, r"gives activations of 12.0 bits; 2 to 8 have a kernel"),
    ],
    ids=lambda value: getattr(value, "__name__", "").lstrip("_"),
)
def test_networks_that_have_no_circuit_are_refused_by_name(tmp_path, middle, message):
    network = start()
    middle(network)
    assert re.search(message, refusal(finish(network).save(tmp_path / "m.onnx")))


def test_an_image_that_a_linear_layer_reads_is_refused_by_name(tmp_path):
    """As old exporters write it, with a shape computed at run time."""
    network = start()
    image = network.last
    network.add("Shape", first=image)
    one = network.add("Gather", network.constant(0, np.int64), axis=0)
    one = network.add("Unsqueeze", axes=[0], first=one)
    shape = network.add("Concat", network.constant([-1], np.int64), axis=0, first=one)
    flat = network.add("Reshape", shape, first=image)
    network.add("MatMul", network.weights((4 * 32 * 32, 10)), first=flat)
    path = network.save(tmp_path / "m.onnx", opset=11)
    assert "'Reshape#11' makes one vector of 32x32 pixels, which no kernel does" in refusal(path)


def test_logits_of_many_scales_are_refused_by_name(tmp_path):
    make, how = KINDS["scales-by-class"]
    assert "gives logits of 10 scales" in refusal(make().save(tmp_path / "m.onnx", **how))


def test_what_adds_the_same_to_all_logits_is_left_out(tmp_path, images):
    """Brevitas' TensorNorm, with a deviation that is computed of constants."""
    network = finish(start())
    logits = network.last
    network.add("Sub", [0.71])
    deviation = network.add("Pow", 0.5, first=network.constant([3.7]))
    network.add("Div", deviation, first=network.nodes[-2].output[0])
    network.add("Mul", [1.3])
    network.add("Add", [0.4])
    path = network.save(tmp_path / "m.onnx")
    given = read(path)
    assert [note.split()[0] for note in given.notes] == ["Add", "Sub"]
    alone = network.save(tmp_path / "alone.onnx", outputs=[logits])
    del network.nodes[-5:]
    alone = read(network.save(alone)).run(images, None)
    assert np.allclose(given.run(images, None), alone / 3.7**0.5 * 1.3, rtol=1e-5)
    behind = [node.op_type for node in adapt(given.model).graph.node][-3:]
    assert behind == ["MatMul", "Mul", "Mul"]
    # Older exporters list what is stored among the inputs, also what nobody reads then.
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        model.graph.input.append(
            helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
        )
    onnx.save(model, path)
    again = read(path)
    assert np.array_equal(again.run(images, None), given.run(images, None))
    assert np.allclose(again.quickly(images, None), given.run(images, None), rtol=1e-5)


def test_a_sigmoid_and_what_keras_puts_behind_it_are_left_out(tmp_path, images):
    """tf2onnx ends in Identities, and says the shape of what they give too."""
    network = finish(start())
    logits = network.last
    for operation in ("Sigmoid", "Identity", "Identity"):
        network.add(operation)
    alone = read(network.save(tmp_path / "alone.onnx", outputs=[logits])).run(images, None)
    path = network.save(tmp_path / "m.onnx")
    model = onnx.load(path)
    model.graph.value_info.extend(
        helper.make_tensor_value_info(node.output[0], TensorProto.FLOAT, [1, 10])
        for node in model.graph.node[-4:]
    )
    onnx.save(model, path)
    given, adapted = buildable(path)
    assert [note.split()[0] for note in given.notes] == ["Sigmoid"]
    assert np.array_equal(given.run(images, None), alone)
    assert adapted.graph.node[-1].op_type == "MatMul"


def test_a_bias_of_each_class_is_not_left_out(tmp_path):
    given = read(KINDS["bias-of-the-head"][0]().save(tmp_path / "m.onnx"))
    assert given.notes == ()


@pytest.mark.slow
def test_hidden_linear_layers_are_exact(tmp_path, images):
    """Behind a convolution that leaves one pixel, as in Brevitas' CNV; logits with an offset."""
    compiled = compile_model(hidden().save(tmp_path / "m.onnx"), tmp_path, images)
    assert compiled.rounded == 0
    shapes = [n.weights.shape for n in compiled.graph.nodes if isinstance(n, Convolution)]
    assert shapes[-3:] == [(12, 1, 1, 6), (8, 1, 1, 12), (10, 1, 1, 8)]


def test_import_check_tells_every_refusal_and_the_program_exits_1(tmp_path, capsys):
    network = start(strides=[5, 5], kernel=9, dilations=[2, 2], pads=[8] * 4)
    path = finish(network).save(tmp_path / "odd ä.onnx")
    good = finish(start()).save(tmp_path / "good.onnx")
    assert main(["import-check", str(path), str(good)]) == 1
    printed = capsys.readouterr().out
    for part in ("odd ä.onnx: refused (", "stride 5", "windows of 9x9", "dilation 2",
                 "good.onnx: nothing is refused"):  # fmt: skip
        assert part in printed
    assert main(["import-check", str(good)]) == 0


def _model(tmp_path: Path, change) -> Path:
    path = finish(start()).save(tmp_path / "m.onnx")
    model = onnx.load(path)
    change(model)
    onnx.save(model, path)
    return path


def _second_output(model) -> None:
    model.graph.output.append(helper.make_tensor_value_info(
        model.graph.node[3].output[0], TensorProto.FLOAT, None))  # fmt: skip


def _custom(model) -> None:
    model.graph.node[5].domain = "com.example"
    model.graph.node[5].op_type = "Gelu"


def _empty(model) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([0, 3])
    model.graph.initializer[0].raw_data = b""


def _zero_size(model) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 0


def _old(model) -> None:
    model.opset_import[0].version = 8


def _elsewhere(model) -> None:
    tensor = model.graph.initializer[5]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="weights.bin")
    tensor.ClearField("raw_data")


def _short(model) -> None:
    _elsewhere(model)
    model.graph.initializer[5].external_data[0].value = "short.bin"


def _outside(model) -> None:
    _elsewhere(model)
    model.graph.initializer[5].external_data[0].value = "../outside.bin"


def _twice(model) -> None:
    model.graph.node[5].output[0] = model.graph.node[4].output[0]


def _dangling(model) -> None:
    model.graph.node[5].input[0] = "nobody"


def _backwards(model) -> None:
    nodes = list(model.graph.node)[::-1]
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def _no_output(model) -> None:
    model.graph.output[0].name = "nobody"


def _second_input(model) -> None:
    model.graph.input.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 3]))


def _unknown_type(model) -> None:
    model.graph.initializer[5].data_type = 77


def _two_lines(model) -> None:
    model.graph.node[5].op_type = "Re\nlu"


def _many(model) -> None:
    relu = model.graph.node[5]
    model.graph.node.extend([relu] * 1_000)


def _integers(model) -> None:
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_second_output, r"gives 2 outputs \('t\d+', 't3'\)"),
        (_custom, "'Gelu#5' is a Gelu of 'com.example', an operator"),
        (_empty, r"'c0' has no numbers, shape \(0, 3\)"),
        (_zero_size, r"takes pictures of 0x32 pixels of 3 channels: they have no numbers"),
        (_old, "opset 8; read are 9 to "),
        (_elsewhere, "keeps its numbers in 'weights.bin', which is not beside it"),
        (_short, r"the numbers of 'c5', shape \(4, 3, 3, 3\), cannot be read"),
        (_outside, "'../outside.bin' points outside the directory"),
        (_twice, "'Relu#5' gives 't4', which is given before: the file is damaged"),
        (_dangling, "'Relu#5' reads 'nobody', which nothing before it gives"),
        (_backwards, "'MatMul#0' reads 't8', which nothing before it gives"),
        (_no_output, "no node gives the output 'nobody'"),
        (_second_input, r"takes 2 inputs \('x', 'y'\); one is read, the image"),
        (_unknown_type, r"the numbers of 'c5', shape \(4, 3, 3, 3\), cannot be read"),
        (_two_lines, r"has the operator 'Re\\nlu': the file is damaged"),
        (_many, "has 1,011 nodes; no network that fits the board has more than 1,000"),
        (_integers, "takes numbers of type UINT8"),
    ],
    ids=lambda value: getattr(value, "__name__", "").lstrip("_"),
)
def test_files_that_are_no_classifier_of_images(tmp_path, change, message):
    (tmp_path / "short.bin").write_bytes(b"123")
    (tmp_path.parent / "outside.bin").write_bytes(bytes(1_000))
    with pytest.raises(CompileError, match=message):
        read(_model(tmp_path, change))


def test_a_model_larger_than_any_that_fits_is_not_even_opened(tmp_path):
    path = tmp_path / "large.onnx"
    with path.open("wb") as file:  # a hole: no room on the disk
        file.truncate(2_200_000_000)
    with pytest.raises(CompileError, match="2,200 MB of data; no network that fits the board"):
        read(path)
    path.rename(tmp_path / "weights.bin")
    with pytest.raises(CompileError, match="2,200 MB of data; no network that fits the board"):
        read(_model(tmp_path, _elsewhere))
    assert reading._MOST_BYTES < 2**31


def test_what_people_bring_is_read_as_it_is_meant(tmp_path, images):
    """Sub and Div in front, open batch, a mean, a convolution as head, ArgMax, path with spaces."""
    network = Network()
    network.add("Sub", 128.0)
    network.add("Div", 128.0)
    network.quant(2.0**-4, mode="HALF_EVEN")
    network.convolution(3, 4, auto_pad="SAME_UPPER", pads=None)
    network.add("Relu")
    network.add("Identity")
    network.quant(0.2937, signed=0)
    network.add("ReduceMean", axes=[2, 3], keepdims=1)
    network.convolution(4, 10, 1)
    network.add("Flatten")
    logits = network.last
    network.add("Softmax", axis=1)
    network.add("ArgMax", axis=1, keepdims=0)
    folder = tmp_path / "with ä and spaces"
    folder.mkdir()
    path = network.save(
        folder / "my model.onnx", batch="N", given=["N"], given_type=TensorProto.INT64
    )
    with pytest.raises(CompileError, match="logits of 10 scales"):
        buildable(path)
    # One scale for the head, as logits need.
    next(c for c in network.constants if list(c.dims) == [10, 1, 1, 1]).CopyFrom(
        onnx.numpy_helper.from_array(np.float32(0.1317), network.nodes[-5].input[1])
    )
    assert logits
    path = network.save(path, batch="N", given=["N"], given_type=TensorProto.INT64)
    compiled = compile_model(path, folder / "b", images)
    assert compiled.rounded == 0
    assert [note.split()[0] for note in compiled.given.notes] == ["the", "ArgMax", "Softmax"]


class _Fails(Transformation):
    def apply(self, model):
        for node in model.graph.node:
            assert isinstance(node, NodeProto)
            raise KeyError("lost\nand not found")
        return model, False


class _NeverEnds(Transformation):
    def apply(self, model):
        return model, True


def test_an_exception_of_a_pass_is_one_line_with_stage_pass_and_node(tmp_path):
    model = ModelWrapper(str(finish(start()).save(tmp_path / "m.onnx")))
    model.graph.node[0].name = "first"
    with pytest.raises(CompileError) as caught, foreign("tidy"):
        apply(model, _Fails())
    assert "\n" not in str(caught.value)
    assert str(caught.value) == (
        "tidy: KeyError: 'lost\\nand not found', at node 'first' (Mul) of _Fails"
    )


def test_a_pass_that_does_not_end_is_ended(tmp_path):
    model = ModelWrapper(str(finish(start()).save(tmp_path / "m.onnx")))
    message = r"streamline: not done after 0\.3 s of CPU time"
    with pytest.raises(CompileError, match=message), foreign("streamline", 0.3):
        apply(model, _NeverEnds())


def test_interruptions_and_our_own_errors_pass(tmp_path):
    with pytest.raises(KeyboardInterrupt), foreign("tidy"):
        raise KeyboardInterrupt
    with pytest.raises(CompileError, match=r"^mine$"), foreign("tidy"):
        raise CompileError("mine")


def test_import_check_takes_a_file_that_is_none(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"not a model at all")
    assert "is no readable ONNX model" in examine(tmp_path / "m.onnx").refusals[0]


def test_a_folder_is_no_model(tmp_path):
    assert examine(tmp_path).refusals == (f"there is no file {tmp_path}",)


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    whole = finish(start()).save(tmp_path / "m.onnx").read_bytes()
    for length in range(0, len(whole), 41):
        (tmp_path / "m.onnx").write_bytes(whole[:length])
        with pytest.raises(CompileError, match=r"is no readable ONNX model|has no nodes"):
            read(tmp_path / "m.onnx")


def test_an_output_of_another_shape_than_it_says_is_refused(tmp_path):
    path = finish(start()).save(tmp_path / "m.onnx", given=(1, 12))
    (refusal,) = examine(path).refusals
    assert "gives 10 numbers, but says that its output 't10' has shape (1, 12)" in refusal
