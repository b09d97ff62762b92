"""Whole networks in the chip, from pixels in memory to logits in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from board_app.driver.chip import Frames
from board_app.network.graph import Graph
from board_app.network.reference import Reference
from host_build.compiler.fold import fold
from host_build.generate import chip as chips
from host_build.generate.chip import Chip, ChipError, converters
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.simulation.chip import Bus, SimulatedChip
from host_build.simulation.chip_build import Design, build
from host_build.simulation.network import NetworkSimulation
from tests.board.networks import residual
from tests.rtl.chip_support import WILD, Reg, fill, finished, soft_reset, start

pytestmark = pytest.mark.rtl

SOURCE, TARGET = 0x10_0000, 0x80_0000


@dataclass(frozen=True)
class Case:
    """A network, its plan, and pictures with the logits they must give."""

    name: str
    graph: Graph
    plan: Plan
    images: np.ndarray
    logits: np.ndarray


@cache
def case(shape: tuple[int, int, int], cycles: int, classes: int = 10) -> Case:
    size = shape[0]
    graph = residual(size, shape, classes=classes)
    layout = plan(graph, fold(graph, cycles=cycles), interval=cycles)
    images = np.random.default_rng(size).integers(0, 256, (60, *shape)).astype(np.uint8)
    return Case(f"tiny{size}", graph, layout, images, Reference(graph).execute(images))


# Channels a beat. The last two have frames that are no whole beats of memory, in and out.
CASES = {
    "lanes 3": ((16, 16, 3), 400), "lanes 1": ((8, 8, 3), 200),
    "lanes 1, 27x27": ((27, 27, 1), 800, 3), "lanes 3, 9x7": ((9, 7, 3), 100, 5),
}  # fmt: skip


@pytest.fixture(scope="module", params=CASES)
def made(request: pytest.FixtureRequest) -> tuple[Case, SimulatedChip]:
    one = case(*CASES[request.param])
    assert request.param.startswith(f"lanes {one.plan.source.lanes}")
    return one, SimulatedChip(build(Design.of_plan(one.plan, one.name, "0badcafe")))


@pytest.fixture
def board(made: tuple[Case, SimulatedChip]) -> Iterator[tuple[Case, SimulatedChip]]:
    made[1].bus = Bus()
    made[1].power_cycle()
    yield made


def frames(one: Case) -> Frames:
    return Frames(one.graph.input_shape, one.logits.shape[1])


def load(chip: SimulatedChip, one: Case, count: int, source: int) -> None:
    """`count` frames, with noise between them."""
    size, layout = one.images[0].size, frames(one)
    rows = fill(chip, source, count * layout.in_bytes, 5).reshape(count, -1)
    rows[:, :size] = one.images[:count].reshape(count, -1)
    chip.ddr[source : source + rows.size] = rows.reshape(-1)


def logits(chip: SimulatedChip, one: Case, count: int, target: int) -> np.ndarray:
    """Of `count` frames; what fills memory's beats is 0."""
    rows = chip.ddr[target : target + frames(one).out_bytes * count].view("<i4").reshape(count, -1)
    classes = one.logits.shape[1]
    assert not rows[:, classes:].any()
    return rows[:, :classes]


def classifies(
    board: tuple[Case, SimulatedChip], count: int, source: int = SOURCE, target: int = TARGET
) -> None:
    one, chip = board
    load(chip, one, count, source)
    end = target + frames(one).out_bytes * count
    chip.ddr[target : end + 8] = 0xEE
    start(chip, source, target, count)
    assert finished(chip), hex(chip.read(Reg.STATUS))
    assert np.array_equal(logits(chip, one, count, target), one.logits[:count])
    assert (chip.ddr[end : end + 8] == 0xEE).all()
    assert chip.read(Reg.READ) == chip.read(Reg.WRITTEN) == count
    assert chip.read(Reg.STATUS) == 0


def test_knows_its_build(board: tuple[Case, SimulatedChip]) -> None:
    assert board[1].read(Reg.CONTROL) == 0x0BADCAFE


@pytest.mark.parametrize("count", [1, 2, 3, 60])
def test_batches(board: tuple[Case, SimulatedChip], count: int) -> None:
    classifies(board, count)


def test_back_to_back_at_any_place(board: tuple[Case, SimulatedChip]) -> None:
    rng = np.random.default_rng(0)
    for _ in range(6):
        source, target = (8 * int(rng.integers(0, 1024)) for _ in range(2))
        classifies(board, int(rng.integers(1, 12)), SOURCE + source, TARGET + target)


