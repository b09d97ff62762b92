"""Whole networks: generated, simulated, equal to the reference at the predicted pace."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Convolution, DataType, Threshold
from board_app.network.reference import Reference
from host_build.compiler.fold import Budget, fold, options
from host_build.compiler.head_bias import add_bias
from host_build.generate import verilog
from host_build.generate.circuit import record, restore
from host_build.generate.convolution import stream_types
from host_build.generate.folding import FoldingError, LayerFolding, read
from host_build.generate.layout import Plan
from host_build.generate.plan import lanes_for, plan
from host_build.generate.windowed import fewest_cycles
from host_build.generate.wiring import LEAST_DEPTH
from host_build.kernels import matrix_vector
from host_build.kernels.base import Resources
from host_build.kernels.sliding_window import SlidingWindow
from host_build.kernels.thresholds import Thresholds
from host_build.kernels.thresholds_parallel import ThresholdsParallel
from host_build.simulation import fifo_sizing
from host_build.simulation.fifo_sizing import SIZING_FRAMES, size_fifos
from host_build.simulation.network import FifoSizing, NetworkSimulation
from host_build.simulation.verilator import Deadlock, SimulationError, lint
from tests.board.networks import Builder, near_zero

from .support import check_network

pytestmark = pytest.mark.rtl


def residual(seed: int) -> Graph:
    """A stem, a block of stride 2 with a projection, a block with an identity, pool and head."""
    make = Builder(np.random.default_rng(seed), (8, 8, 3))
    stem = make.threshold(make.convolution(make.threshold(INPUT, 15, signed=True), 4, 3, bits=5), 7)
    main = make.threshold(make.convolution(stem, 6, 3, stride=2, bits=4), 15)
    main = make.threshold(make.convolution(main, 6, 3, bits=5), 15, signed=True)
    side = make.threshold(make.convolution(stem, 6, 1, stride=2, bits=6), 15, signed=True)
    joined = make.threshold(make.add(main, side), 15, shared=True)
    main = make.threshold(make.convolution(joined, 6, 3, bits=4), 15, signed=True)
    side = make.threshold(joined, 15, signed=True, shared=True)
    joined = make.threshold(make.add(main, side), 7, shared=True)
    make.convolution(make.pool(joined), 10, 1, bits=5)
    return near_zero(make.graph(), 16)


def biased(graph: Graph) -> Graph:
    """The same with a bias of the logits, as the compiler adds one."""
    *_, pool, head = graph.nodes
    assert isinstance(head, Convolution)
    steps = np.random.default_rng(7).integers(-9_000, 9_000, head.shape[2])
    nodes = add_bias(head, pool.shape, pool.dtype, steps, "add_bias", DataType(24, signed=True))
    return replace(graph, nodes=(*graph.nodes, *nodes))


def random_folding(graph: Graph, seed: int) -> dict[str, LayerFolding]:
    rng = np.random.default_rng(seed)
    return {name: rng.choice(np.array(o, object)).fold for name, o in options(graph).items()}


def frames(graph: Graph, count: int, seed: int = 0) -> np.ndarray:
    shape = (count, *graph.input_shape)
    return np.random.default_rng(seed).integers(0, 256, shape, np.uint8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_random_folding_is_exact_keeps_its_pace_and_never_deadlocks(seed):
    graph = biased(residual(seed)) if seed == 2 else residual(seed)
    folding = random_folding(graph, seed)
    largest = plan(graph, folding)
    depths = size_fifos(largest, "net_random")
    layout = plan(graph, folding, depths)
    circuit = NetworkSimulation.generated(layout, "net_random")
    images = frames(graph, 12, seed)
    expected = Reference(graph).execute(images)
    assert len(np.unique(expected, axis=0)) == len(images)
    stalls = ((0.5, 0.0), (0.0, 0.5), (0.3, 0.7), (0.9, 0.9))
    check_network(circuit, images, expected, layout.interval, stalls, seed)

    # One slot less where the shortcut waits for the main path does stall.
    sizing = FifoSizing(largest, "net_random")
    shortcut = max((f for f in depths if "_fifo_" in f), key=lambda f: depths[f])
    assert depths[shortcut] > 3
    less = {**depths, shortcut: depths[shortcut] - 1}
    # Kernels that are all busy all the time may take more frames than these to find their pace.
    few = images[:SIZING_FRAMES]
    try:
        slower, _ = sizing.run(less, few, interval=layout.interval)
        assert slower.interval > layout.interval
    except Deadlock:
        pass


def mobile(seed: int) -> Graph:
    """A stem, its largest values, two inverted residuals (the second adds), pools and a head."""
    around = ((1, 1), (1, 1, 1, 1))
    make = Builder(np.random.default_rng(seed), (12, 8, 3))
    x = make.threshold(make.convolution(make.threshold(INPUT, 15, signed=True), 4, 3, bits=4), 7)
    x = make.max_pool(x, (3, 2), (2, 2), (1, 0, 2, 0))
    x = make.threshold(make.convolution(x, 6, 1, bits=4), 15)
    x = make.threshold(make.depthwise(x, (3, 3), *around), 15)
    x = skip = make.threshold(make.convolution(x, 4, 1, bits=4), 15, signed=True)
    x = make.threshold(make.convolution(x, 8, 1, bits=4), 15)
    x = make.threshold(make.depthwise(x, (3, 3), *around, bits=6), 15)
    x = make.add(make.threshold(make.convolution(x, 4, 1, bits=4), 15, signed=True), skip)
    x = make.max_pool(make.threshold(x, 15, signed=True), (2, 2), (1, 1), (1, 1, 0, 0))
    x = make.threshold(make.sum_pool(x, (2, 3), (2, 1), (0, 1, 1, 0)), 15)
    make.convolution(make.pool(x), 10, 1, bits=5)
    return near_zero(make.graph(), 8)


def pooled_stem(seed: int) -> Graph:
    """A stem, a max pool that a block and its shortcut read; one summand has a sign, one none."""
    make = Builder(np.random.default_rng(seed), (18, 14, 3))
    x = make.threshold(make.convolution(make.threshold(INPUT, 15, signed=True), 4, 3, bits=4), 15)
    x = skip = make.max_pool(x, (3, 3), (2, 2), (1, 1, 1, 1))
    x = make.threshold(make.convolution(x, 4, 3, bits=4), 15)
    x = make.add(make.threshold(make.convolution(x, 4, 3, bits=4), 15, signed=True), skip)
    make.convolution(make.pool(make.threshold(x, 15)), 10, 1, bits=5)
    return near_zero(make.graph(), 8)


@pytest.mark.slow
@pytest.mark.parametrize("network", [mobile, pooled_stem])
def test_windows_of_each_channel_are_exact_and_keep_their_pace(network):
    graph, name = network(3), f"net_{network.__name__}"
    # Some nodes have all lanes then, others a part.
    cycles = 2 * max(fewest_cycles(graph, stream_types(graph)))
    folding = fold(graph, cycles=cycles)
    largest = plan(graph, folding, interval=cycles)
    layout = plan(graph, folding, size_fifos(largest, name), interval=cycles)
    circuit = NetworkSimulation.generated(layout, name)
    images = frames(graph, 16)
    expected = Reference(graph).execute(images)
    assert len(np.unique(expected, axis=0)) > len(images) // 2
    assert layout.interval <= cycles
    stalls = ((0.5, 0.0), (0.0, 0.5), (0.7, 0.7))
    check_network(circuit, images, expected, layout.interval, stalls)


def test_fold_says_when_windows_take_longer():
    graph = mobile(3)
    floor = max(fewest_cycles(graph, stream_types(graph)))
    with pytest.raises(FoldingError, match=f"takes {floor} cycles a frame, at most {floor - 1}"):
        fold(graph, cycles=floor - 1)
    assert plan(graph, fold(graph)).interval == floor


@pytest.mark.slow
def test_four_products_a_dsp_wherever_they_fit():
    """Two pixels at once in every layer that can, at several paces of unit and adapters."""
    make = Builder(np.random.default_rng(5), (8, 8, 3))
    stem = make.threshold(make.convolution(make.threshold(INPUT, 15), 4, 3, bits=4), 15)
    main = make.threshold(make.convolution(stem, 6, 3, bits=4), 15, signed=True)
    side = make.threshold(make.convolution(stem, 6, 1, bits=3), 15, signed=True)
    joined = make.threshold(make.add(main, side), 15, shared=True)
    make.convolution(make.pool(joined), 10, 1, bits=5)
    graph = make.graph()
    for seed in range(2):
        folding = random_folding(graph, seed)
        rng = np.random.default_rng(seed)
        for node in graph.nodes[:-1]:
            if isinstance(node, Convolution):
                pe = int(rng.choice([1, 2, len(node.weights)]))
                folding[node.name] = replace(folding[node.name], pe=pe, style="DSP4")
        largest = plan(graph, folding)
        assert sum(i.kernel.module == "vector_pair" for i in largest.instances) == 3
        depths = size_fifos(largest, "net_pairs")
        layout = plan(graph, folding, depths)
        circuit = NetworkSimulation.generated(layout, "net_pairs")
        images = frames(graph, 12, seed)
        expected = Reference(graph).execute(images)
        assert len(np.unique(expected, axis=0)) > 1
        run = circuit.run(images)
        assert np.array_equal(run.logits, expected)
        assert run.interval == layout.interval
        stalled = circuit.run(images, stall_in=0.4, stall_out=0.6, seed=seed)
        assert np.array_equal(stalled.logits, expected)


def test_head_has_no_second_pixel():
    graph = residual(0)
    folding = {name: layer[0].fold for name, layer in options(graph).items()}
    head = graph.output.name
    folding[head] = replace(folding[head], style="DSP4")
    with pytest.raises(FoldingError, match=rf"{head}: .* vectors is 1, but must be even"):
        plan(graph, folding)


@pytest.fixture(scope="module")
def small() -> Graph:
    make = Builder(np.random.default_rng(9), (6, 6, 3))
    stem = make.threshold(make.convolution(make.threshold(INPUT, 7), 4, 3, bits=4), 7)
    make.convolution(make.pool(stem), 10, 1, bits=4)
    return make.graph()


def test_too_shallow_shortcut_is_a_deadlock():
    graph = residual(0)
    folding = {name: layer[0].fold for name, layer in options(graph).items()}
    largest = plan(graph, folding)
    sizing = FifoSizing(largest, "net_shallow")
    depths = dict.fromkeys(largest.depths, 3)
    with pytest.raises(Deadlock, match=r"in: .* beats"):
        sizing.run(depths, frames(graph, 3), interval=largest.interval)


def strided_shortcut() -> Graph:
    """A block of stride 2 whose projection has many channels to add up, and few to compute."""
    make = Builder(np.random.default_rng(4), (8, 8, 3))
    stem = make.threshold(make.convolution(make.threshold(INPUT, 7), 32, 3, bits=4), 7)
    main = make.threshold(make.convolution(stem, 5, 3, stride=2, bits=4), 15)
    main = make.threshold(make.convolution(main, 5, 3, bits=4), 15, signed=True)
    side = make.threshold(make.convolution(stem, 5, 1, stride=2, bits=4), 15, signed=True)
    make.convolution(make.pool(make.threshold(make.add(main, side), 7, shared=True)), 10, 1, bits=4)
    return make.graph()


def as_slow_as(graph: Graph, cycles: int) -> dict[str, LayerFolding]:
    """Every convolution as slow as it can be within `cycles`."""
    return {
        name: max((o for o in layer if o.cycles <= cycles), key=lambda o: o.cycles).fold
        for name, layer in options(graph).items()
    }


def test_a_strided_shortcut_does_not_wait_for_the_pixels_it_skips():
    """The projection's unit is busy all the time: 16 vectors of 32 beats, for 5 outputs each."""
    graph = strided_shortcut()
    folding = as_slow_as(graph, 16 * 32 * 5)
    layout = plan(graph, folding, size_fifos(plan(graph, folding), "net_strided"))
    assert layout.interval == 16 * 32 * 5
    images = frames(graph, 24)
    run = NetworkSimulation.generated(layout, "net_strided").run(images)
    assert np.array_equal(run.logits, Reference(graph).execute(images))
    assert set(run.spacings) == {layout.interval}


