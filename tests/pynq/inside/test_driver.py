"""The driver through unmodified pynq, on the simulated board with a behavioural chip."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pynq
import pytest

from board_app.driver import chip, loaded, pynq_session
from board_app.driver.accelerator import Accelerator
from board_app.driver.pynq_session import open_bitstream, open_overlay
from board_app.errors import AcceleratorError, ChipBusy
from host_build.simulation.behaviour import BehaviouralChip, Faults
from host_build.simulation.board import BoardError, SimulatedBoard

from .conftest import HARDWARE, REFERENCE, pixels, tiny_overlay, write_overlay

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def driver(board: SimulatedBoard, bitstream: Path) -> Iterator[Accelerator]:
    with open_bitstream(bitstream, HARDWARE) as driver:
        yield driver


def equal(driver: Accelerator, images: np.ndarray) -> bool:
    return np.array_equal(driver.execute(images), REFERENCE.execute(images))


@pytest.mark.parametrize("count", [1, 7, 128, 300])
def test_logits_are_the_references(driver: Accelerator, count: int) -> None:
    assert equal(driver, pixels(count))
    assert equal(driver, pixels(count, seed=1))


def test_throughput(driver: Accelerator) -> None:
    row = driver.throughput_test(256)
    assert row["fclk[mhz]"] == pytest.approx(1000 / 7)
    assert row["chip_cycles"] == 2 * (9000 + 128 * 6000)
    assert row["throughput[images/s]"] == pytest.approx(row["chip_throughput[images/s]"], rel=0.01)


def test_an_overlay_with_its_manifest(board: SimulatedBoard, tmp_path: Path) -> None:
    overlay = tiny_overlay(tmp_path / "tiny")
    with open_overlay(overlay) as driver:
        assert equal(driver, pixels(3))
    del overlay.manifest.files["tiny.hwh"]
    with pytest.raises(AcceleratorError, match=r"lists no \.hwh file"):
        open_overlay(overlay)
    del overlay.manifest.files["tiny.bit"]
    with pytest.raises(AcceleratorError, match=r"tiny has no bitstream: .*deploy\.sh tiny --sim"):
        open_overlay(overlay)


@pytest.mark.parametrize("fault", ["hang", "input_error", "output_error"])
def test_faults_once_and_for_ever(driver: Accelerator, board: SimulatedBoard, fault: str) -> None:
    setattr(board.chip.faults, fault, True)
    assert equal(driver, pixels(20)) and driver.last_run.retries == 1
    board.chip.faults = Faults(always=True, **{fault: True})
    with pytest.raises(AcceleratorError, match="idma0: CTRL=0x"):
        driver.execute(pixels(20))
    board.chip.faults = Faults()
    assert equal(driver, pixels(20))


@pytest.mark.parametrize("forgotten", ["forget_flush", "forget_invalidate"])
def test_a_forgotten_flush_or_invalidate_gives_wrong_data(
    driver: Accelerator, board: SimulatedBoard, forgotten: str
) -> None:
    assert equal(driver, pixels(4))
    setattr(board, forgotten, True)
    assert not equal(driver, pixels(4, seed=1))


def test_a_chip_of_another_build(board: SimulatedBoard, bitstream: Path) -> None:
    board._chips = lambda build: BehaviouralChip(REFERENCE.execute, 0xBAD)
    with pytest.raises(AcceleratorError, match="the chip is of build 00000bad"):
        open_bitstream(bitstream, HARDWARE)
    board._chips = lambda build: BehaviouralChip(REFERENCE.execute, build)
    open_bitstream(bitstream, HARDWARE).close()


@pytest.mark.parametrize("other", [{"bit": 5}, {"hwh": 5}, {"bit": 5, "hwh": 5}])
def test_files_of_different_overlays(
    board: SimulatedBoard, tmp_path: Path, other: dict[str, int]
) -> None:
    with pytest.raises(AcceleratorError, match=r"is of build 0\w{7}, its .* of build 0\w{7}"):
        open_bitstream(write_overlay(tmp_path / "chip.bit", **other), HARDWARE)
    assert board.chip is None, "nothing was loaded"


@pytest.mark.parametrize("suffix", [".bit", ".hwh"])
def test_missing_and_damaged_files(board: SimulatedBoard, bitstream: Path, suffix: str) -> None:
    path = bitstream.with_suffix(suffix)
    path.write_bytes(path.read_bytes()[:90])
    with pytest.raises(AcceleratorError, match="pynq cannot load"):
        open_bitstream(bitstream, HARDWARE)
    path.unlink()
    with pytest.raises(AcceleratorError, match="is missing"):
        open_bitstream(bitstream, HARDWARE)


def test_a_clock_that_the_overlay_was_not_made_for(board: SimulatedBoard, tmp_path: Path) -> None:
    path = write_overlay(tmp_path / "chip.bit", mhz=200)
    says = (
        r"FCLK0 runs at 200 MHz, the overlay needs 142\.857 MHz: .* IO PLL \(SRCSEL 0\) at .*"
        r"= 1000 MHz, its divisors are 5 and 1 \(0xf8000170 is 0x.* build the overlay again"
    )
    with pytest.raises(AcceleratorError, match=says):
        open_bitstream(path, HARDWARE)


@pytest.mark.parametrize(
    ("register", "value", "says"),
    [
        (0x170, 0x20_0A20, r"185\.714 MHz.*ARM PLL \(SRCSEL 2\) at 50 MHz x 26 = 1300 MHz"),
        (0x170, 0x20_0A30, r"150 MHz.*DDR PLL \(SRCSEL 3\) at 50 MHz x 21 = 1050 MHz"),
        (0x108, 30 << 12, r"214\.286 MHz.*IO PLL \(SRCSEL 0\) at 50 MHz x 30 = 1500 MHz"),
    ],
)
def test_a_board_that_boots_with_another_clock(
    board: SimulatedBoard, bitstream: Path, register: int, value: int, says: str
) -> None:
    booted, board._slcr[register] = board._slcr[register], value
    with pytest.raises(
        AcceleratorError,
        match=rf"FCLK0 runs at {says}, .* divisors are 7 and 1 .*"
        r"needs the IO PLL at 1000 MHz\. The boot image .*boot the PYNQ-Z2's own",
    ):
        open_bitstream(bitstream, HARDWARE)
    board._slcr[register] = booted
    open_bitstream(bitstream, HARDWARE).close()


@pytest.mark.parametrize(("offset", "what"), [(0x00, "reads"), (0x14, "writes")])
def test_a_memory_port_of_32_bits(
    board: SimulatedBoard, bitstream: Path, offset: int, what: str
) -> None:
    board._afi[offset] |= 1
    says = rf"HP0 {what} 32 bits .*bit 0 of 0x{0xF8008000 + offset:08x} is 1.*boot the PYNQ-Z2's"
    with pytest.raises(AcceleratorError, match=says):
        open_bitstream(bitstream, HARDWARE)
    board._afi[offset] &= ~1
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))


@pytest.mark.parametrize("offset", [0x0C, 0x20])
def test_a_port_register_without_a_clock_stops_the_processor(
    board: SimulatedBoard, offset: int
) -> None:
    with pytest.raises(BoardError, match=f"nothing is at address 0x{0xF8008000 + offset:08x}"):
        pynq.MMIO(0xF800_8000, 0x24).read(offset)


def test_memory_that_is_used_up(driver: Accelerator, board: SimulatedBoard) -> None:
    taken = pynq.allocate((8 << 20) - 500_000, "u1")
    with pytest.raises(AcceleratorError, match=r"no contiguous memory \(CMA\) for 393,216 bytes"):
        driver.execute(pixels(300))
    assert equal(driver, pixels(2)), "a small batch has room"
    taken.freebuffer()
    assert equal(driver, pixels(300))


def test_power_lost_in_the_middle_of_a_batch(board: SimulatedBoard, bitstream: Path) -> None:
    driver = open_bitstream(bitstream, HARDWARE)
    assert equal(driver, pixels(3))
    with when_polled(board, board.power_cycle), pytest.raises(AcceleratorError, match="power"):
        driver.execute(pixels(300))
    driver.close()
    with open_bitstream(bitstream, HARDWARE) as fresh:
        assert equal(fresh, pixels(300))


def test_an_interrupt_in_the_middle_of_a_batch(driver: Accelerator, board: SimulatedBoard) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    with when_polled(board, interrupt), pytest.raises(KeyboardInterrupt):
        driver.execute(pixels(300))
    assert board.chip.read(chip.CTRL) == board.chip.read(chip.WINDOW) == chip.IDLE
    assert equal(driver, pixels(300))


def test_two_processes_and_one_that_is_killed(board: SimulatedBoard, bitstream: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-m", "tests.pynq.inside.holder", str(bitstream)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"running\n"
        with pytest.raises(ChipBusy, match=f"process {other.pid}, .*holder.* has the FPGA"):
            open_bitstream(bitstream, HARDWARE)
        other.send_signal(signal.SIGKILL)
        other.wait(10)
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(300))
        with pytest.raises(ChipBusy, match="this process"):
            open_bitstream(bitstream, HARDWARE)


def killed_at_work(driver: Accelerator) -> None:
    """What the system leaves of a process that is killed in the middle of a batch of 100."""
    size, (slot, _) = driver._pair(100)
    driver._start(slot, slice(0, size))
    driver._session._lock.release()


def test_a_batch_that_a_killed_process_left_is_stopped_before_the_next_load(
    board: SimulatedBoard, bitstream: Path
) -> None:
    killed_at_work(open_bitstream(bitstream, HARDWARE))
    old = board.chip
    assert not old.read(chip.CTRL) & chip.IDLE
    with when_downloaded(board) as seen, open_bitstream(bitstream, HARDWARE) as driver:
        assert board.chip is not old and equal(driver, pixels(3))
    assert [old.read(at) for at in (chip.CTRL, chip.WINDOW)] == [chip.IDLE] * 2
    assert seen and ("write", 2 * chip.WINDOW + chip.SOFT_RESET) in seen


def lose_the_note(board: SimulatedBoard, tmp_path: Path) -> None:
    (tmp_path / "lock.loaded").write_text("")


def load_another(board: SimulatedBoard, tmp_path: Path) -> None:
    """As a notebook does; this driver knows not what."""
    board._chips = lambda build: BehaviouralChip(REFERENCE.execute, build)
    pynq.Overlay(str(write_overlay(tmp_path / "other.bit", bit=5, hwh=5)))


REBOOT = "soft reset does not end: .*Reboot the board"


@pytest.mark.parametrize("since", [load_another, lose_the_note])
def test_registers_that_may_not_be_there_are_not_read(
    board: SimulatedBoard,
    bitstream: Path,
    tmp_path: Path,
    since: Callable[[SimulatedBoard, Path], None],
) -> None:
    """A batch was cut off by another's load, or is by this driver's: the port is dead then."""
    killed_at_work(open_bitstream(bitstream, HARDWARE))
    since(board, tmp_path)
    with when_downloaded(board) as seen:
        driver = open_bitstream(bitstream, HARDWARE)
    with pytest.raises(AcceleratorError, match=REBOOT):
        driver.execute(pixels(3))
    driver.close()
    assert seen == []
    for _ in range(2):
        with pytest.raises(AcceleratorError, match=f"{REBOOT}.* --load-anyway loads all the same"):
            open_bitstream(bitstream, HARDWARE)
    board.power_cycle()
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))


def test_a_dead_port_is_no_better_for_anothers_load(
    board: SimulatedBoard, bitstream: Path, tmp_path: Path
) -> None:
    driver = open_bitstream(bitstream, HARDWARE)
    board.chip.lose_port()
    with pytest.raises(AcceleratorError, match=REBOOT):
        driver.execute(pixels(3))
    driver.close()
    load_another(board, tmp_path)
    with when_downloaded(board) as seen, pytest.raises(AcceleratorError, match=REBOOT):
        open_bitstream(bitstream, HARDWARE)
    assert seen == [], "its registers are another's now"
    driver = open_bitstream(bitstream, HARDWARE, load_anyway=True)
    with driver, pytest.raises(AcceleratorError, match=REBOOT):
        driver.execute(pixels(3))
    board.power_cycle()
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))


def test_a_dead_port_is_told_even_where_it_cannot_be_noted(
    board: SimulatedBoard, driver: Accelerator, tmp_path: Path
) -> None:
    (tmp_path / "lock.loaded").unlink()
    (tmp_path / "lock.loaded").mkdir()
    board.chip.lose_port()
    with pytest.raises(AcceleratorError, match=REBOOT):
        driver.execute(pixels(3))


def test_the_registers_of_an_empty_fpga(board: SimulatedBoard) -> None:
    control = pynq.MMIO(chip.BASE, chip.WINDOW)
    for use in (lambda: control.read(0), lambda: control.write(0, 1)):
        with pytest.raises(BoardError, match=r"FPGA is empty, .* 0x40000000: a real board would"):
            use()


@pytest.fixture
def notebook(board: SimulatedBoard, bitstream: Path, tmp_path: Path) -> pynq.Overlay:
    """Another's overlay, whose handoff pynq has from its cache: a load of it leaves no state."""
    board._chips = lambda build: BehaviouralChip(REFERENCE.execute, build)
    path = str(write_overlay(tmp_path / "other.bit", bit=5, hwh=5))
    pynq.Overlay(path)
    overlay = pynq.Overlay(path)
    assert overlay.parser._from_cache
    return overlay


