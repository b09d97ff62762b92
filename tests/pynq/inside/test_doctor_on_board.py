"""The doctor on pynq's own EmbeddedDevice, over a board's system that is played."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from board_app.doctor.examine import examine, report
from board_app.doctor.finding import Finding
from board_app.driver import chip, loaded, pynq_session
from board_app.network.overlay import Overlay
from board_app.system.files import write_json
from tests.board.doctor.test_looks import played

from .conftest import REFERENCE, pixels, tiny_overlay
from .kernel import Kernel
from .test_driver import when_polled

LINES = [
    "packages", "image", "kernel", "root", "XRT", "render device", "boot", "/dev/mem",
    "fpga_manager", "CMA", "/lib/firmware", "lock", "PLL", "FCLK0", "FPGA", "memory port",
    "overlay", "chip", "true clock", "buffer", "soft reset", "1 frame", "128 frames", "dmesg",
]  # fmt: skip


@pytest.fixture
def overlay(kernel: Kernel, tmp_path: Path) -> Overlay:
    return tiny_overlay(tmp_path / "tiny")


def findings(overlay: Overlay, tmp_path: Path) -> Iterator[Finding]:
    return examine(overlay, played(tmp_path / "system"))


def well(overlay: Overlay, tmp_path: Path) -> None:
    found = list(findings(overlay, tmp_path))
    assert {row.state for row in found} == {"ok"}, "\n".join(map(str, found))
    assert [row.name for row in found] == LINES


def test_a_board_that_is_well(overlay: Overlay, tmp_path: Path, kernel: Kernel) -> None:
    well(overlay, tmp_path)
    well(overlay, tmp_path)
    assert kernel.loaded == ["tiny.bin"] * 2
    with pynq_session.open_overlay(overlay) as driver:
        assert np.array_equal(driver.execute(pixels(3)), REFERENCE.execute(pixels(3)))


def test_a_full_lib_firmware_at_the_load(overlay: Overlay, tmp_path: Path, kernel: Kernel) -> None:
    """There was room when it looked."""
    (kernel.firmware / "tiny.bin").symlink_to("/dev/full")
    found = {row.name: row for row in findings(overlay, tmp_path)}
    assert found["overlay"].state == "fault" and "No space left on device" in found["overlay"].text
    assert "The FPGA has what was loaded before" in found["overlay"].text
    assert "chip" not in found and list(found)[-1] == "dmesg", "nothing is read of what is there"
    well(overlay, tmp_path)


def test_what_nobody_thought_of_is_a_line(
    overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("by hand")

    with monkeypatch.context() as patch:
        patch.setattr("board_app.driver.engine.Engine.reset", broken)
        found = list(findings(overlay, tmp_path))
        assert [row.name for row in found if row.state == "fault"] == ["soft reset"]
        assert found[-1].name == "dmesg"
        patch.setattr(loaded, "stop", broken)
        found = list(findings(overlay, tmp_path))
        (fault,) = (row for row in found if row.state == "fault")
        assert (fault.name, fault.text) == ("overlay", "ZeroDivisionError: by hand")
    well(overlay, tmp_path)


@contextmanager
def killed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the system does for a process that ends at once: it drops its lock."""
    locks: list[object] = []
    take = pynq_session.ChipLock

    def note(path: Path | None) -> object:
        locks.append(take(path))
        return locks[-1]

    with monkeypatch.context() as patch:
        patch.setattr(pynq_session, "ChipLock", note)
        yield
    for lock in locks:
        with suppress(ValueError):  # it was closed
            fcntl.flock(lock._file, fcntl.LOCK_UN)


@pytest.mark.parametrize("power", [False, True], ids=["kill", "power"])
@pytest.mark.parametrize("line", ["memory port", "overlay", "true clock", "soft reset", "1 frame"])
def test_killed_or_without_power_after_each_line(
    overlay: Overlay, tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch,
    line: str, power: bool,
) -> None:  # fmt: skip
    """With what it was writing half there: none of it misleads the next."""
    pynq_session.open_overlay(overlay).close()
    with killed(monkeypatch):
        dying = findings(overlay, tmp_path)
        for _ in range(LINES.index(line) + 1):
            next(dying)
    if power:
        kernel.lose_power()
        for file in [*loaded.metadata(), kernel.firmware / "tiny.bin"]:
            file.write_bytes(file.read_bytes()[:100] if file.exists() else b"")
    well(overlay, tmp_path)
    dying.close()


def test_power_lost_in_its_batch(overlay: Overlay, tmp_path: Path, kernel: Kernel) -> None:
    found: list[Finding] = []
    dying = findings(overlay, tmp_path)
    while not found or found[-1].name != "soft reset":
        found.append(next(dying))
    with when_polled(kernel.hardware, kernel.lose_power):
        found.extend(dying)
    assert "the board has lost its power" in found[-2].text and found[-2].name == "frames"
    well(overlay, tmp_path)


def test_a_batch_of_its_is_under_way_when_it_is_killed(
    overlay: Overlay, tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    with killed(monkeypatch):
        driver = pynq_session.open_overlay(overlay)
        size, (slot, _) = driver._pair(100)
        driver._start(slot, slice(0, size))
    old = kernel.hardware.chip
    assert old is not None and not old.read(chip.CTRL) & chip.IDLE
    well(overlay, tmp_path)
    assert old.read(chip.CTRL) & chip.IDLE, "it was stopped before the next load"
    driver.close()


def test_the_report_is_whole_or_not_there(
    overlay: Overlay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "doctor.json"
    rows = report_of(overlay, tmp_path)
    write_json(file, rows)
    whole = file.read_bytes()

    def dies(*_: object) -> None:
        raise SystemExit("the power is lost")

    for moment in ("os.fsync", "pathlib.Path.replace"):
        with monkeypatch.context() as patch, pytest.raises(SystemExit):
            patch.setattr(moment, dies)
            write_json(file, rows)
        assert file.read_bytes() == whole
    assert [row["name"] for row in rows["findings"]] == LINES


def report_of(overlay: Overlay, tmp_path: Path) -> dict:
    return report(overlay, list(findings(overlay, tmp_path)))
