"""What people's exporters write, in the operators that the stages read; numbers stay the same."""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper
from qonnx.transformation.infer_shapes import InferShapes

from host_build.compiler import bipolar, image_linear, pools, qcdq, sums, zero_weights
from host_build.compiler.edit import attribute, drop, redirect, replace, store, stored
from host_build.compiler.model import CompileError, ModelWrapper, apply

# FINN's transformations want at least this ONNX version.
_OPSET = 11
_IDLE = frozenset({"Identity", "Dropout"})
_RESHAPES = frozenset({"Flatten", "Reshape", "Squeeze", "Unsqueeze"})


def adapt(given: ModelWrapper) -> ModelWrapper:
    """A copy of `given` that says the same in fewer kinds of node. CompileError names a node."""
    # A transformation of FINN copies what it is given.
    model = apply(given, InferShapes())
    for opset in model.model.opset_import:
        if opset.domain in ("", "ai.onnx"):
            opset.version = max(opset.version, _OPSET)
    for node in list(model.graph.node):
        if node.op_type in _IDLE:
            drop(model, node)
    qcdq.fuse(model)
    bipolar.widen(model)
    _remove_unread(model)
    for node in list(model.graph.node):
        if node.op_type in ("Sub", "Div"):
            _spell_arithmetic(model, node)
    _drop_idle_pads(model)
    _pool_globally(model)
    pools.spell_out(model)
    _spell_out_windows(model)
    zero_weights.join_groups(model)
    zero_weights.widen(model)
    image_linear.convolve(model)
    model = apply(model, InferShapes())
    _make_linear(model)
    pools.hold_what_many_read(model)
    sums.quantise(model)
    _remove_unread(model)
    return apply(model, InferShapes())


def _remove_unread(model: ModelWrapper) -> None:
    """Remove nodes that nobody reads."""
    while True:
        read = {name for node in model.graph.node for name in node.input}
        read |= {output.name for output in model.graph.output}
        unread = [node for node in model.graph.node if not read & set(node.output)]
        if not unread:
            return
        for node in unread:
            model.graph.node.remove(node)


def _spell_arithmetic(model: ModelWrapper, node: NodeProto) -> None:
    """x - c and c - x as additions, x / c as a multiplication."""
    first, second = (stored(model, node, index) for index in (0, 1))
    output, name = node.output[0], node.name
    if node.op_type == "Div" and first is None and second is not None:
        factor = store(model, f"{name}_factor", np.divide(1, second, dtype=np.float32))
        new = [helper.make_node("Mul", [node.input[0], factor], [output], name=name)]
    elif node.op_type == "Sub" and first is None and second is not None:
        term = store(model, f"{name}_term", -second)
        new = [helper.make_node("Add", [node.input[0], term], [output], name=name)]
    elif node.op_type == "Sub" and second is None and first is not None:
        minus = store(model, f"{name}_minus", np.asarray(-1, np.float32))
        new = [
            helper.make_node("Mul", [node.input[1], minus], [f"{output}_minus"], name=f"{name}_m"),
            helper.make_node("Add", [f"{output}_minus", node.input[0]], [output], name=name),
        ]
    else:
        raise CompileError(f"node {name!r} is a {node.op_type} of two that change, or by one")
    replace(model, node, *new)


def _drop_idle_pads(model: ModelWrapper) -> None:
    """Remove Pad nodes that pad nothing, which old exporters leave before a pool."""
    for node in list(model.get_nodes_by_op_type("Pad")):
        pads = attribute(node, "pads", stored(model, node, 1))
        if pads is None or np.any(pads):
            raise CompileError(f"node {node.name!r} is a Pad that pads; use the convolution's own")
        drop(model, node)


def _pool_globally(model: ModelWrapper) -> None:
    """Turn a mean or an average pool over the whole image into a GlobalAveragePool."""
    for node in list(model.graph.node):
        if node.op_type == "AveragePool":
            kernel = list(attribute(node, "kernel_shape", []))
            shape = model.get_tensor_shape(node.input[0])
            if list(shape[2:]) == kernel and not any(attribute(node, "pads", [])):
                node.op_type = "GlobalAveragePool"
                del node.attribute[:]
        elif node.op_type == "ReduceMean":
            _mean(model, node)


def _mean(model: ModelWrapper, node: NodeProto) -> None:
    axes = attribute(node, "axes", stored(model, node, 1))
    rank = len(model.get_tensor_shape(node.input[0]))
    if axes is None or rank != 4 or sorted(int(a) % rank for a in axes) != [2, 3]:
        said = "all" if axes is None else [int(a) for a in axes]
        raise CompileError(f"node {node.name!r} is a mean over axes {said}, not over the image")
    output = node.output[0]
    pooled = output if attribute(node, "keepdims", 1) else f"{output}_pooled"
    new = [helper.make_node("GlobalAveragePool", [node.input[0]], [pooled], name=node.name)]
    if pooled != output:
        new.append(helper.make_node("Flatten", [pooled], [output], name=f"{node.name}_flat"))
    replace(model, node, *new)


