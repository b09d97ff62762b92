"""What this program runs on: the machine and the versions that a measurement belongs to."""

from __future__ import annotations

import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Dict

_FREQUENCY = Path("/sys/devices/system/cpu/cpu0/cpufreq")
_SENSORS, _ZONES = Path("/sys/bus/iio/devices"), Path("/sys/class/thermal")
_PACKAGES = ("numpy", "Flask", "Werkzeug", "Pillow", "pynq")


def describe() -> Dict[str, str]:
    """The machine: its model, architecture, number of processors and operating system."""
    return {
        "model": _model(),
        "architecture": platform.machine(),
        "processors": str(os.cpu_count()),
        "system": _system(),
    }


def versions() -> Dict[str, str]:
    """Python's version and those of the packages used; "absent" for one that is not installed."""
    found = {"Python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "absent"
    return found


def state() -> Dict[str, str]:
    """How fast the processor may run now, and how warm it is; "unknown" for what nobody tells."""
    governor = _read(_FREQUENCY / "scaling_governor")
    kilohertz = _read(_FREQUENCY / "scaling_cur_freq")
    return {
        "governor": governor or "unknown",
        "processor_mhz": f"{int(kilohertz) / 1000:g}" if kilohertz.isdecimal() else "unknown",
        "celsius": _celsius(),
    }


def _celsius() -> str:
    # A Zynq's XADC measures the chip's own temperature, in millidegrees once offset and scaled.
    for device in sorted(_SENSORS.glob("iio:device*/in_temp0_raw")):
        raw, offset, scale = (
            _read(device.with_name(f"in_temp0_{name}")) for name in ("raw", "offset", "scale")
        )
        with suppress(ValueError):
            return f"{(float(raw) + float(offset)) * float(scale) / 1000:.1f}"
    for zone in sorted(_ZONES.glob("thermal_zone*/temp")):
        with suppress(ValueError):
            return f"{float(_read(zone)) / 1000:.1f}"
    return "unknown"


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _model() -> str:
    try:
        # Boards name themselves in the device tree, PCs name their processor.
        return Path("/proc/device-tree/model").read_text().strip("\0\n")
    except OSError:
        return _value(Path("/proc/cpuinfo"), "model name", ":") or "unknown"


def _system() -> str:
    name = _value(Path("/etc/os-release"), "PRETTY_NAME", "=") or platform.system()
    return f"{name}, {platform.system()} {platform.release()}"


def _value(path: Path, key: str, separator: str) -> str:
    """The first value of `key` in a file of key-value lines; "" where there is none."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    for line in lines:
        name, _, value = line.partition(separator)
        if name.strip() == key:
            return value.strip(' \t"')
    return ""
