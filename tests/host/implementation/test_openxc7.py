"""The open flow with stand-ins for its programs: command lines, reports, and faults."""

from __future__ import annotations

import json
import os
import shlex
import signal
import stat
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from board_app.network import overlay
from host_build.cli import main
from host_build.errors import HostError
from host_build.generate.handoff import clock_below
from host_build.implementation import chip_synthesis, openxc7
from host_build.implementation.design import Design
from host_build.implementation.nextpnr import Settings
from host_build.implementation.open_limits import broken
from host_build.implementation.openxc7 import Tools
from host_build.implementation.report import Report
from host_build.implementation.tool import ToolError
from host_build.implementation.utilisation import Utilisation
from host_build.implementation.yosys import Synthesis
from tests.bit_files import bit_file
from tests.conftest import ROOT

from .databases import write_database
from .support import small_design, small_overlay

DESIGN = small_design()
OPEN = bit_file("$chip.frames;Generator=xc7frames2bit", "xc7z020clg400-1")
TOLD = {
    "fmax": {"clk": {"achieved": 112.5, "constraint": 100.0}},
    "utilization": {
        "SLICE_LUTX": {"available": 106_400, "used": 333},
        "SLICE_FFX": {"available": 106_400, "used": 401},
        "RAMB18E1_RAMB18E1": {"available": 280, "used": 3},
        "RAMB36E1_RAMB36E1": {"available": 140, "used": 2},
        "DSP48E1_DSP48E1": {"available": 220, "used": 4},
    },
}
# What 0.8.2 prints, which knows no --report: first an estimate, then the routed clock.
LOG = """\
Info: Device utilisation:
Info: \t          SLICE_LUTX:   333/106400     0%
Info: \t           SLICE_FFX:   401/106400     0%
Info: \t            RAMB18E1:     3/  280     1%
Info: \t            RAMB36E1:     2/  140     1%
Info: \t             DSP48E1:     4/  220     1%
Info: Max frequency for clock 'clk': 68.33 MHz (FAIL at 100.00 MHz)
Info: Max frequency for clock 'clk': 112.50 MHz (PASS at 100.00 MHz)
"""
VERSION = """\
[ "$1" = --version ] && { echo '"nextpnr-xilinx" -- (Version 0.8.2-25-ge22bcf69)' >&2; exit 0; }
[ "$1" = --help ] && { cat DATA/help; exit 0; }"""
# Each writes down how it was called, and then does what it is for.
PROGRAMS = {
    "nextpnr-xilinx": """
echo 'Warning: something is odd' >&2
cat DATA/log; cp DATA/told nextpnr.json; cp DATA/fasm chip.fasm""",
    "xc7frames2bit": """
grep -q '^0x00000100 0x00000001,' chip.frames || exit 9
cp DATA/bit chip.bit""",
}


class OpenTools:
    """Programs in `folder`, on PATH, and the databases that they need."""

    closes: float | dict[int, float] = 105.0
    """The clock at which what is read back of any bitstream closes, or of each seed's."""

    def __init__(self, folder: Path) -> None:
        self.data, self.bin = folder / "data", folder / "bin"
        self.data.mkdir()
        self.bin.mkdir()
        for name, does in PROGRAMS.items():
            self.play(name, does)
        (self.data / "bit").write_bytes(OPEN)
        (self.data / "fasm").write_text("CLBLL_L_X0Y0.SLICEL_X0.AFF.ZINI\n")
        (self.data / "help").write_text("  --seed arg   seed\n")
        (self.data / "log").write_text(LOG)
        self.tell(TOLD)
        self.tools = Tools(folder / "xc7z020.bin", folder / "database")
        self.tools.chipdb.touch()
        write_database(folder / "database" / "zynq7")

    def play(self, name: str, does: str) -> None:
        path = self.bin / name
        note = f"""printf '%s\\n' "$(basename "$0") $*" >> {shlex.quote(str(self.data))}/calls"""
        text = f"#!/bin/sh\n{VERSION}\n{note}\n{does}\n"
        path.write_text(text.replace("DATA", shlex.quote(str(self.data))))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def tell(self, report: object) -> None:
        (self.data / "told").write_text(json.dumps(report))

    def log(self, *fmax: float) -> None:
        """What the program prints from one seed after the other, by its highest clock."""
        for seed, mhz in enumerate(fmax, 1):
            (self.data / f"log-{seed}").write_text(LOG.replace("112.50", f"{mhz:.2f}"))
        self.play(
            "nextpnr-xilinx",
            PROGRAMS["nextpnr-xilinx"].replace(
                "DATA/log", "DATA/log-$(echo $* | sed 's/.*--seed //; s/ .*//')"
            ),
        )

    @property
    def calls(self) -> list[str]:
        path = self.data / "calls"
        return path.read_text().splitlines() if path.exists() else []


