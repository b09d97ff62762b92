"""The driver over the chip's behavioural model: right logits, and every fault ends in an error."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from board_app.driver import chip
from board_app.driver.accelerator import Accelerator
from board_app.driver.backends import open_backend
from board_app.driver.chip import Frames, Hardware
from board_app.driver.processing_system import in_memory
from board_app.driver.session import ChipLock
from board_app.errors import AcceleratorError, BackendError, ChipBusy
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from host_build.simulation.behaviour import BehaviouralChip, Faults

from ..networks import residual
from ..stand_in_session import CLOCK_MHZ, StandInSession

BUILD = 0x0123_ABCD
HARDWARE = Hardware(BUILD, CLOCK_MHZ, 6000, 9000, (32, 32, 3), 10)
REFERENCE = Reference(residual(1))
ROOT = Path(__file__).resolve().parents[3]


def chip_model(**options: int) -> BehaviouralChip:
    return BehaviouralChip(REFERENCE.execute, BUILD, **options)


@pytest.fixture
def session() -> StandInSession:
    return StandInSession(chip_model())


@pytest.fixture
def driver(session: StandInSession) -> Accelerator:
    return Accelerator(session, HARDWARE)


def pixels(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def equal(driver: Accelerator, images: np.ndarray) -> bool:
    logits = driver.execute(images)
    assert logits.dtype == np.int32
    return np.array_equal(logits, REFERENCE.execute(images))


@pytest.mark.parametrize("count", [0, 1, 2, 8, 9, 32, 33, 128, 129, 300])
def test_logits_are_the_references_for_any_number_of_images(
    driver: Accelerator, count: int
) -> None:
    assert equal(driver, pixels(count))


@pytest.mark.parametrize(
    ("shape", "classes", "in_bytes", "out_bytes", "largest"),
    [
        ((28, 28, 1), 3, 784, 16, 512), ((27, 27, 1), 2, 736, 8, 512),
        ((27, 27, 3), 5, 2208, 24, 128), ((96, 96, 3), 10, 27_648, 40, 32),
        ((9, 7, 3), 1000, 192, 4000, 128), ((400, 400, 3), 2, 480_000, 8, 1),
    ],
)  # fmt: skip
def test_pictures_and_logits_of_any_size(
    shape: tuple[int, int, int], classes: int, in_bytes: int, out_bytes: int, largest: int
) -> None:
    """Each frame begins at a whole beat and pixel; what lies between frames is nobody's."""
    frames = Frames(shape, classes)
    assert (frames.in_bytes, frames.out_bytes) == (in_bytes, out_bytes)
    weights = np.random.default_rng(1).integers(-9, 10, (frames.pixel_bytes, classes), np.int32)

    def network(images: np.ndarray) -> np.ndarray:
        assert images.shape[1:] == shape
        return (images.reshape(len(images), -1).astype(np.int32) @ weights).astype(np.int32)

    session = StandInSession(BehaviouralChip(network, BUILD, shape=shape, classes=classes))
    driver = Accelerator(session, Hardware(BUILD, CLOCK_MHZ, 6000, 9000, shape, classes))
    rng = np.random.default_rng(2)
    for count in (1, 3, largest + 1, 9):
        images = rng.integers(0, 256, (count, *shape), np.uint8)
        assert np.array_equal(driver.execute(images[::-1]), network(images[::-1])), count
        assert np.array_equal(driver.execute(images), network(images)), count
    assert max(b.array.nbytes for b in session.buffers) == largest * max(in_bytes, out_bytes)
    with pytest.raises(ValueError, match=re.escape(f"(N, {', '.join(map(str, shape))})")):
        driver.execute(np.zeros((1, *shape[:2], shape[2] + 1), np.uint8))


