"""The open tools: Yosys, nextpnr-xilinx and Project X-Ray's database and xc7frames2bit.

Between nextpnr's FASM and the frames are two steps of our own: what it gets wrong is mended, and
the frames are put together. nextpnr knows no delays of DSP blocks and of the processing system, so
what it calls the highest clock is a hint: whether timing closes is found out on what the bitstream
reads back as.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from board_app.system.files import write_atomically, write_json
from host_build.configuration import bitfile
from host_build.configuration.database import Database
from host_build.configuration.frames import assemble
from host_build.configuration.part import FAMILY, PART
from host_build.generate.handoff import clock_below
from host_build.implementation import chip_synthesis, open_limits, tool
from host_build.implementation.design import CLOCK_NET, Design
from host_build.implementation.mending import mend
from host_build.implementation.nextpnr import Nextpnr, Run, Settings
from host_build.implementation.replication import replicate
from host_build.implementation.report import Report, Timing
from host_build.implementation.tool import ToolError
from host_build.implementation.utilisation import Utilisation
from host_build.implementation.vivado import Outcome
from host_build.readback import nodes
from host_build.readback.circuit import read
from host_build.timing import report as timing_report
from host_build.timing.circuit import timed

REMEDY = "install the openXC7 tools and put them on PATH"
DEFAULT = Settings()
_FASM, _FRAMES, _BITSTREAM = "mended.fasm", "chip.frames", "chip.bit"


@dataclass(frozen=True)
class Tools:
    """Where nextpnr's and Project X-Ray's databases are.

    `chipdb` is the device's .bin file, `prjxray_db` the folder that has a folder a family.
    """

    chipdb: Path
    prjxray_db: Path
    nodes: Path | None = None
    """Which wires are one node; by default the device's file in `prjxray_db`."""

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


def implement(design: Design, folder: Path, tools: Tools, settings: Settings = DEFAULT) -> Outcome:
    """Run the tools in `folder`, going on from what is there. HostError where it cannot be done."""
    programs = {name: tool.find(name, REMEDY) for name in ("nextpnr-xilinx", "xc7frames2bit")}
    tools.check()
    synthesised, found = chip_synthesis.synthesize(design, shift_registers=False)
    module, netlist = handover(found.netlist)
    placer = Nextpnr(programs["nextpnr-xilinx"], tools.chipdb)
    tried: list[tuple[Run, dict[str, Any]]] = []
    for run in placer.runs(netlist, constraints(design), design.clock_mhz, folder, settings):
        content = _bitstream(run, module, tools, programs["xc7frames2bit"], settings)
        bitfile.check(content, design.build_id)
        told = timing_of(run.folder / _BITSTREAM, tools, design.clock_mhz, run.folder)
        if _timing(design, told).closed:
            report = _report(design, synthesised, run, placer.version, settings, told)
            return Outcome(report, content, _analysis(run, told))
        tried.append((run, told))
    run, told = max(tried, key=lambda found: float(found[1]["highest_mhz"]))
    report = _report(design, synthesised, run, placer.version, settings, told)
    return Outcome(replace(report, warnings=(_advice(tried, run, told), *report.warnings)), None)


def timing_of(bitstream: Path, tools: Tools, clock_mhz: float, folder: Path) -> dict[str, Any]:
    """Read a bitstream back and time it: timing.json and slack.png in `folder`, and the former."""
    database = Database(tools.family, PART)
    joined = nodes.load(tools.nodes or tools.prjxray_db / f"{database.fabric}-nodes.txt")
    circuit = read(bitstream, database, joined).circuit
    graph, analysis = timed(circuit, database, joined)
    told = timing_report.summary(circuit, graph, analysis, clock_mhz)
    told["ps_mhz"] = round(clock_below(analysis.mhz), 3)
    write_json(folder / "timing.json", told)
    timing_report.plot(analysis, clock_mhz, folder / "slack.png")
    return told


