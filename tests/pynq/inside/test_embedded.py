"""The driver on pynq's own EmbeddedDevice, over a board's system that is played."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pynq
import pytest
from pynq.pl_server.device import Device
from pynq.pl_server.embedded_device import EmbeddedDevice, bit2bin

from board_app.driver import chip, loaded
from board_app.driver.accelerator import Accelerator
from board_app.driver.pynq_session import open_bitstream
from board_app.errors import AcceleratorError
from tests.bit_files import bit_file

from .conftest import HARDWARE, REFERENCE, pixels, write_overlay
from .kernel import Kernel
from .test_driver import OTHERS, REBOOT, when_downloaded, when_polled


@pytest.fixture
def driver(kernel: Kernel, bitstream: Path) -> Iterator[Accelerator]:
    with open_bitstream(bitstream, HARDWARE) as driver:
        yield driver


@pytest.fixture
def notebook(kernel: Kernel, tmp_path: Path) -> pynq.Overlay:
    """Another's overlay, whose handoff pynq has from its cache: a load of it leaves no state."""
    path = str(write_overlay(tmp_path / "other.bit", bit=5, hwh=5))
    pynq.Overlay(path)
    overlay = pynq.Overlay(path)
    assert overlay.parser._from_cache
    return overlay


def equal(driver: Accelerator, images: np.ndarray) -> bool:
    return np.array_equal(driver.execute(images), REFERENCE.execute(images))


def test_it_is_pynqs_own_device(kernel: Kernel, bitstream: Path) -> None:
    assert type(Device.active_device) is EmbeddedDevice
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert driver.name == "fpga" and equal(driver, pixels(300))
        assert driver.throughput_test(256)["chip_cycles"] == 2 * (9000 + 128 * 6000)
    assert (kernel.firmware / "chip.bin").read_bytes() == bit2bin(bitstream.read_bytes())
    assert Path(EmbeddedDevice.BS_FPGA_MAN_FLAGS).read_text() == "0"
    assert kernel.loaded == ["chip.bin"]
    assert kernel.hardware.fclk0_mhz == pytest.approx(1000 / 7)
    assert not kernel.hardware._buffers, "all memory is given back"


def test_a_forgotten_flush_gives_wrong_data(kernel: Kernel, driver: Accelerator) -> None:
    assert equal(driver, pixels(4))
    kernel.hardware.forget_flush = True
    assert not equal(driver, pixels(4, seed=1))


def test_another_overlay_before_between_and_during_batches(
    kernel: Kernel, bitstream: Path, notebook: pynq.Overlay
) -> None:
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(300))
        notebook.download()
        with when_downloaded(kernel.hardware) as seen:
            for use in (lambda: driver.execute(pixels(3)), driver.counters):
                with pytest.raises(AcceleratorError, match=OTHERS):
                    use()
    assert seen == [], "its registers are another's"
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(300))
        with (
            when_polled(kernel.hardware, notebook.download),
            pytest.raises(AcceleratorError, match=OTHERS),
        ):
            driver.execute(pixels(300))
    assert kernel.loaded[-4:] == ["chip.bin", "other.bin"] * 2
    # That cut a batch off. What was asked of memory is lost, and the port with it.
    with (
        open_bitstream(bitstream, HARDWARE) as driver,
        pytest.raises(AcceleratorError, match=REBOOT),
    ):
        driver.execute(pixels(3))


def test_power_lost_in_a_batch(kernel: Kernel, bitstream: Path) -> None:
    with (
        open_bitstream(bitstream, HARDWARE) as driver,
        when_polled(kernel.hardware, kernel.lose_power),
        pytest.raises(AcceleratorError, match="power"),
    ):
        driver.execute(pixels(300))
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(300))


def test_a_dead_port_until_the_reboot(kernel: Kernel, bitstream: Path) -> None:
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert kernel.hardware.chip is not None
        kernel.hardware.chip.lose_port()
        with pytest.raises(AcceleratorError, match=REBOOT):
            driver.execute(pixels(3))
    for _ in range(2):
        with pytest.raises(AcceleratorError, match=f"{REBOOT}.* --load-anyway"):
            open_bitstream(bitstream, HARDWARE)
    assert kernel.loaded == ["chip.bin"]
    kernel.lose_power()
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))


@pytest.mark.parametrize("content", [b"half of a f", b""])
def test_pynqs_cache_is_stale_or_damaged(kernel: Kernel, tmp_path: Path, content: bytes) -> None:
    path = write_overlay(tmp_path / "chip.bit", mhz=100)
    pynq.Overlay(str(path))
    write_overlay(path)
    assert pynq.Overlay(str(path), download=False).clock_dict[0]["divisor1"] == 2, "it is stale"
    with open_bitstream(path, HARDWARE) as driver:
        assert equal(driver, pixels(3))
    for cache in loaded.metadata():
        cache.write_bytes(content)
    with open_bitstream(path, HARDWARE) as driver:
        assert equal(driver, pixels(3))


