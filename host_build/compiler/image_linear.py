"""A linear layer that reads a small image: a convolution whose one window is the whole image.

Flatten puts channels first, as weights of a convolution have them, so no number moves. Keras puts
them last, by a Transpose in front of it: then the weights are turned instead.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from onnx import NodeProto, helper

from host_build.compiler.edit import attribute, drop, replace, store, stored
from host_build.compiler.model import ModelWrapper
from host_build.kernels.limits import WINDOW_SIDES

_FLATTENS = ("Flatten", "Reshape")
# What gives each number by itself.
_BY_NUMBER = ("Quant", "Relu", "Clip", "Mul", "MultiThreshold")
_BY_CHANNEL = (*_BY_NUMBER, "Add", "BatchNormalization")


@dataclass(frozen=True)
class _Matrix:
    """Stored weights (outputs, inputs), their name, the node that quantises them, and its scale.

    The scale is one number, or (outputs, 1, 1, 1).
    """

    name: str
    values: np.ndarray
    quant: NodeProto | None
    scale: np.ndarray | None


def convolve(model: ModelWrapper) -> None:
    """Turn each such layer whose image has a kernel; the others are refused by name."""
    for node in list(model.graph.node):
        if node.op_type not in _FLATTENS:
            continue
        turned = _channels_last(model, node)
        source = node.input[0] if turned is None else turned.input[0]
        shape, flat = (
            list(model.get_tensor_shape(name) or []) for name in (source, node.output[0])
        )
        small = len(shape) == 4 and all(side in WINDOW_SIDES for side in shape[2:])
        if not small or shape[2:] == [1, 1] or len(flat) != 2:
            continue
        between, layer = _reader(model, node)
        matrix = None if layer is None else _matrix(model, layer)
        if layer is None or matrix is None or matrix.values.shape[1] != flat[1]:
            continue
        channels, *window = shape[1:]
        if turned is None:
            windows = matrix.values.reshape(-1, channels, *window)
        else:
            windows = matrix.values.reshape(-1, *window, channels).transpose(0, 3, 1, 2)
            drop(model, turned)
        _as_convolution(model, node, between, layer, matrix, windows)


def _channels_last(model: ModelWrapper, flatten: NodeProto) -> NodeProto | None:
    """The Transpose that `flatten` alone reads, from channels first to last."""
    found = model.find_producer(flatten.input[0])
    if found is None or found.op_type != "Transpose":
        return None
    alone = len(model.find_consumers(found.output[0]) or []) == 1
    return found if alone and list(attribute(found, "perm", [])) == [0, 2, 3, 1] else None


def _reader(model: ModelWrapper, node: NodeProto) -> tuple[list[NodeProto], NodeProto | None]:
    """The linear layer that alone reads `node`, and what stands between them."""
    between = _chain(model, node, _BY_NUMBER)
    readers = model.find_consumers([node, *between][-1].output[0]) or []
    alone = len(readers) == 1 and readers[0].op_type in ("MatMul", "Gemm")
    same = all(_is_same_for_all(model, each) for each in between)
    return between, readers[0] if alone and same else None


def _chain(model: ModelWrapper, node: NodeProto, kinds: tuple[str, ...]) -> list[NodeProto]:
    """What alone reads `node`, what alone reads that, and so on: of `kinds`, by stored numbers."""
    chain: list[NodeProto] = []
    while len(readers := model.find_consumers([node, *chain][-1].output[0]) or []) == 1:
        (reader,) = readers
        numbers = [stored(model, reader, index) for index in range(1, len(reader.input))]
        if reader.op_type not in kinds or any(found is None for found in numbers):
            break
        chain.append(reader)
    return chain


def _is_same_for_all(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether `node` does the same with every number: one row of thresholds, or one number."""
    numbers = [stored(model, node, index) for index in range(1, len(node.input))]
    counts = [found.shape[0] if node.op_type == "MultiThreshold" else found.size
              for found in numbers if found is not None]  # fmt: skip
    return all(count == 1 for count in counts)