def handover(netlist: Path) -> tuple[Mapping[str, Any], bytes]:
    """Yosys' netlist as nextpnr takes it: the module, and the file. ToolError where it cannot.

    Cells that are notes on the hierarchy are out of it, what is unknown is 0, and what very many
    cells read has copies.
    """
    told = json.loads(netlist.read_text())
    (module,) = told["modules"].values()
    module["cells"] = {
        name: cell for name, cell in module["cells"].items() if cell["type"] != "$scopeinfo"
    }
    for cell in module["cells"].values():
        for name, value in cell.get("parameters", {}).items():
            if isinstance(value, str) and "x" in value and set(value) <= set("01x"):
                cell["parameters"][name] = value.replace("x", "0")
    broken = open_limits.broken(module)
    if broken:
        raise ToolError("nextpnr cannot place this circuit: " + "; ".join(broken))
    replicate(module)
    return module, json.dumps(told).encode()


def utilisation(run: Run, synthesised: Utilisation) -> Utilisation:
    """What nextpnr placed; it does not tell what a LUT is used for, so that is Yosys'."""
    return replace(
        synthesised,
        ff=run.count("SLICE_FFX"),
        dsp=run.count("DSP48E1", "DSP48E1_DSP48E1"),
        bram36=run.count("RAMB36E1", "RAMB36E1_RAMB36E1")
        + run.count("RAMB18E1", "RAMB18E1_RAMB18E1") / 2,
    )


def _bitstream(
    run: Run, module: Mapping[str, Any], tools: Tools, program: str, settings: Settings
) -> bytes:
    folder = run.folder
    lines = mend(run.fasm.read_text().splitlines(), module)
    write_atomically(folder / _FASM, "".join(f"{line}\n" for line in lines).encode())
    database = Database(tools.family, PART)
    write_atomically(folder / _FRAMES, assemble(lines, database).dump())
    made = folder / _BITSTREAM
    made.unlink(missing_ok=True)
    tool.run(
        [program, "--part_file", str(tools.part_file.absolute()), "--part_name", PART,
         "--frm_file", _FRAMES, "--output_file", _BITSTREAM],
        folder, folder / "xc7frames2bit.log", minutes=settings.minutes,
    )  # fmt: skip
    if not made.is_file():
        raise ToolError(f"xc7frames2bit ended well, but {made} is missing")
    return made.read_bytes()


def _report(
    design: Design, synthesised: Report, run: Run, version: str, settings: Settings,
    told: Mapping[str, Any],
) -> Report:  # fmt: skip
    return replace(
        synthesised,
        tool="nextpnr-xilinx",
        version=f"{version}, Yosys {synthesised.version}",
        stage=f"placed and routed, seed {run.seed}, placer {settings.placer}",
        total=utilisation(run, synthesised.total),
        counted=f"before place and route: {synthesised.counted}; nextpnr occupies "
        f"{run.count('SLICE_LUTX'):,} half LUTs",
        timing=_timing(design, told),
        warnings=(f"nextpnr's own timing says {run.fmax_mhz:.2f} MHz", *run.warnings),
    )


def _timing(design: Design, told: Mapping[str, Any]) -> Timing:
    return Timing(design.clock_mhz, told["slack_ns"], whs=told["hold_slack_ns"])


def _analysis(run: Run, told: Mapping[str, Any]) -> dict[str, Any]:
    """What the manifest says of how the timing was found out."""
    worst = told["paths"][0]
    return {
        "seed": run.seed,
        "nextpnr_mhz": run.fmax_mhz,
        "model_mhz": told["model_mhz"],
        "highest_mhz": told["highest_mhz"],
        "margin": told["margin"],
        "worst_path": {
            "from": worst["cells"][0]["from"], "to": worst["to"], "cells": len(worst["cells"]),
            "model_ns": worst["model_ns"], "with_margin_ns": worst["with_margin_ns"],
        },
        "hold_at_the_fast_corner": told["hold_at_the_fast_corner"],
    }  # fmt: skip


def _advice(
    tried: Sequence[tuple[Run, Mapping[str, Any]]], best: Run, told: Mapping[str, Any]
) -> str:
    reached = ", ".join(f"{run.seed}: {each['highest_mhz']:.2f} MHz" for run, each in tried)
    return (
        f"timing does not close (what each seed reaches, {reached}); seed {best.seed} closes at "
        f"{told['ps_mhz']:.6g} MHz: give --clock {told['ps_mhz']:.6g}, what was placed and routed "
        "is kept; or try more with --seeds"
    )
