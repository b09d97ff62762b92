"""The integer dataflow graph: what the circuit computes, node by node, in one .npz file.

A graph is a tuple of nodes in topological order. Tensors are images (height, width, channels) of
integers; the first input is called "pixels", the last node gives the logits. Every number in
it is an integer, so every implementation must agree with every other bit for bit.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Union

import numpy as np

from board_app.errors import GraphError
from board_app.system.files import read_arrays

FORMAT = 1
INPUT = "pixels"


@dataclass(frozen=True)
class DataType:
    """An integer type of `bits` bits."""

    bits: int
    signed: bool

    @property
    def minimum(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def maximum(self) -> int:
        return (1 << (self.bits - 1)) - 1 if self.signed else (1 << self.bits) - 1

    def __str__(self) -> str:
        return f"{'int' if self.signed else 'uint'}{self.bits}"


@dataclass(frozen=True)
class _Output:
    """What every node has: its name, the tensors it reads, and what it gives."""

    name: str
    inputs: tuple[str, ...]
    shape: tuple[int, int, int]
    dtype: DataType


@dataclass(frozen=True)
class Threshold(_Output):
    """y = bias + the number of thresholds that are <= x.

    `thresholds` (channels or 1, steps) int32, sorted along a row; one row serves all channels.
    """

    thresholds: np.ndarray
    bias: int


@dataclass(frozen=True)
class Convolution(_Output):
    """`weights` (outputs, down, across, inputs) int8; zeros are padded. A linear layer is 1x1.

    `stride` is that of both ways, or (down, across); `padding` that of all four sides, or those
    above, to the left, below and to the right. Where one number says it, it is one number.
    """

    weights: np.ndarray
    stride: Union[int, tuple[int, int]]
    padding: Union[int, tuple[int, int, int, int]]

    def __post_init__(self) -> None:
        for name, sides, least in (("stride", 2, 1), ("padding", 4, 0)):
            values = _each(getattr(self, name), sides)
            if len(values) != sides or min(values) < least:
                raise GraphError(f"{self.name} has {name} {getattr(self, name)}")
            short = values[0] if len(set(values)) == 1 else values
            object.__setattr__(self, name, short)

    @property
    def kernel(self) -> tuple[int, int]:
        """Pixels of a window (down, across)."""
        return int(self.weights.shape[1]), int(self.weights.shape[2])

    @property
    def strides(self) -> tuple[int, int]:
        """Pixels between windows (down, across)."""
        down, across = _each(self.stride, 2)
        return down, across

    @property
    def pads(self) -> tuple[int, int, int, int]:
        """Zeros above, to the left, below and to the right."""
        top, left, bottom, right = _each(self.padding, 4)
        return top, left, bottom, right


@dataclass(frozen=True)
class Add(_Output):
    """The sum of two tensors of equal shape."""


@dataclass(frozen=True)
class Pool(_Output):
    """The sum over height and width of each channel."""


@dataclass(frozen=True)
class _Windowed(_Output):
    """What reads windows of each channel by itself: `kernel` (y, x) pixels, `stride` (y, x) apart.

    `padding` are the pixels around the image: above, left, below, right.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]


@dataclass(frozen=True)
class MaxPool(_Windowed):
    """The largest value in each window; padding never is the largest."""


@dataclass(frozen=True)
class SumPool(_Windowed):
    """The sum of each window; zeros are padded."""


@dataclass(frozen=True)
class Depthwise(_Windowed):
    """Each window weighed and summed, by `weights` (channels, y, x) int8; zeros are padded."""

    weights: np.ndarray


Node = Union[Threshold, Convolution, Add, Pool, MaxPool, SumPool, Depthwise]
Windowed = (MaxPool, SumPool, Depthwise)
"""The kinds that read windows of each channel by itself."""
_KINDS = {kind.__name__: kind for kind in (Threshold, Convolution, Add, Pool, *Windowed)}
_ARRAYS = {"thresholds": np.int32, "weights": np.int8}