@pytest.mark.parametrize(
    ("size", "channels", "side", "padding", "less"),
    [(10, 4, 3, 0, 0), (10, 4, 3, 0, 1), (12, 8, 5, 1, 0)],
)
def test_a_ring_is_as_large_as_a_slow_source_needs(size, channels, side, padding, less):
    """What gives the windows' words is as slow as it may be; with a word less they wait."""
    make = Builder(np.random.default_rng(3), (size, size, 2))
    stem = make.threshold(make.convolution(make.threshold(INPUT, 3), channels, 1, bits=4), 7)
    wide = make.convolution(stem, 2, side, bits=4, padding=padding)
    make.convolution(make.pool(make.threshold(wide, 7)), 4, 1, bits=4)
    graph = make.graph()
    folding = {n: min(layer, key=lambda o: o.cycles).fold for n, layer in options(graph).items()}
    layout = plan(graph, folding)
    (windows,) = (i for i in layout.instances if isinstance(i.kernel, SlidingWindow))
    assert layout.interval == windows.cycles
    ring = replace(windows.kernel, ring=windows.kernel.depth - less)
    instances = [replace(i, kernel=ring) if i is windows else i for i in layout.instances]
    sizing = FifoSizing(replace(layout, instances=tuple(instances)), "net_ring")
    run, _ = sizing.run(layout.depths, frames(graph, 20), interval=layout.interval)
    assert (run.interval > layout.interval) == (less > 0)