def cell(kind: str, outputs: str = "", **wires: list[object]) -> dict[str, object]:
    directions = {port: "output" if port in outputs.split() else "input" for port in wires}
    return {"type": kind, "connections": wires, "port_directions": directions}


@pytest.fixture
def open_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenTools:
    """The programs on PATH; Yosys is not run, its netlist is one LUT and a note."""
    made = OpenTools(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin), prepend=":")
    netlist = tmp_path / "netlist.json"
    lut = {**cell("LUT2"), "parameters": {"INIT": "x1x0"}}
    cells = {"a": lut, "note": cell("$scopeinfo")}
    netlist.write_text(json.dumps({"modules": {"chip_top": {"cells": cells, "netnames": {}}}}))

    def synthesize(design: Design, *, shift_registers: bool) -> tuple[Report, Synthesis]:
        assert not shift_registers
        total = Utilisation(200, 30, 5, 399, 3.5, 4)
        report = Report(design.name, "Yosys", "0.70", "synthesised", total, {"node0": total})
        return report, Synthesis(200, 30, 5, 399, 3.5, 4, carry4=0, cascades=0, netlist=netlist)

    def timing_of(bitstream: Path, tools: Tools, clock_mhz: float, folder: Path) -> dict[str, Any]:
        assert bitstream.read_bytes() == OPEN
        seed = int(folder.name.removeprefix("seed-"))
        closes = made.closes[seed] if isinstance(made.closes, dict) else made.closes
        slack = round(1e3 / clock_mhz - 1e3 / closes, 3)
        worst = {"to": "SLICE_X1Y1.AFF/D", "model_ns": 8.0, "with_margin_ns": 8.9,
                 "cells": [{"from": "SLICE_X0Y0.AFF/C"}]}  # fmt: skip
        return {
            "slack_ns": slack, "hold_slack_ns": 0.1, "model_mhz": closes + 5,
            "highest_mhz": closes, "ps_mhz": clock_below(closes),
            "margin": {"factor": 1.05, "ns": 0.5}, "paths": [worst],
            "hold_at_the_fast_corner": [],
        }  # fmt: skip

    monkeypatch.setattr(chip_synthesis, "synthesize", synthesize)
    monkeypatch.setattr(openxc7, "timing_of", timing_of)
    return made


def test_command_lines(open_tools: OpenTools, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    assert openxc7.implement(DESIGN, folder, open_tools.tools).bitstream == OPEN
    database = tmp_path / "database" / "zynq7"
    assert open_tools.calls == [
        f"nextpnr-xilinx --chipdb {tmp_path}/xc7z020.bin --xdc chip.xdc --json netlist.json "
        "--freq 100 --timing-allow-fail --seed 1 --placer heap --fasm chip.fasm",
        f"xc7frames2bit --part_file {database}/xc7z020clg400-1/part.yaml "
        "--part_name xc7z020clg400-1 --frm_file chip.frames --output_file chip.bit",
    ]
    work = folder / "seed-1"
    assert (work / "chip.xdc").read_text() == "create_clock -period 10.0000 [get_nets clk]\n"
    (module,) = json.loads((work / "netlist.json").read_text())["modules"].values()
    assert list(module["cells"]) == ["a"] and module["cells"]["a"]["parameters"]["INIT"] == "0100"


def test_a_version_that_writes_reports(open_tools: OpenTools, tmp_path: Path) -> None:
    (open_tools.data / "help").write_text("  --seed arg\n  --report arg  write a report\n")
    (open_tools.data / "log").write_text("Info: something else\n")
    report = openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools).report
    assert open_tools.calls[0].endswith(" --fasm chip.fasm --report nextpnr.json")
    assert report.total == Utilisation(200, 30, 5, 401, 3.5, 4)
    assert report.timing is not None and report.timing.closed


