"""A network of windows of every side, step and padding: simulated, equal to the reference."""

from __future__ import annotations

import numpy as np
import pytest

from board_app.network.graph import INPUT, Graph
from board_app.network.reference import Reference
from host_build.generate.plan import plan
from host_build.simulation.fifo_sizing import size_fifos
from host_build.simulation.network import NetworkSimulation
from tests.board.networks import Builder, near_zero

from .support import check_network
from .test_network import frames, random_folding

pytestmark = [pytest.mark.rtl, pytest.mark.slow]


def network() -> Graph:
    """7x7 with stride 2, 5x5, one-sided 1x3, "valid", and strides of 3 and 4, also unequal."""
    make = Builder(np.random.default_rng(6), (20, 18, 3))
    stem = make.threshold(make.convolution(make.threshold(INPUT, 7), 4, 7, stride=2, bits=4), 7)
    wide = make.threshold(make.convolution(stem, 4, 5, bits=4), 15, signed=True)
    side = make.convolution(stem, 4, (1, 3), padding=(0, 0, 0, 2), bits=4)
    joined = make.threshold(make.add(wide, make.threshold(side, 15)), 7, shared=True)
    valid = make.threshold(make.convolution(joined, 6, 3, padding=0, bits=4), 7)
    ways = [
        make.convolution(valid, 4, 3, stride=3, bits=4),
        make.convolution(valid, 4, 1, stride=3, bits=4),
        make.convolution(valid, 4, (3, 5), stride=(3, 4), padding=(0, 2, 1, 4), bits=4),
    ]
    first, second, third = (make.threshold(way, 15) for way in ways)
    both = make.threshold(make.add(first, second), 15, shared=True)
    both = make.threshold(make.add(both, third), 15, shared=True)
    last = make.convolution(both, 4, 2, padding=(1, 1, 0, 0), bits=4)
    make.convolution(make.pool(make.threshold(last, 15)), 10, 1, bits=5)
    return near_zero(make.graph(), 16)


def test_windows_of_every_side_step_and_padding():
    graph = network()
    folding = random_folding(graph, 1)
    layout = plan(graph, folding, size_fifos(plan(graph, folding), "net_windows"))
    modules = [instance.kernel.module for instance in layout.instances]
    assert modules.count("sliding_window") >= 7
    assert modules.count("subsample") == 1
    circuit = NetworkSimulation.generated(layout, "net_windows")
    images = frames(graph, 10)
    expected = Reference(graph).execute(images)
    assert len(np.unique(expected, axis=0)) > 5
    stalls = ((0.5, 0.0), (0.0, 0.5), (0.6, 0.6))
    check_network(circuit, images, expected, layout.interval, stalls)