@pytest.mark.parametrize(
    "bus", [WILD, Bus((1, 400), (1, 300)), Bus((1, 9), (1, 9), stall=0.6, bursts=1)], ids=str
)
def test_any_memory(board: tuple[Case, SimulatedChip], bus: Bus) -> None:
    board[1].bus = bus
    for count in (1, 5, 20):
        classifies(board, count)


def test_throughput(board: tuple[Case, SimulatedChip]) -> None:
    """With memory of usual latency the chip is as fast as the network alone."""
    one, chip = board
    alone = NetworkSimulation.generated(one.plan, one.name).run(one.images)
    cycles = int(alone.finished[-1] - alone.started[0])
    classifies(board, len(one.images))
    taken = chip.read(Reg.CYCLES)
    print(f"{one.name}: {taken} cycles in the chip, {cycles} alone, of {len(one.images)} frames")
    assert cycles <= taken <= cycles / 0.97
    assert chip.read(Reg.FIRST) - alone.latency < 100
    # The network waits for the first pixels and while what is between frames is dropped, and
    # nothing waits for memory after them.
    dropped = (frames(one).in_bytes - one.images[0].size) // one.plan.source.lanes
    assert chip.read(Reg.STARVED) < 60 + dropped * len(one.images) and chip.read(Reg.HELD) < 10
    most = one.plan.interval - one.plan.source.beats
    assert chip.read(Reg.BLOCKED) <= (most + 2) * len(one.images)


def test_waits_for_a_slow_memory_are_counted(board: tuple[Case, SimulatedChip]) -> None:
    one, chip = board
    chip.bus = Bus((2000, 2000), bursts=1)
    classifies(board, 3)
    bursts = 3 * frames(one).in_bytes // 128
    assert 1900 * bursts < chip.read(Reg.STARVED) < chip.read(Reg.CYCLES)
    assert chip.read(Reg.FIRST) > chip.read(Reg.CYCLES) // 4


def test_soft_reset_in_a_batch(board: tuple[Case, SimulatedChip]) -> None:
    one, chip = board
    rng = np.random.default_rng(3)
    load(chip, one, len(one.images), SOURCE)
    for round_ in range(8):
        chip.bus = WILD if round_ % 2 else Bus()
        start(chip, SOURCE, TARGET, len(one.images))
        chip.advance(int(rng.integers(1, 5 * one.plan.interval)))
        # It takes as long as the bursts under way, not as long as the batch.
        assert soft_reset(chip, 1000)
        classifies(board, 3)


def test_output_of_fewer_frames_leaves_the_rest(board: tuple[Case, SimulatedChip]) -> None:
    """A batch with too few results hangs nothing: the soft reset takes what is left."""
    one, chip = board
    load(chip, one, len(one.images), SOURCE)
    start(chip, SOURCE, TARGET, 20, order=(0,))
    chip.write(0x1000 + 0x1C, 2)
    chip.write(0x1000, 1)
    assert finished(chip)
    assert np.array_equal(logits(chip, one, 2, TARGET), one.logits[:2])
    assert soft_reset(chip)
    classifies(board, 3)


def test_files_are_whole_and_always_the_same() -> None:
    one = case((8, 8, 3), 200)
    files = chips.files(one.plan, one.name, "0badcafe")
    again = chips.files(one.plan, one.name, "0badcafe")
    assert list(files.items()) == list(again.items())
    modules = {name.removesuffix(".sv") for name in files if name.endswith(".sv")}
    assert {"chip_top", "chip_core", "tiny8", "input_dma", "axi_slave", "fifo"} <= modules
    assert one.plan.images().items() <= files.items()
    assert "32'h0badcafe" in files["chip_core.sv"]


@pytest.mark.parametrize(
    ("bits", "shape", "classes", "build_id", "message"),
    [
        (6, (8, 8, 3), 2, 0, "6 bits are not whole bytes"),
        (16, (8, 8, 3), 2, 0, "16 bits are no part of a pixel's 3 channels"),
        (8, (8, 8, 0), 2, 0, "has no pixels"),
        (8, (8, 8, 1), 0, 0, "has no pixels, or no logits"),
        (24, (8, 8, 3), 2, 1 << 32, "build id 0x100000000"),
    ],
)
def test_impossible_chips(
    bits: int, shape: tuple[int, int, int], classes: int, build_id: int, message: str
) -> None:
    with pytest.raises(ChipError, match=message):
        Chip("network", bits, Frames(shape, classes), build_id)


def test_converters() -> None:
    def widths(one: int, other: int) -> list[int]:
        return [kernel.out_width for kernel in converters(one, other)]

    assert widths(64, 8) == [8]
    assert widths(64, 24) == [192, 24]
    assert widths(64, 64) == []
    assert widths(64, 192) == [192]
    assert widths(32, 64) == [64]