def test_a_slow_network_is_no_deadlock():
    """Nothing moves for as long as its widest layer computes the last rows."""
    make = Builder(np.random.default_rng(5), (8, 8, 3))
    stem = make.threshold(make.convolution(make.threshold(INPUT, 7), 64, 3, bits=4), 7)
    last = make.threshold(make.convolution(stem, 64, 3, bits=4), 7)
    make.convolution(make.pool(last), 10, 1, bits=4)
    graph = make.graph()
    layout = plan(graph, as_slow_as(graph, 10**6))
    assert layout.interval > 500_000
    images = frames(graph, 1)
    run = NetworkSimulation.generated(layout, "net_slow").run(images)
    assert np.array_equal(run.logits, Reference(graph).execute(images))


def test_a_shortcut_that_is_a_little_slower_than_its_twin_says_is_found(monkeypatch):
    """The main path takes longer to its first result, so that for a while nobody waits for it."""
    graph = strided_shortcut()
    folding = as_slow_as(graph, 8 * 32 * 5)
    (slow,) = (n.name for n in graph.nodes if isinstance(n, Convolution) and n.strides > n.kernel)
    folding[slow] = as_slow_as(graph, 16 * 32 * 5)[slow]
    layout = plan(graph, folding)
    monkeypatch.setattr(Plan, "interval", 16 * 32 * 5 - 4)
    with pytest.raises(SimulationError, match="no FIFO depths keep 2,556 cycles a frame"):
        size_fifos(layout, "net_slower_shortcut")


