"""Whether a graph is whole: each name is given once, and before it is read, by nodes or numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import GraphProto, TensorProto, numpy_helper

from host_build.compiler.model import CompileError

_DOMAINS = ("", "ai.onnx", "qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
_DAMAGED = "the file is damaged, or was changed by hand; export it again"


def require_whole(graph: GraphProto, path: Path) -> None:
    """CompileError names the first tensor or node of `path` that is not; its nodes have names."""
    _require_operators(graph, path)
    _require_order(graph, path)
    for tensor in graph.initializer:
        _require_numbers(tensor, path)


def _require_operators(graph: GraphProto, path: Path) -> None:
    for node in graph.node:
        if not node.op_type.isidentifier():
            raise CompileError(
                f"{path}: node {node.name!r} has the operator {node.op_type!r}: {_DAMAGED}"
            )
        if node.domain not in _DOMAINS and not node.domain.startswith("qonnx.custom_op"):
            raise CompileError(
                f"{path}: node {node.name!r} is a {node.op_type} of {node.domain!r}, an operator "
                "that nobody here can execute"
            )


def _require_order(graph: GraphProto, path: Path) -> None:
    known = {value.name for value in (*graph.initializer, *graph.input)}
    for node in graph.node:
        for name in node.input:
            if name and name not in known:
                raise CompileError(
                    f"{path}: node {node.name!r} reads {name!r}, which nothing before it gives: "
                    f"{_DAMAGED}"
                )
        for name in node.output:
            if name and name in known:
                raise CompileError(
                    f"{path}: node {node.name!r} gives {name!r}, which is given before: {_DAMAGED}"
                )
            known.add(name)
    for output in graph.output:
        if output.name not in known:
            raise CompileError(f"{path}: no node gives the output {output.name!r}: {_DAMAGED}")


def _require_numbers(tensor: TensorProto, path: Path) -> None:
    try:
        values = numpy_helper.to_array(tensor)
    except Exception as error:  # of many kinds, as the damage has it
        raise CompileError(
            f"{path}: the numbers of {tensor.name!r}, shape {tuple(tensor.dims)}, cannot be read "
            f"({error}): {_DAMAGED}"
        ) from error
    if 0 in values.shape:
        raise CompileError(f"{path}: {tensor.name!r} has no numbers, shape {values.shape}")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        wrong = int((~np.isfinite(values)).sum())
        raise CompileError(
            f"{path}: {wrong} of the {values.size} numbers of {tensor.name!r} are NaN or "
            "infinite; did its training diverge?"
        )
