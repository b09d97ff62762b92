"""Sums of two quantised tensors that nobody quantises again, as MobileNetV2 adds its blocks.

FINN's passes want a quantiser behind each of them. One that holds every sum changes no number; it
gets there here, and `lower` leaves it out again.
"""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper
from qonnx.custom_op.general.quant import max_int, min_int

from host_build.compiler.edit import attribute, redirect, store, stored
from host_build.compiler.model import CompileError, ModelWrapper
from host_build.kernels.base import range_bits
from host_build.kernels.limits import ACTIVATION_BITS

_QUANTISED = frozenset({"Quant", "Relu", "Clip"})


def quantise(model: ModelWrapper) -> None:
    """Put a quantiser behind each sum that something else reads. CompileError names a wide one."""
    for node in list(model.get_nodes_by_op_type("Add")):
        readers = {reader.op_type for reader in model.find_consumers(node.output[0]) or []}
        sides = [_range(model, name) for name in node.input]
        if readers <= _QUANTISED or None in sides:
            continue
        (first, low, high), (second, least, most) = (side for side in sides if side is not None)
        if first == second:
            _hold(model, node, first, low + least, high + most)


def _range(model: ModelWrapper, tensor: str) -> tuple[float, int, int] | None:
    """The scale of what a Quant node gives, its least level and its largest."""
    node = model.find_producer(tensor)
    if node is None or node.op_type != "Quant":
        return None
    scale, zero, bits = (stored(model, node, index) for index in (1, 2, 3))
    if scale is None or zero is None or bits is None or scale.size != 1 or (zero != 0).any():
        return None
    form = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0)), bits.item()
    return float(scale.item()), int(min_int(*form)), int(max_int(*form))


def _hold(model: ModelWrapper, node: NodeProto, scale: float, low: int, high: int) -> None:
    signed = low < 0
    bits = range_bits(low, high)
    if bits not in ACTIVATION_BITS:
        raise CompileError(
            f"node {node.name!r} gives sums of {low} to {high} steps, of {bits} bits; up to "
            f"{ACTIVATION_BITS[-1]} have a kernel; quantise the sum"
        )
    output = node.output[0]
    held = f"{output}_held"
    inputs = [output] + [
        store(model, f"{output}_{name}", np.asarray(value, np.float32))
        for name, value in (("scale", scale), ("zero", 0), ("bits", bits))
    ]
    redirect(model, output, held)
    model.set_tensor_shape(held, model.get_tensor_shape(output))
    made = helper.make_node(
        "Quant", inputs, [held], name=f"{node.name}_held", domain="qonnx.custom_op.general",
        signed=int(signed), narrow=0, rounding_mode="ROUND",
    )  # fmt: skip
    model.graph.node.insert(list(model.graph.node).index(node) + 1, made)