@dataclass(frozen=True)
class Graph:
    """The nodes in topological order, from uint8 "pixels" of `input_shape` to the logits."""

    nodes: tuple[Node, ...]
    input_shape: tuple[int, int, int]
    input_dtype: DataType

    def __post_init__(self) -> None:
        shapes = {INPUT: self.input_shape}
        for node in self.nodes:
            for name in node.inputs:
                if name not in shapes:
                    raise GraphError(f"{node.name} reads {name!r}, which no node before it gives")
            expected = _output_shape(node, [shapes[name] for name in node.inputs])
            if expected != node.shape:
                raise GraphError(f"{node.name} says shape {node.shape}, its inputs give {expected}")
            if node.name in shapes:
                raise GraphError(f"two nodes are called {node.name!r}")
            shapes[node.name] = node.shape
        if not self.nodes:
            raise GraphError("the graph has no nodes")

    @property
    def output(self) -> Node:
        return self.nodes[-1]

    def consumers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read tensor `name`, one entry for each time it is read."""
        return tuple(node for node in self.nodes for read in node.inputs if read == name)

    def dump(self) -> bytes:
        """The graph as .npz bytes: the same graph gives the same bytes."""
        arrays: dict[str, Any] = {}
        nodes = []
        for node in self.nodes:
            row: dict[str, Any] = {"kind": type(node).__name__}
            for field in fields(node):
                value = getattr(node, field.name)
                if field.name in _ARRAYS:
                    arrays[f"{node.name}.{field.name}"] = value.astype(_ARRAYS[field.name])
                else:
                    row[field.name] = _type_row(value) if field.name == "dtype" else value
            nodes.append(row)
        header = {
            "format": FORMAT,
            "input_shape": self.input_shape,
            "input_dtype": _type_row(self.input_dtype),
            "nodes": nodes,
        }
        arrays["graph"] = np.frombuffer(json.dumps(header).encode(), np.uint8)
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        return content.getvalue()


def load(path: Path) -> Graph:
    """Read and check a graph file; GraphError says what is wrong with it."""
    try:
        arrays = read_arrays(path)
        header = json.loads(arrays.pop("graph").tobytes().decode())
        if header["format"] != FORMAT:
            raise GraphError(
                f"{path} has graph format {header['format']}, this program reads {FORMAT}"
            )
        nodes = tuple(_node(row, arrays) for row in header["nodes"])
        return Graph(nodes, tuple(header["input_shape"]), DataType(**header["input_dtype"]))
    except FileNotFoundError:
        raise GraphError(f"there is no graph {path}") from None
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError) as error:
        raise GraphError(f"{path} is no readable graph: {error!r}") from error


def _node(row: dict[str, Any], arrays: dict[str, np.ndarray]) -> Node:
    kind = _KINDS[row.pop("kind")]
    row = {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}
    row["dtype"] = DataType(**row["dtype"])
    for field in fields(kind):
        if field.name in _ARRAYS:
            row[field.name] = arrays[f"{row['name']}.{field.name}"]
    return kind(**row)


def _each(value: Any, sides: int) -> tuple[int, ...]:
    return (value,) * sides if isinstance(value, int) else tuple(value)


def _type_row(dtype: DataType) -> dict[str, Any]:
    return {"bits": dtype.bits, "signed": dtype.signed}


def _output_shape(node: Node, inputs: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    wanted = 2 if isinstance(node, Add) else 1
    if len(inputs) != wanted:
        raise GraphError(f"{node.name} reads {len(inputs)} tensors, its kind reads {wanted}")
    height, width, channels = inputs[0]
    if isinstance(node, Convolution):
        if node.weights.shape[3] != channels:
            raise GraphError(
                f"{node.name} has weights for {node.weights.shape[3]} channels, not {channels}"
            )
        top, left, bottom, right = node.pads
        padded = (height + top + bottom, width + left + right)
        height, width = (
            (padded[way] - node.kernel[way]) // node.strides[way] + 1 for way in (0, 1)
        )
        return height, width, int(node.weights.shape[0])
    if isinstance(node, Pool):
        return 1, 1, channels
    if isinstance(node, Windowed):
        return _windows(node, height, width, channels)
    if isinstance(node, Threshold) and node.thresholds.shape[0] not in (1, channels):
        raise GraphError(f"{node.name} has {node.thresholds.shape[0]} rows for {channels} channels")
    if isinstance(node, Add) and inputs[0] != inputs[1]:
        raise GraphError(f"{node.name} adds shapes {inputs[0]} and {inputs[1]}")
    return inputs[0]


def _windows(
    node: Union[MaxPool, SumPool, Depthwise], height: int, width: int, channels: int
) -> tuple[int, int, int]:
    top, left, bottom, right = node.padding
    if isinstance(node, Depthwise) and node.weights.shape != (channels, *node.kernel):
        raise GraphError(
            f"{node.name} has weights {node.weights.shape} for {channels} channels, {node.kernel}"
        )
    down = (height + top + bottom - node.kernel[0]) // node.stride[0] + 1
    across = (width + left + right - node.kernel[1]) // node.stride[1] + 1
    return down, across, channels
