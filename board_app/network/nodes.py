"""The kinds of node of an integer graph, and what each gives of what it reads.

Tensors are images (height, width, channels) of integers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Union

import numpy as np

from board_app.errors import GraphError


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


def output_shape(node: Node, inputs: list[tuple[int, int, int]]) -> tuple[int, int, int]:
    """What `node` gives of tensors of these shapes; GraphError if it cannot read them."""
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


def _each(value: Any, sides: int) -> tuple[int, ...]:
    return (value,) * sides if isinstance(value, int) else tuple(value)