def state() -> list[bytes]:
    return [path.read_bytes() for path in loaded.metadata()[1:]]


def test_a_load_that_pynqs_state_does_not_show_is_seen_before_the_next_load(
    board: SimulatedBoard, bitstream: Path, notebook: pynq.Overlay
) -> None:
    open_bitstream(bitstream, HARDWARE).close()
    before = state()
    notebook.download()
    assert state() == before, "pynq has noted nothing"
    with when_downloaded(board) as seen, open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))
    assert seen == []


OTHERS = "another program has loaded the FPGA since .*shut down .*start this .*again"


def test_a_load_between_two_batches(
    board: SimulatedBoard, bitstream: Path, notebook: pynq.Overlay, driver: Accelerator
) -> None:
    assert equal(driver, pixels(3))
    notebook.download()
    with when_downloaded(board) as seen:
        for use in (lambda: driver.execute(pixels(3)), driver.counters):
            with pytest.raises(AcceleratorError, match=OTHERS):
                use()
        driver.close()
    assert seen == []
    with open_bitstream(bitstream, HARDWARE) as again:
        assert equal(again, pixels(3))


@pytest.mark.parametrize("count", [3, 300])
def test_a_load_in_the_middle_of_a_batch(
    board: SimulatedBoard, notebook: pynq.Overlay, driver: Accelerator, count: int
) -> None:
    seen: list[tuple[str, int]] = []

    def load() -> None:
        notebook.download()
        watch(board, seen)

    assert equal(driver, pixels(count))
    with when_polled(board, load), pytest.raises(AcceleratorError, match=OTHERS):
        driver.execute(pixels(count))
    assert [row for row in seen if row != ("read", 2 * chip.WINDOW + chip.STATUS)] == []
    assert len(seen) < 2 and board.chip.read(2 * chip.WINDOW) == 5