def test_fifos_that_were_just_full_get_a_slot_more(small, monkeypatch):
    """Seen with `lightweight-stride1`: exactly what was in use missed the pace."""
    layout = plan(small, fold(small))
    held = {name: LEAST_DEPTH + 1 for name in layout.depths}

    def run(sizing, depths, images, *, interval):
        late = any(depth == held[name] for name, depth in depths.items())
        return SimpleNamespace(interval=layout.interval + late), held

    monkeypatch.setattr(FifoSizing, "__init__", lambda *_: None)
    monkeypatch.setattr(FifoSizing, "run", run)
    assert set(size_fifos(layout, "net_small").values()) == {LEAST_DEPTH + 2}
    monkeypatch.setattr(fifo_sizing, "_MOST_SPARE", 0)
    with pytest.raises(SimulationError, match="0 slots more than were in use are not enough"):
        size_fifos(layout, "net_small")


def test_frame_of_the_wrong_size(small):
    folding = fold(small)
    circuit = NetworkSimulation.generated(plan(small, folding), "net_small")
    with pytest.raises(ValueError, match="108 values"):
        circuit.run(np.zeros((2, 5, 6, 3), np.uint8))
    with pytest.raises(ValueError, match="uint8"):
        circuit.run(np.zeros((2, 6, 6, 3), np.int32))


def test_same_input_gives_the_same_bytes_and_lints(small, tmp_path):
    folding = fold(small)
    first, again = (verilog.files(plan(small, folding), "net_small") for _ in range(2))
    assert first == again
    for name, text in first.items():
        (tmp_path / name).write_text(text)
    lint("net_small", sorted(tmp_path.glob("*.sv")), {})


def test_circuit_file_round_trip_and_damage(small, tmp_path):
    folding = fold(small)
    circuit = record(folding, plan(small, folding))
    path = tmp_path / "circuit.json"
    path.write_bytes(circuit.dump())
    assert read(path) == circuit
    path.write_bytes(circuit.dump()[:-20])
    with pytest.raises(FoldingError, match=r"circuit\.json is no readable circuit"):
        read(path)


