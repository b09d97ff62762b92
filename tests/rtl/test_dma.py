"""Both DMAs in a chip that copies memory: every place, every latency, every fault."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from host_build.simulation.chip import DECERR, SLVERR, Bus, SimulatedChip
from tests.rtl.chip_support import (
    DONE,
    FRAME,
    IDLE,
    START,
    WILD,
    Reg,
    built_echo,
    fill,
    finished,
    prepare,
    soft_reset,
    start,
)  # fmt: skip

pytestmark = pytest.mark.rtl

SOURCE, TARGET = 0x10_0000, 0x20_0000
GUARD = 256
BUSES = {
    "usual": Bus(),
    "quick": Bus((1, 1), (1, 1)),
    "far": Bus((300, 500), (200, 400)),
    "wild": WILD,
    "one at a time": Bus((5, 60), (5, 60), stall=0.5, bursts=1),
}


@pytest.fixture(scope="module")
def made() -> SimulatedChip:
    return SimulatedChip(built_echo())


@pytest.fixture
def chip(made: SimulatedChip) -> Iterator[SimulatedChip]:
    made.bus = Bus()
    made.power_cycle()
    yield made


def copies(
    chip: SimulatedChip, source: int, target: int, frames: int, seed: int,
    order: tuple[int, ...] = (1, 0),
) -> None:  # fmt: skip
    """Run a batch and check that it wrote what it had to, and nothing else."""
    size = frames * FRAME
    data = fill(chip, source, size, seed)
    around = fill(chip, target - GUARD, size + 2 * GUARD, seed + 1)
    start(chip, source, target, frames, order)
    assert finished(chip), hex(chip.read(Reg.STATUS))
    around[GUARD : GUARD + size] = data
    assert np.array_equal(chip.ddr[target - GUARD : target + size + GUARD], around)
    assert chip.read(Reg.INPUT) == chip.read(Reg.OUTPUT) == DONE | IDLE
    assert chip.read(Reg.STATUS) == 0
    assert chip.read(Reg.READ) == chip.read(Reg.WRITTEN) == frames


@pytest.mark.parametrize("bus", BUSES)
def test_copies_exactly(chip: SimulatedChip, bus: str) -> None:
    chip.bus = BUSES[bus]
    rng = np.random.default_rng(1)
    for seed in range(12):
        # Near a 4 KB boundary, and across some.
        source, target = (4096 - 8 * int(rng.integers(0, 40)) for _ in range(2))
        frames = int(rng.choice([1, 2, 3, 7, 50, 300]))
        copies(chip, SOURCE + source, TARGET + target, frames, seed)
    assert chip.traffic.read_waits == 0


@pytest.mark.parametrize("beats", range(0, 17))
def test_every_place_before_a_boundary(chip: SimulatedChip, beats: int) -> None:
    before = chip.traffic
    copies(chip, SOURCE + 4096 - 8 * beats, TARGET + 4096 - 8 * (16 - beats), 12, beats)
    after = chip.traffic
    # 36 beats in pieces that end at multiples of 128 bytes.
    first = beats % 16 or 16
    assert after.read_bursts - before.read_bursts == 1 + -(-(36 - first) // 16)
    assert after.read_beats - before.read_beats == 36
    assert after.write_beats - before.write_beats == 36


def test_throughput(chip: SimulatedChip) -> None:
    frames = 2000
    before = chip.traffic.write_waits
    copies(chip, SOURCE, TARGET, frames, 0)
    assert chip.traffic.write_waits == before
    words = frames * FRAME // 4
    cycles = chip.read(Reg.CYCLES)
    assert words <= cycles <= words / 0.98
    chip.advance(1000)
    assert chip.read(Reg.CYCLES) == cycles
    # The copy is as fast as its input, and memory can give two words a cycle.
    assert chip.read(Reg.BLOCKED) < 10 and chip.read(Reg.HELD) < 10 and chip.read(Reg.STARVED) < 60


@pytest.mark.parametrize("beats", range(16))
def test_bus_is_never_blocked(chip: SimulatedChip, beats: int) -> None:
    """Without an output the input stops by itself, and memory has nothing left to give."""
    before = chip.traffic.read_waits
    prepare(chip, Reg.INPUT, SOURCE + 8 * beats, 1000)
    chip.write(Reg.INPUT, START)
    chip.advance(5000)
    assert chip.read(Reg.INPUT) == START
    assert chip.read(Reg.STATUS) == 1 << 2  # running, and nothing is outstanding
    chip.advance(5000)
    assert chip.read(Reg.BLOCKED) > 9000 and chip.read(Reg.READ) < 100
    assert chip.traffic.read_waits == before


@pytest.mark.parametrize("order", [(1, 0), (0, 1)], ids=["output first", "input first"])
def test_order_of_starts(chip: SimulatedChip, order: tuple[int, ...]) -> None:
    for seed in range(3):
        copies(chip, SOURCE, TARGET + 8 * seed, 30, seed, order)


def test_next_input_before_the_last_output(chip: SimulatedChip) -> None:
    """The input of a batch may start while the results of the one before are on their way."""
    data = fill(chip, SOURCE, 40 * FRAME, 3)
    prepare(chip, Reg.OUTPUT, TARGET, 40)
    chip.write(Reg.OUTPUT, START)
    for half in range(2):
        prepare(chip, Reg.INPUT, SOURCE + half * 20 * FRAME, 20)
        chip.write(Reg.INPUT, START)
        while not chip.read(Reg.INPUT) & DONE:
            chip.advance(1)
    assert finished(chip)
    assert np.array_equal(chip.ddr[TARGET : TARGET + data.size], data)


def test_a_running_batch_keeps_what_it_was_started_with(chip: SimulatedChip) -> None:
    data = fill(chip, SOURCE, 300 * FRAME, 3)
    start(chip, SOURCE, TARGET, 300)
    for window in (Reg.INPUT, Reg.OUTPUT):
        prepare(chip, window, 0, 1)
        chip.write(window, START)
    assert chip.read(Reg.INPUT) == chip.read(Reg.OUTPUT) == START
    assert finished(chip)
    assert np.array_equal(chip.ddr[TARGET : TARGET + data.size], data)


@pytest.mark.parametrize("bus", ["usual", "wild", "far"])
def test_soft_reset_at_any_time(chip: SimulatedChip, bus: str) -> None:
    chip.bus = BUSES[bus]
    rng = np.random.default_rng(2)
    for seed in range(25):
        start(chip, SOURCE, TARGET, 20_000, ((1, 0), (0, 1), (0,), (1,))[seed % 4])
        chip.advance(int(rng.integers(1, 900)))
        uptime = chip.read(Reg.UPTIME)
        assert soft_reset(chip)
        assert chip.read(Reg.INPUT) == chip.read(Reg.OUTPUT) == IDLE
        assert chip.read_burst(Reg.STATUS, 8) == [0] * 8
        assert chip.read(Reg.UPTIME) > uptime
        copies(chip, SOURCE + 8 * seed, TARGET + 4096 - 8 * seed, 9, seed)
    assert chip.traffic.read_waits == 0


def test_soft_reset_of_an_idle_chip(chip: SimulatedChip) -> None:
    assert soft_reset(chip, 100)
    copies(chip, SOURCE, TARGET, 9, 0)
    assert soft_reset(chip, 100)
    assert chip.read(Reg.OUTPUT) == IDLE


@pytest.mark.parametrize("response", [SLVERR, DECERR])
@pytest.mark.parametrize(("place", "bit"), [(SOURCE, 1), (TARGET, 2)], ids=["input", "output"])
def test_error_responses(chip: SimulatedChip, place: int, bit: int, response: int) -> None:
    bad = chip.ddr_base + place + 400
    chip.bus = Bus(error=(bad, bad + 8), response=response)
    start(chip, SOURCE, TARGET, 60)
    assert finished(chip)
    assert chip.read(Reg.STATUS) == bit
    assert chip.read(Reg.INPUT) == chip.read(Reg.OUTPUT) == DONE | IDLE
    chip.bus = Bus()
    copies(chip, SOURCE, TARGET, 60, 1)


def test_memory_that_is_not_there(chip: SimulatedChip) -> None:
    start(chip, 0x1000_0000, 0x2000_0000, 60)
    assert finished(chip)
    assert chip.read(Reg.STATUS) == 3


def test_memory_that_never_answers(chip: SimulatedChip) -> None:
    chip.bus = Bus(answers=False)
    start(chip, SOURCE, TARGET, 60)
    assert not finished(chip, 20_000)
    assert chip.read(Reg.INPUT) == START and chip.read(Reg.READ) == 0
    assert chip.read(Reg.STATUS) == 3 << 2 | 8 << 8  # both running, eight reads wait
    # What memory owes must come before the chip may forget it: the reset goes on and says so.
    assert not soft_reset(chip, 20_000)
    assert chip.read(Reg.STATUS) >> 8 & 0xFF == 8
    chip.write(Reg.INPUT, START)
    # It ends as soon as memory is back.
    chip.bus = Bus()
    chip.advance(500)
    assert chip.read(Reg.RESET) == 0 and chip.read(Reg.INPUT) == IDLE
    copies(chip, SOURCE, TARGET, 60, 1)


def test_writes_that_are_never_answered(chip: SimulatedChip) -> None:
    start(chip, SOURCE, TARGET, 60)
    while not chip.read(Reg.STATUS) >> 16:
        chip.advance(1)
    chip.bus = Bus(answers=False)
    assert not finished(chip, 20_000)
    assert chip.read(Reg.STATUS) >> 16 and not chip.read(Reg.OUTPUT) & DONE
    assert not soft_reset(chip, 2_000)
    chip.power_cycle()
    chip.bus = Bus()
    copies(chip, SOURCE, TARGET, 60, 1)


def test_answers_to_the_chip_before_are_dropped(chip: SimulatedChip) -> None:
    chip.bus = Bus((300, 300), (300, 300))
    for seed in range(8):
        start(chip, SOURCE, TARGET, 100)
        chip.advance(150 * seed + 100)
        while chip.loses_port:
            chip.advance(1)
        chip.power_cycle(memory_remembers=True)
        chip.advance(2000)
        assert chip.read(Reg.STATUS) == 0
        assert chip.read_burst(Reg.INPUT, 8) == chip.read_burst(Reg.OUTPUT, 8) == [IDLE] + [0] * 7
        copies(chip, SOURCE, TARGET, 20, seed)


def test_half_a_write_of_the_chip_before_kills_the_port(chip: SimulatedChip) -> None:
    start(chip, SOURCE, TARGET, 100)
    while not chip.loses_port:
        chip.advance(1)
    for _ in range(2):  # to load the FPGA again is no cure
        chip.power_cycle(memory_remembers=True)
        chip.advance(2000)  # what was read goes nowhere
        assert chip.loses_port and soft_reset(chip), "the fresh chip itself owes nothing"
        sent = fill(chip, SOURCE, 20 * FRAME, 3)
        chip.ddr[TARGET : TARGET + 20 * FRAME] = 0
        start(chip, SOURCE, TARGET, 20)
        # The answer to the old write may be taken for the last of its own: memory tells.
        arrived = finished(chip, 20_000) and chip.ddr[TARGET : TARGET + 20 * FRAME]
        assert not np.array_equal(arrived, sent)
    chip.power_cycle()
    copies(chip, SOURCE, TARGET, 20, 3)


def test_power_cycle_in_a_batch(chip: SimulatedChip) -> None:
    for seed in range(5):
        start(chip, SOURCE, TARGET, 100)
        chip.advance(100 + 77 * seed)
        chip.power_cycle()
        assert chip.read(Reg.INPUT) == chip.read(Reg.OUTPUT) == IDLE
        copies(chip, SOURCE, TARGET, 20, seed)