def test_pynqs_stale_metadata(board: SimulatedBoard, tmp_path: Path) -> None:
    path = write_overlay(tmp_path / "chip.bit", mhz=100)
    pynq.Overlay(str(path))
    write_overlay(path, mhz=50)
    stale = pynq.Overlay(str(path), download=False)
    assert stale.clock_dict[0]["divisor1"] == 2, "pynq has not seen the new file"
    with open_bitstream(path, replace(HARDWARE, clock_mhz=50)) as driver:
        assert driver.throughput_test(1)["fclk[mhz]"] == 50


def test_metadata_of_an_overlay_that_is_gone_or_damaged(
    board: SimulatedBoard, tmp_path: Path
) -> None:
    gone = write_overlay(tmp_path / "gone.bit")
    open_bitstream(gone, HARDWARE).close()
    gone.unlink()
    open_bitstream(write_overlay(tmp_path / "chip.bit"), HARDWARE).close()
    folder = Path(pynq.pl_server.__path__[0])
    caches = [folder / "_current_metadata.pkl", *folder.glob("global_pl_state*.json")]
    assert len(caches) == 2
    for cache in caches:
        cache.write_bytes(b"half of a f")
    open_bitstream(tmp_path / "chip.bit", HARDWARE).close()


def test_an_overlay_of_another_project(board: SimulatedBoard, original: Path) -> None:
    with pytest.raises(AcceleratorError) as caught:
        open_bitstream(original / "resizer.bit", HARDWARE)
    text = str(caught.value)
    assert "resizer.bit cannot be run: it holds idma0 (xilinx_finn:finn:" in text
    assert "odma0" in text and "Without control0 there is no build id" in text
    assert board.chip is None


