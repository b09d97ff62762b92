"""Synthesis with Yosys for the 7-series, out of context: what a module costs, and its netlist.

LUTs are counted as sites that cannot be used for anything else: each LUT1 to LUT6 is one, a LUT
memory is the LUTs it fills (a RAM32M or RAM64M four), a shift register is one. Yosys does not share
a site between two small functions, as Vivado does. Inverters (INV) are left out: place and route
moves them into the LUT that follows.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from host_build import caches
from host_build.implementation.cascade import join_cascades
from host_build.implementation.utilisation import Utilisation

CACHE = caches.folder("yosys")
Frontend = Literal["verilog", "slang"]
Parameter = int | str

LUTS = {f"LUT{n}": 1 for n in range(1, 7)}
LUT_RAMS = {
    "RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4,
    "RAM32X1S": 1, "RAM64X1S": 1, "RAM128X1S": 2, "RAM256X1S": 4,
}  # fmt: skip
SHIFT_REGISTERS = {"SRL16E": 1, "SRLC16E": 1, "SRLC32E": 1}
FLIP_FLOPS = {name: 1 for name in ("FDRE", "FDSE", "FDCE", "FDPE")}
BLOCK_RAMS = {"RAMB36E1": 1.0, "RAMB18E1": 0.5}

_MOST_MINUTES = 120.0
_RUN = "import sys; from pyosys import libyosys; libyosys.run_pass('script ' + sys.argv[1])"


class YosysError(Exception):
    """Yosys is missing or refused the design; the message says which."""


@dataclass(frozen=True, kw_only=True)
class Synthesis(Utilisation):
    """What Yosys made of a module."""

    carry4: int
    cascades: int
    """DSP blocks that take their partial sum from the neighbour's dedicated wires."""
    netlist: Path
    """Yosys JSON of the flat netlist."""


def synthesize(
    top: str,
    sources: Sequence[Path],
    parameters: Mapping[str, Parameter],
    images: Mapping[str, str] | None = None,
    *,
    frontend: Frontend = "verilog",
    shift_registers: bool = True,
    cache: Path = CACHE,
) -> Synthesis:
    """Synthesise module `top` with these parameters, or find the result in `cache`.

    `images` are the `$readmemh` files, text by name. Nothing is kept at the module's pins: no pads,
    no clock buffer. Without `shift_registers` these are flip-flops. Raises YosysError.
    """
    images = images or {}
    contents = [path.read_text() for path in sources]
    files = [f"{i}_{p.name}" for i, p in enumerate(sources)]
    script = _script(top, files, parameters, frontend, shift_registers)
    tools = [_version(), (Path(__file__).with_name("cascade.py")).read_text()]
    key = caches.digest([tools, script, contents, sorted(images.items())])

    def make(whole: Path) -> None:
        work = whole.parent / "work"
        work.mkdir()
        for name, text in {**dict(zip(files, contents, strict=True)), **images}.items():
            (work / name).write_text(text)
        _run(work, script)
        report = _finish(work)
        shutil.move(work / "netlist.json", whole / "netlist.json")
        (whole / "report.json").write_text(json.dumps(report, indent=1))

    folder = caches.filled(cache / f"{top}-{key}", make)
    report = json.loads((folder / "report.json").read_text())
    return Synthesis(**report, netlist=folder / "netlist.json")


def write_verilog(synthesis: Synthesis, path: Path) -> None:
    """The netlist as structural Verilog, for simulation with Yosys' models of the cells."""
    script = f"read_json {synthesis.netlist.resolve()}\nwrite_verilog -noattr {path.resolve()}\n"
    with tempfile.TemporaryDirectory() as work:
        _run(Path(work), script)


def cell_models() -> Path:
    """Yosys' simulation models of the 7-series cells."""
    _version()
    files = importlib.metadata.distribution("pyosys").locate_file("pyosys/share/xilinx/cells_sim.v")
    return Path(str(files))


