"""Small quantised classifiers as other people's exporters write them, for one odd thing each.

`python -m tests.host.compiler.networks FOLDER` writes the kinds of docs/compiler.md's table.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper

Step = tuple[str, dict[str, Any]]
CUSTOM = "qonnx.custom_op.general"


class Network:
    """Nodes one after another, each reading what the one before gives; constants by value."""

    def __init__(self, seed: int = 4) -> None:
        self.random = np.random.default_rng(seed)
        self.nodes: list[NodeProto] = []
        self.constants: list[TensorProto] = []
        self.last = "x"

    def constant(self, value: Any, kind: type = np.float32) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, kind), name))
        return name

    def add(self, operation: str, *inputs: Any, first: str | None = None, **attributes: Any) -> str:
        """A node that reads the last tensor (or `first`) and `inputs`, numbers or names."""
        names = [i if isinstance(i, str) else self.constant(i) for i in inputs]
        read = [self.last if first is None else first, *names]
        self.last = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, read, [self.last], **attributes))
        return self.last

    def quant(
        self, scale: Any, bits: int = 4, *, signed: int = 1, zero: float = 0, mode: str = "ROUND",
        first: str | None = None, narrow: int = 0,
    ) -> str:  # fmt: skip
        return self.add(
            "Quant", scale, float(zero), float(bits), first=first, domain=CUSTOM, signed=signed,
            narrow=narrow, rounding_mode=mode,
        )  # fmt: skip

    def weights(self, shape: Sequence[int], scale: Any = 0.1, bits: int = 4, low: int = -7) -> str:
        values = self.random.integers(low, -low if low > -8 else 8, shape) * np.asarray(scale)
        before = self.last
        made = self.quant(scale, bits, first=self.constant(values))
        self.last = before
        return made

    def convolution(self, inputs: int, outputs: int, kernel: int = 3, **attributes: Any) -> str:
        before = self.last
        weights = self.weights(
            (outputs, inputs, kernel, kernel), np.full((outputs, 1, 1, 1), 0.1317)
        )
        attributes = {"pads": [kernel // 2] * 4, "kernel_shape": [kernel] * 2} | attributes
        given = {name: value for name, value in attributes.items() if value is not None}
        return self.add("Conv", weights, first=before, **given)

    def save(
        self, path: Path, *, outputs: Sequence[str] = (), batch: int | str = 1, opset: int = 13,
        shape: Sequence[int | str] = (3, 32, 32), given: Sequence[int | str] = (1, 10),
        given_type: int = TensorProto.FLOAT,
    ) -> Path:  # fmt: skip
        value = helper.make_tensor_value_info
        graph = helper.make_graph(
            self.nodes, "g", [value("x", TensorProto.FLOAT, [batch, *shape])],
            [value(name, given_type, given) for name in outputs or [self.nodes[-1].output[0]]],
            self.constants,
        )  # fmt: skip
        opsets = [helper.make_opsetid("", opset), helper.make_opsetid(CUSTOM, 2)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
        return path


def start(mode: str = "ROUND", channels: int = 3, **convolution: Any) -> Network:
    """Pixels of `channels`, a quantiser, a convolution, ReLU and its quantiser: 4 channels."""
    network = Network()
    network.add("Mul", 2.0**-7)
    network.add("Add", -1.0)
    network.quant(0.11, mode=mode)
    network.convolution(channels, 4, **convolution)
    network.add("Relu")
    network.quant(0.2937, signed=0, mode=mode)
    return network


def finish(network: Network, channels: int = 4, classes: int = 10) -> Network:
    """The mean over the image and a linear layer."""
    network.add("GlobalAveragePool")
    flat = network.add("Flatten")
    weights = network.weights((channels, classes))
    network.add("MatMul", weights, first=flat)
    return network


def _sub_and_div() -> Network:
    network = Network()
    network.add("Sub", 127.5)
    network.add("Div", 63.7)
    network.quant(0.0317, 8)
    network.convolution(3, 4)
    network.add("Relu")
    network.quant(0.2937, signed=0)
    return finish(network)


def _mean(keep: int) -> Network:
    network = start()
    network.add("ReduceMean", axes=[2, 3], keepdims=keep)
    if keep:
        network.add("Flatten")
    return _linear(network)


def _linear(network: Network, low: int = -7, bits: int = 4) -> Network:
    before = network.last
    network.add("MatMul", network.weights((4, 10), bits=bits, low=low), first=before)
    return network


def _whole_average() -> Network:
    network = start()
    network.add("AveragePool", kernel_shape=[32, 32])
    network.add("Flatten")
    return _linear(network)


def _bias(network: Network | None = None) -> Network:
    network = network or start()
    network.add("GlobalAveragePool")
    flat = network.add("Flatten")
    weights = network.weights((10, 4), bits=8)
    bias = network.random.normal(0, 0.2, 10)
    network.add("Gemm", weights, bias, first=flat, transB=1)
    return network


def _convolution_head(pooled_first: bool) -> Network:
    network = start()
    if pooled_first:
        network.add("GlobalAveragePool")
    before = network.last
    network.add("Conv", network.weights((10, 4, 1, 1)), first=before, kernel_shape=[1, 1])
    if not pooled_first:
        network.add("GlobalAveragePool")
    network.add("Flatten")
    return network


def _quantised_pool() -> Network:
    network = start()
    network.add("GlobalAveragePool")
    network.quant(0.0113, 8, signed=0)
    network.add("Flatten")
    return _linear(network)


def qdq(zero: int = 0) -> Network:
    network = Network()

    def levels(scale: float, kind: type, low: int, high: int, zero: int = 0) -> None:
        point, step = network.constant(zero, kind), network.constant(scale)
        network.add("QuantizeLinear", step, point)
        network.add("Clip", network.constant(low, kind), network.constant(high, kind))
        network.add("DequantizeLinear", step, point)

    def weights(*shape: int) -> str:
        before = network.last
        values = network.constant(network.random.integers(-7, 8, shape), np.int8)
        steps = network.constant(network.random.uniform(0.1, 0.2, shape[0]))
        zeros = network.constant(np.zeros(shape[0]), np.int8)
        made = network.add("DequantizeLinear", steps, zeros, first=values, axis=0)
        network.last = before
        return made

    network.add("Mul", 0.0173)
    if zero:
        network.add("Sub", 2.207)  # half of the range: every level is reached, on either side
    levels(0.0173 if zero else 0.0317, np.uint8, 0, 255, zero)
    before = network.last
    bias = network.constant([3, -20, 11, 0], np.int32)
    zeros = network.constant(0, np.int32)
    bias = network.add("DequantizeLinear", network.constant(0.0041), zeros, first=bias)
    network.add("Conv", weights(4, 3, 3, 3), bias, first=before, pads=[1] * 4)
    network.add("Relu")
    levels(0.2937, np.uint8, 0, 15)
    return finish(network)


def _then(*operations: Step) -> Network:
    network = finish(start())
    for operation, attributes in operations:
        network.add(operation, **attributes)
    return network


def _top() -> Network:
    network = finish(start())
    network.nodes.append(helper.make_node(
        "TopK", [network.last, network.constant([3], np.int64)], ["values", "places"]))  # fmt: skip
    return network


def _middle(change: Callable[[Network], object]) -> Network:
    network = start()
    change(network)
    return finish(network)


def two_scales(network: Network) -> None:
    one = network.last
    network.convolution(4, 4)
    other = network.quant(0.3)
    network.add("Add", network.quant(0.2, first=one), first=other)
    network.quant(0.3)


def grouped(network: Network, groups: int, inputs: int, outputs: int, **attributes: Any) -> None:
    before = network.last
    scales = np.full((outputs, 1, 1, 1), 0.1317)
    weights = network.weights((outputs, inputs // groups, 3, 3), scales)
    network.add("Conv", weights, first=before, group=groups, **attributes)
    network.add("Relu")
    network.quant(0.2937, signed=0)


def zero_points() -> Network:
    """One among levels without signs, one among levels with; padding differs from side to side."""
    network = Network()
    network.add("Mul", 2.0**-7)
    network.add("Add", -0.3)
    network.quant(0.0077, 8, signed=0, zero=37)
    network.convolution(3, 4, pads=[1, 1, 0, 2])
    network.quant(0.2937, 4, zero=-3)
    network.convolution(4, 4)
    network.add("Relu")
    network.quant(0.2937, signed=0)
    return network


def windows_at_once() -> Network:
    """5x5 without padding, two groups padded on one side, 1x1 padded by 1 with a stride of 3."""
    network = start(kernel=5, pads=[0] * 4, strides=[2, 1])
    grouped(network, 2, 4, 6, pads=[0, 0, 1, 1], strides=[2, 2])
    before = network.last
    network.add("Conv", network.weights((4, 6, 1, 3), 0.1171), first=before, pads=[0, 2, 0, 0])
    network.quant(0.3119)
    network.convolution(4, 4, 1, pads=[1] * 4, strides=[1, 3])
    network.add("Relu")
    network.quant(0.2937, signed=0)
    return network


def _depthwise(network: Network, stride: int = 1, scales: Any = 0.1317) -> None:
    before = network.last
    weights = network.weights((4, 1, 3, 3), scales)
    network.add("Conv", weights, first=before, pads=[1] * 4, group=4, strides=[stride] * 2)
    network.quant(0.1871)


def _pool(kind: str, quantised: bool = True, **window: Any) -> Network:
    """A pool of windows behind a quantiser, or before it."""
    network = start()
    if not quantised:
        network.convolution(4, 4)
    network.add(kind, **window)
    if not quantised:
        network.add("Relu")
    network.quant(0.1753, signed=0)
    return finish(network)


def mobile_block(network: Network, channels: int = 4) -> None:
    """An inverted residual as MobileNetV2 has it: ReLU6 twice, a linear end, an addition."""
    network.quant(0.2311)
    skip = network.last
    network.convolution(channels, 3 * channels, 1)
    _relu6(network, 0.3917)
    before = network.last
    scales = network.random.uniform(0.1, 0.2, (3 * channels, 1, 1, 1))
    weights = network.weights((3 * channels, 1, 3, 3), scales)
    network.add("Conv", weights, first=before, pads=[1] * 4, group=3 * channels)
    _relu6(network, 0.4517)
    network.convolution(3 * channels, channels, 1)
    network.add("Add", skip, first=network.quant(0.2311))
    network.quant(0.3119, signed=0)


def hidden() -> Network:
    """Convolutions without padding down to one pixel, three linear layers, an offset: as CNV."""
    network = start(kernel=5, pads=[0] * 4, strides=[4, 4])
    network.convolution(4, 6, 7, pads=[0] * 4, strides=[4, 4])
    network.add("Relu")
    network.quant(0.2937, signed=0)
    network.add("Flatten")
    for inputs, outputs in ((6, 12), (12, 8)):
        before = network.last
        scales = network.random.uniform(0.1, 0.2, (1, outputs))
        network.add("MatMul", network.weights((inputs, outputs), scales), first=before)
        network.quant(0.3371)
    before = network.last
    network.add("MatMul", network.weights((8, 10)), first=before)
    network.add("Add", [0.37])
    return network


def stem(shortcut: str) -> Network:
    """A ResNet's: a max pool, then a block whose convolution and `shortcut` both read the pool."""
    network = start()
    network.convolution(4, 4)
    network.add("MaxPool", kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    network.add("Relu")
    network.quant(0.2311, signed=0)
    if shortcut == "two-pools":
        network.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    pool = network.last
    network.convolution(4, 4)
    network.add("Relu")
    network.quant(0.3317, signed=0)
    network.convolution(4, 4)
    block = network.quant(0.2311)
    if shortcut == "convolution":
        network.last = pool
        network.convolution(4, 4, 1)
        pool = network.quant(0.2311)
    network.add("Add", pool, first=block)
    if shortcut != "unquantised-sum":
        network.add("Relu")
        network.quant(0.2931, signed=0)
    return network


def sums_of_sums(network: Network, count: int = 2, bits: int = 4) -> None:
    """Each block is added to what came before, and nobody quantises the sum."""
    total = network.quant(0.2311, bits)
    for _ in range(count):
        network.last = total
        network.convolution(4, 4, 1)
        total = network.add("Add", total, first=network.quant(0.2311, bits))
    network.quant(0.3119, signed=0)


def _relu6(network: Network, scale: float) -> None:
    """The quantiser reaches 6 at one of its levels, or beyond its last one."""
    network.add("Clip", 0.0, 6.0)
    network.quant(scale, signed=0)


def lenet(
    inner: Sequence[str] = (), head: bool = False, bias: bool = False, width: int = 4
) -> Network:
    """A linear layer that reads 4x4 pixels, as LeNet and VGG have it.

    Of `inner` are a Quant behind the Flatten, and a Transpose before it, as Keras has it. Pictures
    of 32x24 leave a `width` of 3.
    """
    network = start(kernel=5, pads=[0] * 4, strides=[4, 4])
    network.add("MaxPool", kernel_shape=[2, 1], strides=[2, 1], pads=[0, 0, 1, 0])
    network.convolution(4, 4, 3, pads=[1] * 4, strides=[1, 2])
    if "Quant" not in inner:
        network.quant(0.2937)
    if "Transpose" in inner:
        network.add("Transpose", perm=[0, 2, 3, 1])
    network.add("Flatten")
    if "Quant" in inner:
        network.quant(0.2937)
    before = network.last
    inputs, outputs = 4 * 4 * width, 10 if head else 6
    scales = 0.1 if head else network.random.uniform(0.1, 0.2, (outputs, 1))
    weights = network.weights((outputs, inputs), scales)
    terms = [network.constant(network.random.normal(0, 0.3, outputs))] if bias else []
    network.add("Gemm", weights, *terms, first=before, transB=1)
    if not head:
        network.quant(0.4371)
        network.add("MatMul", network.weights((6, 10)), first=network.last)
    return network


def bipolar(network: Network) -> None:
    """Signs for weights and activations, with a max pool of them and a sum of two, as CNV_1W1A."""

    def signs(*shape: int) -> str:
        before = network.last
        values = network.constant(network.random.normal(0, 1, shape))
        made = network.add("BipolarQuant", 0.1317, first=values, domain=CUSTOM)
        network.last = before
        return made

    def layer(kernel: int) -> str:
        before = network.last
        network.add("Conv", signs(4, 4, kernel, kernel), first=before, pads=[kernel // 2] * 4)
        network.add("Add", network.random.normal(0, 0.3, (1, 4, 1, 1)))
        return network.add("BipolarQuant", 0.2937, domain=CUSTOM)

    layer(3)
    pool = network.add("MaxPool", kernel_shape=[2, 2], strides=[2, 2])
    network.add("Add", pool, first=layer(1))
    network.quant(0.2937, 3)


def older_sign(network: Network) -> None:
    """A sign as FINN's older dialect has it: 2 x (1 where it is reached) - 1, and its scale."""
    network.convolution(4, 4)
    thresholds = network.random.normal(0, 0.3, (4, 1))
    network.add(
        "MultiThreshold", thresholds, domain=CUSTOM, out_dtype="BIPOLAR", out_scale=2.0,
        out_bias=-1.0,
    )  # fmt: skip
    network.add("Mul", 0.2937)


def _scales_by_class() -> Network:
    network = start()
    network.add("GlobalAveragePool")
    flat = network.add("Flatten")
    scales = network.random.uniform(0.1, 0.2, (1, 10))
    network.add("MatMul", network.weights((4, 10), scales), first=flat)
    return network


# Pictures as (channels, height, width), and classes.
SIZES = {
    "mnist-28x28x1": ((1, 28, 28), 10), "odd-27x27x1-2-classes": ((1, 27, 27), 2),
    "wide-24x40x3-3-classes": ((3, 24, 40), 3), "large-96x96x3": ((3, 96, 96), 10),
    "100-classes": ((3, 32, 32), 100), "1000-classes": ((3, 32, 32), 1000),
}  # fmt: skip


def of_size(shape: tuple[int, int, int], classes: int, **convolution: Any) -> Network:
    """Pictures of `shape`, channels first, and `classes`; strides and so on of the convolution."""
    return finish(start(channels=shape[0], **convolution), classes=classes)


def _size(shape: tuple[int, int, int], classes: int) -> Kind:
    return (lambda: of_size(shape, classes)), {"shape": shape, "given": (1, classes)}


Kind = tuple[Callable[[], Network], dict[str, Any]]
KINDS: dict[str, Kind] = {
    **{f"rounding-{mode.lower().replace('_', '-')}": (lambda mode=mode: finish(start(mode)), {})
       for mode in ("FLOOR", "HALF_UP")},
    **{f"opset-{opset}": (lambda: finish(start()), {"opset": opset}) for opset in (11, 17, 21)},
    "sub-and-div-in-front": (_sub_and_div, {}),
    "open-batch": (lambda: finish(start()), {"batch": "N", "given": ["N", 10]}),
    "mean-keepdims-0": (lambda: _mean(0), {}),
    "average-of-all": (_whole_average, {}),
    "bias-of-the-head": (_bias, {}),
    "convolution-behind-the-pool": (lambda: _convolution_head(True), {}),
    "convolution-before-the-pool": (lambda: _convolution_head(False), {}),
    "quantised-pool": (_quantised_pool, {}),
    "argmax": (lambda: _then(("ArgMax", {"axis": 1})),
               {"given": [1, 1], "given_type": TensorProto.INT64}),
    "topk": (_top, {"outputs": ["values"], "given": [1, 3]}),
    "qcdq-with-clip": (qdq, {}),
    "weights-at-minus-8": (lambda: _linear(_flat(start()), -8), {}),
    "weights-at-minus-128": (lambda: _linear(_flat(start()), -128, 8), {}),
    "stride-2": (lambda: finish(start(strides=[2, 2])), {}),
    "asymmetric-activation": (lambda: qdq(128), {}),
    "zero-points": (lambda: finish(zero_points()), {}),
    "scales-by-class": (_scales_by_class, {}),
    "max-pool-2": (lambda: _pool("MaxPool", kernel_shape=[2, 2], strides=[2, 2]), {}),
    "max-pool-3-stride-2": (lambda: _pool("MaxPool", kernel_shape=[3, 3], strides=[2, 2],
                                          pads=[1] * 4), {}),
    "max-pool-of-sums": (lambda: _pool("MaxPool", False, kernel_shape=[3, 3], strides=[2, 2],
                                       pads=[1] * 4), {}),
    "max-pool-ceil": (lambda: _pool("MaxPool", kernel_shape=[3, 3], strides=[2, 2],
                                    ceil_mode=1), {}),
    **{f"stem-{shortcut}": (lambda shortcut=shortcut: finish(stem(shortcut)), {})
       for shortcut in ("itself", "convolution", "unquantised-sum", "two-pools")},
    "hidden-linear-layers": (hidden, {}),
    "linear-layer-of-an-image": (lenet, {}),
    "linear-layer-of-an-image-quantised-flat": (lambda: lenet(["Quant"], bias=True), {}),
    "linear-layer-of-an-image-channels-last": (lambda: lenet(["Transpose"]), {}),
    "head-of-an-image": (lambda: lenet(head=True), {}),
    "head-of-an-image-with-bias": (lambda: lenet(head=True, bias=True), {}),
    "average-2": (lambda: _pool("AveragePool", kernel_shape=[2, 2], strides=[2, 2]), {}),
    "average-3-padded": (lambda: _pool("AveragePool", kernel_shape=[3, 3], strides=[2, 2],
                                       pads=[1] * 4, count_include_pad=1), {}),
    "average-of-the-image-alone": (lambda: _pool("AveragePool", kernel_shape=[3, 3],
                                                 strides=[2, 2], pads=[1] * 4), {}),
    "two-scales-added": (lambda: _middle(two_scales), {}),
    "depthwise": (lambda: _middle(_depthwise), {}),
    "depthwise-stride-2": (lambda: _middle(lambda n: _depthwise(n, 2)), {}),
    "depthwise-scales": (lambda: _middle(lambda n: _depthwise(
        n, 1, np.linspace(0.1, 0.17, 4).reshape(4, 1, 1, 1))), {}),
    "sums-of-sums": (lambda: _middle(sums_of_sums), {}),
    "three-sums": (lambda: _middle(lambda n: sums_of_sums(n, 3)), {}),
    "bipolar": (lambda: _middle(bipolar), {}),
    "bipolar-older-dialect": (lambda: _middle(older_sign), {}),
    "mobile-block": (lambda: _middle(mobile_block), {}),
    "dilation": (lambda: finish(start(dilations=[2, 2], pads=[2] * 4)), {}),
    "kernel-5": (lambda: finish(start(kernel=5)), {}),
    "kernel-7": (lambda: finish(start(kernel=7)), {}),
    "stride-4": (lambda: finish(start(strides=[4, 4])), {}),
    "valid": (lambda: finish(start(pads=[0] * 4)), {}),
    "groups": (lambda: _middle(lambda n: grouped(n, 2, 4, 4, pads=[1] * 4)), {}),
    "groups-padded-on-one-side": (lambda: _middle(lambda n: grouped(
        n, 2, 4, 4, pads=[0, 0, 1, 1], strides=[2, 2])), {}),
    "windows-at-once": (lambda: finish(windows_at_once()), {}),
    "padding-of-one-side": (lambda: finish(start(auto_pad="SAME_UPPER", pads=None,
                                                strides=[2, 2])), {}),
    "opset-8": (lambda: finish(start()), {"opset": 8}),
    **{name: _size(*size) for name, size in SIZES.items()},
}  # fmt: skip


def _flat(network: Network) -> Network:
    network.add("GlobalAveragePool")
    network.add("Flatten")
    return network


def write(folder: Path) -> list[Path]:
    """Every kind as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    return [made().save(folder / f"{name}.onnx", **how) for name, (made, how) in KINDS.items()]


if __name__ == "__main__":
    write(Path(sys.argv[1]))
