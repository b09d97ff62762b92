"""Before the first stage: the file as it was given, and what is refused at first sight."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from onnx import numpy_helper
from qonnx.transformation.infer_shapes import InferShapes

from host_build.compiler import rounding
from host_build.compiler.model import CompileError, ModelWrapper, apply, operations
from host_build.networks.variants import IMAGE_CHANNELS, IMAGE_SIZE

_INPUT = (1, IMAGE_CHANNELS, IMAGE_SIZE, IMAGE_SIZE)
_SUPPORTED = frozenset(
    {"Add", "AveragePool", "BatchNormalization", "Concat", "Constant", "Conv", "Flatten", "Gather"}
    | {"Gemm", "GlobalAveragePool", "MatMul", "Mul", "MultiThreshold", "Pad", "Quant", "Relu"}
    | {"Reshape", "Shape", "Transpose", "Unsqueeze"}
)


def read(path: Path) -> ModelWrapper:
    """The model in `path`: its own nodes and numbers, with the shapes that ONNX infers.

    What it computes is the truth that every stage is compared with. CompileError names the first
    node or tensor that has no integer counterpart.
    """
    if not path.is_file():
        raise CompileError(f"there is no model {path}")
    try:
        model = ModelWrapper(str(path))
    except (DecodeError, OSError, ValueError) as error:
        raise CompileError(f"{path} is no readable ONNX model: {error}") from error
    _name_nodes(model)
    _require_supported(model, path)
    _require_finite(model, path)
    _require_input(model, path)
    rounding.require_known(model)
    return apply(model, InferShapes())


def _name_nodes(model: ModelWrapper) -> None:
    """Give each node without a name one to be called by in messages."""
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}#{index}"


def _require_supported(model: ModelWrapper, path: Path) -> None:
    if not model.graph.node:
        raise CompileError(f"{path} has no nodes: it is empty or no ONNX model")
    for operation, names in operations(model).items():
        if operation not in _SUPPORTED:
            raise CompileError(
                f"{path}: node {names[0]!r} is a {operation}, which has no integer counterpart "
                f"here; supported: {', '.join(sorted(_SUPPORTED))}"
            )


def _require_finite(model: ModelWrapper, path: Path) -> None:
    constants = {
        f"{node.name} ({node.output[0]})": attribute.t
        for node in model.get_nodes_by_op_type("Constant")
        for attribute in node.attribute
        if attribute.name == "value"
    }
    stored = constants | {tensor.name: tensor for tensor in model.graph.initializer}
    for name, tensor in stored.items():
        values = numpy_helper.to_array(tensor)
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            wrong = int((~np.isfinite(values)).sum())
            raise CompileError(
                f"{path}: {wrong} of the {values.size} numbers of {name!r} are NaN or infinite; "
                "did its training diverge?"
            )


def _require_input(model: ModelWrapper, path: Path) -> None:
    # Older exporters list the weights among the inputs.
    stored = {tensor.name for tensor in model.graph.initializer}
    images = next((i.name for i in model.graph.input if i.name not in stored), None)
    found = tuple(model.get_tensor_shape(images) or ()) if images else ()
    if found != _INPUT:
        raise CompileError(f"{path} takes shape {found}, but must be {_INPUT}")
