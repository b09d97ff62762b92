"""What the stages share: FINN's model class, its settings, and the error they raise."""

from __future__ import annotations

import logging
import os

from host_build import caches

# FINN asks for a scratch folder when it is imported, whether or not it will write there.
os.environ.setdefault("FINN_BUILD_DIR", str(caches.folder("finn")))

from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.base import Transformation

from host_build.errors import HostError

__all__ = ["CompileError", "ModelWrapper", "apply", "execute_onnx", "operations"]

logging.getLogger("qonnx").setLevel(logging.ERROR)
logging.getLogger("finn").setLevel(logging.ERROR)


class CompileError(HostError):
    """A model cannot be compiled; the message names the stage, the node and the reason."""


def apply(model: ModelWrapper, *transformations: Transformation) -> ModelWrapper:
    """Apply FINN transformations in order, each until it changes nothing more."""
    for transformation in transformations:
        model = model.transform(transformation)
    return model


def operations(model: ModelWrapper) -> dict[str, list[str]]:
    """Names of the model's nodes by operation."""
    found: dict[str, list[str]] = {}
    for index, node in enumerate(model.graph.node):
        found.setdefault(node.op_type, []).append(node.name or f"#{index}")
    return found
