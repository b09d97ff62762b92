"""The same driver and pynq, and the chip's real circuit through AXI, verilated."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pynq
import pytest

from board_app.driver import chip, engine, loaded
from board_app.driver.accelerator import Accelerator
from board_app.driver.chip import Hardware
from board_app.driver.pynq_session import open_bitstream
from board_app.errors import AcceleratorError
from board_app.network import vectors
from board_app.network.overlay import find
from board_app.network.reference import Reference
from host_build.simulation.board import SimulatedBoard
from host_build.simulation.chip import BuiltChip, Bus, SimulatedChip
from host_build.simulation.hardware import BoardHardware

from .conftest import REFERENCE, pixels, write_overlay
from .kernel import Kernel, forget_devices
from .test_driver import killed_at_work, when_polled

VARIABLE = "VERILATED_CHIPS"

if VARIABLE not in os.environ:
    pytest.skip(
        f"{VARIABLE} names no file; on the host: python -m tests.pynq.verilated FILE",
        allow_module_level=True,
    )
ROWS = json.loads(Path(os.environ[VARIABLE]).read_text())


def hardware(name: str) -> Hardware:
    row = ROWS[name]
    interval = row["interval_cycles"]
    return Hardware(
        int(row["build_id"], 16), row["clock_mhz"], interval, 3 * interval, (32, 32, 3), 10
    )


def chips(name: str) -> Callable[[int], SimulatedChip]:
    """What the FPGA becomes: the verilated chip of one build."""
    row = ROWS[name]
    built = BuiltChip(Path(row["library"]), Path(row["images"]), False)
    return lambda build: {hardware(name).build_id: SimulatedChip}[build](built)


def board_with(name: str) -> SimulatedBoard:
    """A board that has one chip to load."""
    board = SimulatedBoard(chips(name))
    board.install()
    return board


HARDWARE = hardware("tiny")


@pytest.fixture
def board() -> SimulatedBoard:
    return board_with("tiny")


@pytest.fixture
def bitstream(tmp_path: Path) -> Path:
    return write_overlay(tmp_path / "chip.bit", mhz=HARDWARE.clock_mhz)


@pytest.fixture
def driver(board: SimulatedBoard, bitstream: Path) -> Iterator[Accelerator]:
    with open_bitstream(bitstream, HARDWARE) as driver:
        yield driver


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the patience, for a memory that never answers: each wait is simulated."""
    monkeypatch.setattr(engine, "_SLACK", 0.001)
    monkeypatch.setattr(loaded, "_LOOKS", 100)


def equal(driver: Accelerator, images: np.ndarray) -> bool:
    return np.array_equal(driver.execute(images), REFERENCE.execute(images))


def test_200_images(driver: Accelerator) -> None:
    assert equal(driver, pixels(200))
    run = driver.last_run
    assert run is not None and run.retries == 0
    network = 200 * HARDWARE.interval_cycles + 2 * HARDWARE.latency_cycles
    assert 200 * HARDWARE.interval_cycles < run.cycles < network


def test_a_trained_network_on_100_images(tmp_path: Path) -> None:
    """From pynq to the circuit and back: the compiler's own vectors, then noise."""
    name = next((name for name in ROWS if name != "tiny"), None)
    if name is None:
        pytest.skip("there is no overlay with a circuit")
    overlay = find(name)
    known, expected = hardware(name), Reference(overlay.graph())
    build = known.build_id
    path = write_overlay(tmp_path / "chip.bit", bit=build, hwh=build, mhz=known.clock_mhz)
    board_with(name)
    golden = vectors.load(overlay)
    noise = pixels(100 - len(golden))
    with open_bitstream(path, known) as driver:
        logits = driver.execute(np.concatenate([golden.images, noise]))
        assert driver.last_run is not None
        cycles = driver.last_run.cycles / len(logits)
    assert np.array_equal(logits[: len(golden)], golden.logits)
    assert np.array_equal(logits[len(golden) :], expected.execute(noise))
    print(f"{name}: {cycles:.0f} cycles an image, the network alone {known.interval_cycles}")
    assert cycles < known.interval_cycles / 0.95, "batches reach 95% of the network's own pace"