def _script(
    top: str,
    files: Sequence[str],
    parameters: Mapping[str, Parameter],
    frontend: Frontend,
    shift_registers: bool,
) -> str:
    values = {n: f'"{v}"' if isinstance(v, str) else v for n, v in sorted(parameters.items())}
    if frontend == "verilog":
        read = [f"read_verilog -sv -defer {' '.join(files)}"]
        if any(isinstance(value, int) and value < 0 for value in values.values()):
            # chparam knows no sign, and forgets that of 32'sb1; an instance's parameters keep it.
            chosen = ", ".join(f".{name}({value})" for name, value in values.items())
            module = f"module above; {top} #({chosen}) below (); endmodule"
            read += ["read_verilog -sv <<END", module, "END"]
            read += ["hierarchy -top above", "delete above", "hierarchy -auto-top"]
        else:
            chosen = "".join(f" -set {name} {value}" for name, value in values.items())
            read += [f"chparam{chosen} {top}"] if chosen else []
            read += [f"hierarchy -top {top}"]
    else:
        chosen = "".join(f" -G {name}={value}" for name, value in values.items())
        read = [f"read_slang --top {top}{chosen} {' '.join(files)}"]
    without = "" if shift_registers else " -nosrl"
    synthesis = f"synth_xilinx -family xc7 -flatten -noiopad -noclkbuf{without} -top {top}"
    return "\n".join([
        *read,
        # The parameters are in the name of the top module by now.
        f"rename -top {top}",
        # To Yosys "distributed" means a memory that can be written, to Vivado LUTs that cannot.
        "setattr -set rom_style \"logic\" a:rom_style=distributed",
        synthesis,
        "write_json netlist.json",
        "",
    ])  # fmt: skip


def _run(folder: Path, script: str) -> None:
    """Yosys in a process of its own: it may crash, and it prints."""
    _version()
    (folder / "script.ys").write_text(script)
    try:
        done = subprocess.run(
            [sys.executable, "-c", _RUN, "script.ys"], cwd=folder, capture_output=True, text=True,
            check=False, timeout=60 * _MOST_MINUTES,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = error.stdout or b""
        text = said if isinstance(said, str) else said.decode(errors="replace")
        last = (text.splitlines() or ["its start"])[-1]
        raise YosysError(f"Yosys was ended after {_MOST_MINUTES:g} minutes, at: {last}") from None
    if done.returncode:
        lines = (done.stdout + done.stderr).strip().splitlines()
        errors = [line for line in lines if "error" in line.lower()] or lines[-5:]
        raise YosysError("Yosys failed:\n" + "\n".join(errors[-10:]))


def _finish(folder: Path) -> dict[str, Any]:
    """Join the DSP cascades in the netlist, leave out the library's cells, and count its own."""
    path = folder / "netlist.json"
    netlist = json.loads(path.read_text())
    own = {n: m for n, m in netlist["modules"].items() if not _is_library_cell(m)}
    (module,) = own.values()
    cascades = join_cascades(module)
    # The library's are megabytes.
    path.write_text(json.dumps({**netlist, "modules": own}))
    types = [cell["type"] for cell in module["cells"].values()]

    def count(weights: Mapping[str, float]) -> float:
        return sum(weights.get(kind, 0) for kind in types)

    return {
        "lut_logic": count(LUTS), "lut_ram": count(LUT_RAMS), "lut_shift": count(SHIFT_REGISTERS),
        "ff": count(FLIP_FLOPS), "bram36": count(BLOCK_RAMS), "dsp": count({"DSP48E1": 1}),
        "carry4": count({"CARRY4": 1}), "cascades": cascades,
    }  # fmt: skip


def _is_library_cell(module: Mapping[str, Any]) -> bool:
    return bool({"blackbox", "whitebox"} & module.get("attributes", {}).keys())


def _version() -> str:
    try:
        return importlib.metadata.version("pyosys")
    except importlib.metadata.PackageNotFoundError:
        raise YosysError("Yosys is not installed: pip install pyosys") from None
