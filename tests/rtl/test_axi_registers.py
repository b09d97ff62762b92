"""The chip's registers over AXI: the map, bursts of every kind, strobes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from host_build.simulation.chip import FIXED, WRAP, Bus, SimulatedChip
from tests.rtl.chip_support import DONE, IDLE, WILD, Reg, built_echo, prepare

pytestmark = pytest.mark.rtl


@pytest.fixture(scope="module")
def made() -> SimulatedChip:
    return SimulatedChip(built_echo())


@pytest.fixture(params=[Bus(), WILD], ids=["quick", "wild"])
def chip(made: SimulatedChip, request: pytest.FixtureRequest) -> Iterator[SimulatedChip]:
    made.bus = request.param
    made.power_cycle()
    yield made


def test_after_power_up(chip: SimulatedChip) -> None:
    assert chip.read(Reg.CONTROL) == 0xC0FFEE11
    assert chip.read(Reg.CONTROL + 4) == 0x52453801
    assert chip.read(Reg.INPUT) == chip.read(Reg.OUTPUT) == IDLE
    assert chip.read(Reg.STATUS) == chip.read(Reg.RESET) == 0
    for offset in range(Reg.CYCLES, Reg.UPTIME, 4):
        assert chip.read(offset) == 0
    for window in (Reg.INPUT, Reg.OUTPUT):
        assert chip.read_burst(window + Reg.ADDRESS, 4) == [0] * 4


def test_uptime_is_the_clock(chip: SimulatedChip) -> None:
    before, cycle = chip.read(Reg.UPTIME), chip.cycle
    chip.advance(1000)
    after, later = chip.read(Reg.UPTIME), chip.cycle
    assert after - before == pytest.approx(later - cycle, abs=30)


@pytest.mark.parametrize("window", [Reg.INPUT, Reg.OUTPUT])
def test_writes_stay(chip: SimulatedChip, window: int) -> None:
    chip.write(window + 0x10, 0x12345678)
    chip.write(window + 0x14, 0x9ABCDEF0)
    chip.write(window + 0x1C, 77)
    other = Reg.OUTPUT if window == Reg.INPUT else Reg.INPUT
    assert chip.read_burst(window + 0x10, 4) == [0x12345678, 0x9ABCDEF0, 0, 77]
    assert chip.read_burst(other + 0x10, 4) == [0] * 4
    assert chip.read(window) == IDLE


def test_strobes(chip: SimulatedChip) -> None:
    register = Reg.INPUT + Reg.FRAMES
    expected = 0
    for strobes in range(16):
        value = 0x11111111 * strobes ^ 0xA5C3F00F
        chip.write(register, value, strobes)
        mask = sum(0xFF << 8 * byte for byte in range(4) if strobes >> byte & 1)
        expected = expected & ~mask | value & mask
        assert chip.read(register) == expected
    chip.write(Reg.INPUT, 1, strobes=0b1110)
    chip.write(Reg.RESET, 1, strobes=0b1110)
    assert chip.read(Reg.INPUT) == IDLE and chip.read(Reg.RESET) == 0


def test_nothing_else_is_there(chip: SimulatedChip) -> None:
    holes = [0x04, 0x08, 0x18, 0x20, 0x3C, 0x40, 0x110, 0xFFC, 0x101C + 0x40, 0x2030, 0x2FFC,
             0x3000, 0x3010, 0x4010, 0x401C, 0x10_0010, 0x2000_001C]  # fmt: skip
    for offset in holes:
        chip.write(offset, 0xFFFFFFFF)
        assert chip.read(offset) == 0
    for offset in (Reg.CONTROL, Reg.CONTROL + 4, Reg.STATUS, Reg.CYCLES, Reg.READ):
        before = chip.read(offset)
        chip.write(offset, ~before & 0xFFFFFFFF)
        assert chip.read(offset) == before
    assert (
        chip.read_burst(Reg.INPUT + Reg.ADDRESS, 4)
        == chip.read_burst(Reg.OUTPUT + Reg.ADDRESS, 4)
        == [0] * 4
    )


def test_bursts(chip: SimulatedChip) -> None:
    chip.write_burst(Reg.INPUT + 0x10, [1, 2, 3, 4])
    assert chip.read_burst(Reg.INPUT + 0x10, 4) == [1, 2, 0, 4]
    assert chip.read_burst(Reg.INPUT + 0x08, 8) == [0, 0, 1, 2, 0, 4, 0, 0]
    assert chip.read_burst(Reg.INPUT, 16)[4:8] == [1, 2, 0, 4]
    # A wrapping burst of four words stays within 16 bytes.
    assert chip.read_burst(Reg.INPUT + 0x14, 4, burst=WRAP) == [2, 0, 4, 1]
    chip.write_burst(Reg.INPUT + 0x1C, [7, 5, 6, 0], burst=WRAP)
    assert chip.read_burst(Reg.INPUT + 0x10, 4) == [5, 6, 0, 7]
    # A fixed one stays at one register.
    chip.write_burst(Reg.INPUT + 0x1C, [8, 9, 10], burst=FIXED)
    assert chip.read_burst(Reg.INPUT + 0x1C, 3, burst=FIXED) == [10] * 3
    # Narrow beats come in the part of the word that their address names.
    assert chip.read_burst(Reg.INPUT + 0x10, 4, size=1) == [5, 5, 6, 6]
    chip.write_burst(Reg.INPUT + 0x12, [0xAAAA0000], strobes=0b1100, size=1)
    assert chip.read(Reg.INPUT + 0x10) == 0xAAAA0005


def test_accesses_without_waiting(chip: SimulatedChip) -> None:
    places = [window + place for window in (Reg.INPUT, Reg.OUTPUT) for place in (0x10, 0x14, 0x1C)]
    chip.write_each([(place, place * 3 + 1) for place in places])
    assert chip.read_each(places) == [place * 3 + 1 for place in places]
    assert chip.read_each([Reg.CONTROL, 0x3000] * 10) == [0xC0FFEE11, 0] * 10


def test_reads_and_writes_at_the_same_time(chip: SimulatedChip) -> None:
    """Two cores use the port: whatever the order, each read gives the old value or the new one."""
    rng = np.random.default_rng(6)
    names = [window + place for window in (Reg.INPUT, Reg.OUTPUT) for place in (0x10, 0x14, 0x1C)]
    values = dict.fromkeys(names, 0)
    mixed = 0
    for _ in range(60):
        reads = [int(name) for name in rng.choice([*names, Reg.CONTROL], int(rng.integers(1, 9)))]
        writes = [(int(name), int(rng.integers(1 << 32))) for name in rng.choice(names, 5)]
        allowed = {name: {values[name]} for name in names} | {Reg.CONTROL: {0xC0FFEE11}}
        for name, value in writes:
            values[name] = value
            allowed[name].add(value)
        for name, value in zip(reads, chip.exchange(reads, writes), strict=True):
            assert value in allowed[name]
            mixed += value != values.get(name, value)
        assert chip.read_each(names) == [values[name] for name in names]
    assert mixed, "no read came before the write beside it"


def test_random_accesses(chip: SimulatedChip) -> None:
    rng = np.random.default_rng(5)
    names = [window + place for window in (Reg.INPUT, Reg.OUTPUT) for place in (0x10, 0x14, 0x1C)]
    values = dict.fromkeys(names, 0)
    for _ in range(300):
        name = int(rng.choice(names))
        if rng.random() < 0.5:
            values[name] = int(rng.integers(1 << 32))
            chip.write(name, values[name])
        else:
            assert chip.read(name) == values[name]


@pytest.mark.parametrize("window", [Reg.INPUT, Reg.OUTPUT])
def test_refused_batches(chip: SimulatedChip, window: int) -> None:
    refused = 1 << (4 if window == Reg.INPUT else 5)
    before = chip.traffic
    for offset, value in [(0x10, 0x1000_0004), (0x14, 1), (0x1C, 1 << 31)]:
        prepare(chip, window, 0, 1)
        chip.write(window + offset, value)
        chip.write(window, 1)
        chip.advance(50)
        assert chip.read(window) == DONE | IDLE
        assert chip.read(Reg.STATUS) == refused
    assert chip.traffic == before
    # No frames are a batch.
    prepare(chip, window, 0, 0)
    chip.write(window, 1)
    chip.advance(50)
    assert chip.read(window) == DONE | IDLE
    assert chip.read(Reg.STATUS) == 0
    assert chip.traffic == before