def test_a_trained_network_under_pynqs_own_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = next((name for name in ROWS if name != "tiny"), None)
    if name is None:
        pytest.skip("there is no overlay with a circuit")
    known, golden = hardware(name), vectors.load(find(name))
    build = known.build_id
    path = write_overlay(tmp_path / "chip.bit", bit=build, hwh=build, mhz=known.clock_mhz)
    kernel = Kernel(tmp_path / "board", BoardHardware(chips(name)), monkeypatch)
    with open_bitstream(path, known) as driver:
        assert np.array_equal(driver.execute(golden.images), golden.logits)
    assert kernel.loaded == ["chip.bin"]
    forget_devices()


def test_throughput_and_counters(driver: Accelerator) -> None:
    row = driver.throughput_test(64)
    assert row["fclk[mhz]"] == 100
    assert row["throughput[images/s]"] == pytest.approx(row["chip_throughput[images/s]"], rel=0.01)
    assert row["last_batch_frames_read"] == row["last_batch_frames_written"] == 64
    assert 0 < row["last_batch_first_output"] < HARDWARE.latency_cycles + HARDWARE.interval_cycles


def test_a_busy_memory(driver: Accelerator, board: SimulatedBoard) -> None:
    board.chip.bus = Bus((1, 200), (1, 200), stall=0.3, registers_stall=0.3)
    assert equal(driver, pixels(20))


def test_an_axi_error_and_no_more(driver: Accelerator, board: SimulatedBoard) -> None:
    assert equal(driver, pixels(5))
    start = board.chip.ddr_base
    board.chip.bus = Bus(error=(start, start + len(board.chip.ddr) - 1))
    with pytest.raises(
        AcceleratorError, match=r"AXI error \((IN|OUT)PUT_ERROR.*\) .*idma0: CTRL=0x"
    ):
        driver.execute(pixels(5))
    board.chip.bus = Bus()
    assert equal(driver, pixels(5, seed=1))


@pytest.mark.usefixtures("impatient")
def test_a_memory_that_stops_answering(
    driver: Accelerator, board: SimulatedBoard, bitstream: Path
) -> None:
    board.chip.bus = Bus(answers=False)
    says = r"5 frames is not done after .*idma0: CTRL=0x.* After that, .*reset does not end"
    with pytest.raises(AcceleratorError, match=says):
        driver.execute(pixels(5))
    driver.close()
    with pytest.raises(AcceleratorError, match="Reboot the board"):
        open_bitstream(bitstream, HARDWARE)
    board.power_cycle()
    with open_bitstream(bitstream, HARDWARE) as fresh:
        assert equal(fresh, pixels(5))


@pytest.mark.usefixtures("impatient")
def test_a_load_in_the_middle_of_a_write(
    driver: Accelerator, board: SimulatedBoard, bitstream: Path
) -> None:
    killed_at_work(driver)
    while not board.chip.loses_port:
        board.chip.advance(1)
    pynq.Overlay(str(bitstream))
    fresh = open_bitstream(bitstream, HARDWARE)
    with fresh, pytest.raises(AcceleratorError, match=r"After that, .*Reboot the board"):
        fresh.execute(pixels(5))


def test_a_batch_that_is_interrupted(driver: Accelerator, board: SimulatedBoard) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with when_polled(board, interrupt), pytest.raises(KeyboardInterrupt):
        driver.execute(pixels(40))
    assert equal(driver, pixels(40, seed=1))


def test_power_lost_in_the_middle_of_a_batch(board: SimulatedBoard, bitstream: Path) -> None:
    driver = open_bitstream(bitstream, HARDWARE)
    with when_polled(board, board.power_cycle), pytest.raises(AcceleratorError, match="power"):
        driver.execute(pixels(40))
    driver.close()
    with open_bitstream(bitstream, HARDWARE) as fresh:
        assert equal(fresh, pixels(40))


def test_a_batch_that_a_killed_process_left_writes_no_more(
    board: SimulatedBoard, bitstream: Path
) -> None:
    killed_at_work(open_bitstream(bitstream, HARDWARE))
    old = board.chip
    old.advance(40 * HARDWARE.interval_cycles)
    assert not old.read(chip.CTRL) & chip.IDLE, "it is at work"
    with open_bitstream(bitstream, HARDWARE) as driver:
        old.ddr[:] = 0x5A
        before = old.traffic
        old.advance(20 * HARDWARE.interval_cycles)
        assert old.traffic == before and (old.ddr == 0x5A).all()
        assert equal(driver, pixels(5))


def test_a_forgotten_flush_gives_wrong_data(driver: Accelerator, board: SimulatedBoard) -> None:
    board.forget_flush = True
    assert not equal(driver, pixels(4))
