"""Clip in front of a quantiser (ReLU6, Hardtanh), folded into its thresholds.

A threshold above the clip is never reached, one at or below its least value always.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from onnx import NodeProto

from host_build.compiler.edit import drop, stored
from host_build.compiler.model import CompileError, ModelWrapper
from host_build.compiler.qcdq import bounds

# No sum of a network is as large, and float32 holds it in any scale.
_NEVER = 2.0**60


def refusals(model: ModelWrapper) -> Iterator[str]:
    """One line for each Clip that something else than a quantiser reads."""
    for node in model.get_nodes_by_op_type("Clip"):
        readers = model.find_consumers(node.output[0]) or []
        if not readers or {reader.op_type for reader in readers} != {"Quant"}:
            yield f"node {node.name!r} is a Clip that no Quant node reads; quantise what it gives"
            continue
        try:
            low, high = bounds(model, node)
        except CompileError as error:
            yield str(error)
            continue
        if not low < high:
            yield f"node {node.name!r} clips to {low:g}..{high:g}, which leaves one value"


def fold(model: ModelWrapper) -> None:
    """Take out every Clip of `model`, whose quantisers have become thresholds."""
    for node in list(model.get_nodes_by_op_type("Clip")):
        low, high = bounds(model, node)
        for reader in model.find_consumers(node.output[0]) or []:
            _cut(model, node, reader, low, high)
        drop(model, node)


def _cut(model: ModelWrapper, node: NodeProto, reader: NodeProto, low: float, high: float) -> None:
    thresholds = stored(model, reader, 1)
    if reader.op_type != "MultiThreshold" or thresholds is None:
        raise CompileError(f"tidy: the reader {reader.name!r} of {node.name!r} has no thresholds")
    cut = np.where(thresholds > high, _NEVER, np.where(thresholds <= low, -_NEVER, thresholds))
    model.set_initializer(reader.input[1], cut.astype(thresholds.dtype))
