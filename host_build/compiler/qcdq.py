"""QuantizeLinear, Clip and DequantizeLinear as the Quant nodes that they stand for."""

from __future__ import annotations

from itertools import product

import numpy as np
from onnx import NodeProto, TensorProto, helper
from qonnx.custom_op.general.quant import max_int, min_int

from host_build.compiler.edit import attribute, replace, store, stored
from host_build.compiler.model import CompileError, ModelWrapper

_WEIGHT = (-128, 127)
_OTHERS = {TensorProto.INT8: np.int8, TensorProto.UINT8: np.uint8}
# Signed, narrow, bits.
_FORMS = tuple(product((0, 1), (0, 1), range(1, 9)))


def fuse(model: ModelWrapper) -> None:
    """Replace each chain that ends in a DequantizeLinear; CompileError names one of no type."""
    for node in list(model.get_nodes_by_op_type("DequantizeLinear")):
        scale, zero = _scale_and_zero(model, node)
        least, most = -np.inf, np.inf
        tensor = node.input[0]
        while (before := model.find_producer(tensor)) is not None and before.op_type == "Clip":
            low, high = bounds(model, before)
            least, most = max(least, low), min(most, high)
            tensor = before.input[0]
        if before is None:
            _constant(model, node, tensor, (least, most), scale, zero)
        elif before.op_type == "QuantizeLinear":
            _activation(model, node, before, (least, most), scale, zero)
        else:
            raise CompileError(
                f"node {node.name!r} dequantises what {before.op_type} {before.name!r} gives: "
                "integer operators hide the scales; export with QuantizeLinear and "
                "DequantizeLinear (QDQ)"
            )


def bounds(model: ModelWrapper, node: NodeProto) -> tuple[float, float]:
    """The least and the largest value that a Clip gives."""
    found = []
    for index, name, default in ((1, "min", -np.inf), (2, "max", np.inf)):
        value = stored(model, node, index)
        if value is None and index < len(node.input) and node.input[index]:
            raise CompileError(f"node {node.name!r} computes its bounds")
        found.append(float(attribute(node, name, default) if value is None else value.item()))
    return found[0], found[1]


def _constant(
    model: ModelWrapper, node: NodeProto, tensor: str, clip: tuple[float, float],
    scale: np.ndarray, zero: np.ndarray,
) -> None:  # fmt: skip
    values = model.get_initializer(tensor)
    if values is None:
        raise CompileError(f"node {node.name!r} dequantises the input of the model")
    integers = np.clip(values.astype(np.int64), *clip) - zero.astype(np.int64)
    floats = (integers.astype(np.float32) * scale).astype(np.float32)
    if values.dtype == np.int32:  # a bias
        replace(model, node)
        for reader in model.graph.node:
            for index, name in enumerate(reader.input):
                if name == node.output[0]:
                    reader.input[index] = store(model, name, floats)
        return
    if integers.min() < _WEIGHT[0] or integers.max() > _WEIGHT[1]:
        raise CompileError(
            f"node {node.name!r} gives weights of {integers.min()} to {integers.max()} steps; "
            f"{_WEIGHT[0]} to {_WEIGHT[1]} have a kernel"
        )
    narrow = int(integers.min() > _WEIGHT[0])
    _quant(model, node, store(model, tensor, floats), scale, 0.0, 8, signed=1, narrow=narrow)


def _activation(
    model: ModelWrapper, node: NodeProto, first: NodeProto, clip: tuple[float, float],
    scale: np.ndarray, zero: np.ndarray,
) -> None:  # fmt: skip
    if any(
        not np.array_equal(np.broadcast_to(a, b.shape) if a.size == 1 else a, b)
        for a, b in zip(_scale_and_zero(model, first), (scale, zero), strict=True)
    ):
        raise CompileError(
            f"nodes {first.name!r} and {node.name!r} have different scales or zero points"
        )
    kind = np.iinfo(zero.dtype)
    least, most = int(max(kind.min, clip[0])), int(min(kind.max, clip[1]))
    form = next((form for form in _FORMS if _levels(*form) == (least, most)), None)
    if form is None:
        raise CompileError(
            f"node {first.name!r} gives levels {least} to {most}, which no integer type has"
        )
    signed, narrow, bits = form
    if zero.size > 1 and (zero != zero.flat[0]).any():
        raise CompileError(f"node {first.name!r} has a zero point for each channel")
    _quant(
        model, node, first.input[0], scale, float(zero.flat[0]), bits, signed=signed, narrow=narrow
    )


def _levels(signed: int, narrow: int, bits: int) -> tuple[int, int]:
    """The least and the largest."""
    return int(min_int(signed, narrow, bits)), int(max_int(signed, narrow, bits))


def _quant(
    model: ModelWrapper, node: NodeProto, tensor: str, scale: np.ndarray, zero: float, bits: int,
    *, signed: int, narrow: int,
) -> None:  # fmt: skip
    made = helper.make_node(
        "Quant",
        [
            tensor,
            store(model, f"{tensor}_scale", scale.astype(np.float32)),
            store(model, f"{tensor}_zero", np.asarray(zero, np.float32)),
            store(model, f"{tensor}_bits", np.asarray(bits, np.float32)),
        ],
        [node.output[0]], name=node.name, domain="qonnx.custom_op.general",
        signed=signed, narrow=narrow, rounding_mode="ROUND",
    )  # fmt: skip
    replace(model, node, made)


def _scale_and_zero(model: ModelWrapper, node: NodeProto) -> tuple[np.ndarray, np.ndarray]:
    """Both in a shape that fits the tensor's; the zero point in the type of the levels."""
    scale, zero = stored(model, node, 1), stored(model, node, 2)
    if scale is None or (zero is None and len(node.input) > 2 and node.input[2]):
        raise CompileError(f"node {node.name!r} computes its scale or zero point")
    if zero is None:
        levels = model.get_initializer(node.input[0])
        named = _OTHERS.get(attribute(node, "output_dtype", 0), np.uint8)
        zero = np.zeros(scale.shape, named if levels is None else levels.dtype)
    if scale.size == 1:
        return scale.reshape(()), zero.reshape(-1)[:1].reshape(())
    rank = len(model.get_tensor_shape(node.input[0]) or model.get_tensor_shape(node.output[0]))
    axis = attribute(node, "axis", 1) % rank
    if scale.ndim != 1 or attribute(node, "block_size", 0):
        raise CompileError(f"node {node.name!r} has a scale for each block")
    shape = [-1 if index == axis else 1 for index in range(rank)]
    return scale.reshape(shape), np.broadcast_to(zero, scale.shape).reshape(shape)
