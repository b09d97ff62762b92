"""Looks at the board's system: files and versions, nothing that could harm anything.

Each check takes a System and gives one Finding.
"""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Callable, List, Mapping, Optional, Tuple

from board_app.doctor.finding import FAULT, OK, WARNING, Finding, System
from board_app.driver.session import LOCK, LOCK_VARIABLE
from board_app.system import boot, machine

_PYNQ_IMAGE = "flash the PYNQ-Z2's image v3.0.1 or v3.1.1 to the SD card"
_FIRMWARE_BYTES = 8 << 20  # a .bin of the xc7z020 has 4 MB, and pynq writes it beside the old one
_CMA_KB = 16 << 10  # the driver's buffers take 2 MB


def image(system: System) -> Finding:
    """The SD card's image and the board it is for."""
    model = system.text("/proc/device-tree/model")
    release = system.text("/etc/os-release") or ""
    name = next((row[12:].strip('"') for row in release.splitlines() if "PRETTY_NAME=" in row), "?")
    revision = (system.text("/home/xilinx/REVISION") or "").splitlines()[:1]
    text = ", ".join([model or "no device tree", name, *revision])
    if model is None or ("zynq" not in model.lower() and "pynq" not in model.lower()):
        return Finding("image", FAULT, text, f"this is no Zynq board: {_PYNQ_IMAGE}")
    if not revision and system.text("/etc/profile.d/pynq_venv.sh") is None:
        return Finding("image", FAULT, text, f"this is no PYNQ image: {_PYNQ_IMAGE}")
    return Finding("image", OK, text)


def kernel(system: System) -> Finding:
    """Linux and the driver of the FPGA's memory in it."""
    release = system.text("/proc/sys/kernel/osrelease") or "unknown"
    modules = system.text("/proc/modules") or ""
    if "zocl" not in modules and not system.path("/sys/module/zocl").exists():
        return Finding(
            "kernel", FAULT, f"Linux {release}, without zocl",
            f"pynq gets its buffers from it: sudo modprobe zocl, or {_PYNQ_IMAGE}",
        )  # fmt: skip
    return Finding("kernel", OK, f"Linux {release}, zocl")


def packages(versions: Mapping[str, str]) -> Finding:
    """Python and its packages."""
    text = ", ".join(f"{name} {value}" for name, value in versions.items())
    version = versions.get("pynq", "absent")
    if version == "absent":
        advice = (
            "source /etc/profile.d/pynq_venv.sh and xrt_setup.sh, or run by deploy.sh, which does"
        )
        return Finding("packages", FAULT, text, advice)
    if version.split(".")[0] not in ("2", "3"):
        return Finding("packages", FAULT, text, f"pynq {version} has no PYNQ-Z2: {_PYNQ_IMAGE}")
    if version == "3.1.0":
        advice = "pynq 3.1.0 may give small buffers addresses beyond the memory: update to 3.1.1"
        return Finding("packages", WARNING, text, advice)
    return Finding("packages", OK, text)


def root(system: System) -> Finding:
    """Whether it may use the FPGA."""
    if system.user != 0:
        return Finding("root", FAULT, f"user {system.user}", "run it as root: sudo, or deploy.sh")
    return Finding("root", OK, "root")


def xrt(system: System) -> Finding:
    """XRT's settings and its xclbinutil, which pynq calls at each load."""
    folder = system.environment.get("XILINX_XRT")
    if not folder:
        return Finding(
            "XRT", FAULT, "XILINX_XRT is not set",
            "source /etc/profile.d/xrt_setup.sh: without it pynq says only No Devices Found",
        )  # fmt: skip
    places = [f"{folder}/bin", *system.environment.get("PATH", "").split(":")]
    found = [place for place in places if system.path(f"{place}/xclbinutil").exists()]
    if not found:
        return Finding(
            "XRT", FAULT, f"{folder}, without xclbinutil",
            f"XRT is not whole, or not on the PATH: {_PYNQ_IMAGE}",
        )  # fmt: skip
    return Finding("XRT", OK, f"{folder}, {found[0]}/xclbinutil")


def render(system: System) -> Finding:
    """The device that buffers come from."""
    nodes = sorted(path.name for path in system.path("/dev/dri").glob("renderD*"))
    if not nodes:
        return Finding(
            "render device", FAULT, "there is no /dev/dri/renderD*",
            "zocl has not found its node in the device tree: reboot; if it stays so, the boot "
            "partition is not that of the image",
        )  # fmt: skip
    return Finding("render device", OK, ", ".join(nodes))


def bootpy(system: System) -> Finding:
    """The boot's own load of base.bit."""
    answer = system.run(["systemctl", "show", "--property=ActiveState,Result,Job", boot.SERVICE])
    rows = dict(row.split("=", 1) for row in (answer or "").splitlines() if "=" in row)
    state, result = rows.get("ActiveState", "unknown"), rows.get("Result", "unknown")
    text = f"{boot.SERVICE}: {state}, {result}"
    if state == "activating" or rows.get("Job", "0") not in ("", "0"):
        advice = "the board is booting, and loads its own overlay at any time: wait, and ask again"
        return Finding("boot", WARNING, text, advice)
    if state == "failed":
        advice = f"journalctl -u {boot.SERVICE} says why; the demo does not need it"
        return Finding("boot", WARNING, text, advice)
    return Finding("boot", OK, text)


