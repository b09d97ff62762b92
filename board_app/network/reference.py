"""The integer graph in plain numpy: fallback where there is no FPGA, and the check on it."""

from __future__ import annotations

import time
from functools import cached_property
from typing import Callable, Union

import numpy as np
from numpy.lib.stride_tricks import as_strided

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
    Windowed,
)

# BLAS multiplies floats only; float32 holds every integer up to 2**24 exactly, float64 to 2**53.
_EXACT_FLOAT32 = 1 << 24
_BATCH_PIXELS = 50 * 32 * 32  # at once: the board's memory is small
_MOST_WINDOWS, _SECONDS = 40, 1.0  # of a photo


class Reference:
    """Executes a graph bit for bit as the circuit does."""

    name = "reference"
    simulated = False
    clock_mhz = last_cycles = None
    now = staticmethod(time.perf_counter)

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        types = {INPUT: graph.input_dtype, **{node.name: node.dtype for node in graph.nodes}}
        self._steps: list[tuple[Node, Callable[..., np.ndarray]]] = []
        for node in graph.nodes:
            operation = _operation(node, [types[name] for name in node.inputs])
            self._steps.append((node, operation))
        self._last_read = {
            name: node.name for node in graph.nodes for name in node.inputs
        }  # the last one wins

    @cached_property
    def windows(self) -> int:
        """As many windows of a photo as this processor does in a second, at most 40."""
        one = np.zeros((1, *self._graph.input_shape), np.uint8)
        times = []
        for _ in range(3):
            began = time.process_time()
            self.execute(one)
            times.append(time.process_time() - began)
        return max(1, min(_MOST_WINDOWS, int(_SECONDS / max(min(times), 1e-6))))

    def execute(self, images: np.ndarray) -> np.ndarray:
        """Logits (N, classes) int32 of `images` uint8; ValueError on shapes not the graph's."""
        shape = self._graph.input_shape
        if images.ndim != 4 or images.shape[1:] != shape or images.dtype != np.uint8:
            raise ValueError(f"expected uint8 images (N, {', '.join(map(str, shape))}), "
                             f"got {images.dtype} {images.shape}")  # fmt: skip
        classes = self._graph.output.shape[2]
        logits = np.empty((len(images), classes), np.int32)
        batch = max(1, _BATCH_PIXELS // (shape[0] * shape[1]))
        for start in range(0, len(images), batch):
            part = slice(start, start + batch)
            logits[part] = self.tensors(images[part])[self._graph.output.name].reshape(-1, classes)
        return logits

    def close(self) -> None:
        """Nothing is held: for those who close any backend."""

    def tensors(self, images: np.ndarray, keep: bool = False) -> dict[str, np.ndarray]:
        """The tensors (N, height, width, channels) after each node; all of them with `keep`."""
        alive = {INPUT: images.astype(np.int32)}
        for node, operation in self._steps:
            alive[node.name] = operation(*(alive[name] for name in node.inputs))
            if not keep:
                for name in node.inputs:
                    if self._last_read[name] == node.name:
                        alive.pop(name, None)
        return alive


def _operation(node: Node, types: list[DataType]) -> Callable[..., np.ndarray]:
    if isinstance(node, Convolution):
        return _convolution(node, max(-types[0].minimum, types[0].maximum))
    if isinstance(node, Windowed):
        return _windowed(node, types[0])
    if isinstance(node, Threshold):
        return _threshold(node)
    if isinstance(node, Pool):
        return lambda x: x.sum(axis=(1, 2), keepdims=True, dtype=np.int32)
    assert isinstance(node, Add)
    return lambda a, b: np.add(a, b, dtype=np.int32)  # the operands' own types would wrap


def _convolution(node: Convolution, largest_input: int) -> Callable[[np.ndarray], np.ndarray]:
    outputs, down, across, inputs = node.weights.shape
    matrix = node.weights.reshape(outputs, -1).T
    bound = int(np.abs(matrix.astype(np.int64)).sum(axis=0).max()) * largest_input
    kind = np.float32 if bound <= _EXACT_FLOAT32 else np.float64
    matrix = np.ascontiguousarray(matrix, kind)
    (top, left, bottom, right), (step_y, step_x) = node.pads, node.strides
    height, width = node.shape[:2]

    def run(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x.astype(kind), ((0, 0), (top, bottom), (left, right), (0, 0)))
        n, row, pixel, element = padded.strides
        windows = as_strided(
            padded, (len(x), height, width, down, across, inputs),
            (n, row * step_y, pixel * step_x, row, pixel, element), writeable=False,
        )  # fmt: skip
        flat = windows.reshape(-1, down * across * inputs)
        sums: np.ndarray = (flat @ matrix).astype(np.int32)
        return sums.reshape(len(x), height, width, outputs)

    return run


def _windowed(
    node: Union[MaxPool, SumPool, Depthwise], dtype: DataType
) -> Callable[[np.ndarray], np.ndarray]:
    """One operation on whole images for each pixel of a window."""
    top, left, bottom, right = node.padding
    pads = ((0, 0), (top, bottom), (left, right), (0, 0))
    border = dtype.minimum if isinstance(node, MaxPool) else 0
    height, width = node.shape[:2]
    join = np.maximum if isinstance(node, MaxPool) else np.add

    def run(x: np.ndarray) -> np.ndarray:
        padded = np.pad(x.astype(np.int32), pads, constant_values=border)
        result = None
        for dy, dx in np.ndindex(*node.kernel):
            part = padded[:, dy :: node.stride[0], dx :: node.stride[1]][:, :height, :width]
            if isinstance(node, Depthwise):
                part = part * node.weights[:, dy, dx].astype(np.int32)
            result = part.copy() if result is None else join(result, part, out=result)
        assert result is not None
        return result

    return run


def _threshold(node: Threshold) -> Callable[[np.ndarray], np.ndarray]:
    rows = node.thresholds
    kind = np.dtype(np.int16 if node.dtype.bits > 7 else np.int8)

    def run(x: np.ndarray) -> np.ndarray:
        if len(rows) == 1:
            return (np.searchsorted(rows[0], x, side="right") + node.bias).astype(kind)
        result = np.empty(x.shape, kind)
        for channel, row in enumerate(rows):
            result[..., channel] = np.searchsorted(row, x[..., channel], side="right") + node.bias
        return result

    return run
