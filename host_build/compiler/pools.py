"""Pools as the stages read them, whatever the exporter leaves out: numbers stay the same.

An average over windows is a depthwise convolution by ones, whose scale is one part of a window. It
goes through all stages as one, and ends as a sum.
"""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper

from host_build.compiler.edit import attribute, redirect, replace, store, stored
from host_build.compiler.model import CompileError, ModelWrapper

_MONOTONE = ("Relu", "Quant", "Clip")


def spell_out(model: ModelWrapper) -> None:
    """Write down the windows of every pool; averages become convolutions."""
    for node in list(model.graph.node):
        if node.op_type in ("MaxPool", "AveragePool"):
            _spell_window(model, node)
        if node.op_type == "AveragePool":
            _as_convolution(model, node)
    while any(_move_behind_quantiser(model, node) for node in list(model.graph.node)):
        pass


def hold_what_many_read(model: ModelWrapper) -> None:
    """Put a quantiser of its own levels behind each max pool that more than one node reads.

    FINN's passes move a scale past a fork only from a quantiser. It changes no number, and `lower`
    leaves it out again.
    """
    for pool in model.get_nodes_by_op_type("MaxPool"):
        if len(model.find_consumers(pool.output[0]) or []) < 2:
            continue
        quant = model.find_producer(pool.input[0])
        while quant is not None and quant.op_type == "MaxPool":
            quant = model.find_producer(quant.input[0])
        if quant is None or quant.op_type != "Quant":
            continue  # it is refused by name
        output = pool.output[0]
        held = f"{output}_held"
        redirect(model, output, held)
        model.set_tensor_shape(held, model.get_tensor_shape(output))
        made = helper.make_node(
            "Quant", [output, *quant.input[1:]], [held], name=f"{pool.name}_held",
            domain=quant.domain, signed=attribute(quant, "signed", 1),
            narrow=attribute(quant, "narrow", 0), rounding_mode="ROUND",
        )  # fmt: skip
        model.graph.node.insert(list(model.graph.node).index(pool) + 1, made)


def is_average(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether `node` is a depthwise convolution by ones, which gives integers of one scale."""
    quant = None if node.op_type != "Conv" else model.find_producer(node.input[1])
    if quant is None or quant.op_type != "Quant" or attribute(node, "group", 1) == 1:
        return False
    values, scale = stored(model, quant, 0), stored(model, quant, 1)
    return (
        values is not None
        and scale is not None
        and scale.size == 1
        and bool((values == scale).all())
    )


def window_sizes(model: ModelWrapper, node: NodeProto) -> tuple[list[int], list[int]]:
    """(y, x) of the image that `node` reads, and of what it gives."""
    shapes = (model.get_tensor_shape(name) for name in (node.input[0], node.output[0]))
    given, made = (list(shape[2:]) for shape in shapes)
    return given, made


def _spell_window(model: ModelWrapper, node: NodeProto) -> None:
    kernel = list(attribute(node, "kernel_shape", []))
    if len(kernel) != 2:
        raise CompileError(f"node {node.name!r} pools over {len(kernel)} dimensions; images have 2")
    if len([name for name in node.output if name]) > 1:
        raise CompileError(f"node {node.name!r} gives places too; read are the largest values")
    strides = list(attribute(node, "strides", [1, 1]))
    dilations = list(attribute(node, "dilations", [1, 1]))
    pads = list(attribute(node, "pads", [0] * 4))
    automatic = attribute(node, "auto_pad", "NOTSET")
    given, made = window_sizes(model, node)
    # What the windows reach, one side more than the other: of `auto_pad`, and of `ceil_mode`, which
    # has windows that begin in the image and end outside of it.
    total = [
        max((out - 1) * stride + dilation * (size - 1) + 1 - whole, 0)
        for out, stride, dilation, size, whole in zip(
            made, strides, dilations, kernel, given, strict=True
        )
    ]
    beyond = False
    if automatic in ("SAME_UPPER", "SAME_LOWER"):
        less, more = [t // 2 for t in total], [t - t // 2 for t in total]
        pads = less + more if automatic == "SAME_UPPER" else more + less
    elif attribute(node, "ceil_mode", 0):
        after = [max(t - before, 0) for t, before in zip(total, pads[:2], strict=True)]
        beyond = any(a > p for a, p in zip(after, pads[2:], strict=True))
        pads = pads[:2] + [max(a, p) for a, p in zip(after, pads[2:], strict=True)]
    counted = attribute(node, "count_include_pad", 0)
    if node.op_type == "AveragePool" and any(pads) and (beyond or not counted):
        raise CompileError(
            f"node {node.name!r} averages over what a window has of the image "
            "(count_include_pad=0 or ceil_mode): fewer pixels at the border, another scale there; "
            "one scale for all has a kernel"
        )
    del node.attribute[:]
    for name, value in (
        ("kernel_shape", kernel), ("strides", strides), ("pads", pads), ("dilations", dilations),
    ):  # fmt: skip
        node.attribute.append(helper.make_attribute(name, value))


def _as_convolution(model: ModelWrapper, node: NodeProto) -> None:
    channels = model.get_tensor_shape(node.input[0])[1]
    kernel = list(attribute(node, "kernel_shape", []))
    part = np.asarray(1 / np.prod(kernel), np.float32)
    inputs = [
        store(model, f"{node.name}_parts", np.full((channels, 1, *kernel), part, np.float32)),
        store(model, f"{node.name}_part", part),
        store(model, f"{node.name}_zero", np.asarray(0, np.float32)),
        store(model, f"{node.name}_bits", np.asarray(2, np.float32)),
    ]
    weights = f"{node.output[0]}_weights"
    model.set_tensor_shape(weights, [channels, 1, *kernel])
    quant = helper.make_node(
        "Quant", inputs, [weights], name=f"{node.name}_ones", domain="qonnx.custom_op.general",
        signed=1, narrow=1, rounding_mode="ROUND",
    )  # fmt: skip
    conv = helper.make_node(
        "Conv", [node.input[0], weights], [node.output[0]], name=node.name, group=channels
    )
    conv.attribute.extend(node.attribute)
    replace(model, node, quant, conv)


def _move_behind_quantiser(model: ModelWrapper, pool: NodeProto) -> bool:
    """The largest of what rises with its input is that of the largest: quantise first.

    So the pool has few bits, and integers to compare.
    """
    if pool.op_type != "MaxPool":
        return False
    readers = model.find_consumers(pool.output[0]) or []
    if len(readers) != 1 or readers[0].op_type not in _MONOTONE:
        return False
    reader = readers[0]
    scale = stored(model, reader, 1) if reader.op_type == "Quant" else np.ones(1)
    if scale is None or (scale <= 0).any() or reader.input[0] != pool.output[0]:
        return False
    first, middle, last = pool.input[0], pool.output[0], reader.output[0]
    shape = model.get_tensor_shape(first)
    reader.input[0], reader.output[0] = first, middle
    pool.input[0], pool.output[0] = middle, last
    model.set_tensor_shape(middle, shape)
    model.graph.node.remove(reader)
    model.graph.node.insert(list(model.graph.node).index(pool), reader)
    return True
