"""The open flow with stand-ins for its programs: command lines, reports, and faults."""

from __future__ import annotations

import json
import shlex
import stat
from pathlib import Path

import pytest

from board_app import overlay
from host_build.cli import main
from host_build.errors import HostError
from host_build.implementation import chip_synthesis, openxc7
from host_build.implementation.design import Design
from host_build.implementation.open_limits import broken
from host_build.implementation.openxc7 import Tools
from host_build.implementation.report import Report
from host_build.implementation.tool import ToolError
from host_build.implementation.utilisation import Utilisation
from host_build.implementation.yosys import Synthesis
from tests.bit_files import bit_file

from .support import small_design, small_overlay

DESIGN = small_design()
OPEN = bit_file("chip.frames;Generator=xc7frames2bit", "xc7z020clg400-1")
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
VERSION = """[ "$1" = --version ] && { echo 'nextpnr-xilinx (Version 0.8.2)' >&2; exit 0; }"""
# Each writes down how it was called, and then does what it is for.
PROGRAMS = {
    "nextpnr-xilinx": """
echo 'Warning: something is odd' >&2
cp DATA/told nextpnr.json; echo fasm > chip.fasm""",
    "fasm2frames": "echo 'a remark' >&2\necho frames of $(cat chip.fasm)",
    "xc7frames2bit": "grep -q 'frames of fasm' chip.frames || exit 9\ncp DATA/bit chip.bit",
}


class OpenTools:
    """Programs in `folder`, on PATH, and the databases that they need."""

    def __init__(self, folder: Path) -> None:
        self.data, self.bin = folder / "data", folder / "bin"
        self.data.mkdir()
        self.bin.mkdir()
        for name, does in PROGRAMS.items():
            self.play(name, does)
        (self.data / "bit").write_bytes(OPEN)
        self.tell(TOLD)
        self.tools = Tools(folder / "xc7z020.bin", folder / "database")
        self.tools.chipdb.touch()
        self.tools.part_file.parent.mkdir(parents=True)
        self.tools.part_file.touch()

    def play(self, name: str, does: str) -> None:
        path = self.bin / name
        note = f"""printf '%s\\n' "$(basename "$0") $*" >> {shlex.quote(str(self.data))}/calls"""
        path.write_text(
            f"#!/bin/sh\n{VERSION}\n{note}\n{does.replace('DATA', shlex.quote(str(self.data)))}\n"
        )
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def tell(self, report: object) -> None:
        (self.data / "told").write_text(json.dumps(report))

    @property
    def calls(self) -> list[str]:
        path = self.data / "calls"
        return path.read_text().splitlines() if path.exists() else []


def cell(kind: str, outputs: str = "", **wires: list[object]) -> dict[str, object]:
    directions = {port: "output" if port in outputs.split() else "input" for port in wires}
    return {"type": kind, "connections": wires, "port_directions": directions}


@pytest.fixture
def open_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OpenTools:
    """The programs on PATH; Yosys is not run, its netlist is one LUT."""
    made = OpenTools(tmp_path)
    monkeypatch.setenv("PATH", str(made.bin), prepend=":")
    netlist = tmp_path / "netlist.json"
    netlist.write_text(json.dumps({"modules": {"chip_top": {"cells": {"a": cell("LUT2")}}}}))

    def synthesize(design: Design) -> tuple[Report, Synthesis]:
        total = Utilisation(200, 30, 5, 399, 3.5, 4)
        report = Report(design.name, "Yosys", "0.70", "synthesised", total, {"node0": total})
        return report, Synthesis(200, 30, 5, 399, 3.5, 4, carry4=0, cascades=0, netlist=netlist)

    monkeypatch.setattr(chip_synthesis, "synthesize", synthesize)
    return made


def test_command_lines(open_tools: OpenTools, tmp_path: Path) -> None:
    folder = tmp_path / "work"
    assert openxc7.implement(DESIGN, folder, open_tools.tools).bitstream == OPEN
    database = tmp_path / "database" / "zynq7"
    assert open_tools.calls == [
        f"nextpnr-xilinx --chipdb {tmp_path}/xc7z020.bin --xdc chip.xdc --json netlist.json "
        "--freq 100 --timing-allow-fail --fasm chip.fasm --report nextpnr.json",
        f"fasm2frames --part xc7z020clg400-1 --db-root {database} chip.fasm",
        f"xc7frames2bit --part_file {database}/xc7z020clg400-1/part.yaml "
        "--part_name xc7z020clg400-1 --frm_file chip.frames --output_file chip.bit",
    ]
    assert (folder / "chip.xdc").read_text() == "create_clock -period 10.0000 [get_nets clk]\n"
    assert (folder / "fasm2frames.log").read_text() == "a remark\n"