def test_images_need_not_be_contiguous(driver: Accelerator) -> None:
    assert equal(driver, pixels(20)[::-2])
    assert equal(driver, np.asfortranarray(pixels(3)))


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((2, 32, 32, 3), np.int8),
        np.zeros((32, 32, 3), np.uint8),
        np.zeros((1, 3, 32, 32), np.uint8),
    ],
)
def test_other_shapes_and_types_are_refused(driver: Accelerator, images: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected uint8 images"):
        driver.execute(images)


def test_the_transactions_of_one_batch(driver: Accelerator, session: StandInSession) -> None:
    session.log.clear()
    driver.execute(pixels(5))
    source, target = (b.device_address for b in session.buffers[:2])
    flushes = [("flush", b.device_address, b.array.nbytes) for b in session.buffers]
    assert session.log == [
        *flushes,  # new buffers leave nothing in the cache
        flushes[0],
        ("odma0", chip.ADDRESS_LOW, target),
        ("odma0", chip.REPETITIONS, 5),
        ("odma0", chip.CTRL, chip.START),
        ("idma0", chip.ADDRESS_LOW, source),
        ("idma0", chip.REPETITIONS, 5),
        ("idma0", chip.CTRL, chip.START),
        ("invalidate", target, 320),
    ]


def test_the_cpu_fills_one_buffer_while_the_chip_works_on_the_other(
    driver: Accelerator, session: StandInSession
) -> None:
    driver.execute(pixels(300))
    session.log.clear()
    driver.execute(pixels(300))
    events = [row[0] for row in session.log if row[0] != "odma0" and row[1:] != (chip.CTRL, 0)]
    starts = [n for n, row in enumerate(session.log) if row == ("idma0", chip.CTRL, 1)]
    flushes = [n for n, event in enumerate(session.log) if event[0] == "flush"]
    reads = [n for n, event in enumerate(session.log) if event[0] == "invalidate"]
    assert len(starts) == len(flushes) == len(reads) == 3, events
    assert flushes[1] > starts[0] and starts[1] > flushes[1]
    assert reads[0] > starts[1], "results are copied while the next batch runs"


def test_buffers_are_kept_from_call_to_call(driver: Accelerator, session: StandInSession) -> None:
    for count in (1, 300, 1, 130, 5, 7, 300):
        driver.execute(pixels(count))
    assert len(session.buffers) == 3 * 4  # for 1, 8 and 128 frames: two pairs each


@pytest.mark.parametrize("fault", ["hang", "input_error", "output_error"])
@pytest.mark.parametrize("count", [1, 5, 300])
def test_a_fault_that_happens_once_is_mended(
    driver: Accelerator, session: StandInSession, fault: str, count: int
) -> None:
    setattr(session.model.faults, fault, True)
    assert equal(driver, pixels(count))
    assert driver.last_run is not None and driver.last_run.retries == 1


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("hang", r"not done after 13\.\d ms, expected 0\.8 ms"),  # 4 × 0.75 ms + 10 ms
        ("input_error", r"AXI error \(INPUT_ERROR\) in a batch of 11 frames"),
        ("output_error", r"AXI error \(OUTPUT_ERROR\)"),
    ],
)
def test_a_fault_that_stays_ends_in_an_error_with_the_registers(
    driver: Accelerator, session: StandInSession, fault: str, says: str
) -> None:
    session.model.faults = Faults(always=True, **{fault: True})
    with pytest.raises(AcceleratorError, match=says) as caught:
        driver.execute(pixels(11))
    for text in (
        r"idma0: CTRL=0x\w addr_lo=0x1", "odma0: CTRL=", r"frames_written=0x\w", r"uptime=0x\w",
    ):  # fmt: skip
        assert re.search(text, str(caught.value))
    session.model.faults = Faults()
    assert equal(driver, pixels(11)), "the error is no lasting one"


@pytest.mark.parametrize(("ip", "flag"), [("idma0", "INPUT_REFUSED"), ("odma0", "OUTPUT_REFUSED")])
def test_a_batch_that_a_dma_refuses(
    driver: Accelerator, session: StandInSession, ip: str, flag: str
) -> None:
    session.ips[ip].write(chip.ADDRESS_HIGH, 1)
    assert equal(driver, pixels(5)), "the reset has put it right"
    assert driver.last_run is not None and driver.last_run.retries == 1
    session.seen["control0", chip.STATUS] = getattr(chip, flag)
    with pytest.raises(AcceleratorError, match=rf"batch refused \({flag}\) in a batch of 5 frames"):
        driver.execute(pixels(5))