def test_estimates_do_not_change_a_stored_circuit(small, monkeypatch):
    # Block memories, which positions share.
    folding = {name: replace(row, rom="block") for name, row in fold(small).items()}
    layout = plan(small, folding)
    stored = record(folding, layout)
    kinds = set(stored.thresholds.values())
    text = verilog.files(layout, "net_small")
    for kind in (Thresholds, ThresholdsParallel):
        cost = Resources(lut=1e6) if kind.module in kinds else Resources()
        monkeypatch.setattr(kind, "resources", lambda _, cost=cost: cost)
    monkeypatch.setattr(matrix_vector, "sharing_cost", lambda _, shared: -shared)
    assert verilog.files(restore(small, stored), "net_small") == text
    # Without the record the same folding is another circuit now, in both respects.
    other = record(folding, plan(small, folding))
    assert other.thresholds != stored.thresholds
    assert other.folding != stored.folding


def test_circuit_of_an_older_program(small, tmp_path):
    path = tmp_path / "net" / "circuit.json"
    path.parent.mkdir()
    content = json.loads(record(fold(small), plan(small, fold(small))).dump())
    del content["thresholds"]
    path.write_text(json.dumps(content))
    with pytest.raises(FoldingError, match="make it again: python -m host_build generate net"):
        read(path)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ("thresholds", "the kernel is None, but must be thresholds or thresholds_parallel"),
        ("depths", "has no depth for this FIFO"),
    ],
)
def test_circuit_that_lacks_a_node(small, part, message):
    folding = fold(small)
    circuit = replace(record(folding, plan(small, folding)), **{part: {}})
    with pytest.raises(FoldingError, match=message):
        restore(small, circuit)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"simd": 2}, r"simd is 2; legal: a divisor of 3 channels"),
        ({"pe": 3}, r"pe is 3, but must be 1 or 2 or 4"),
        ({"simd": 6, "form": "column"}, r"simd is 6"),
    ],
)
def test_illegal_folding_names_layer_value_and_legal_ones(small, change, message):
    folding = dict(fold(small))
    layer = next(iter(folding))
    folding[layer] = LayerFolding(**{"simd": 1, "pe": 1, **change})
    with pytest.raises(FoldingError, match=rf"{layer}.*{message}"):
        plan(small, folding)


def test_folding_of_another_network(small):
    with pytest.raises(FoldingError, match="for another network: odd"):
        plan(small, {**fold(small), "odd": LayerFolding(1, 1)})


def test_thresholds_out_of_order_are_refused(small):
    nodes = list(small.nodes)
    index = next(i for i, node in enumerate(nodes) if isinstance(node, Threshold))
    node = nodes[index]
    values = node.thresholds.copy()
    values[:, 0] = values.max() + 1
    nodes[index] = type(node)(
        node.name, node.inputs, node.shape, node.dtype, values, node.bias
    )  # fmt: skip
    broken = Graph(tuple(nodes), small.input_shape, small.input_dtype)
    with pytest.raises(ValueError, match="sort each row"):
        plan(broken, fold(small))


def test_fold_is_the_best_of_all(small):
    """Every combination, one by one: none within the budget has fewer cycles."""
    budget = Budget(lut=0.03, dsp=0.03, bram36=0.02)
    chosen = plan(small, fold(small, budget), None)
    layers = options(small)
    (first, one), (second, other) = layers.items()
    room = budget.resources()
    for a in one:
        for b in other:
            cycles = max(a.cycles, b.cycles)
            if cycles < chosen.interval and (a.cost + b.cost <= room).all():
                folding = {first: a.fold, second: b.fold}
                cost = plan(small, folding, {f: 32 for f in chosen.depths}).resources
                vector = np.array([cost.lut, cost.dsp, cost.bram36])
                assert (vector > room).any(), folding


def test_fold_for_a_target_is_cheaper_and_fast_enough(small):
    fast, slow = plan(small, fold(small)), plan(small, fold(small, cycles=2000))
    assert slow.interval <= 2000
    assert slow.resources.lut < fast.resources.lut


def test_fold_says_when_nothing_fits(small):
    with pytest.raises(FoldingError, match="does not fit the budget"):
        fold(small, Budget(lut=0.001))
    with pytest.raises(FoldingError, match="at most 3 cycles"):
        fold(small, cycles=3)


@pytest.mark.parametrize(
    ("channels", "pixels", "interval", "lanes"),
    [(16, 1024, 16384, 1), (16, 1024, 16383, 2), (6, 10, 20, 3), (3, 100, 1, 3)],
)
def test_lanes(channels, pixels, interval, lanes):
    assert lanes_for(channels, pixels, interval) == lanes