def test_pynqs_cache_cannot_be_read(kernel: Kernel, bitstream: Path) -> None:
    cache = loaded.metadata()[0]
    cache.mkdir()
    try:
        with pytest.raises(AcceleratorError, match="cannot delete pynq's stale cache"):
            open_bitstream(bitstream, HARDWARE)
    finally:
        cache.rmdir()
    open_bitstream(bitstream, HARDWARE).close()


def test_no_contiguous_memory(kernel: Kernel, driver: Accelerator) -> None:
    kernel.hardware._cma = 16 << 10
    with pytest.raises(AcceleratorError, match=r"no contiguous memory \(CMA\) for 393,216 bytes"):
        driver.execute(pixels(128))
    kernel.hardware._cma = 8 << 20
    assert equal(driver, pixels(128))


@pytest.mark.parametrize("shift", [0x1000_0000, 1 << 32, -0x0FFF_0000])
def test_a_buffer_out_of_range(kernel: Kernel, driver: Accelerator, shift: int) -> None:
    kernel.shift = shift
    with pytest.raises(
        AcceleratorError, match=rf"buffer of \S+ bytes at 0x{0x1000_0000 + shift:x}"
    ):
        driver.execute(pixels(8))
    assert not kernel.hardware._buffers


@pytest.mark.parametrize("offset", [0x00, 0x14])
def test_a_narrow_port(kernel: Kernel, bitstream: Path, offset: int) -> None:
    kernel.hardware._afi[offset] |= 1
    with pytest.raises(AcceleratorError, match=f"bit 0 of 0x{0xF8008000 + offset:08x} is 1"):
        open_bitstream(bitstream, HARDWARE)


def test_a_clock_of_another_pll(kernel: Kernel, bitstream: Path) -> None:
    kernel.hardware._slcr[0x108] = 30 << 12
    with pytest.raises(AcceleratorError, match=r"214\.286 MHz.* IO PLL .*= 1500 MHz.*BOOT\.BIN"):
        open_bitstream(bitstream, HARDWARE)


def test_fpga_manager_refuses_the_file(kernel: Kernel, bitstream: Path) -> None:
    kernel.refuses = True
    says = r"cannot load .*Invalid argument.*dmesg.*What was in the FPGA before is lost"
    with pytest.raises(AcceleratorError, match=says):
        open_bitstream(bitstream, HARDWARE)
    assert (kernel.firmware / "chip.bin").exists(), "the kernel had all of it"
    kernel.refuses = False
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))


def test_a_full_lib_firmware(kernel: Kernel, bitstream: Path) -> None:
    open_bitstream(bitstream, HARDWARE).close()
    file = kernel.firmware / "chip.bin"
    file.unlink()
    file.symlink_to("/dev/full")
    with pytest.raises(AcceleratorError, match=FULL):
        open_bitstream(bitstream, HARDWARE)
    assert kernel.loaded == ["chip.bin"]
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount")
def test_a_lib_firmware_with_room_for_a_part(
    kernel: Kernel, bitstream: Path, tmp_path: Path
) -> None:
    """What was loaded before goes on, and the part does not take the last of the room."""
    large = write_overlay(tmp_path / "large.bit")
    large.write_bytes(bit_file(words=16 << 10))
    with mounted(kernel.firmware, 16 << 10):
        open_bitstream(bitstream, HARDWARE).close()
        room = shutil.disk_usage(kernel.firmware).free
        assert 0 < room < large.stat().st_size
        with pytest.raises(AcceleratorError, match=FULL):
            open_bitstream(large, HARDWARE)
        assert kernel.loaded == ["chip.bin"] and kernel.hardware.chip is not None
        assert shutil.disk_usage(kernel.firmware).free == room
        with open_bitstream(bitstream, HARDWARE) as driver:
            assert equal(driver, pixels(3))


FULL = r"No space left on device; .*df -h /lib/firmware\).*The FPGA has what was loaded before"


@contextmanager
def mounted(folder: Path, size: int) -> Iterator[None]:
    """A file system of `size` bytes at `folder`; skips where none can be had."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder]
    if subprocess.run(mount, stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def test_no_root(kernel: Kernel, bitstream: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(AcceleratorError, match=r"Root permissions required.*run as root"):
        open_bitstream(bitstream, HARDWARE)
    assert kernel.loaded == []


def test_no_xclbinutil(kernel: Kernel, bitstream: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(AcceleratorError, match=r"xclbinutil.*source .*xrt_setup\.sh"):
        open_bitstream(bitstream, HARDWARE)


def test_the_state_of_the_boot_before_is_forgotten(kernel: Kernel, bitstream: Path) -> None:
    """pynq would shut down the AXI of what its state names, which is no longer there."""
    open_bitstream(bitstream, HARDWARE).close()
    assert loaded.metadata()[1:]
    kernel.lose_power()
    control = chip.BASE + 2 * chip.WINDOW
    with pytest.raises(RuntimeError, match="FPGA is empty"):
        pynq.MMIO(control, 4).read(0)
    with open_bitstream(bitstream, HARDWARE) as driver:
        assert equal(driver, pixels(3))