def test_a_slow_memory_is_no_fault() -> None:
    session = StandInSession(chip_model(interval=3 * HARDWARE.interval_cycles, latency=30_000))
    driver = Accelerator(session, HARDWARE)
    assert equal(driver, pixels(40))
    assert driver.last_run is not None and driver.last_run.retries == 0


@pytest.mark.parametrize("magic", [0, 0xFFFF_FFFF, 0x1234_5678])
def test_another_kind_of_chip_is_refused(session: StandInSession, magic: int) -> None:
    session.seen["control0", chip.MAGIC] = magic
    with pytest.raises(AcceleratorError, match=f"its magic is 0x{magic:08x}"):
        Accelerator(session, HARDWARE)
    assert session.closed == 1


def test_another_build_is_refused(session: StandInSession) -> None:
    session.seen["control0", chip.BUILD_ID] = 0xBAD
    with pytest.raises(AcceleratorError, match="of build 00000bad, the overlay of build 0123abcd"):
        Accelerator(session, HARDWARE)
    assert session.closed == 1


def test_a_reset_that_does_not_end(driver: Accelerator, session: StandInSession) -> None:
    session.model.port_dead = True
    says = r"not done after .* After that, the chip's soft reset does not end: .*Reboot the board"
    with pytest.raises(AcceleratorError, match=says):
        driver.execute(pixels(3))
    assert not session.reset_ended
    session.model.power_cycle()
    session.model.port_dead = False
    with Accelerator(session, HARDWARE) as fresh:
        assert equal(fresh, pixels(3)) and session.reset_ended


# The stand-in's buffers begin at 0x1000_0000; the board's memory ends at 0x2000_0000.
@pytest.mark.parametrize("offset", [1 << 32, 4, 0x1000_0000, 0x0FFF_F800, -0x1000_0000])
def test_addresses_that_the_chip_cannot_reach(session: StandInSession, offset: int) -> None:
    driver = Accelerator(session, HARDWARE)
    session.offset = offset
    with pytest.raises(
        AcceleratorError, match=f"gave a buffer of 3,072 bytes at 0x{0x1000_0000 + offset:x}:"
    ):
        driver.execute(pixels(1))
    assert all(buffer.freed for buffer in session.buffers)
    session.offset = 0
    assert equal(driver, pixels(1))


def test_a_buffer_that_ends_with_the_boards_memory() -> None:
    assert in_memory(0x2000_0000 - 3072, 3072) and not in_memory(0x2000_0000 - 3072, 3073)
    assert in_memory(0x0010_0000, 1) and not in_memory(0x000F_FFFF, 1)


def test_no_memory_left(driver: Accelerator, session: StandInSession) -> None:
    session.memory = 600_000  # enough for the first buffers of the four
    with pytest.raises(AcceleratorError, match="CMA"):
        driver.execute(pixels(300))
    assert session.buffers and all(buffer.freed for buffer in session.buffers)
    assert equal(driver, pixels(3)), "a smaller batch still has room"


def test_an_interrupted_batch_leaves_no_dma_running(
    driver: Accelerator, session: StandInSession
) -> None:
    def interrupt(name: str, offset: int) -> None:
        if (name, offset) == ("odma0", chip.CTRL):
            session.before_read = lambda name, offset: None
            raise KeyboardInterrupt

    session.before_read = interrupt
    with pytest.raises(KeyboardInterrupt):
        driver.execute(pixels(300))
    assert session.model.read(chip.CTRL) == session.model.read(chip.WINDOW) == chip.IDLE
    assert equal(driver, pixels(300, seed=1))


@pytest.mark.parametrize("dead", [0, 0xFFFF_FFFF])
def test_power_lost_in_the_middle_of_a_batch(
    driver: Accelerator, session: StandInSession, dead: int
) -> None:
    def lose(name: str, offset: int) -> None:
        if (name, offset) == ("odma0", chip.CTRL):
            session.model.power_cycle()
            session.seen = {(ip, o): dead for ip in chip.IPS for o in range(0, 0x30, 4)}

    session.before_read = lose
    with pytest.raises(AcceleratorError, match="after a loss of power, open the overlay again"):
        driver.execute(pixels(20))
    with Accelerator(StandInSession(session.model), HARDWARE) as fresh:
        assert equal(fresh, pixels(20))


