"""Looks at a board's system, each fault of which has its line."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from board_app.doctor import looks
from board_app.doctor.finding import Finding, System
from board_app.driver.session import LOCK

VERSIONS = {"Python": "3.10.4", "numpy": "1.21.5", "pynq": "3.1.2"}
MANAGER = "/sys/class/fpga_manager/fpga0/state"
FILES = {
    "/proc/device-tree/model": "TUL PYNQ-Z2 (Zynq-7020)\0",
    "/etc/os-release": 'NAME="PynqLinux"\nPRETTY_NAME="PynqLinux, based on Ubuntu 22.04"\n',
    "/home/xilinx/REVISION": "Release 2024_09_30 a8b1d3c\n",
    "/etc/profile.d/pynq_venv.sh": "",
    "/proc/sys/kernel/osrelease": "6.6.10-xilinx\n",
    "/proc/modules": "zocl 163840 0 - Live 0x0\n",
    "/proc/meminfo": "MemTotal: 500000 kB\nCmaTotal: 131072 kB\nCmaFree: 120000 kB\n",
    "/usr/bin/xclbinutil": "",
    "/dev/dri/renderD128": "",
    MANAGER: "operating\n",
    "/run/resnet8-accelerator": "",
}
BOOTED = "ActiveState=active\nResult=success\nJob=0\n"
MESSAGES = "[ 9.1] fpga_manager fpga0: writing base.bin to Xilinx Zynq FPGA Manager\n[ 1] usb\n"


@dataclass(frozen=True)
class Played(System):
    """A board's files in a folder, and what its commands say."""

    says: tuple[tuple[str, str | None], ...] = (("systemctl", BOOTED), ("dmesg", MESSAGES))
    room: int | None = 4 << 30

    def run(self, command: Sequence[str]) -> str | None:
        return dict(self.says)[command[0]]

    def free(self, name: str) -> int | None:
        return self.room


def played(folder: Path, changed: dict[str, str | None] | None = None, **options: object) -> Played:
    """A board that is well, but for `changed` files (None: not there) and `options`."""
    for name, text in {**FILES, **(changed or {})}.items():
        if text is not None:
            path = folder / name[1:]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    environment = {"XILINX_XRT": "/usr", "PATH": "/bin:/usr/bin"}
    return Played(folder, **{"environment": environment, "user": 0, **options})


def all_of(system: System, versions: dict[str, str] = VERSIONS) -> dict[str, Finding]:
    found = [check() for check in looks.all_of(system, versions=versions)]
    return {row.name: row for row in [*found, looks.messages(system)]}


def test_a_board_that_is_well(tmp_path: Path) -> None:
    found = all_of(played(tmp_path))
    assert {row.state for row in found.values()} == {"ok"}, "\n".join(map(str, found.values()))
    assert "Release 2024_09_30" in found["image"].text
    assert "writing base.bin" in found["dmesg"].text and "usb" not in found["dmesg"].text


FAULTS = [
    ("no Zynq", {"/proc/device-tree/model": "Raspberry Pi 4"}, {}, "image", "fault", "no Zynq"),
    ("no PYNQ", {"/home/xilinx/REVISION": None, "/etc/profile.d/pynq_venv.sh": None}, {},
     "image", "fault", "no PYNQ image"),
    ("no zocl", {"/proc/modules": ""}, {}, "kernel", "fault", "without zocl"),
    ("not root", {}, {"user": 1000}, "root", "fault", "sudo"),
    ("no XRT", {}, {"environment": {}}, "XRT", "fault", "No Devices Found"),
    ("no xclbinutil", {"/usr/bin/xclbinutil": None}, {}, "XRT", "fault", "without xclbinutil"),
    ("no renderD", {"/dev/dri/renderD128": None}, {}, "render device", "fault", "renderD"),
    ("bootpy runs", {}, {"says": (("systemctl", "ActiveState=activating\nJob=12\n"),
     ("dmesg", ""))}, "boot", "warning", "is booting"),
    ("bootpy failed", {}, {"says": (("systemctl", "ActiveState=failed\nResult=exit-code\n"),
     ("dmesg", ""))}, "boot", "warning", "journalctl"),
    ("no fpga_manager", {MANAGER: None}, {}, "fpga_manager", "fault", "devcfg"),
    ("write error", {MANAGER: "write error"}, {}, "fpga_manager", "fault", "last load failed"),
    ("no CMA", {"/proc/meminfo": "MemTotal: 1 kB"}, {}, "CMA", "fault", "cma=128M"),
    ("CMA is taken", {"/proc/meminfo": "CmaTotal: 131072 kB\nCmaFree: 900 kB"}, {},
     "CMA", "fault", "0 MB of 128 MB"),
    ("a full /lib/firmware", {}, {"room": 1 << 20}, "/lib/firmware", "fault", "1 MB are free"),
    ("no /lib/firmware", {}, {"room": None}, "/lib/firmware", "fault", "is not there"),
    ("zocl complains", {}, {"says": (("systemctl", BOOTED), ("dmesg", "zocl: probe failed -12"))},
     "dmesg", "warning", "probe failed"),
    ("no dmesg", {}, {"says": (("systemctl", None), ("dmesg", None))}, "dmesg", "warning", "read"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "options", "name", "state", "says"),
    [row[1:] for row in FAULTS],
    ids=[row[0] for row in FAULTS],
)
def test_each_fault_has_its_line(
    tmp_path: Path, changed: dict, options: dict, name: str, state: str, says: str
) -> None:
    found = all_of(played(tmp_path, changed, **options))
    assert found[name].state == state and says in str(found[name])
    assert found[name].advice
    others = {row.state for row in found.values() if row.name != name}
    assert others <= {"ok"}, "nothing else is blamed"


@pytest.mark.parametrize(
    ("version", "state"), [("absent", "fault"), ("4.0.0", "fault"), ("3.1.0", "warning")]
)
def test_versions_of_pynq(tmp_path: Path, version: str, state: str) -> None:
    found = all_of(played(tmp_path), {**VERSIONS, "pynq": version})
    assert found["packages"].state == state and version in found["packages"].text


def test_a_notebook_that_has_dev_mem(tmp_path: Path) -> None:
    system = played(tmp_path, {"/proc/77/cmdline": "python3\0ipykernel\0"})
    (tmp_path / "proc/77/fd").mkdir()
    (tmp_path / "proc/77/fd/5").symlink_to("/dev/mem")
    found = all_of(system)["/dev/mem"]
    assert found.state == "warning" and "77 (python3 ipykernel)" in found.text


def test_the_lock_and_its_owner(tmp_path: Path) -> None:
    system = played(tmp_path, {str(LOCK): "process 5, board_app serve"})
    with system.path(str(LOCK)).open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        found = all_of(system)["lock"]
    assert found.state == "fault" and "process 5, board_app serve has the FPGA" in found.text
    assert all_of(system)["lock"].state == "ok", "once it ends"


def test_a_check_that_fails_itself_is_a_line() -> None:
    from board_app.doctor.examine import _safely

    def broken() -> Finding:
        raise ZeroDivisionError("by hand")

    check: Callable[[], Finding] = broken
    found = _safely(check)
    assert found.state == "warning" and "ZeroDivisionError: by hand" in found.text
