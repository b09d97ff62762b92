"""The circuits that the project ships, and the original's network, on real images."""

from __future__ import annotations

import numpy as np
import pytest

from board_app.network import overlay
from board_app.network.reference import Reference
from board_app.pictures import cifar10 as data
from host_build.cli import main
from host_build.compiler.fold import fold
from host_build.compiler.pipeline import compile_model
from host_build.compiler.pixels import RANGES
from host_build.generate import circuit
from host_build.generate.plan import plan
from host_build.simulation.fifo_sizing import size_fifos
from host_build.simulation.network import NetworkSimulation

pytestmark = [pytest.mark.rtl, pytest.mark.slow]
IMAGES = 200
# Of a slower circuit fewer images, to take as long.
CYCLES = 2_000_000


@pytest.mark.parametrize("name", overlay.names())
@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_shipped_circuit_equals_the_reference_at_its_pace(cifar10, name, stall):
    chosen = overlay.find(name)
    layout = circuit.layout(chosen)
    images = data.load(cifar10, "test").images[: min(IMAGES, CYCLES // layout.interval)]
    simulation = NetworkSimulation.generated(layout, circuit.module_name(name))
    run = simulation.run(images, stall_in=stall, stall_out=stall, seed=1)
    assert np.array_equal(run.logits, Reference(chosen.graph()).execute(images))
    assert layout.interval == chosen.manifest.circuit["cycles_per_frame"]
    if not stall:
        assert run.interval == layout.interval


def test_original_network_within_10_000_cycles(cifar10, original, tmp_path):
    images = data.load(cifar10, "test").images[:IMAGES]
    source = original / "finn_lightweight_resnet8_acc84.51.onnx"
    graph = compile_model(source, tmp_path, images[:20], pixels=RANGES["normalised"]).graph
    folding = fold(graph, cycles=10_000)
    depths = size_fifos(plan(graph, folding), "network_original")
    layout = plan(graph, folding, depths)
    assert layout.interval <= 10_000
    simulation = NetworkSimulation.generated(layout, "network_original")
    expected = Reference(graph).execute(images)
    run = simulation.run(images)
    assert np.array_equal(run.logits, expected)
    assert run.interval == layout.interval
    stalled = simulation.run(images, stall_in=0.3, stall_out=0.3, seed=2)
    assert np.array_equal(stalled.logits, expected)


def test_simulate_command(cifar10, capsys):
    arguments = ["simulate", "lightweight", "--images", "5", "--cifar10", str(cifar10)]
    assert main(arguments) == 0
    assert "all logits equal the reference's" in capsys.readouterr().out


def test_layers_of_the_shipped_network_keep_to_the_plan(cifar10):
    """No kernel is slower than the network, and the slowest one sets its pace."""
    layout = circuit.layout(overlay.find("lightweight"))
    cycles = [instance.cycles for instance in layout.instances]
    assert max(cycles) == layout.interval
