"""Why a network cannot become a circuit, found in seconds: from its nodes, before any stage."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import NodeProto

from host_build.compiler import clip, pools, rounding
from host_build.compiler.edit import attribute, behind, stored
from host_build.compiler.model import CompileError, ModelWrapper, operations
from host_build.kernels import limits

_SUPPORTED = frozenset(
    {"Add", "BatchNormalization", "Clip", "Concat", "Constant", "Conv", "Flatten", "Gather", "Gemm"}
    | {"GlobalAveragePool", "MatMul", "MaxPool", "Mul", "MultiThreshold", "Pad", "Quant", "Relu"}
    | {"Reshape", "Shape", "Transpose", "Unsqueeze", "Squeeze"}
)
# Operations that are known, and why they are refused.
_KNOWN = {
    "Trunc": "it cuts off bits of a sum; export the pool without it",
    "QLinearConv": "integer operators hide the scales; export with QuantizeLinear and "
    "DequantizeLinear (QDQ)",
    "ConvTranspose": "there is no kernel that makes images larger",
    "DynamicQuantizeLinear": "its scale changes with the image; quantise statically",
}
_POOLS = ("GlobalAveragePool", "MaxPool")
_SUMS = ("Conv", "MatMul", "Gemm")


def refusals(model: ModelWrapper) -> Iterator[str]:
    """One line for each thing that has no kernel; `model` is adapted. The first comes at once."""
    unknown = [kind for kind in operations(model) if kind not in _SUPPORTED]
    for kind in unknown:
        names = operations(model)[kind]
        more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
        why = _KNOWN.get(kind, "it has no integer counterpart here")
        yield f"node {names[0]!r}{more} is a {kind}: {why}"
    # Old exporters leave it open: then it is known when the constants before it are folded.
    found = tuple(model.get_tensor_shape(model.graph.output[0].name) or (0,))
    if 0 not in found and (fault := output_fault(found)) is not None:
        yield fault
    yield from clip.refusals(model)
    # FINN's older dialect has its scales in other nodes.
    older = bool(model.get_nodes_by_op_type("MultiThreshold"))
    for node in model.graph.node:
        if node.op_type in ("Conv", "MaxPool"):
            yield from _window(model, node)
        if node.op_type == "Concat" and len(model.get_tensor_shape(node.output[0]) or ()) == 4:
            yield f"node {node.name!r} is a Concat: there is no kernel that joins channels; use Add"
        if node.op_type in _SUMS and not older:
            yield from _sum(model, node)
        if node.op_type == "MaxPool" and not older:
            yield from _reads_integers(model, node)
        if node.op_type in ("Flatten", "Reshape"):
            yield from _vector(model, node)
        if node.op_type == "Gemm":
            yield from _gemm(node)
        if node.op_type == "Add" and not older:
            yield from _add(model, node)
    try:
        rounding.require_known(model)
        rounding.of_activations(model)
    except CompileError as error:
        yield str(error)


def output_fault(shape: tuple[int, ...]) -> str | None:
    """Why a model that gives `shape` is no classifier of one image: None, if it is one."""
    if len(shape) not in (2, 4) or shape[0] != 1 or shape[2:] not in ((), (1, 1)):
        return f"the model gives shape {shape}, but must be (1, classes)"
    fault = limits.classes_fault(shape[1])
    return None if fault is None else f"the model {fault}"


def require_buildable(model: ModelWrapper) -> None:
    """CompileError with the first refusal."""
    for reason in refusals(model):
        raise CompileError(reason)


def _window(model: ModelWrapper, node: NodeProto) -> Iterator[str]:
    shape = model.get_tensor_shape(node.input[0])
    kernel, strides, pads, dilations = (
        attribute(node, name, []) for name in ("kernel_shape", "strides", "pads", "dilations")
    )
    groups = attribute(node, "group", 1)
    channels = {shape[1], model.get_tensor_shape(node.output[0])[1]}
    if node.op_type == "MaxPool" or channels == {groups}:
        faults = limits.channelwise_faults(kernel, strides, pads, dilations)
    else:
        faults = limits.window_faults(kernel, strides, pads, dilations, groups, shape[2:])
    for fault in faults:
        yield f"node {node.name!r} {fault}"


def _sum(model: ModelWrapper, node: NodeProto) -> Iterator[str]:
    """Weights and inputs must be integers times one scale."""
    if (found := stored(model, node, 1)) is not None:
        if (found != np.round(found)).any():
            yield f"node {node.name!r} has weights that no Quant node quantises"
    else:
        yield from _weights(model, node)
    yield from _reads_integers(model, node)


def _reads_integers(model: ModelWrapper, node: NodeProto) -> Iterator[str]:
    source = _integers(model, node.input[0])
    if isinstance(source, str):
        yield f"node {node.name!r} reads {source}"


def _weights(model: ModelWrapper, node: NodeProto) -> Iterator[str]:
    quant = behind(model, node.input[1])
    values = None if quant is None else stored(model, quant, 0)
    if quant is None or quant.op_type != "Quant" or values is None:
        yield f"node {node.name!r} computes its weights; quantise stored ones"
        return
    scale, zero, bits = (stored(model, quant, index) for index in (1, 2, 3))
    if scale is None or zero is None or bits is None:
        yield f"node {quant.name!r} computes its scale, zero point or bits"
    elif (zero != 0).any():
        yield f"node {quant.name!r} has weights with a zero point; only 0 has a kernel"
    elif bits.size != 1 or bits.item() > 8:
        yield f"node {quant.name!r} has weights of {bits.max():g} bits; up to 8 have a kernel"
    elif (scale <= 0).any():
        yield f"node {quant.name!r} has a scale that is not above 0"
    elif scale.size > 1 and _is_head(model, node):
        yield (
            f"node {node.name!r} gives logits of {scale.size} scales; its weights need one for all "
            "classes"
        )


def _is_head(model: ModelWrapper, node: NodeProto) -> bool:
    """Whether nothing behind `node` quantises its sums."""
    tensor = node.output[0]
    while (readers := model.find_consumers(tensor)) and len(readers) == 1:
        if readers[0].op_type in ("Quant", "MultiThreshold"):
            return False
        tensor = readers[0].output[0]
    return not readers


def _integers(model: ModelWrapper, tensor: str) -> NodeProto | str:
    """The quantiser that `tensor` is of, or what it is instead."""
    node = behind(model, tensor)
    while node is not None and (node.op_type in _POOLS or pools.is_average(model, node)):
        node = behind(model, node.input[0])
    if node is None:
        return "pixels that no Quant node quantises"
    if node.op_type in ("Quant", "MultiThreshold"):
        return node
    if node.op_type == "Mul" and (factored := _times_one_number(model, node)) is not None:
        return _integers(model, factored)
    if node.op_type == "Add" and all(stored(model, node, index) is None for index in (0, 1)):
        return node
    return f"numbers that no Quant node quantises, of {node.op_type} {node.name!r}"


def _times_one_number(model: ModelWrapper, node: NodeProto) -> str | None:
    """What `node` multiplies by a stored number, if it does."""
    for index in (0, 1):
        factor = stored(model, node, index)
        if factor is not None and factor.size == 1:
            return str(node.input[1 - index])
    return None


def _vector(model: ModelWrapper, node: NodeProto) -> Iterator[str]:
    """A linear layer is a 1x1 convolution, of one pixel."""
    shapes = (model.get_tensor_shape(name) or [] for name in (node.input[0], node.output[0]))
    given, made = (list(shape) for shape in shapes)
    if len(given) == 4 and given[2:] != [1, 1] and len(made) == 2:
        yield (
            f"node {node.name!r} makes one vector of {given[2]}x{given[3]} pixels, which no kernel "
            "does; pool over the image first, or end in a convolution without padding that leaves "
            "one pixel"
        )


def _gemm(node: NodeProto) -> Iterator[str]:
    if attribute(node, "transA", 0) or any(
        attribute(node, name, 1.0) != 1 for name in ("alpha", "beta")
    ):
        yield f"node {node.name!r} transposes its input, or has alpha or beta other than 1"


def _add(model: ModelWrapper, node: NodeProto) -> Iterator[str]:
    """Two streams are added as integers: they must have one scale."""
    if any(stored(model, node, index) is not None for index in (0, 1)):
        return
    sources = [_integers(model, tensor) for tensor in node.input]
    scales = []
    for source in sources:
        if isinstance(source, str):
            yield f"node {node.name!r} adds {source}"
            return
        scales.append(stored(model, source, 1) if source.op_type == "Quant" else None)
    first, second = scales
    if first is not None and second is not None and not np.array_equal(first, second):
        yield (
            f"node {node.name!r} adds numbers of scale {_said(first)} and {_said(second)}; both "
            "must come from quantisers of one scale (in Brevitas: one that both share)"
        )


def _said(scale: np.ndarray) -> str:
    return f"{scale.item():.6g}" if scale.size == 1 else f"{scale.size} scales"
