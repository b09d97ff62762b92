"""The open tools: Yosys, nextpnr-xilinx, fasm2frames and xc7frames2bit.

They have run as stand-ins only: see the README. nextpnr knows no delays of DSP blocks and of the
processing system, so what it calls the highest clock is a hint and no proof.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from board_app.files import write_atomically
from host_build.implementation import bitfile, chip_synthesis, open_limits, tool
from host_build.implementation.design import CLOCK_NET, PART, Design
from host_build.implementation.report import Report, Timing
from host_build.implementation.tool import ToolError
from host_build.implementation.utilisation import Utilisation
from host_build.implementation.vivado import Outcome

FAMILY = "zynq7"
REMEDY = "install the openXC7 tools and put them on PATH"
_HINT = "nextpnr does not time DSP blocks and the processing system: its slack is a hint, no proof"
_NETLIST, _CONSTRAINTS, _FASM, _FRAMES, _BITSTREAM, _REPORT = (
    "netlist.json", "chip.xdc", "chip.fasm", "chip.frames", "chip.bit", "nextpnr.json"
)  # fmt: skip
_SAME_CLOCK = 1e-3


@dataclass(frozen=True)
class Tools:
    """Where nextpnr's and Project X-Ray's databases are.

    `chipdb` is the device's .bin file, `prjxray_db` the folder that has a folder a family.
    """

    chipdb: Path
    prjxray_db: Path

    @property
    def family(self) -> Path:
        return self.prjxray_db / FAMILY

    @property
    def part_file(self) -> Path:
        return self.family / PART / "part.yaml"

    def check(self) -> None:
        """ToolError where a file is missing, with the option that names it."""
        if not self.chipdb.is_file():
            raise ToolError(
                f"{self.chipdb} is no chip database: make one with nextpnr-xilinx's bbaexport.py "
                f"and bbasm for {PART}, and give it as --chipdb FILE"
            )
        if not self.part_file.is_file():
            raise ToolError(
                f"{self.part_file} is missing: give the folder of Project X-Ray's database, the "
                f"one that has {FAMILY}/, as --prjxray-db DIR"
            )


def constraints(design: Design) -> str:
    """The clock, in nextpnr's dialect: it knows nets, no pins."""
    return f"create_clock -period {1000 / design.clock_mhz:.4f} [get_nets {CLOCK_NET}]\n"


def place_and_route(nextpnr: str, design: Design, tools: Tools) -> list[str]:
    """nextpnr's command line; it judges no timing, its report does."""
    return [
        nextpnr, "--chipdb", str(tools.chipdb.absolute()), "--xdc", _CONSTRAINTS,
        "--json", _NETLIST, "--freq", f"{design.clock_mhz:g}", "--timing-allow-fail",
        "--fasm", _FASM, "--report", _REPORT,
    ]  # fmt: skip


def implement(design: Design, folder: Path, tools: Tools) -> Outcome:
    """Run the tools in `folder`, which is emptied before. HostError where it cannot be done."""
    programs = {name: tool.find(name, REMEDY) for name in
                ("nextpnr-xilinx", "fasm2frames", "xc7frames2bit")}  # fmt: skip
    tools.check()
    synthesised, found = chip_synthesis.synthesize(design)
    _check_limits(found.netlist)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    shutil.copyfile(found.netlist, folder / _NETLIST)
    write_atomically(folder / _CONSTRAINTS, constraints(design).encode())
    command = place_and_route(programs["nextpnr-xilinx"], design, tools)
    log = folder / "nextpnr.log"
    tool.run(command, folder, log)
    report = _report(design, synthesised, folder, _version(programs["nextpnr-xilinx"]), log)
    if report.timing is None or not report.timing.closed:
        return Outcome(report, None)
    tool.run(
        [programs["fasm2frames"], "--part", PART, "--db-root", str(tools.family.absolute()), _FASM],
        folder, folder / "fasm2frames.log", output=folder / _FRAMES,
    )  # fmt: skip
    tool.run(
        [programs["xc7frames2bit"], "--part_file", str(tools.part_file.absolute()),
         "--part_name", PART, "--frm_file", _FRAMES, "--output_file", _BITSTREAM],
        folder, folder / "xc7frames2bit.log",
    )  # fmt: skip
    made = folder / _BITSTREAM
    if not made.is_file():
        raise ToolError(f"xc7frames2bit ended well, but {made} is missing")
    content = made.read_bytes()
    bitfile.check(content, design.build_id)
    return Outcome(report, content)


def timing(report: Mapping[str, Any], clock_mhz: float) -> Timing:
    """Setup slack of the one clock, of nextpnr's JSON report; ToolError if it was not bound."""
    clocks = report.get("fmax", {})
    bound = {
        name: row
        for name, row in clocks.items()
        if abs(float(row["constraint"]) / clock_mhz - 1) < _SAME_CLOCK
    }
    if len(clocks) != 1 or not bound:
        known = {name: row["constraint"] for name, row in clocks.items()}
        raise ToolError(
            f"nextpnr should know one clock, of {clock_mhz:g} MHz, but knows {known or 'none'}"
        )
    (clock,) = bound.values()
    return Timing(clock_mhz, round(1e3 / clock_mhz - 1e3 / float(clock["achieved"]), 3))


def utilisation(report: Mapping[str, Any], synthesised: Utilisation) -> Utilisation:
    """What nextpnr placed; it does not tell what a LUT is used for, so that is Yosys'."""
    used = {name: row["used"] for name, row in report.get("utilization", {}).items()}
    try:
        return replace(
            synthesised, ff=used["SLICE_FFX"], dsp=used["DSP48E1_DSP48E1"],
            bram36=used["RAMB36E1_RAMB36E1"] + used["RAMB18E1_RAMB18E1"] / 2,
        )  # fmt: skip
    except KeyError as error:
        raise ToolError(f"nextpnr's report has no {error} under utilization") from error


def _report(design: Design, synthesised: Report, folder: Path, version: str, log: Path) -> Report:
    path = folder / _REPORT
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ToolError(f"nextpnr wrote no readable {path}: {error}") from error
    warnings = [
        line for line in log.read_text(errors="replace").splitlines()
        if line.startswith("Warning:")
    ]  # fmt: skip
    occupied = told.get("utilization", {}).get("SLICE_LUTX", {})
    return replace(
        synthesised,
        tool="nextpnr-xilinx",
        version=f"{version}, Yosys {synthesised.version}",
        stage="placed and routed",
        total=utilisation(told, synthesised.total),
        counted=f"before place and route: {synthesised.counted}; nextpnr occupies "
        f"{occupied.get('used', 0):,} of {occupied.get('available', 0):,} half LUTs",
        timing=timing(told, design.clock_mhz),
        warnings=(_HINT, *warnings),
    )


def _check_limits(netlist: Path) -> None:
    (module,) = json.loads(netlist.read_text())["modules"].values()
    broken = open_limits.broken(module)
    if broken:
        raise ToolError("nextpnr cannot place this circuit: " + "; ".join(broken))


def _version(nextpnr: str) -> str:
    done = subprocess.run([nextpnr, "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"\(Version ([^)]*)\)", done.stdout + done.stderr)
    return found[1] if found else "of unknown version"