def test_the_report(open_tools: OpenTools, tmp_path: Path) -> None:
    report = openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools).report
    assert (report.tool, report.version) == ("nextpnr-xilinx", "0.8.2, Yosys 0.70")
    assert report.total == Utilisation(200, 30, 5, 401, 3.5, 4)
    assert report.timing is not None
    assert report.timing.fmax_mhz == pytest.approx(112.5, abs=0.01)
    assert report.timing.wns == pytest.approx(1.111) and report.timing.closed
    assert "333 of 106,400 half LUTs" in report.counted
    assert "its slack is a hint, no proof" in report.warnings[0]
    assert report.warnings[1] == "Warning: something is odd"


def test_timing_that_does_not_close(open_tools: OpenTools, tmp_path: Path) -> None:
    open_tools.tell({**TOLD, "fmax": {"clk": {"achieved": 88.0, "constraint": 100.0}}})
    outcome = openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)
    assert outcome.bitstream is None and len(open_tools.calls) == 1
    assert outcome.report.timing is not None and not outcome.report.timing.closed


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
    open_tools: OpenTools, tmp_path: Path, fmax: dict[str, object]
) -> None:
    open_tools.tell({**TOLD, "fmax": fmax})
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
    assert not (tmp_path / "work" / "chip.bit").exists()


@pytest.mark.parametrize(
    ("name", "does", "message"),
    [
        ("nextpnr-xilinx", "exit 0", "wrote no readable"),
        ("nextpnr-xilinx", "echo '{' > nextpnr.json", "wrote no readable"),
        ("nextpnr-xilinx", "echo '{\"utilization\": {}}' > nextpnr.json", "no 'SLICE_FFX'"),
        ("nextpnr-xilinx", "echo '{}' > nextpnr.json", "no 'SLICE_FFX'"),
        ("xc7frames2bit", "exit 0", r"ended well, but .*chip\.bit is missing"),
        ("xc7frames2bit", "head -c 100 DATA/bit > chip.bit", "damaged"),
    ],
)
def test_programs_that_do_half_of_it(
    open_tools: OpenTools, tmp_path: Path, name: str, does: str, message: str
) -> None:
    open_tools.play(name, does)
    with pytest.raises(HostError, match=message):
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
    arguments = ["bitstream", "tiny", "--with", "openxc7", "--overlays", str(tmp_path)]
    arguments += ["--out", str(tmp_path / "build")]
    assert main(arguments) == 2
    assert "needs --chipdb FILE and --prjxray-db DIR" in capsys.readouterr().err
    databases = ["--chipdb", str(open_tools.tools.chipdb),
                 "--prjxray-db", str(open_tools.tools.prjxray_db)]  # fmt: skip
    assert main([*arguments, *databases]) == 0
    made = overlay.find("tiny", tmp_path)
    assert (made.folder / "tiny.bit").read_bytes() == OPEN
    assert made.manifest.circuit["implemented"]["tool"] == "nextpnr-xilinx"
    assert made.manifest.circuit["implemented"]["timing"]["tns"] is None


def shift(name: int, source: object) -> dict[str, object]:
    return cell("SRLC32E", "Q Q31", D=[source], Q=[name], Q31=[name + 1])


def chain(length: int) -> dict[str, object]:
    cells = {}
    for place in range(length):
        wires = {"PCOUT": list(range(100 * place + 1000, 100 * place + 1048))}
        if place:
            wires["PCIN"] = list(range(100 * place + 900, 100 * place + 948))
        cells[f"dsp{place}"] = cell("DSP48E1", "PCOUT", **wires)
    return cells


def test_limits_of_the_open_tools() -> None:
    assert broken({"cells": {"a": shift(10, 2), "b": shift(20, 10), **chain(10)}}) == []
    assert broken({"cells": {"a": shift(10, 2), "b": shift(20, 11)}}) == [
        "1 shift registers are longer than 32, the first is a"
    ]
    assert broken({"cells": chain(11)}) == ["11 DSP blocks, of at most 10, are chained up to dsp10"]


def test_a_netlist_beyond_the_limits(open_tools: OpenTools, tmp_path: Path) -> None:
    content = {"modules": {"chip_top": {"cells": chain(12)}}}
    (tmp_path / "netlist.json").write_text(json.dumps(content))
    with pytest.raises(ToolError, match="nextpnr cannot place this circuit: 12 DSP blocks"):
        openxc7.implement(DESIGN, tmp_path / "work", open_tools.tools)
    assert open_tools.calls == []