def test_the_report(open_tools: OpenTools, tmp_path: Path) -> None:
    report = openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools).report
    assert report.tool == "nextpnr-xilinx"
    assert report.version == "0.8.2-25-ge22bcf69, Yosys 0.70"
    assert report.stage == "placed and routed, seed 1, placer heap"
    assert report.total == Utilisation(200, 30, 5, 401, 3.5, 4)
    assert report.timing is not None
    assert report.timing.fmax_mhz == pytest.approx(105, abs=0.01)
    assert report.timing.wns == pytest.approx(0.476) and report.timing.closed
    assert report.timing.whs == 0.1
    assert "333 half LUTs" in report.counted
    assert report.warnings[0] == "nextpnr's own timing says 112.50 MHz"
    assert report.warnings[1] == "Warning: something is odd"


def test_seeds_until_one_closes(open_tools: OpenTools, tmp_path: Path) -> None:
    """By what is read back, whatever nextpnr thinks of them."""
    open_tools.log(101, 88, 120)
    open_tools.closes = {1: 99.0, 2: 100.5, 3: 120.0}
    settings = Settings(seeds=(1, 2, 3), placer="sa")
    outcome = openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools, settings)
    assert outcome.bitstream == OPEN and outcome.report.stage.endswith("seed 2, placer sa")
    assert [call.split()[0] for call in open_tools.calls] == [
        "nextpnr-xilinx", "xc7frames2bit", "nextpnr-xilinx", "xc7frames2bit",
    ]  # fmt: skip


def test_timing_that_does_not_close(open_tools: OpenTools, tmp_path: Path) -> None:
    """The best by what is read back is told, and the clock for it."""
    open_tools.log(59.5, 61, 63)
    open_tools.closes = {1: 55.0, 2: 58.9, 3: 57.0}
    folder = tmp_path / "work"
    outcome = openxc7.implement(DESIGN, folder, open_tools.tools, Settings(seeds=(1, 2, 3)))
    assert outcome.bitstream is None and len(open_tools.calls) == 6
    assert outcome.report.timing is not None and not outcome.report.timing.closed
    assert outcome.report.stage.endswith("seed 2, placer heap")
    assert outcome.report.warnings[0] == (
        "timing does not close (what each seed reaches, 1: 55.00 MHz, 2: 58.90 MHz, 3: 57.00 MHz); "
        "seed 2 closes at 58.8235 MHz: give --clock 58.8235, what was placed and routed is kept; "
        "or try more with --seeds"
    )


def test_going_on(open_tools: OpenTools, tmp_path: Path) -> None:
    """What was placed and routed is not again, for a slower clock neither."""
    open_tools.log(59.5, 63, 61)
    open_tools.closes = 65.0
    folder, seeds = tmp_path / "work", Settings(seeds=(1, 2, 3))
    openxc7.implement(DESIGN, folder, open_tools.tools, Settings(seeds=(1, 2)))
    openxc7.implement(DESIGN, folder, open_tools.tools, seeds)
    placed = [call for call in open_tools.calls if call.startswith("nextpnr")]
    assert len(placed) == 3
    slower = replace(DESIGN, clock_mhz=62.5)
    made = openxc7.implement(slower, folder, open_tools.tools, Settings(seeds=(1,)))
    assert made.bitstream == OPEN and made.report.timing is not None
    assert made.report.timing.fmax_mhz == pytest.approx(65, abs=0.1)
    assert [call for call in open_tools.calls if call.startswith("nextpnr")] == placed
    (folder / "seed-1" / "done.json").write_text("{")
    openxc7.implement(DESIGN, folder, open_tools.tools, Settings(seeds=(1,)))
    assert len([call for call in open_tools.calls if call.startswith("nextpnr")]) == 4