def memory_users(system: System) -> Finding:
    """Programs that have /dev/mem open: notebooks that may load the FPGA."""
    users = []
    for process in sorted(system.path("/proc").glob("[0-9]*")):
        try:
            links = [str(link.readlink()) for link in (process / "fd").iterdir()]
        except OSError:
            continue
        if "/dev/mem" in links:
            command = system.text(f"/proc/{process.name}/cmdline") or "unknown"
            users.append(f"{process.name} ({' '.join(command.split(chr(0)))[:60]})")
    if users:
        advice = "they may load the FPGA or write its registers: shut notebooks' kernels down"
        return Finding("/dev/mem", WARNING, "open in " + ", ".join(users), advice)
    return Finding("/dev/mem", OK, "open in no other program")


def lock(system: System) -> Finding:
    """Whose the FPGA is."""
    path = Path(system.environment.get(LOCK_VARIABLE) or system.path(str(LOCK)))
    try:
        with path.open("r") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                owner = file.read().strip() or "another process"
                advice = "end it first (./deploy.sh --stop); the chip itself is not looked at now"
                return Finding("lock", FAULT, f"{owner} has the FPGA ({path})", advice)
    except FileNotFoundError:
        pass
    except OSError as error:
        return Finding("lock", WARNING, str(error), "run it as root")
    return Finding("lock", OK, f"nobody has the FPGA ({path})")


def fpga_manager(system: System) -> Finding:
    """The kernel's driver that loads the FPGA."""
    folder = "/sys/class/fpga_manager/fpga0"
    state = system.text(f"{folder}/state")
    if state is None:
        return Finding(
            "fpga_manager", FAULT, f"there is no {folder}",
            f"the device tree has no devcfg node: the boot partition is not the image's: "
            f"{_PYNQ_IMAGE}",
        )  # fmt: skip
    if state == "operating":
        return Finding("fpga_manager", OK, "operating: a bitstream is loaded")
    if state in ("unknown", "power off", "power up", "reset"):
        return Finding("fpga_manager", OK, f"{state}: nothing is loaded")
    return Finding(
        "fpga_manager", FAULT, f"{state}: the last load failed",
        "the .bit is damaged or of another FPGA: deploy again; dmesg's lines below say more",
    )  # fmt: skip


def cma(system: System) -> Finding:
    """The contiguous memory that buffers come from."""
    rows = dict(
        (row.split(":")[0], int(row.split()[1]))
        for row in (system.text("/proc/meminfo") or "").splitlines()
        if row.startswith("Cma")
    )
    total, free = rows.get("CmaTotal", 0), rows.get("CmaFree", 0)
    text = f"{free >> 10} MB of {total >> 10} MB are free"
    if total == 0:
        advice = f"the kernel keeps no contiguous memory (bootargs cma=128M): {_PYNQ_IMAGE}"
        return Finding("CMA", FAULT, "there is none", advice)
    if free < _CMA_KB:
        advice = "other programs or notebooks hold it: shut their kernels down, or reboot"
        return Finding("CMA", FAULT, text, advice)
    return Finding("CMA", OK, text)


def firmware(system: System) -> Finding:
    """Room for the bitstream where the kernel reads it."""
    free = system.free("/lib/firmware")
    if free is None:
        advice = "pynq writes the bitstream there: sudo mkdir /lib/firmware"
        return Finding("/lib/firmware", FAULT, "is not there", advice)
    text = f"{free >> 20} MB are free"
    if free < _FIRMWARE_BYTES:
        advice = "pynq writes the bitstream there: delete files, or take a larger SD card"
        return Finding("/lib/firmware", FAULT, text, advice)
    return Finding("/lib/firmware", OK, text)


def messages(system: System) -> Finding:
    """What the kernel said of the FPGA and of its memory."""
    said = system.run(["dmesg"])
    if said is None:
        return Finding("dmesg", WARNING, "cannot be read", "run it as root")
    rows = [row for row in said.splitlines() if "fpga_manager" in row or "zocl" in row][-8:]
    bad = [row for row in rows if any(word in row.lower() for word in ("error", "fail", "timeout"))]
    text = "\n".join(["", *rows]).replace("\n", f"\n{'':<25} ") if rows else "nothing of the FPGA"
    if bad:
        advice = f"the kernel reports: {bad[-1].strip()}"
        return Finding("dmesg", WARNING, text, advice)
    return Finding("dmesg", OK, text)


_ANYWHERE: Tuple[Callable[[System], Finding], ...] = (lock,)
_ON_A_BOARD = (
    image, kernel, root, xrt, render, bootpy, memory_users, fpga_manager, cma, firmware,
)  # fmt: skip


def all_of(
    system: System, simulated: bool = False, versions: Optional[Mapping[str, str]] = None
) -> List[Callable[[], Finding]]:
    """The checks in order; of a simulated board only those that are not of a board's system."""
    checks = _ANYWHERE if simulated else _ON_A_BOARD + _ANYWHERE
    found: List[Callable[[], Finding]] = [lambda: packages(versions or machine.versions())]
    return found + [lambda check=check: check(system) for check in checks]
