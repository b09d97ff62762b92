"""Convolutions that have no kernel, as others that have one: by zeros among the weights.

A zero weight adds nothing to a sum, so every number stays what it was. It costs what any weight
costs: a product in each window.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import NodeProto, helper

from host_build.compiler.edit import attribute, store
from host_build.compiler.model import CompileError, ModelWrapper
from host_build.kernels.limits import WINDOW_SIDES


def join_groups(model: ModelWrapper) -> None:
    """A convolution of groups as one over all channels.

    One with a group for each channel, in and out, stays as it is: that is depthwise.
    """
    for node in model.get_nodes_by_op_type("Conv"):
        groups = attribute(node, "group", 1)
        channels = model.get_tensor_shape(node.input[0])[1]
        outputs = model.get_tensor_shape(node.input[1])[0]
        if groups == 1 or groups == channels == outputs:
            continue
        weights = _weights(model, node)
        outputs, inputs = len(weights) // groups, weights.shape[1]
        joined = np.zeros((len(weights), channels, *weights.shape[2:]), weights.dtype)
        for group in range(groups):
            rows = slice(group * outputs, (group + 1) * outputs)
            joined[rows, group * inputs : (group + 1) * inputs] = weights[rows]
        _rewrite(model, node, joined, group=1)


def widen(model: ModelWrapper) -> None:
    """Windows that are no larger than what they are padded by, as larger ones."""
    for node in model.get_nodes_by_op_type("Conv"):
        kernel, pads = (list(attribute(node, name, [])) for name in ("kernel_shape", "pads"))
        if len(kernel) != 2:
            continue
        # Zeros behind a window make it read what is padded before the image, and the other way.
        before = [max(pads[way + 2] - kernel[way] + 1, 0) for way in (0, 1)]
        after = [max(pads[way] - kernel[way] + 1, 0) for way in (0, 1)]
        more = [*before, *after]
        kernel = [side + before[way] + after[way] for way, side in enumerate(kernel)]
        if not any(more) or any(side not in WINDOW_SIDES for side in kernel):
            continue
        weights = _weights(model, node)
        around = ((0, 0), (0, 0), *zip(before, after, strict=True))
        pads = [pad + extra for pad, extra in zip(pads, more, strict=True)]
        _rewrite(model, node, np.pad(weights, around), kernel_shape=kernel, pads=pads)


def _weights(model: ModelWrapper, node: NodeProto) -> np.ndarray:
    values = model.get_initializer(_stored_name(model, node))
    if values is None:
        raise CompileError(f"node {node.name!r} computes its weights; quantise stored ones")
    return np.asarray(values)


def _stored_name(model: ModelWrapper, node: NodeProto) -> str:
    """Where the numbers are that a Quant node may make the weights of."""
    quant = model.find_producer(node.input[1])
    return str(quant.input[0] if quant is not None and quant.op_type == "Quant" else node.input[1])


def _rewrite(model: ModelWrapper, node: NodeProto, weights: np.ndarray, **attributes: Any) -> None:
    """Give `node` other weights, quantised as its own are, and other attributes."""
    name = store(model, _stored_name(model, node), weights)
    quant = model.find_producer(node.input[1])
    if quant is None:
        node.input[1] = name
    else:
        made = NodeProto()
        made.CopyFrom(quant)
        made.name = f"{quant.name}_of_{node.name}"
        made.input[0], made.output[0] = name, f"{name}_quantised"
        model.graph.node.insert(list(model.graph.node).index(node), made)
        node.input[1] = made.output[0]
    for found in [a for a in node.attribute if a.name in attributes]:
        node.attribute.remove(found)
    node.attribute.extend(helper.make_attribute(key, value) for key, value in attributes.items())
