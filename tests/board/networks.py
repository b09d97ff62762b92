"""Random small graphs, with types that are true of every value, and overlays made of them."""

from __future__ import annotations

import hashlib
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from board_app.network import overlay
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
from board_app.network.reference import Reference
from board_app.pictures import cifar10

Shape = tuple[int, int, int]


def holding(minimum: int, maximum: int) -> DataType:
    """The smallest type that holds both."""
    signed = minimum < 0
    bits = 1
    while (
        not DataType(bits, signed).minimum <= minimum <= maximum <= DataType(bits, signed).maximum
    ):
        bits += 1
    return DataType(bits, signed)


class Builder:
    """Adds random nodes one after another; every method returns the new tensor's name."""

    def __init__(self, rng: np.random.Generator, shape: Shape) -> None:
        self._rng = rng
        self._input = shape
        self._nodes: list[Node] = []
        self._known = {INPUT: (shape, DataType(8, False))}

    def graph(self) -> Graph:
        return Graph(tuple(self._nodes), self._input, DataType(8, False))

    def threshold(
        self, name: str, steps: int, *, signed: bool = False, shared: bool = False
    ) -> str:
        shape, kind = self._known[name]
        rows = 1 if shared else shape[2]
        values = self._rng.integers(kind.minimum, kind.maximum + 1, (rows, steps))
        bias = -((steps + 1) // 2) if signed else 0
        made = holding(bias, bias + steps)
        table = np.sort(values, axis=1).astype(np.int32)
        return self._add(Threshold(self._next(), (name,), shape, made, table, bias))

    def convolution(
        self, name: str, outputs: int, kernel: int | tuple[int, int], *,
        stride: int | tuple[int, int] = 1, bits: int = 8,
        padding: int | tuple[int, int, int, int] | None = None,
    ) -> str:  # fmt: skip
        """With `padding` for half of a square kernel by default."""
        (height, width, channels), kind = self._known[name]
        largest = (1 << (bits - 1)) - 1
        down, across = (kernel, kernel) if isinstance(kernel, int) else kernel
        size = (outputs, down, across, channels)
        weights = self._rng.integers(-largest, largest + 1, size).astype(np.int8)
        pads = down // 2 if padding is None else padding
        top, left, bottom, right = (pads,) * 4 if isinstance(pads, int) else pads
        steps = (stride, stride) if isinstance(stride, int) else stride
        bound = int(np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3)).max())
        bound *= max(-kind.minimum, kind.maximum)
        padded = (height + top + bottom, width + left + right)
        kernels = (down, across)
        shape = tuple((padded[way] - kernels[way]) // steps[way] + 1 for way in (0, 1))
        return self._add(
            Convolution(
                self._next(),
                (name,),
                (*shape, outputs),
                holding(-bound, bound),
                weights,
                stride,
                pads,
            )
        )

    def add(self, first: str, second: str) -> str:
        (shape, a), (_, b) = self._known[first], self._known[second]
        made = holding(a.minimum + b.minimum, a.maximum + b.maximum)
        return self._add(Add(self._next(), (first, second), shape, made))

    def pool(self, name: str) -> str:
        (height, width, channels), kind = self._known[name]
        made = holding(kind.minimum * height * width, kind.maximum * height * width)
        return self._add(Pool(self._next(), (name,), (1, 1, channels), made))

    def max_pool(self, name: str, *window: Any) -> str:
        """`window` is kernel (y, x), stride (y, x) and padding (above, left, below, right)."""
        shape, kind = self._known[name]
        return self._add(MaxPool(self._next(), (name,), _windows(shape, *window), kind, *window))

    def sum_pool(self, name: str, *window: Any) -> str:
        shape, kind = self._known[name]
        pixels = int(np.prod(window[0]))
        made = holding(kind.minimum * pixels, kind.maximum * pixels)
        return self._add(SumPool(self._next(), (name,), _windows(shape, *window), made, *window))

    def depthwise(self, name: str, *window: Any, bits: int = 4) -> str:
        shape, kind = self._known[name]
        largest = (1 << (bits - 1)) - 1
        size = (shape[2], *window[0])
        weights = self._rng.integers(-largest - 1, largest + 1, size).astype(np.int8)
        bound = int(np.abs(weights.astype(np.int64)).sum(axis=(1, 2)).max())
        bound *= max(-kind.minimum, kind.maximum)
        made = holding(-bound, bound)
        size = _windows(shape, *window)
        return self._add(Depthwise(self._next(), (name,), size, made, *window, weights))

    def _next(self) -> str:
        return f"node{len(self._nodes)}"

    def _add(self, node: Node) -> str:
        self._nodes.append(node)
        self._known[node.name] = (node.shape, node.dtype)
        return node.name


def _windows(shape: Shape, kernel: Any, stride: Any, padding: Any) -> Shape:
    down = (shape[0] + padding[0] + padding[2] - kernel[0]) // stride[0] + 1
    across = (shape[1] + padding[1] + padding[3] - kernel[1]) // stride[1] + 1
    return down, across, shape[2]


def residual(seed: int, shape: Shape = (32, 32, 3), steps: int = 15, classes: int = 10) -> Graph:
    """One residual block, pool and linear layer: every kind of node, a fork and a join."""
    build = Builder(np.random.default_rng(seed), shape)
    stem = build.threshold(build.convolution(INPUT, 4, 3, stride=2), steps)
    branch = build.threshold(build.convolution(stem, 4, 3), steps, signed=True)
    shortcut = build.threshold(build.convolution(stem, 4, 1), steps, signed=True, shared=True)
    joined = build.threshold(build.add(branch, shortcut), steps)
    build.convolution(build.pool(joined), classes, 1)
    return build.graph()


def near_zero(graph: Graph, times: int) -> Graph:
    """Thresholds of convolutions so many times nearer to zero.

    Sums stay there: over their whole range thresholds would hide most of what happens.
    """
    sums = {node.name for node in graph.nodes if isinstance(node, (Convolution, Depthwise))}
    nodes = (
        replace(node, thresholds=node.thresholds // times)
        if isinstance(node, Threshold) and node.inputs[0] in sums
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=tuple(nodes))


def write_overlay(
    folder: Path,
    seed: int = 1,
    shape: Shape = (32, 32, 3),
    classes: tuple[str, ...] = cifar10.CLASSES,
) -> overlay.Overlay:
    """A whole overlay in `folder`: manifest, graph and golden vectors."""
    graph = residual(seed, shape, classes=len(classes))
    images = np.random.default_rng(seed).integers(0, 256, (6, *shape)).astype(np.uint8)
    vectors = io.BytesIO()
    np.savez(vectors, images=images, logits=Reference(graph).execute(images))
    files = {"tiny.npz": graph.dump(), "vectors.npz": vectors.getvalue()}
    return write_files(folder, files, shape, classes)


def write_files(
    folder: Path,
    files: dict,
    shape: Shape = (32, 32, 3),
    classes: tuple[str, ...] = cifar10.CLASSES,
) -> overlay.Overlay:
    """An overlay of these files, whatever they hold; the graph is "tiny.npz"."""
    manifest = overlay.Manifest(
        network="tiny",
        parameters=604,
        classes=classes,
        logit_scale=1e-4,
        build_id=hashlib.sha256(files["tiny.npz"]).hexdigest()[:8],
        accuracy={"test": 0.1, "images": 20, "of": "random weights"},
        tools={"tests": "1"},
        shape=shape,
    )
    return overlay.write(folder, manifest, files)
