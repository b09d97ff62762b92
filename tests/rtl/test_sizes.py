"""Other pictures and classes than CIFAR-10's: the circuit, and the driver on the whole chip."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from board_app.driver.accelerator import Accelerator
from board_app.driver.chip import Hardware
from board_app.network.graph import Graph
from board_app.network.reference import Reference
from host_build.compiler.fold import fold
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.simulation.chip import Bus, SimulatedChip
from host_build.simulation.chip_build import Design, build
from host_build.simulation.network import NetworkSimulation
from tests.board.networks import residual
from tests.board.stand_in_session import CLOCK_MHZ, StandInSession

pytestmark = pytest.mark.rtl

BUILD = 0x51_2E5
# Pictures, classes, cycles a frame.
SIZES = {
    "28x28x1": ((28, 28, 1), 3, 800), "24x40x3": ((24, 40, 3), 100, 1000),
    "1000 classes": ((16, 16, 3), 1000, 1100),
}  # fmt: skip


@cache
def made(name: str) -> tuple[Graph, Plan]:
    shape, classes, cycles = SIZES[name]
    graph = residual(7, shape, classes=classes)
    return graph, plan(graph, fold(graph, cycles=cycles))


def _module(name: str) -> str:
    return f"net_{name.replace(' ', '_')}"


def pixels(graph: Graph, count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(0, 256, (count, *graph.input_shape), np.uint8)


@pytest.mark.parametrize("name", ["28x28x1", "24x40x3"])
def test_circuit_gives_the_logits_at_its_pace(name: str) -> None:
    graph, layout = made(name)
    circuit = NetworkSimulation.generated(layout, _module(name))
    images = pixels(graph, 12)
    expected = Reference(graph).execute(images)
    run = circuit.run(images)
    assert np.array_equal(run.logits, expected)
    assert run.interval == layout.interval <= SIZES[name][2]
    for stalls in ((0.4, 0.0), (0.0, 0.4), (0.3, 0.3)):
        run = circuit.run(images[:6], stall_in=stalls[0], stall_out=stalls[1], seed=2)
        assert np.array_equal(run.logits, expected[:6])


@pytest.mark.parametrize("name", ["28x28x1", "1000 classes"])
def test_driver_on_the_whole_chip(name: str) -> None:
    graph, layout = made(name)
    chip = SimulatedChip(build(Design.of_plan(layout, _module(name), f"{BUILD:08x}")))
    interval, (shape, classes, _) = layout.interval, SIZES[name]
    hardware = Hardware(BUILD, CLOCK_MHZ, interval, 4 * interval, shape, classes)
    session = StandInSession(chip)
    driver = Accelerator(session, hardware)
    reference = Reference(graph)
    for count, bus in ((1, Bus()), (9, Bus(stall=0.3)), (33, Bus((1, 90), (1, 90)))):
        chip.bus = bus
        images = pixels(graph, count)
        assert np.array_equal(driver.execute(images), reference.execute(images)), count
    # The network's own pace, to within what memory's additions and the first frame take.
    assert driver.last_cycles is not None and driver.last_run is not None
    assert driver.last_run.retries == 0
    assert driver.last_cycles < 1.03 * 33 * interval + hardware.latency_cycles
