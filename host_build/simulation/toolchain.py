"""Shared libraries of simulated hardware: sources in, cached library out."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from host_build import caches
from host_build.kernels.base import Stream
from host_build.simulation.programs import (
    BuildError,
    LintError,
    compiler,
    compiler_version,
    run,
    verilate,
    verilator,
    version,
)
from host_build.text import templates

HERE = Path(__file__).parent
CACHE = caches.folder("verilator")
Parameter = int | str

# The runtime calls the functions of harness.cpp.j2 instead of ending the process.
_HOOKS = [f"-DVL_USER_{hook}" for hook in ("FINISH", "FATAL", "STOP", "WARN")]
_COMPILE = [
    "-std=c++20", "-fPIC", "-fvisibility-inlines-hidden", "-DVERILATOR=1", "-DVM_COVERAGE=0",
    "-DVM_SC=0", "-DVM_TIMING=0", "-DVM_TRACE_FST=0", "-DVM_TRACE_SAIF=0",
]  # fmt: skip


def compile_circuit(
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, Parameter],
    inputs: Sequence[Stream],
    outputs: Sequence[Stream],
    defines: Mapping[str, str],
    traced: bool,
    cache: Path,
) -> Path:
    """The shared library of `top` with these parameters, built only if `cache` lacks it."""
    harness = templates.render(
        HERE / "harness.cpp.j2",
        {"top": top, "inputs": inputs, "outputs": outputs, "traced": traced},
    )
    return compile_harness(
        top, sources, harness, parameters, defines, traced, cache,
        check=lambda header: _check_widths(header, inputs, outputs),
    )  # fmt: skip


def compile_harness(
    top: str,
    sources: Sequence[Path],
    harness: str,
    parameters: Mapping[str, Parameter],
    defines: Mapping[str, str],
    traced: bool,
    cache: Path,
    *,
    check: Callable[[Path], None] = lambda _: None,
) -> Path:
    """The shared library of `top` and the C++ that drives it, built only if `cache` lacks it.

    `check` sees Verilator's header of the module before anything is compiled, and may refuse it.
    """
    arguments = _arguments(top, parameters, defines)
    contents = [path.read_text() for path in sources]
    trace = ["--trace-vcd"] if traced else []
    key = caches.digest([version(), harness, arguments, contents, [*_COMPILE, *trace]])

    def make(folder: Path) -> None:
        runtime = _runtime(traced, cache)
        cpp = folder / "cpp"
        verilate(
            ["--cc", *trace, "--x-initial", "unique", "--Mdir", str(cpp), *arguments],
            sources, BuildError,
        )  # fmt: skip
        check(cpp / f"V{top}.h")
        (cpp / "harness.cpp").write_text(harness)
        _compile_all(cpp, runtime, folder / "circuit.so", traced)
        shutil.rmtree(cpp)

    return caches.filled(cache / f"{top}-{key}", make) / "circuit.so"


def compile_library(text: str, definitions: Mapping[str, str], cache: Path) -> Path:
    """The shared library of C++ that needs no other file, built only if `cache` lacks it."""
    flags = [
        "-std=c++20",
        "-O2",
        "-fPIC",
        "-shared",
        *(f"-D{k}={v}" for k, v in definitions.items()),
    ]

    def make(folder: Path) -> None:
        source = folder / "library.cpp"
        source.write_text(text)
        run([compiler(), *flags, str(source), "-o", str(folder / "library.so")], BuildError)

    key = caches.digest([compiler_version(), text, flags])
    return caches.filled(cache / f"library-{key}", make) / "library.so"


def lint(
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, Parameter],
    *,
    defines: Mapping[str, str] | None = None,
) -> None:
    """Raise LintError if `verilator --lint-only -Wall` has anything to say about the module."""
    arguments = _arguments(top, parameters, defines or {})
    # A parameter that only an attribute uses, such as a memory's style, counts as unused.
    verilate(["--lint-only", "-Wall", "-Wno-UNUSEDPARAM", *arguments], sources, LintError)


def image_folder(images: Mapping[str, str | bytes], cache: Path) -> Path:
    """A folder that holds `images`, text or bytes by file name."""
    files = {
        name: content.encode() if isinstance(content, str) else content
        for name, content in sorted(images.items())
    }

    def make(folder: Path) -> None:
        for name, content in files.items():
            (folder / name).write_bytes(content)

    known = [(name, hashlib.sha256(content).hexdigest()) for name, content in files.items()]
    return caches.filled(cache / f"images-{caches.digest(known)}", make)


def _arguments(
    top: str, parameters: Mapping[str, Parameter], defines: Mapping[str, str]
) -> list[str]:
    values = [f"-G{name}={_literal(value)}" for name, value in sorted(parameters.items())]
    return ["--top-module", top, *values, *(f"-D{k}={v}" for k, v in sorted(defines.items()))]


def _literal(value: Parameter) -> str:
    """A parameter's value as Verilator's command line takes it."""
    if isinstance(value, str):
        return f'"{value}"'
    if -(2**31) <= value < 2**31:
        return str(int(value))
    if value < 0:
        raise ValueError(f"a parameter of {value} is too negative for 32 bits")
    return f"{value.bit_length()}'h{value:x}"


def _flags(traced: bool) -> list[str]:
    root = verilator()[1]
    include = [f"-I{root / 'include'}", f"-I{root / 'include' / 'vltstd'}"]
    trace = [f"-D{name}={int(traced)}" for name in ("VM_TRACE", "VM_TRACE_VCD")]
    return [*_COMPILE, *_HOOKS, *include, *trace]


def _runtime(traced: bool, cache: Path) -> Path:
    """Verilator's own C++ library and headers, compiled once for all: `runtime.o`, `common.h`."""
    names = ["verilated", "verilated_threads", *(["verilated_vcd_c"] if traced else [])]
    headers = ["chrono", "cstring", "stdexcept", "string", "verilated.h"]

    def make(folder: Path) -> None:
        unity, common = folder / "runtime.cpp", folder / "common.h"
        unity.write_text("".join(f'#include "{name}.cpp"\n' for name in names))
        common.write_text("".join(f"#include <{name}>\n" for name in headers))
        _compile(unity, folder / "runtime.o", "-O2", *_flags(traced))
        # Most of the time to compile a small circuit would go into these headers.
        _compile(common, folder / "common.h.gch", "-O2", *_flags(traced), "-x", "c++-header")

    key = caches.digest([version(), str(verilator()), _COMPILE, _HOOKS, names, headers])
    return caches.filled(cache / f"runtime-{key}", make)


