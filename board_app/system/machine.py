"""What this program runs on: the machine and the versions that a measurement belongs to."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Dict

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