@pytest.mark.parametrize(
    "fmax",
    [
        {},
        {"clk": {"achieved": 200.0, "constraint": 12.0}},
        {"clk": {"achieved": 200.0, "constraint": 100.0},
         "other": {"achieved": 9.0, "constraint": 12.0}},
    ],
)  # fmt: skip
def test_a_clock_that_was_not_bound(
    open_tools: OpenTools, tmp_path: Path, fmax: dict[str, dict[str, float]]
) -> None:
    said = [line for line in LOG.splitlines() if "Max" not in line]
    said += [
        f"Info: Max frequency for clock '{name}': {row['achieved']:.2f} MHz "
        f"(PASS at {row['constraint']:.2f} MHz)"
        for name, row in fmax.items()
    ]
    (open_tools.data / "log").write_text("\n".join(said))
    with pytest.raises(ToolError, match="should know one clock, of 100 MHz, but knows"):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)


@pytest.mark.parametrize("name", PROGRAMS)
def test_missing_program(
    open_tools: OpenTools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (open_tools.bin / name).unlink()
    monkeypatch.setenv("PATH", f"{open_tools.bin}:/usr/bin:/bin")
    with pytest.raises(ToolError, match=f"{name} is not found: install the openXC7 tools"):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)
    assert open_tools.calls == []


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize(
    ("does", "message"),
    [
        ("echo 'ERROR: no such bel' >&2; exit 4", r"(?s)failed with exit status 4; .*no such bel"),
        ("kill -9 $$", "was killed by SIGKILL, as for want of memory"),
        ("kill -15 $$", "was killed by SIGTERM;"),
    ],
)
def test_failing_program(
    open_tools: OpenTools, tmp_path: Path, name: str, does: str, message: str
) -> None:
    open_tools.play(name, does)
    with pytest.raises(ToolError, match=f"{name} {message}" if "(?s)" not in message else message):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)
    assert not (tmp_path / "work" / "seed-1" / "chip.bit").exists()
    assert not (tmp_path / "work" / "seed-1" / "done.json").exists() or name == "xc7frames2bit"


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_that_loops(open_tools: OpenTools, tmp_path: Path, name: str) -> None:
    open_tools.play(name, "echo 'Info: Setting up routing resources...'\nsleep 60")
    with pytest.raises(
        ToolError,
        match=rf"{name} was ended, since it took longer than 0\.01 minutes; .*the last of it: "
        r"Info: Setting up routing resources\.\.\.",
    ):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools, Settings(minutes=0.01))