def _matrix(model: ModelWrapper, layer: NodeProto) -> _Matrix | None:
    name, turns = layer.input[1], 0
    node, quant = model.find_producer(name), None
    while node is not None:
        if node.op_type == "Quant":
            quant = node
        elif node.op_type == "Transpose":
            turns += 1
        else:
            return None
        name = node.input[0]
        node = model.find_producer(name)
    values = model.get_initializer(name)
    scale = None if quant is None else stored(model, quant, 1)
    if values is None or values.ndim != 2 or (quant is not None and scale is None):
        return None
    if bool(attribute(layer, "transB", 0)) == (turns % 2 == 1):
        values, scale = values.T, None if scale is None else np.broadcast_to(scale, values.shape).T
    if scale is not None and scale.size > 1:
        rows = np.broadcast_to(scale, values.shape)
        if (rows != rows[:, :1]).any():
            return None  # it is no scale of outputs: refused by name
        scale = rows[:, 0].reshape(-1, 1, 1, 1)
    return _Matrix(name, values, quant, scale)


def _as_convolution(
    model: ModelWrapper, flatten: NodeProto, between: list[NodeProto], layer: NodeProto,
    matrix: _Matrix, windows: np.ndarray,
) -> None:  # fmt: skip
    name, image = layer.name, list(windows.shape[1:])
    weights = store(model, matrix.name, windows)
    new: list[NodeProto] = []
    quant, scale = matrix.quant, matrix.scale
    if quant is not None and scale is not None:
        made = helper.make_node(
            "Quant", [weights, store(model, f"{name}_scale", scale), *quant.input[2:]],
            [f"{weights}_quantised"], name=f"{quant.name}_of_{name}", domain=quant.domain,
        )  # fmt: skip
        made.attribute.extend(quant.attribute)
        new.append(made)
        weights = made.output[0]
    image_after = flatten.input[0]
    for node in between:
        if node.input[0] == flatten.output[0]:
            node.input[0] = image_after
        image_after = node.output[0]
        model.set_tensor_shape(image_after, [1, *image])
    pixel, flat = f"{name}_pixel", f"{name}_flat"
    model.set_tensor_shape(pixel, [1, len(matrix.values), 1, 1])
    new += [
        helper.make_node(
            "Conv", [image_after, weights], [pixel], name=name,
            kernel_shape=image[1:], strides=[1, 1], pads=[0] * 4, dilations=[1, 1], group=1,
        ),
        helper.make_node("Flatten", [pixel], [flat], name=f"{name}_flatten"),
    ]  # fmt: skip
    bias = stored(model, layer, 2)
    if bias is None:
        new[-1].output[0] = layer.output[0]
        new[-2].input.extend(layer.input[2:])
    else:
        term = store(model, f"{name}_bias", bias.reshape(1, -1))
        new.append(helper.make_node("Add", [flat, term], list(layer.output), name=f"{name}_add"))
    model.graph.node.remove(flatten)
    replace(model, layer, *new)
    _flatten_late(model, model.find_consumers(pixel)[0], len(matrix.values))


def _flatten_late(model: ModelWrapper, flatten: NodeProto, channels: int) -> None:
    """Move it behind what goes channel by channel: scales and quantisers of the pixel it flattens.

    There FINN's passes take scales of channels into thresholds.
    """
    before = _chain(model, flatten, _BY_CHANNEL)
    if not any(node.op_type in ("Quant", "MultiThreshold") for node in before):
        return  # the logits
    for node in before:
        for index in range(1, len(node.input)):
            values = stored(model, node, index)
            if node.op_type in ("Quant", "Add", "Mul") and values is not None and values.size > 1:
                node.input[index] = store(model, node.input[index], values.reshape(1, -1, 1, 1))
        model.set_tensor_shape(node.output[0], [1, channels, 1, 1])
    last = before[-1]
    before[0].input[0] = flatten.input[0]
    flat, flatten.input[0] = last.output[0], f"{last.output[0]}_pixel"
    flatten.output[0], last.output[0] = flat, flatten.input[0]
    model.set_tensor_shape(flatten.input[0], [1, channels, 1, 1])
    model.set_tensor_shape(flat, [1, channels])
    model.graph.node.remove(flatten)
    model.graph.node.insert(list(model.graph.node).index(last) + 1, flatten)
