"""Stage 4: FINN's hardware layers as the project's own integer graph."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from onnx import NodeProto
from qonnx.core.datatype import DataType as QonnxType
from qonnx.custom_op.registry import getCustomOp

from board_app.errors import GraphError
from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import (
    Add,
    Convolution,
    DataType,
    Depthwise,
    MaxPool,
    Node,
    Pool,
    SumPool,
    Threshold,
)
from host_build.compiler.edit import attribute
from host_build.compiler.head_bias import add_bias
from host_build.compiler.model import CompileError, ModelWrapper
from host_build.kernels.base import range_bits

Attribute = Callable[[str], Any]
Pads = tuple[int, int, int, int]
_NONE: Pads = (0, 0, 0, 0)
_IDLE = ("Transpose", "Flatten", "Reshape")
# From channels last to first, and back: the graph's tensors have no such order.
_LAYOUTS = ([0, 3, 1, 2], [0, 2, 3, 1])


def lower(model: ModelWrapper) -> Graph:
    """Return the graph; CompileError names the first node that has no kernel."""
    return _Lowering(model).graph()


@dataclass(frozen=True)
class _Window:
    """What a matrix reads: windows (down, across) of a graph tensor, or its pixels as they are."""

    tensor: str
    pads: Pads = _NONE
    kernel: tuple[int, int] = (1, 1)
    strides: tuple[int, int] = (1, 1)


class _Lowering:
    def __init__(self, model: ModelWrapper) -> None:
        self._model = model
        source = model.graph.input[0].name
        # Each ONNX tensor by the graph tensor it stands for, with the padding that is due on it.
        self._alias: dict[str, tuple[str, Pads]] = {source: (INPUT, _NONE)}
        self._window: dict[str, _Window] = {}
        self._nodes: list[Node] = []
        self._source = source

    def graph(self) -> Graph:
        handlers = {
            "Thresholding": self._threshold,
            "FMPadding": self._padding,
            "ConvolutionInputGenerator": self._sliding_window,
            "MVAU": self._matrix_vector,
            "VVAU": self._depthwise,
            "MaxPool": self._max_pool,
            "ElementwiseAdd": self._add,
            "GlobalAccPool": self._pool,
            "DuplicateStreams": self._rename,
            **dict.fromkeys(_IDLE, self._rename),
        }
        for node in self._model.graph.node:
            handler = handlers.get(node.op_type)
            if handler is None:
                raise CompileError(
                    f"lower: node {node.name!r} is a {node.op_type}, which has no kernel; "
                    f"kernels: {', '.join(sorted(handlers))}"
                )
            handler(node)
        shape = self._model.get_tensor_shape(self._source)
        try:
            return Graph(tuple(self._nodes), tuple(shape[1:]), self._type(self._source))
        except GraphError as error:
            raise CompileError(f"lower: {error}") from error

    def _threshold(self, node: NodeProto) -> None:
        thresholds = self._model.get_initializer(node.input[1])
        if (np.diff(thresholds, axis=1) < 0).any():
            raise CompileError(f"lower: the thresholds of {node.name!r} are out of order")
        source = self._type_of(self._alias[node.input[0]][0])
        # A threshold beyond the input's range is never (or always) reached; the nearest value
        # that says the same keeps every number within one bit of the input's type.
        limited = np.clip(np.ceil(thresholds), source.minimum, source.maximum + 1)
        if (limited == limited[0]).all():
            limited = limited[:1]
        bias = int(_attribute(node)("ActVal"))
        if self._holds(node, limited, bias):
            self._alias[node.output[0]] = self._alias[node.input[0]]
            return
        self._emit(
            Threshold, node, 1,
            thresholds=limited.astype(np.int32), bias=bias,
        )  # fmt: skip

    def _holds(self, node: NodeProto, thresholds: np.ndarray, bias: int) -> bool:
        """Whether `node` gives every number that it reads: `sums` or `pools` put it there."""
        source = next((n for n in self._nodes if n.name == self._alias[node.input[0]][0]), None)
        if not isinstance(source, Add | MaxPool) or len(thresholds) > 1:
            return False
        low, high = self._range(source.inputs)
        values = np.arange(low, high + 1)
        levels = bias + np.searchsorted(thresholds[0], values, side="right")
        return bool((levels == values).all())

    def _range(self, summands: tuple[str, ...]) -> tuple[int, int]:
        """The least and the largest sum of what these nodes give."""
        kinds = [self._type_of(name) for name in summands]
        return sum(kind.minimum for kind in kinds), sum(kind.maximum for kind in kinds)

    def _type_of(self, name: str) -> DataType:
        if name == INPUT:
            return self._type(self._source)
        return next(n.dtype for n in self._nodes if n.name == name)

    def _padding(self, node: NodeProto) -> None:
        (tensor,) = self._plain(node.input[0])
        top, left, bottom, right = _attribute(node)("Padding")
        self._alias[node.output[0]] = (tensor, (top, left, bottom, right))

    def _sliding_window(self, node: NodeProto) -> None:
        found = _attribute(node)
        if set(found("Dilation")) != {1}:
            raise CompileError(f"lower: {node.name!r} is a dilated window")
        tensor, pads = self._alias[node.input[0]]
        (down, across), (step_y, step_x) = found("ConvKernelDim"), found("Stride")
        self._window[node.output[0]] = _Window(tensor, pads, (down, across), (step_y, step_x))

    def _matrix_vector(self, node: NodeProto) -> None:
        if not _attribute(node)("noActivation"):
            raise CompileError(f"lower: {node.name!r} has thresholds of its own")
        window = self._window.get(node.input[0]) or _Window(*self._plain(node.input[0]))
        matrix = self._model.get_initializer(node.input[1])
        down, across = window.kernel
        weights = matrix.T.reshape(matrix.shape[1], down, across, -1)
        if weights.min() < -128 or weights.max() > 127 or (weights != np.round(weights)).any():
            raise CompileError(f"lower: the weights of {node.name!r} are no 8-bit integers")
        self._nodes.append(
            Convolution(
                name=_name(node), inputs=(window.tensor,), shape=self._shape(node.output[0]),
                dtype=self._type(node.output[0]), weights=weights.astype(np.int8),
                stride=window.strides, padding=window.pads,
            )
        )  # fmt: skip
        self._alias[node.output[0]] = (_name(node), _NONE)

    def _depthwise(self, node: NodeProto) -> None:
        if not _attribute(node)("noActivation"):
            raise CompileError(f"lower: {node.name!r} has thresholds of its own")
        read = self._window[node.input[0]]
        weights = self._model.get_initializer(node.input[1])[:, 0]
        if weights.min() < -128 or weights.max() > 127 or (weights != np.round(weights)).any():
            raise CompileError(f"lower: the weights of {node.name!r} are no 8-bit integers")
        output = node.output[0]
        window: dict[str, Any] = dict(
            inputs=(read.tensor,), shape=self._shape(output), dtype=self._type(output),
            kernel=read.kernel, stride=read.strides, padding=read.pads,
        )  # fmt: skip
        # An average is one by ones.
        self._nodes.append(
            SumPool(_name(node), **window)
            if (weights == 1).all()
            else Depthwise(_name(node), **window, weights=weights.astype(np.int8))
        )
        self._alias[output] = (_name(node), _NONE)

    def _max_pool(self, node: NodeProto) -> None:
        """FINN keeps it channels first, between transposes."""
        kernel, stride, padding = (
            tuple(attribute(node, name, [])) for name in ("kernel_shape", "strides", "pads")
        )
        _, channels, height, width = self._model.get_tensor_shape(node.output[0])
        self._nodes.append(
            MaxPool(
                _name(node), self._plain(node.input[0]), (height, width, channels),
                self._type(node.output[0]), kernel=kernel, stride=stride, padding=padding,
            )
        )  # fmt: skip
        self._alias[node.output[0]] = (_name(node), _NONE)

    def _add(self, node: NodeProto) -> None:
        bias = self._model.get_initializer(node.input[1])
        if bias is None:
            inputs = (*self._plain(node.input[0]), *self._plain(node.input[1]))
            # FINN leaves it channels first between transposes, behind a max pool.
            shape = next(n.shape for n in self._nodes if n.name == inputs[0])
            low, high = self._range(inputs)
            dtype = DataType(range_bits(low, high), low < 0)
            self._nodes.append(Add(_name(node), inputs, shape, dtype))
            self._alias[node.output[0]] = (_name(node), _NONE)
            return
        head = self._nodes[-1]
        if not isinstance(head, Convolution) or self._plain(node.input[0]) != (head.name,):
            raise CompileError(f"lower: {node.name!r} adds numbers to what is no head")
        known = {INPUT: (self._shape(self._source), self._type(self._source))}
        known |= {n.name: (n.shape, n.dtype) for n in self._nodes}
        steps = bias.reshape(-1).astype(np.int64)
        given = self._type(node.output[0])
        self._nodes += add_bias(head, *known[head.inputs[0]], steps, _name(node), given)
        self._alias[node.output[0]] = (_name(node), _NONE)

    def _pool(self, node: NodeProto) -> None:
        self._emit(Pool, node, 1)

    def _rename(self, node: NodeProto) -> None:
        shape = self._model.get_tensor_shape(node.input[0])
        idle = max(shape) == np.prod(shape) or list(attribute(node, "perm", [])) in _LAYOUTS
        if node.op_type in _IDLE and not idle:
            raise CompileError(f"lower: {node.op_type} {node.name!r} moves data of an image")
        for output in node.output:
            self._alias[output] = self._alias[node.input[0]]

    def _emit(self, kind: type[Node], node: NodeProto, reads: int, **fields: Any) -> None:
        inputs = tuple(name for i in range(reads) for name in self._plain(node.input[i]))
        output = node.output[0]
        self._nodes.append(
            kind(
                name=_name(node), inputs=inputs, shape=self._shape(output),
                dtype=self._type(output), **fields,
            )
        )  # fmt: skip
        self._alias[output] = (_name(node), _NONE)

    def _plain(self, tensor: str) -> tuple[str]:
        name, pads = self._alias[tensor]
        if any(pads):
            raise CompileError(f"lower: only a sliding window may read the padded {tensor!r}")
        return (name,)

    def _shape(self, tensor: str) -> tuple[int, int, int]:
        shape = self._model.get_tensor_shape(tensor)[1:]
        return (1, 1, shape[0]) if len(shape) == 1 else tuple(shape)

    def _type(self, tensor: str) -> DataType:
        found: QonnxType = self._model.get_tensor_datatype(tensor)
        return DataType(found.bitwidth(), found.signed())


def _attribute(node: NodeProto) -> Attribute:
    return getCustomOp(node).get_nodeattr


def _name(node: NodeProto) -> str:
    kind, _, index = node.name.rpartition("_")
    short = {"Thresholding": "threshold", "MVAU": "conv", "VVAU": "depthwise"}
    short["ElementwiseAdd"] = "add"
    return f"{short.get(kind, kind.removeprefix('Global').lower())}{index}"
