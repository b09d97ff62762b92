"""Integer graphs of the shapes in the table of networks, with random weights and thresholds."""

from __future__ import annotations

import numpy as np

from board_app.graph import INPUT, Convolution, Graph
from host_build.generate.folding import LayerFolding
from host_build.variants import CLASSES, Variant
from tests.board.networks import Builder

SHAPE = (32, 32, 3)
FINN_MOST_ROWS = 1024
"""FINN's matrix-vector unit wants SIMD >= MW / 1024, as the original's report notes."""


def graph_of(variant: Variant, seed: int = 0) -> Graph:
    """`variant` as the compiler lays it out: same nodes, shapes and bits, no trained weight."""
    build = Builder(np.random.default_rng(seed), SHAPE)
    stem, bits = variant.stem_channels, variant.stem_bits
    here = build.threshold(INPUT, _steps(variant.input_bits), signed=True)
    here = build.convolution(here, stem, 3, bits=bits.weight)
    here = build.threshold(here, _steps(bits.activation))
    for index, group in enumerate(variant.groups):
        assert group.blocks == 1
        weight, steps = group.bits.weight, _steps(group.bits.activation)
        shortcut = here
        if variant.has_projection(index):
            shortcut = build.convolution(here, group.channels, 1, stride=group.stride, bits=weight)
            shortcut = build.threshold(shortcut, steps, signed=True)
        here = build.convolution(here, group.channels, 3, stride=group.stride, bits=weight)
        here = build.threshold(here, steps)
        here = build.convolution(here, group.channels, 3, bits=weight)
        here = build.threshold(here, steps, signed=True)
        here = build.threshold(build.add(here, shortcut), steps, shared=True)
    build.convolution(build.pool(here), CLASSES, 1, bits=variant.head_weight_bits)
    return build.graph()


def folding_of_the_original(graph: Graph, slowest: int) -> dict[str, LayerFolding]:
    """The rule behind the original's folding: one PE, no DSP block, and the smallest SIMD with
    which no layer takes more than `slowest` cycles a frame and FINN builds it."""
    folding = {}
    for node in graph.nodes:
        if isinstance(node, Convolution):
            outputs, *window = node.weights.shape
            width, channels = int(np.prod(window)), window[-1]
            pixels = node.shape[0] * node.shape[1]
            simd = next(
                simd
                for simd in range(1, channels + 1)
                if channels % simd == 0
                and simd * FINN_MOST_ROWS >= width
                and pixels * outputs * width // simd <= slowest
            )
            folding[node.name] = LayerFolding(simd, 1, "serial", "LUT", "block")
    return folding


def _steps(bits: int) -> int:
    return (1 << bits) - 1
