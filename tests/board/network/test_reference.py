"""The reference equals a naive implementation that is written from the nodes' docstrings."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Add, Convolution, Depthwise, MaxPool, Pool, SumPool, Threshold
from board_app.network.reference import Reference

from ..networks import Builder, residual


def naive(graph: Graph, image: np.ndarray) -> dict[str, np.ndarray]:
    """Every tensor of one image, with Python's unbounded integers."""
    tensors = {INPUT: image.astype(object)}
    for node in graph.nodes:
        first = tensors[node.inputs[0]]
        result = np.zeros(node.shape, object)
        for y, x, c in np.ndindex(*node.shape):
            if isinstance(node, Threshold):
                row = node.thresholds[c % len(node.thresholds)].tolist()
                result[y, x, c] = node.bias + sum(t <= first[y, x, c] for t in row)
            elif isinstance(node, Add):
                result[y, x, c] = first[y, x, c] + tensors[node.inputs[1]][y, x, c]
            elif isinstance(node, Pool):
                result[y, x, c] = sum(first[:, :, c].ravel().tolist())
            elif isinstance(node, Convolution):
                result[y, x, c] = _window_sum(node, first, y, x, c)
            else:
                result[y, x, c] = _window(node, first, y, x, c)
        tensors[node.name] = result
    return tensors


def _window_sum(node: Convolution, pixels: np.ndarray, y: int, x: int, output: int) -> int:
    total = 0
    (step_y, step_x), (top, left, _, _) = node.strides, node.pads
    for dy, dx, channel in np.ndindex(*node.kernel, pixels.shape[2]):
        row, column = y * step_y + dy - top, x * step_x + dx - left
        if 0 <= row < pixels.shape[0] and 0 <= column < pixels.shape[1]:
            total += int(node.weights[output, dy, dx, channel]) * int(pixels[row, column, channel])
    return total


def _window(
    node: MaxPool | SumPool | Depthwise, pixels: np.ndarray, y: int, x: int, channel: int
) -> int:
    """Of the window's pixels that are in the image."""
    found = []
    for dy, dx in np.ndindex(*node.kernel):
        row = y * node.stride[0] + dy - node.padding[0]
        column = x * node.stride[1] + dx - node.padding[1]
        if 0 <= row < pixels.shape[0] and 0 <= column < pixels.shape[1]:
            weight = int(node.weights[channel, dy, dx]) if isinstance(node, Depthwise) else 1
            found.append(weight * int(pixels[row, column, channel]))
    return max(found) if isinstance(node, MaxPool) else sum(found)


def assert_equal(graph: Graph, seed: int) -> None:
    images = np.random.default_rng(seed).integers(0, 256, (2, *graph.input_shape)).astype(np.uint8)
    found = Reference(graph).tensors(images, keep=True)
    for index, image in enumerate(images):
        for name, expected in naive(graph, image).items():
            assert found[name][index].tolist() == expected.tolist(), name


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    side=st.integers(1, 6),
    steps=st.sampled_from([1, 3, 63, 127, 255]),
)
def test_residual_networks(seed: int, side: int, steps: int) -> None:
    assert_equal(residual(seed, (side, side + 1, 3), steps), seed)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 6),
    width=st.integers(1, 6),
    channels=st.integers(1, 4),
    outputs=st.integers(1, 3),
    kernel=st.sampled_from([1, 3, 5]),
    stride=st.integers(1, 3),
    bits=st.integers(2, 8),
)
def test_convolutions(
    seed: int,
    height: int,
    width: int,
    channels: int,
    outputs: int,
    kernel: int,
    stride: int,
    bits: int,
) -> None:
    build = Builder(np.random.default_rng(seed), (height, width, channels))
    build.convolution(INPUT, outputs, kernel, stride=stride, bits=bits)
    assert_equal(build.graph(), seed)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    kind=st.sampled_from(["max_pool", "sum_pool", "depthwise"]),
    kernel=st.tuples(st.integers(1, 4), st.integers(1, 4)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    signed=st.booleans(),
    draw=st.data(),
)
def test_windows_of_each_channel(
    seed: int,
    kind: str,
    kernel: tuple[int, int],
    stride: tuple[int, int],
    signed: bool,
    draw: st.DataObject,
) -> None:
    padding = tuple(draw.draw(st.integers(0, size - 1)) for size in kernel * 2)
    build = Builder(np.random.default_rng(seed), (5, 4, 3))
    source = build.threshold(INPUT, 12, signed=True) if signed else INPUT
    getattr(build, kind)(source, kernel, stride, padding)
    graph = build.graph()
    assert_equal(graph, seed)


def test_sums_beyond_float32() -> None:
    """1,024 products of a 16-bit sum and an 8-bit weight exceed 2**24: one off would show."""
    build = Builder(np.random.default_rng(5), (16, 16, 64))
    build.convolution(build.pool(INPUT), 10, 1)
    graph = build.graph()
    image = np.full((1, 16, 16, 64), 255, np.uint8)
    image[0, 0, 0] -= np.arange(64, dtype=np.uint8) % 7
    pooled = image[0].astype(np.int64).sum(axis=(0, 1))
    expected = graph.output.weights[:, 0, 0].astype(np.int64) @ pooled
    assert Reference(graph).execute(image)[0].tolist() == expected.tolist()


def test_batches_do_not_matter() -> None:
    graph = residual(2)
    images = np.random.default_rng(2).integers(0, 256, (57, 32, 32, 3)).astype(np.uint8)
    whole = Reference(graph).execute(images)
    assert whole.shape == (57, 10) and whole.dtype == np.int32
    one_by_one = [Reference(graph).execute(images[at : at + 1]) for at in (0, 49, 50, 56)]
    np.testing.assert_array_equal(np.concatenate(one_by_one), whole[[0, 49, 50, 56]])
    assert Reference(graph).execute(images[:0]).shape == (0, 10)


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((1, 3, 32, 32), np.uint8),
        np.zeros((1, 32, 32, 3), np.float32),
    ],
)
def test_wrong_images(images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8 images"):
        Reference(residual(1)).execute(images)
