"""Numbers of one bit, -1 and 1, as numbers of two: the kernels have no other. Exact.

A sign is two thresholds at the same place: below it the level is -1, from it on 1, never 0.
"""

from __future__ import annotations

import numpy as np
from onnx import NodeProto, helper
from qonnx.core.datatype import DataType

from host_build.compiler.edit import attribute, replace, store, stored
from host_build.compiler.model import CompileError, ModelWrapper

SIGN = "(sign)"
"""The rounding mode, known to `rounding` alone, of a quantiser to -1 and 1."""


def widen(model: ModelWrapper) -> None:
    """Let every BipolarQuant be a Quant of two bits, and bipolar thresholds count by ones.

    Weights that the older dialect calls bipolar are of two bits as they stand.
    """
    for node in list(model.graph.node):
        if node.op_type == "BipolarQuant":
            _quantise(model, node)
        elif node.op_type == "MultiThreshold" and attribute(node, "out_dtype", "") == "BIPOLAR":
            _count(model, node)
    for tensor in model.graph.initializer:
        if model.get_tensor_datatype(tensor.name) == DataType["BIPOLAR"]:
            model.set_tensor_datatype(tensor.name, DataType["INT2"])


def _quantise(model: ModelWrapper, node: NodeProto) -> None:
    scale = stored(model, node, 1)
    if scale is None:
        raise CompileError(f"node {node.name!r} computes its scale")
    source, mode = node.input[0], SIGN
    if (values := stored(model, node, 0)) is not None:
        signs = np.where(values >= 0, np.float32(1), np.float32(-1))
        source, mode = store(model, f"{source}_signs", signs * scale), "ROUND"
    zero, bits = (store(model, f"{node.name}_{what}", np.asarray(number, np.float32))
                  for what, number in (("zero", 0), ("bits", 2)))  # fmt: skip
    replace(
        model, node,
        helper.make_node(
            "Quant", [source, node.input[1], zero, bits], list(node.output), name=node.name,
            domain="qonnx.custom_op.general", signed=1, narrow=1, rounding_mode=mode,
        ),
    )  # fmt: skip


def _count(model: ModelWrapper, node: NodeProto) -> None:
    """FINN's older dialect: one threshold, twice the count of it, less one."""
    thresholds = stored(model, node, 1)
    shape = None if thresholds is None else thresholds.shape[1]
    said = attribute(node, "out_scale", 1.0), attribute(node, "out_bias", 0.0)
    if thresholds is None or shape != 1 or said != (2.0, -1.0):
        raise CompileError(f"node {node.name!r} is no sign: it gives other numbers than -1 and 1")
    node.input[1] = store(model, node.input[1], np.repeat(thresholds, 2, axis=1))
    for found in node.attribute:
        if found.name == "out_scale":
            found.f = 1.0
        elif found.name == "out_dtype":
            found.s = b"INT2"