def test_no_board_and_no_root(
    bitstream: Path, board: SimulatedBoard, monkeypatch: pytest.MonkeyPatch
) -> None:
    for raised, hint in (
        (OSError("Root permissions required."), "run as root"),
        (RuntimeError("No Devices Found"), r"source /etc/profile\.d/pynq_venv\.sh"),
    ):

        def fail(*_: object, error: Exception = raised, **__: object) -> None:
            raise error

        monkeypatch.setattr(pynq, "Overlay", fail)
        with pytest.raises(AcceleratorError, match=hint):
            open_bitstream(bitstream, HARDWARE)
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "pynq", None)
    with pytest.raises(AcceleratorError, match="needs pynq, which is on a PYNQ board"):
        pynq_session.open_bitstream(bitstream, HARDWARE)


@contextmanager
def when_polled(board: SimulatedBoard, action: Callable[[], None]) -> Iterator[None]:
    """Do `action` once, when the driver looks whether the output DMA is done."""
    read = board.chip.read

    def look(offset: int) -> int:
        if offset == chip.WINDOW:
            board.chip.read = read
            action()
        return read(offset)

    board.chip.read = look
    yield


@contextmanager
def when_downloaded(board: SimulatedBoard) -> Iterator[list[tuple[str, int]]]:
    """What the chip that is loaded now is asked until another takes its place."""
    seen: list[tuple[str, int]] = []
    watch(board, seen)
    yield seen


def watch(board: SimulatedBoard, seen: list[tuple[str, int]]) -> None:
    """Note in `seen` what the chip that is loaded now is asked."""
    read, write = board.chip.read, board.chip.write

    def look(offset: int) -> int:
        seen.append(("read", offset))
        return read(offset)

    def note(offset: int, value: int) -> None:
        seen.append(("write", offset))
        write(offset, value)

    board.chip.read, board.chip.write = look, note


def test_this_is_the_pynq_that_was_asked_for() -> None:
    wanted = os.environ.get("EXPECTED_PYNQ")
    if wanted is None:
        pytest.skip("started by hand")
    assert pynq.__version__ == wanted
