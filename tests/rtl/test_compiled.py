"""From a file to its circuit: zero points and groups, with the logits of the untouched file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from board_app.network.nodes import Threshold
from host_build.compiler.fold import fold
from host_build.compiler.pipeline import Compiled, compile_model
from host_build.generate.plan import plan
from host_build.simulation.fifo_sizing import size_fifos
from host_build.simulation.network import NetworkSimulation
from tests.host.compiler.networks import Network, bipolar, finish, grouped, qdq, start, zero_points

from .support import check_network

pytestmark = [pytest.mark.rtl, pytest.mark.slow]

HEIGHT, WIDTH = 9, 7
CYCLES = 2_000  # a frame, at most: small units are built sooner


def levels_of_qdq() -> Network:
    return qdq(128)


def levels_of_quant_and_groups() -> Network:
    """The first two groups are padded on one side."""
    network = zero_points()
    grouped(network, 2, 4, 6, pads=[0, 0, 1, 1], strides=[2, 1])
    grouped(network, 2, 6, 4, pads=[1] * 4)
    return finish(network)


def pictures(count: int) -> np.ndarray:
    """Noise, every other one of the ends of a pixel's range: all levels are reached, and passed."""
    images = np.random.default_rng(2).integers(0, 256, (count, HEIGHT, WIDTH, 3), np.uint8)
    images[1::2] = np.where(images[1::2] < 128, 0, 255)
    return images


@pytest.mark.parametrize(
    ("network", "levels"),
    [
        (levels_of_qdq, [("int8", -128), ("uint4", 0)]),
        (levels_of_quant_and_groups, [("int9", -37), ("int5", -5), *[("uint4", 0)] * 3]),
    ],
)
def test_the_circuit_gives_the_logits_of_the_file(
    tmp_path: Path, network: Callable[[], Network], levels: list[tuple[str, int]]
) -> None:
    path = network().save(tmp_path / "m.onnx", shape=(3, HEIGHT, WIDTH))
    images, name = pictures(24), f"net_{network.__name__}"
    compiled = compile_model(path, tmp_path, images)
    graph = compiled.graph
    assert [(str(n.dtype), n.bias) for n in graph.nodes if isinstance(n, Threshold)] == levels
    # Floats of the file, integers of the circuit: exactly those that they are the multiples of.
    expected = np.rint(compiled.given.run(images, None) / compiled.logit_scale)
    assert len(np.unique(expected, axis=0)) == len(images)

    simulated_equals(compiled, images, name, expected)


def test_signs_and_a_linear_layer_of_an_image(tmp_path: Path) -> None:
    """1 bit for weights and activations; then 4x3 pixels of 4 channels become 6 numbers."""
    network = start()
    bipolar(network)
    flat = network.add("Flatten")
    network.add("Gemm", network.weights((6, 4 * 4 * 3)), first=flat, transB=1)
    network.quant(0.4371)
    before = network.last
    network.add("MatMul", network.weights((6, 10)), first=before)
    path = network.save(tmp_path / "m.onnx", shape=(3, HEIGHT, WIDTH))
    images = pictures(24)
    compiled = compile_model(path, tmp_path, images)
    expected = np.rint(compiled.given.run(images, None) / compiled.logit_scale)
    assert len(np.unique(expected, axis=0)) > 12
    simulated_equals(compiled, images, "net_signs", expected)


def simulated_equals(
    compiled: Compiled, images: np.ndarray, name: str, expected: np.ndarray
) -> None:
    """At its pace, and with random back-pressure on either side and on both."""
    graph = compiled.graph
    folding = fold(graph, cycles=CYCLES)
    layout = plan(graph, folding, size_fifos(plan(graph, folding), name))
    circuit = NetworkSimulation.generated(layout, name)
    stalls = ((0.5, 0.0), (0.0, 0.5), (0.3, 0.3))
    check_network(circuit, images, expected, layout.interval, stalls)