@pytest.mark.parametrize("forgotten", ["forget_flush", "forget_invalidate"])
def test_a_forgotten_flush_or_invalidate_would_show(
    driver: Accelerator, session: StandInSession, forgotten: str
) -> None:
    setattr(session, forgotten, True)
    assert not equal(driver, pixels(4))


def test_threads_share_it(driver: Accelerator) -> None:
    right: list[bool] = []

    def work(seed: int) -> None:
        right.extend(equal(driver, pixels(1 + 7 * seed, seed)) for _ in range(3))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 15


def test_closing_frees_everything_once(session: StandInSession) -> None:
    with Accelerator(session, HARDWARE) as driver:
        driver.execute(pixels(300))
        driver.execute(pixels(1))
    driver.close()
    assert session.closed == 1 and all(buffer.freed for buffer in session.buffers)
    with pytest.raises(AcceleratorError, match="closed"):
        driver.execute(pixels(1))


def test_throughput_has_finns_keys_and_the_chips_counts(driver: Accelerator) -> None:
    row = driver.throughput_test(256)
    cycles = 2 * (9000 + 128 * 6000)
    assert row["chip_cycles"] == cycles and row["batch_size"] == 256 and row["fclk[mhz]"] == 100
    assert row["chip_throughput[images/s]"] == pytest.approx(256 / (cycles / 1e8))
    assert row["throughput[images/s]"] == pytest.approx(row["chip_throughput[images/s]"], rel=0.01)
    assert row["runtime[ms]"] == pytest.approx(1e3 * 256 / row["throughput[images/s]"])
    assert row["DRAM_in_bandwidth[MB/s]"] == pytest.approx(row["throughput[images/s]"] * 3072 / 1e6)
    for name in (
        "DRAM_out_bandwidth[MB/s]", "fold_input[ms]", "pack_input[ms]", "unpack_output[ms]",
        "unfold_output[ms]", "copy_input_data_to_device[ms]", "copy_output_data_from_device[ms]",
        "copies_per_image[us]", "last_batch_first_output", "last_batch_input_memory_wait",
    ):  # fmt: skip
        assert row[name] >= 0
    assert row["copy_input_data_to_device[ms]"] > 0


def test_the_manifest_says_what_the_hardware_is() -> None:
    row = {"clock_mhz": 142.857, "cycles_per_frame": 5800}
    manifest = SimpleNamespace(
        network="tiny", build_id="0123abcd", circuit=row, shape=(28, 28, 1), classes=("a", "b")
    )
    expected = Hardware(BUILD, 142.857, 5800, 17_400, (28, 28, 1), 2)
    assert Hardware.of_manifest(manifest) == expected
    assert (expected.frames.in_bytes, expected.frames.out_bytes) == (784, 8)
    row["latency_cycles"] = 9000
    assert Hardware.of_manifest(manifest).seconds(2) == pytest.approx(20_600 / 142.857e6)


def test_an_overlay_without_a_bitstream(overlay: Overlay) -> None:
    with pytest.raises(BackendError, match="has no circuit for the FPGA"):
        open_backend("fpga", overlay)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    lock = ChipLock(path)
    with pytest.raises(ChipBusy, match="this process has the FPGA"):
        ChipLock(path)
    code = (
        "import pathlib; from board_app.driver.session import ChipLock; "
        f"ChipLock(pathlib.Path({str(path)!r}))"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert f"process {os.getpid()}, " in other.stderr and "has the FPGA" in other.stderr
    lock.release()
    lock.release()
    ChipLock(path).release()


def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import pathlib, sys, time; from board_app.driver.session import ChipLock; "
        f"lock = ChipLock(pathlib.Path({str(path)!r})); print('has it', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline()
        with pytest.raises(ChipBusy, match=f"process {other.pid}, .*has the FPGA"):
            ChipLock(path)
        other.send_signal(signal.SIGKILL)
        other.wait(10)
        ChipLock(path).release()


def test_a_lock_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(AcceleratorError, match="cannot open the chip's lock"):
        ChipLock(tmp_path / "no" / "folder")
