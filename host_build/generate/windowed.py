"""Which kernels a node becomes that reads windows of each channel by itself, and how many lanes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import DataType, Depthwise, MaxPool, SumPool, Windowed
from host_build.generate.folding import FoldingError
from host_build.kernels.depthwise import Depthwise as DepthwiseKernel
from host_build.kernels.pool import Pool as PoolKernel
from host_build.kernels.sliding_window import SlidingWindow

WindowedNode = MaxPool | SumPool | Depthwise
Shape = tuple[int, int, int]


def windowed_kernels(
    node: WindowedNode, inputs: DataType, shape: Shape, lanes: int
) -> tuple[SlidingWindow, PoolKernel | DepthwiseKernel]:
    """What makes the windows, `lanes` channels a beat, and what joins each window's pixels.

    FoldingError names the node and what no kernel does.
    """
    height, width, channels = shape
    try:
        windows = SlidingWindow(
            height, width, channels // lanes, lanes * inputs.bits, node.kernel, node.stride,
            node.padding, inputs.minimum if isinstance(node, MaxPool) else 0, inputs.bits,
        )  # fmt: skip
        return windows, joining_kernel(node, inputs, lanes)
    except ValueError as error:
        raise FoldingError(f"{node.name}: {error}") from error


def joining_kernel(
    node: WindowedNode, inputs: DataType, lanes: int
) -> PoolKernel | DepthwiseKernel:
    """What makes one number of a window's pixels."""
    channels = node.shape[2]
    if isinstance(node, Depthwise):
        # In the order in which windows bring their pixels: x, y.
        weights = node.weights.astype(np.int64).transpose(0, 2, 1).reshape(channels, -1)
        return DepthwiseKernel(lanes, weights, inputs.bits, inputs.signed, f"{node.name}_weights")
    pixels = node.kernel[0] * node.kernel[1]
    largest = isinstance(node, MaxPool)
    return PoolKernel(lanes, channels, pixels, inputs.bits, inputs.signed, largest)


def windowed_type(node: WindowedNode, inputs: DataType) -> DataType:
    """The type of what its kernel gives."""
    kernel = joining_kernel(node, inputs, 1)
    return DataType(kernel.out_bits, inputs.signed or isinstance(node, Depthwise))


def windowed_lanes(node: WindowedNode, inputs: DataType, shape: Shape, interval: int) -> int:
    """The fewest lanes with which a frame takes `interval` cycles at most, or else all."""
    channels = shape[2]
    for lanes in range(1, channels):
        if channels % lanes == 0:
            windows, _ = windowed_kernels(node, inputs, shape, lanes)
            if windows.cycles <= interval:
                return lanes
    return channels


def fewest_cycles(graph: Graph, types: dict[str, DataType]) -> Iterator[int]:
    """Of each such node of `graph`, with tensors of `types`, the cycles a frame with all lanes."""
    shapes = {INPUT: graph.input_shape, **{node.name: node.shape for node in graph.nodes}}
    for node in graph.nodes:
        if isinstance(node, Windowed):
            tensor = node.inputs[0]
            windows, _ = windowed_kernels(
                node, types[tensor], shapes[tensor], shapes[tensor][2]
            )  # fmt: skip
            yield windows.cycles