def _check_widths(header: Path, inputs: Sequence[Stream], outputs: Sequence[Stream]) -> None:
    """Refuse a stream that is not a port of the module, or not as wide as declared."""
    found = re.findall(r"VL_(?:IN|OUT)\w*\(&(\w+),(\d+),(\d+)", header.read_text())
    widths = {name: int(left) - int(right) + 1 for name, left, right in found}
    ports = {f"{stream.name}_data_i": stream.width for stream in inputs}
    ports |= {f"{stream.name}_data_o": stream.width for stream in outputs}
    for name, width in ports.items():
        if name not in widths:
            raise BuildError(f"{header.stem[1:]} has no port {name}; it has {sorted(widths)}")
        if widths[name] != width:
            raise BuildError(f"{name} is {widths[name]} bits wide, not {width}")


def _compile_all(folder: Path, runtime: Path, library: Path, traced: bool) -> None:
    """Compile what Verilator wrote, its start-up code apart: that is not worth much optimising."""
    files = sorted(folder.glob("*.cpp"))
    slow = [path for path in files if "Slow" in path.name]
    units = {"-O1": slow, "-O2": [path for path in files if path not in slow]}

    def compile_unit(level: str) -> str:
        unit = folder / f"unit{level}.cc"
        unit.write_text("".join(f'#include "{path.name}"\n' for path in units[level]))
        common = str(runtime / "common.h")
        _compile(unit, unit.with_suffix(".o"), level, *_flags(traced), "-include", common)
        return str(unit.with_suffix(".o"))

    with ThreadPoolExecutor(len(units)) as pool:
        objects = [*pool.map(compile_unit, units), str(runtime / "runtime.o")]
    run(
        [compiler(), "-shared", "-pthread", *objects, "-o", str(library)],
        BuildError,
    )


def _compile(source: Path, output: Path, *flags: str) -> None:
    language = [] if "-x" in flags else ["-c"]
    run(
        [compiler(), *flags, *language, str(source), "-o", str(output)],
        BuildError,
    )
