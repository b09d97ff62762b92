"""A row of the table as an integer graph without training: the right shapes, random numbers.

What a circuit costs depends on shapes and bits alone, but for how wide sums become with the very
weights. Trained weights are about normal, with the quantiser's limit at some three deviations, and
so are these: the sums are as wide.
"""

from __future__ import annotations

import numpy as np

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Add, Convolution, DataType, Node, Pool, Threshold
from host_build.kernels.base import signed_bits
from host_build.networks.variants import CLASSES, IMAGE_CHANNELS, IMAGE_SIZE, Variant

_DEVIATIONS = 3.0
_PIXELS = DataType(8, signed=False)

Shape = tuple[int, int, int]


def skeleton(variant: Variant, seed: int = 0) -> Graph:
    """The graph that `compile` would make of `variant`, node for node; the logits mean nothing."""
    build = _Builder(np.random.default_rng(seed))
    x = build.threshold(INPUT, variant.input_bits, signed=True)
    x = build.convolution(x, variant.stem_channels, 3, 1, variant.stem_bits.weight)
    x = build.threshold(x, variant.stem_bits.activation)
    for index, group in enumerate(variant.groups):
        for block in range(group.blocks):
            first = block == 0
            bits, stride = group.bits, group.stride if first else 1
            if first and variant.has_projection(index):
                shortcut = build.convolution(x, group.channels, 1, stride, bits.weight)
                main = build.convolution(x, group.channels, 3, stride, bits.weight)
                shortcut = build.threshold(shortcut, group.bits_to_add, signed=True)
            else:
                shortcut = build.threshold(x, group.bits_to_add, signed=True, shared=True)
                main = build.convolution(x, group.channels, 3, stride, bits.weight)
            main = build.threshold(main, bits.activation)
            main = build.convolution(main, group.channels, 3, 1, bits.weight)
            main = build.threshold(main, group.bits_to_add, signed=True)
            x = build.threshold(build.add(main, shortcut), bits.activation, shared=True)
    build.convolution(build.pool(x), CLASSES, 1, 1, variant.head_weight_bits)
    return build.graph()


class _Builder:
    """Adds random nodes one after another; every method returns the new tensor's name."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._nodes: list[Node] = []
        input_shape = (IMAGE_SIZE, IMAGE_SIZE, IMAGE_CHANNELS)
        self._known: dict[str, tuple[Shape, DataType]] = {INPUT: (input_shape, _PIXELS)}

    def graph(self) -> Graph:
        return Graph(tuple(self._nodes), *self._known[INPUT])

    def threshold(
        self, tensor: str, bits: int, *, signed: bool = False, shared: bool = False
    ) -> str:
        shape, dtype = self._known[tensor]
        rows, steps = 1 if shared else shape[2], (1 << bits) - 1
        values = self._random.integers(dtype.minimum, dtype.maximum + 1, (rows, steps))
        return self._add(
            Threshold(
                self._name("threshold"), (tensor,), shape, DataType(bits, signed),
                np.sort(values, axis=1).astype(np.int32), -(1 << (bits - 1)) if signed else 0,
            )
        )  # fmt: skip

    def convolution(self, tensor: str, outputs: int, kernel: int, stride: int, bits: int) -> str:
        (height, width, channels), dtype = self._known[tensor]
        limit = (1 << (bits - 1)) - 1
        values = self._random.normal(0, limit / _DEVIATIONS, (outputs, kernel, kernel, channels))
        # Each channel has a scale of its own, so that its largest weight is at the limit.
        values *= limit / np.abs(values).max(axis=(1, 2, 3), keepdims=True)
        weights = values.round().astype(np.int8)
        size = np.abs(weights.astype(np.int64)).sum(axis=(1, 2, 3)).max()
        bound = int(size) * max(-dtype.minimum, dtype.maximum)
        return self._add(
            Convolution(
                self._name("conv"), (tensor,), (-(-height // stride), -(-width // stride), outputs),
                DataType(signed_bits(-bound, bound), signed=True), weights, stride, kernel // 2,
            )
        )  # fmt: skip

    def add(self, first: str, second: str) -> str:
        (shape, a), (_, b) = self._known[first], self._known[second]
        bits = signed_bits(a.minimum + b.minimum, a.maximum + b.maximum)
        dtype = DataType(bits, signed=True)
        return self._add(Add(self._name("add"), (first, second), shape, dtype))

    def pool(self, tensor: str) -> str:
        (height, width, channels), dtype = self._known[tensor]
        bits = (dtype.maximum * height * width).bit_length()
        return self._add(
            Pool(self._name("accpool"), (tensor,), (1, 1, channels), DataType(bits, signed=False))
        )

    def _name(self, kind: str) -> str:
        return f"{kind}{sum(node.name.startswith(kind) for node in self._nodes)}"

    def _add(self, node: Node) -> str:
        self._nodes.append(node)
        self._known[node.name] = (node.shape, node.dtype)
        return node.name