def _spell_out_windows(model: ModelWrapper) -> None:
    """Write down what ONNX lets a convolution leave out; qonnx reads it without asking."""
    for node in model.get_nodes_by_op_type("Conv"):
        kernel = list(model.get_tensor_shape(node.input[1])[2:])
        default = {
            "kernel_shape": kernel, "strides": [1] * len(kernel), "pads": [0] * 2 * len(kernel),
            "dilations": [1] * len(kernel), "group": 1,
        }  # fmt: skip
        automatic = attribute(node, "auto_pad", "NOTSET")
        if automatic in ("SAME_UPPER", "SAME_LOWER"):
            default["pads"] = _same(model, node, automatic)
            for found in [a for a in node.attribute if a.name == "pads"]:
                node.attribute.remove(found)
        for found in [a for a in node.attribute if a.name == "auto_pad"]:
            node.attribute.remove(found)
        written = {found.name for found in node.attribute}
        for name, value in default.items():
            if name not in written:
                node.attribute.append(helper.make_attribute(name, value))


def _same(model: ModelWrapper, node: NodeProto, automatic: str) -> list[int]:
    """The pads that keep size / stride, rounded up."""
    sizes = model.get_tensor_shape(node.input[0])[2:]
    kernel = model.get_tensor_shape(node.input[1])[2:]
    before, after = [], []
    strides = attribute(node, "strides", [1] * len(kernel))
    for size, width, stride in zip(sizes, kernel, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + width - size, 0)
        less, more = total // 2, total - total // 2
        before.append(less if automatic == "SAME_UPPER" else more)
        after.append(more if automatic == "SAME_UPPER" else less)
    return before + after


def _make_linear(model: ModelWrapper) -> None:
    """A head that is a 1x1 convolution as a matrix product, behind the pool."""
    for conv in model.get_nodes_by_op_type("Conv")[-1:]:
        if not _is_pointwise(conv):
            continue
        readers = model.find_consumers(conv.output[0]) or []
        if len(readers) == 1 and readers[0].op_type == "GlobalAveragePool":
            _swap(model, conv, readers[0])
        elif model.get_tensor_shape(conv.input[0])[2:] != [1, 1] or _has_matrix(model):
            continue
        _as_matrix(model, conv)


def _has_matrix(model: ModelWrapper) -> bool:
    return any(node.op_type in ("MatMul", "Gemm") for node in model.graph.node)


def _is_pointwise(node: NodeProto) -> bool:
    return (
        list(attribute(node, "kernel_shape", [])) == [1, 1]
        and attribute(node, "group", 1) == 1
        and not any(attribute(node, "pads", [0]))
        and set(attribute(node, "strides", [1])) == {1}
    )


def _swap(model: ModelWrapper, conv: NodeProto, pool: NodeProto) -> None:
    """The mean of sums is the sum of means: pool first, then multiply."""
    first, middle, last = conv.input[0], conv.output[0], pool.output[0]
    pool.input[0], pool.output[0] = first, middle
    conv.input[0], conv.output[0] = middle, last
    model.graph.node.remove(pool)
    model.graph.node.insert(list(model.graph.node).index(conv), pool)
    model.set_tensor_shape(middle, [*model.get_tensor_shape(first)[:2], 1, 1])


def _as_matrix(model: ModelWrapper, conv: NodeProto) -> None:
    """Flatten, MatMul and Add in the place of a 1x1 convolution of one pixel."""
    weights, name = conv.input[1], conv.name
    quant = model.find_producer(weights)
    matrix = f"{weights}_matrix"
    outputs, inputs = model.get_tensor_shape(weights)[:2]
    given = weights if quant is None else quant.input[0]
    constant = model.get_initializer(given)
    if constant is None or (quant is not None and quant.op_type != "Quant"):
        raise CompileError(f"node {name!r} computes its weights")
    turned = store(model, given, constant.reshape(outputs, inputs).T)
    new: list[NodeProto] = []
    if quant is None:
        matrix = turned
    else:
        scale = model.get_initializer(quant.input[1])
        if scale is None:
            raise CompileError(f"node {quant.name!r} computes its scale")
        scale = scale.reshape(1, -1) if scale.size > 1 else scale.reshape(())
        made = helper.make_node(
            "Quant", [turned, store(model, f"{name}_scale", scale), *quant.input[2:]], [matrix],
            name=f"{quant.name}_matrix", domain=quant.domain,
        )  # fmt: skip
        made.attribute.extend(quant.attribute)
        new.append(made)
    flat, product = f"{name}_flat", f"{name}_product"
    new.append(helper.make_node("Flatten", [conv.input[0]], [flat], name=f"{name}_flatten"))
    bias = stored(model, conv, 2)
    output = conv.output[0]
    if bias is None:
        product = output
    new.append(helper.make_node("MatMul", [flat, matrix], [product], name=name))
    if bias is not None:
        term = store(model, f"{name}_bias", bias.reshape(1, -1))
        new.append(helper.make_node("Add", [product, term], [output], name=f"{name}_add"))
    replace(model, conv, *new)
    # Those behind it were inferred for four dimensions.
    del model.graph.value_info[:]
    while (readers := model.find_consumers(output) or []) and all(
        reader.op_type in _RESHAPES for reader in readers
    ):
        for reader in readers:
            redirect(model, reader.output[0], output)
            model.graph.node.remove(reader)
    for value in model.graph.output:
        if value.name == output:
            model.set_tensor_shape(output, [1, outputs])