def test_what_is_terminated_leaves_no_program_behind(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from host_build.implementation import tool
tool.run(["sh", "-c", "echo $$; sleep 60"], Path({str(tmp_path)!r}), Path({str(tmp_path)!r}, "log"))
"""
    started = subprocess.Popen([sys.executable, "-c", script], cwd=ROOT)
    log = tmp_path / "log"
    while not (log.is_file() and log.read_text().endswith("\n")):
        assert started.poll() is None
        time.sleep(0.05)
    started.terminate()
    assert started.wait(30) == -signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        for _ in range(100):
            os.killpg(int(log.read_text()), 0)
            time.sleep(0.05)


def test_a_seed_that_hangs_is_left_out(open_tools: OpenTools, tmp_path: Path) -> None:
    works = PROGRAMS["nextpnr-xilinx"]
    hangs = "echo 'Info: Running main analytical placer.'; sleep 60"
    open_tools.play("nextpnr-xilinx", f'case "$*" in *"--seed 1 "*) {hangs};; esac\n{works}')
    settings = Settings(seeds=(1, 2), silent=0.01)
    outcome = openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools, settings)
    assert outcome.bitstream == OPEN and "seed 2" in outcome.report.stage
    with pytest.raises(
        ToolError, match=r"it said nothing for 0\.01 minutes; .*Running main analytical placer"
    ):
        openxc7.implement(
            DESIGN, tmp_path / "work", open_tools.tools, Settings(seeds=(1,), silent=0.01)
        )


@pytest.mark.parametrize(
    ("name", "does", "message"),
    [
        ("nextpnr-xilinx", "cat DATA/log", r"ended well, but wrote no .*chip\.fasm"),
        ("nextpnr-xilinx", "cat DATA/log; printf INT_L > chip.fasm", "within a line: is the disk"),
        ("nextpnr-xilinx", "grep -v FFX DATA/log; cp DATA/fasm chip.fasm", "no SLICE_FFX"),
        ("nextpnr-xilinx", "grep -v DSP DATA/log; cp DATA/fasm chip.fasm",
         "no DSP48E1 and no DSP48E1_DSP48E1"),
        ("nextpnr-xilinx", "cat DATA/log; echo INT_L_X0Y0.A.B > chip.fasm", "1 features"),
        ("xc7frames2bit", "exit 0", r"ended well, but .*chip\.bit is missing"),
        ("xc7frames2bit", "head -c 100 DATA/bit > chip.bit", "damaged"),
    ],
)  # fmt: skip
def test_programs_that_do_half_of_it(
    open_tools: OpenTools, tmp_path: Path, name: str, does: str, message: str
) -> None:
    open_tools.play(name, does)
    with pytest.raises(HostError, match=message):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)


@pytest.mark.parametrize("does", ["exit 0", "echo '{' > nextpnr.json", "echo 3 > nextpnr.json"])
def test_reports_that_are_none(open_tools: OpenTools, tmp_path: Path, does: str) -> None:
    (open_tools.data / "help").write_text("  --report arg\n")
    open_tools.play("nextpnr-xilinx", does)
    with pytest.raises(ToolError, match="wrote no readable"):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)


def test_missing_databases(open_tools: OpenTools, tmp_path: Path) -> None:
    open_tools.tools.part_file.unlink()
    with pytest.raises(ToolError, match=r"part\.yaml is missing: .*--prjxray-db DIR"):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)
    open_tools.tools.chipdb.unlink()
    with pytest.raises(ToolError, match=r"is no chip database: .*--chipdb FILE"):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)


def test_the_command(
    open_tools: OpenTools, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small_overlay(tmp_path)
    open_tools.log(63.0, 60.0)
    open_tools.closes = 65.0
    arguments = ["bitstream", "tiny", "--with", "openxc7", "--overlays", str(tmp_path)]
    arguments += ["--out", str(tmp_path / "build")]
    assert main(arguments) == 2
    assert "needs --chipdb FILE and --prjxray-db DIR" in capsys.readouterr().err
    arguments += ["--chipdb", str(open_tools.tools.chipdb),
                  "--prjxray-db", str(open_tools.tools.prjxray_db)]  # fmt: skip
    assert main([*arguments, "--seeds", "1", "2"]) == 1
    said = capsys.readouterr().out
    assert "seed 1 closes at 62.5 MHz: give --clock 62.5" in said
    assert "--clock 62.5 --chipdb" in said and " --seeds 1 2 " in said
    assert "implemented" not in overlay.find("tiny", tmp_path).manifest.circuit
    assert main([*arguments, "--clock", "62.5"]) == 0
    made = overlay.find("tiny", tmp_path)
    assert (made.folder / "tiny.bit").read_bytes() == OPEN
    told = made.manifest.circuit
    assert told["clock_mhz"] == told["implemented"]["clock_mhz"] == 62.5
    assert told["frames_per_second"] == round(62.5e6 / told["cycles_per_frame"], 1)
    assert told["implemented"]["tool"] == "nextpnr-xilinx"
    assert told["implemented"]["stage"] == "placed and routed, seed 1, placer heap"
    assert told["implemented"]["timing"]["tns"] is None
    assert told["implemented"]["seed"] == 1 and told["implemented"]["nextpnr_mhz"] == 63.0
    assert told["implemented"]["margin"] == {"factor": 1.05, "ns": 0.5}
    assert told["implemented"]["worst_path"]["to"] == "SLICE_X1Y1.AFF/D"
    assert told["implemented"]["board"] == "never run on a board"
    with pytest.raises(SystemExit):
        main([*arguments, "--clock", "63"])
    assert "the PS cannot make 63 MHz" in capsys.readouterr().err


def chain(length: int) -> dict[str, object]:
    cells = {}
    for place in range(length):
        wires = {"PCOUT": list(range(100 * place + 1000, 100 * place + 1048))}
        if place:
            wires["PCIN"] = list(range(100 * place + 900, 100 * place + 948))
        cells[f"dsp{place}"] = cell("DSP48E1", "PCOUT", **wires)
    return cells


def test_limits_of_the_open_tools() -> None:
    nine = {"READ_WIDTH_A": "1001", "READ_WIDTH_B": "0"}
    eight_used = {**cell("RAMB36E1", DOADO=[7], DOPADOP=[8]), "parameters": nine}
    narrow = {**cell("RAMB36E1"), "parameters": {"WRITE_WIDTH_B": "1"}}
    ninth_used = {"a": eight_used, "b": cell("LUT6", I0=[8])}
    wide = {**cell("RAMB36E1"), "parameters": {"READ_WIDTH_A": "1001000", "READ_WIDTH_B": "0"}}
    moving = cell("DSP48E1", INMODE=["0", 7, "0", "0", "0"])
    turned = {**cell("DSP48E1"), "parameters": {"IS_ALUMODE_INVERTED": "0100"}}
    assert broken({"cells": {"a": wide, "b": cell("LUT6"), **chain(10)}}) == []
    assert broken({"cells": {"a": eight_used, "b": cell("LUT6", I0=[7])}}) == []
    assert broken({"cells": {f"dsp{k}": cell("DSP48E1") for k in range(110)}}) == []
    for cells, message in (
        ({"a": cell("SRLC32E"), "b": cell("SRL16E")},
         "2 cells are shift registers, the first is a"),
        ({"a": cell("LUT6"), "b": cell("XADC")},
         "1 cells are of type XADC, which it does not know"),
        (chain(11), "11 DSP blocks, of at most 10, are chained up to dsp10"),
        ({f"dsp{k}": cell("DSP48E1") for k in range(111)},
         "its 111 chains of DSP blocks, single ones among them, need 111 tiles, of which there are "
         "110: fold with a smaller --dsp"),
        ({"a": narrow, "b": wide},
         "1 RAMB36E1 are 1 wide, or 9 with the ninth bit read, the first is a"),
        (ninth_used, "1 RAMB36E1 are 1 wide, or 9 with the ninth bit read, the first is a"),
        ({"a": moving}, "1 DSP blocks have no constant on INMODE, ALUMODE[3:2] or OPMODE[6], the "
         "first is a"),
        ({"a": turned}, "1 DSP blocks have no constant on INMODE, ALUMODE[3:2] or OPMODE[6], the "
         "first is a"),
    ):  # fmt: skip
        assert broken({"cells": cells}) == [message]


def test_a_netlist_beyond_the_limits(open_tools: OpenTools, tmp_path: Path) -> None:
    content = {"modules": {"chip_top": {"cells": chain(12)}}}
    (tmp_path / "netlist.json").write_text(json.dumps(content))
    with pytest.raises(ToolError, match="nextpnr cannot place this circuit: 12 DSP blocks"):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)
    assert open_tools.calls == []
