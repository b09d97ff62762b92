"""Small changes of an ONNX graph."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import GraphProto, NodeProto, TensorProto, helper

from host_build.compiler.model import ModelWrapper

# What gives its input's numbers, in another place.
_MOVING = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze", "Transpose"})


def attribute(node: NodeProto, name: str, default: Any) -> Any:
    """The attribute `name` of `node`, decoded, or `default` where it is left out."""
    for found in node.attribute:
        if found.name == name:
            value = helper.get_attribute_value(found)
            return value.decode() if isinstance(value, bytes) else value
    return default


def behind(model: ModelWrapper, tensor: str) -> NodeProto | None:
    """The node that gives `tensor`, but for what only moves it."""
    node: NodeProto | None = model.find_producer(tensor)
    while node is not None and node.op_type in _MOVING:
        node = model.find_producer(node.input[0])
    return node


def store_constants(graph: GraphProto) -> None:
    """Make the tensor of each Constant node one that the graph stores."""
    for node in list(graph.node):
        value = attribute(node, "value", None)
        if node.op_type == "Constant" and isinstance(value, TensorProto):
            graph.initializer.add().CopyFrom(value)
            graph.initializer[-1].name = node.output[0]
            graph.node.remove(node)


def stored(model: ModelWrapper, node: NodeProto, index: int) -> np.ndarray | None:
    """The numbers of the input `index` of `node`, if the model stores them."""
    if index >= len(node.input) or not node.input[index]:
        return None
    found: np.ndarray | None = model.get_initializer(node.input[index])
    return found


def store(model: ModelWrapper, like: str, values: np.ndarray) -> str:
    """Store `values` under a new name that begins with `like`; returns the name.

    They have the integer type that `like` says it has, if it is a tensor: FINN's older dialect.
    """
    taken = set(model.get_all_tensor_names())
    name = next(n for n in (f"{like}_{i}" for i in range(len(taken) + 1)) if n not in taken)
    model.set_initializer(name, values)
    if (kind := model.get_tensor_datatype(like)).is_integer():
        model.set_tensor_datatype(name, kind)
    return name


def redirect(model: ModelWrapper, old: str, new: str) -> None:
    """Let every reader of `old` read `new`, and the model give `new` where it gave `old`."""
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            if name == old:
                node.input[index] = new
    for output in model.graph.output:
        if output.name == old:
            output.name = new
            forget(model.graph, new)


def forget(graph: GraphProto, tensor: str) -> None:
    """Let the shape of `tensor` be said in one place, where it is an output of the model."""
    for known in list(graph.value_info):
        if known.name == tensor:
            graph.value_info.remove(known)


def drop(model: ModelWrapper, node: NodeProto) -> None:
    """Take out a node that gives its first input."""
    redirect(model, node.output[0], node.input[0])
    model.graph.node.remove(node)


def replace(model: ModelWrapper, node: NodeProto, *nodes: NodeProto) -> None:
    """Put `nodes` in the place of `node`."""
    place = list(model.graph.node).index(node)
    model.graph.node.remove(node)
    for index, new in enumerate(nodes):
        model.graph.node.insert(place + index, new)
