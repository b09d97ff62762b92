"""A model as its file gives it: executed, it is what every stage is compared with."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import onnxruntime
from onnx import ModelProto, NodeProto, helper

from host_build.compiler.edit import attribute, stored
from host_build.compiler.foreign import foreign
from host_build.compiler.model import CompileError, ModelWrapper, execute_onnx
from host_build.compiler.pixels import PixelRange

onnxruntime.set_default_logger_severity(4)
_ROUND_SINCE = 11  # the ONNX version that has Round


@dataclass(frozen=True)
class Given:
    """`model` has the file's own nodes and numbers, for one image; it takes `source`.

    What lies behind the logits is left out, as `notes` say.
    """

    model: ModelWrapper
    source: str
    notes: tuple[str, ...] = field(default=())

    @property
    def shape(self) -> tuple[int, int, int]:
        """A picture's height, width and channels."""
        _, channels, height, width = self.model.get_tensor_shape(self.source)
        return height, width, channels

    @property
    def classes(self) -> int:
        """How many logits it gives; where the file leaves that open, it is asked for some."""
        known = self.model.get_tensor_shape(self.model.graph.output[0].name)
        if known and 0 not in known:
            return int(np.prod(known))
        return self.run(np.zeros((1, *self.shape), np.uint8), None).shape[1]

    def run(self, images: np.ndarray, pixels: PixelRange | None) -> np.ndarray:
        """The logits (N, classes) float64 of `images` (N, height, width, channels) uint8.

        QONNX executes them, or onnxruntime where no node is QONNX's. CompileError if they are no
        numbers, or it cannot be done.
        """
        inputs = _inputs(images, pixels)
        target = self.model.graph.output[0].name
        with foreign("the model as it was given", _seconds(images)):
            if self._is_standard:
                logits = self._by_onnxruntime(inputs)
            else:
                rows = [execute_onnx(self.model, {self.source: i[None]})[target] for i in inputs]
                logits = np.asarray(rows, np.float64).reshape(len(rows), -1)
        said = self.model.get_tensor_shape(target)
        if said and 0 not in said and np.prod(said) != logits.shape[1]:
            raise CompileError(
                f"the model itself gives {logits.shape[1]} numbers, but says that its output "
                f"{target!r} has shape {tuple(said)}; export it again"
            )
        if not np.isfinite(logits).all():
            wrong = int((~np.isfinite(logits)).any(axis=1).argmax())
            raise CompileError(f"the model itself gives NaN or infinity for image {wrong}")
        return logits

    def quickly(self, images: np.ndarray, pixels: PixelRange | None) -> np.ndarray | None:
        """The same by onnxruntime alone, with QONNX's nodes written in those of ONNX.

        Up to float32's order of sums. None where a node cannot be written so.
        """
        if self._session is None:
            return None
        with foreign("the model as it was given", _seconds(images)):
            return self._by_onnxruntime(_inputs(images, pixels))

    def _by_onnxruntime(self, inputs: np.ndarray) -> np.ndarray:
        assert self._session is not None
        rows = [self._session.run(None, {self.source: image[None]})[0] for image in inputs]
        return np.asarray(rows, np.float64).reshape(len(rows), -1)

    @property
    def _is_standard(self) -> bool:
        return all(node.domain in ("", "ai.onnx") for node in self.model.graph.node)

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession | None:
        model = _in_onnx(self.model)
        if model is None:
            return None
        options = onnxruntime.SessionOptions()
        # Lest it merge what is rounded between.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(model.SerializeToString(), options)


def _inputs(images: np.ndarray, pixels: PixelRange | None) -> np.ndarray:
    values = images.astype(np.float32)
    return (values if pixels is None else pixels.of(values)).transpose(0, 3, 1, 2)


def _seconds(images: np.ndarray) -> float:
    return 45.0 + 2.0 * len(images)


def _in_onnx(model: ModelWrapper) -> ModelProto | None:
    """The model with each Quant node in ONNX's own, operation by operation as QONNX computes it."""
    made = ModelProto()
    made.CopyFrom(model.model)
    nodes: list[NodeProto] = []
    for index, node in enumerate(model.graph.node):
        if node.domain in ("", "ai.onnx"):
            nodes.append(node)
        elif node.op_type == "Quant" and stored(model, node, 3) is not None:
            nodes += _quant(model, node, f"quant{index}", made)
        else:
            return None
    versions = {opset.domain: opset.version for opset in made.opset_import}
    if len(nodes) > len(model.graph.node) and versions.get("", 0) < _ROUND_SINCE:
        return None
    del made.graph.node[:], made.graph.quantization_annotation[:]
    made.graph.node.extend(nodes)
    return made


def _quant(model: ModelWrapper, node: NodeProto, name: str, made: ModelProto) -> list[NodeProto]:
    from qonnx.custom_op.general.quant import max_int, min_int

    x, scale, zero = node.input[:3]
    bits = int(stored(model, node, 3).reshape(-1)[0])  # type: ignore[union-attr]
    form = bool(attribute(node, "signed", 1)), bool(attribute(node, "narrow", 0)), bits
    for what, value in (("most", max_int(*form)), ("least", min_int(*form)), ("half", 0.5)):
        made.graph.initializer.append(
            helper.make_tensor(f"{name}_{what}", 1, [], [float(value)])
        )  # fmt: skip
    steps = [("Div", x, scale), ("Add", "", zero), ("Min", "", f"{name}_most"),
             ("Max", "", f"{name}_least")]  # fmt: skip
    found: list[NodeProto] = []

    def add(operation: str, *inputs: str) -> str:
        output = f"{name}_{len(found)}"
        found.append(helper.make_node(operation, list(inputs), [output], name=output))
        return output

    value = ""
    for operation, first, second in steps:
        value = add(operation, first or value, second)
    mode = str(attribute(node, "rounding_mode", "ROUND")).upper()
    away = {"UP": ("Ceil", None), "DOWN": ("Floor", None), "HALF_UP": ("Floor", "Add"),
            "HALF_DOWN": ("Ceil", "Sub")}.get(mode)  # fmt: skip
    if away is None:
        value = add({"CEIL": "Ceil", "FLOOR": "Floor"}.get(mode, "Round"), value)
    else:
        size = add("Abs", value)
        if away[1] is not None:
            size = add(away[1], size, f"{name}_half")
        value = add("Mul", add("Sign", value), add(away[0], size))
    value = add("Sub", value, zero)
    found.append(helper.make_node("Mul", [value, scale], [node.output[0]], name=f"{name}_scaled"))
    return found
