"""The Vivado flow with a stand-in that runs the generated Tcl; and all the ways it can fail."""

from __future__ import annotations

import json
import re
import shutil
import stat
from pathlib import Path

import pytest

from board_app.network import overlay
from host_build.cli import main
from host_build.configuration.bitfile import BitfileError
from host_build.implementation import chip_synthesis, vivado
from host_build.implementation.design import Design
from host_build.implementation.report import Report
from host_build.implementation.tool import ToolError
from host_build.implementation.utilisation import Utilisation
from host_build.implementation.vivado_reports import ReportError
from tests.bit_files import bit_file

from .support import (
    DRC,
    HIERARCHY,
    UTILISATION,
    small_design,
    small_overlay,
    timing_report,
)

pytestmark = pytest.mark.skipif(
    shutil.which("tclsh") is None, reason="tclsh is not installed (Debian: apt install tcl)"
)
STAND_IN = Path(__file__).with_name("vivado_stand_in.tcl")
DESIGN = small_design()
# What Yosys makes of it, in a time that these tests do not take.
COUNTED = Utilisation(lut_logic=1774, lut_ram=336, lut_shift=4, ff=2002, bram36=1.0, dsp=2)
CELLS = {"PS7": 1, "RAMB18E1": 2, "DSP48E1": 2, "FDRE": 1936, "FDSE": 66}


@pytest.fixture(autouse=True)
def yosys(monkeypatch: pytest.MonkeyPatch) -> None:
    def synthesize(design: Design) -> tuple[Report, None]:
        return Report(design.name, "Yosys", "0", "synthesised", COUNTED), None

    monkeypatch.setattr(chip_synthesis, "synthesize", synthesize)


class Vivado:
    """A program on PATH that plays Vivado, and what it is to say."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.data.mkdir()
        self.program = folder / "bin" / "vivado"
        self.program.parent.mkdir()
        self.says("vivado v2022.1 (64-bit)")
        (self.data / "utilisation").write_text(UTILISATION)
        (self.data / "hierarchy").write_text(HIERARCHY)
        (self.data / "drc").write_text(DRC)
        (self.data / "bit").write_bytes(bit_file())
        self.makes(CELLS)
        self.times()

    def makes(self, cells: dict[str, int]) -> None:
        """What there is after synthesis, by primitive."""
        (self.data / "cells").write_text(" ".join(f"{k} {n}" for k, n in cells.items()))

    def says(self, version: str) -> None:
        self.program.write_text(
            f"""#!/bin/sh
[ "$1" = -version ] && {{ echo "{version}"; exit 0; }}
for script; do :; done
exec tclsh '{STAND_IN}' "$script" '{self.data}'
"""
        )
        self.program.chmod(self.program.stat().st_mode | stat.S_IXUSR)

    def times(self, wns: float = 0.412, whs: float = 0.051) -> None:
        (self.data / "slacks").write_text(f"max {wns} min {whs}")
        (self.data / "timing").write_text(timing_report(wns, whs))

    @property
    def calls(self) -> list[str]:
        path = self.data / "calls.txt"
        return path.read_text().splitlines() if path.exists() else []


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Vivado:
    made = Vivado(tmp_path)
    monkeypatch.setenv("PATH", str(made.program.parent), prepend=":")
    return made


def test_the_script_does_every_step_in_order(stand_in: Vivado, tmp_path: Path) -> None:
    outcome = vivado.implement(DESIGN, tmp_path / "work")
    assert outcome.bitstream == bit_file()
    assert [call.split()[0] for call in stand_in.calls] == [
        "read_verilog", "read_mem", "read_xdc", "get_pins", "create_clock", "get_pins",
        "set_false_path", "set_property", "set_msg_config", "synth_design", "opt_design",
        "place_design", "phys_opt_design", "route_design", "utilisation", "hierarchy", "timing",
        "drc", "set_property", "write_bitstream",
    ]  # fmt: skip
    said = "\n".join(stand_in.calls)
    assert "-top chip_top -part xc7z020clg400-1" in said
    assert "create_clock -name fclk0 -period 10.0000 i_processing_system/FCLKCLK[0]" in said
    assert "BITSTREAM.CONFIG.USERID 0x0123ABCD" in said
    assert "set_property DONT_TOUCH true i_processing_system" in said
    assert "set_msg_config Synth 8-4445 ERROR" in said


def test_images_are_as_read_mem_wants_them() -> None:
    """A word a line, all of as many digits, and nothing else; MEM by name (UG835, UG901)."""
    assert DESIGN.images and all(name.endswith(".mem") for name in DESIGN.images)
    for name in DESIGN.images:
        lines = DESIGN.files[name].split("\n")
        assert lines.pop() == "" and len({len(line) for line in lines}) == 1
        assert all(re.fullmatch("[0-9a-f]+", line) for line in lines)


def test_an_image_that_cannot_be_read_ends_the_run(stand_in: Vivado, tmp_path: Path) -> None:
    (stand_in.data / "unread").touch()
    with pytest.raises(
        ToolError, match=r"(?s)exit status 1.*ERROR: \[Synth 8-4445\] could not open"
    ):
        vivado.implement(DESIGN, tmp_path / "work")
    assert stand_in.calls[-1].startswith("synth_design")


def test_a_vivado_that_goes_on_without_an_image_gives_no_bitstream(
    stand_in: Vivado, tmp_path: Path
) -> None:
    for name in ("unread", "deaf"):
        (stand_in.data / name).touch()
    with pytest.raises(
        ToolError, match=r"(?s)could not read 1 memory images.*CRITICAL WARNING: \["
    ):
        vivado.implement(DESIGN, tmp_path / "work")
    assert "write_bitstream" in stand_in.calls


@pytest.mark.parametrize(
    ("kind", "number", "message"),
    [
        ("PS7", 0, r"0 processing systems \(PS7\), by Yosys' count 1 to 1 are"),
        ("RAMB18E1", 0, "0 halves of block RAM, by Yosys' count 1 to 10 are"),
        ("DSP48E1", 0, "0 DSP blocks, by Yosys' count 1 to 10 are"),
        ("DSP48E1", 11, "11 DSP blocks, by"),
        ("FDRE", 1000, "1066 flip-flops, by Yosys' count 1335 to 3003 are"),
        ("FDRE", 4000, "4066 flip-flops, by"),
    ],
)
def test_counts_that_are_not_plausible_end_the_run_before_placement(
    stand_in: Vivado, tmp_path: Path, kind: str, number: int, message: str
) -> None:
    stand_in.makes({**CELLS, kind: number})
    with pytest.raises(ToolError, match=f"(?s)exit status 4.*ERROR: after synthesis .*{message}"):
        vivado.implement(DESIGN, tmp_path / "work")
    assert stand_in.calls[-1].startswith("synth_design")


def test_a_block_ram_of_36_is_two_of_18(stand_in: Vivado, tmp_path: Path) -> None:
    stand_in.makes({**CELLS, "RAMB18E1": 0, "RAMB36E1": 5})
    vivado.implement(DESIGN, tmp_path / "work")
    stand_in.makes({**CELLS, "RAMB18E1": 1, "RAMB36E1": 5})
    with pytest.raises(ToolError, match="11 halves of block RAM"):
        vivado.implement(DESIGN, tmp_path / "work")


def test_the_report(stand_in: Vivado, tmp_path: Path) -> None:
    report = vivado.implement(DESIGN, tmp_path / "work").report
    assert (report.tool, report.version) == ("Vivado", "2022.1")
    assert (report.total.lut, report.total.ff, report.total.bram36) == (180, 400, 1.5)
    assert report.layers["node0"].lut == 128 and report.layers["node0"].dsp == 3
    assert report.timing is not None and report.timing.wns == 0.412 and report.timing.closed
    assert report.warnings == ("REQP-123: Critical Warning: Something is missing (2)",)


@pytest.mark.parametrize(("wns", "whs"), [(-0.001, 0.05), (0.3, -0.02)])
def test_timing_that_does_not_close(
    stand_in: Vivado, tmp_path: Path, wns: float, whs: float
) -> None:
    stand_in.times(wns, whs)
    outcome = vivado.implement(DESIGN, tmp_path / "work")
    assert outcome.bitstream is None
    assert outcome.report.timing is not None and not outcome.report.timing.closed
    assert "write_bitstream" not in stand_in.calls
    assert not list((tmp_path / "work").glob("*.bit"))


def test_reports_are_believed_before_the_script(stand_in: Vivado, tmp_path: Path) -> None:
    (stand_in.data / "timing").write_text(timing_report(wns=-0.2))
    assert vivado.implement(DESIGN, tmp_path / "work").bitstream is None


def test_no_clock_was_found(stand_in: Vivado, tmp_path: Path) -> None:
    (stand_in.data / "slacks").write_text("min 0.1")
    with pytest.raises(ToolError, match="no path is constrained for setup: FCLK0 was not found"):
        vivado.implement(DESIGN, tmp_path / "work")


def test_a_clock_that_does_not_reach_everything(stand_in: Vivado, tmp_path: Path) -> None:
    (stand_in.data / "timing").write_text(timing_report(unclocked=7))
    with pytest.raises(ReportError, match="7 register pins have no clock"):
        vivado.implement(DESIGN, tmp_path / "work")


def test_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(ToolError, match=r"vivado is not found: install Vivado 2022\.1 or newer"):
        vivado.implement(DESIGN, tmp_path / "work")
    with pytest.raises(ToolError, match=r"/no/vivado is not found.*--vivado PATH"):
        vivado.implement(DESIGN, tmp_path / "work", "/no/vivado")
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("vivado v2021.2 (64-bit)", r"is Vivado 2021\.2: install Vivado 2022\.1 or newer"),
        ("something else", "does not tell its version"),
    ],
)
def test_not_the_right_vivado(stand_in: Vivado, tmp_path: Path, version: str, message: str) -> None:
    stand_in.says(version)
    with pytest.raises(ToolError, match=message):
        vivado.implement(DESIGN, tmp_path / "work")
    assert stand_in.calls == []


def test_newer_ones_are_welcome(stand_in: Vivado, tmp_path: Path) -> None:
    stand_in.says("Vivado v2024.1.2 (64-bit)")
    assert vivado.implement(DESIGN, tmp_path / "work").report.version == "2024.1.2"


def test_crash(stand_in: Vivado, tmp_path: Path) -> None:
    (stand_in.data / "crash_in_place_design").touch()
    with pytest.raises(ToolError, match=r"(?s)failed with exit status 1; .*run\.log.*Abnormal"):
        vivado.implement(DESIGN, tmp_path / "work")


def test_killed(stand_in: Vivado, tmp_path: Path) -> None:
    (stand_in.data / "killed_in_route_design").touch()
    with pytest.raises(ToolError, match="was killed by SIGKILL, as for want of memory"):
        vivado.implement(DESIGN, tmp_path / "work")


def test_killed_while_it_writes_the_bitstream(stand_in: Vivado, tmp_path: Path) -> None:
    (stand_in.data / "killed_while_writing").touch()
    with pytest.raises(ToolError, match="was killed by SIGKILL"):
        vivado.implement(DESIGN, tmp_path / "work")
    assert [path.name for path in (tmp_path / "work").glob("*.bit")] == ["partial.bit"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (bit_file()[:-4], "damaged"),
        (bit_file(part="7z010clg400"), "is for 7z010clg400"),
        (bit_file("chip_top;UserID=0X00000001"), "is of build 00000001"),
    ],
)
def test_a_bitstream_that_is_none_of_ours(
    stand_in: Vivado, tmp_path: Path, content: bytes, message: str
) -> None:
    (stand_in.data / "bit").write_bytes(content)
    with pytest.raises(BitfileError, match=message):
        vivado.implement(DESIGN, tmp_path / "work")


def command(folder: Path) -> list[str]:
    return ["bitstream", "tiny", "--with", "vivado", "--overlays", str(folder),
            "--out", str(folder / "build")]  # fmt: skip


def test_the_command_puts_it_into_the_overlay(
    stand_in: Vivado, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = small_overlay(tmp_path)
    build = before.manifest.build_id
    content = bit_file(f"chip_top;UserID=0X{build.upper()}")
    (stand_in.data / "bit").write_bytes(content)
    assert main(command(tmp_path)) == 0
    printed = capsys.readouterr().out
    assert "tiny fits" in printed and "timing: closed at 100 MHz" in printed

    made = overlay.find("tiny", tmp_path)
    assert made.has_bitstream
    assert (made.folder / "tiny.bit").read_bytes() == content
    assert set(made.manifest.files) == {*before.manifest.files, "tiny.bit", "tiny.hwh"}
    assert f'VALUE="0x{build}"' in (made.folder / "tiny.hwh").read_text()
    assert made.manifest.tools["Vivado"] == "2022.1"
    told = made.manifest.circuit["implemented"]
    assert (told["tool"], told["clock_mhz"], told["timing"]["wns"]) == ("Vivado", 100.0, 0.412)
    assert told["resources"]["LUT"] == 180
    assert made.manifest.circuit["cycles_per_frame"]
    report = json.loads((tmp_path / "build" / "implementation.json").read_text())
    assert report["timing"]["closed"] and report["layers"]["node0"]["LUT"] == 128
    assert (tmp_path / "build" / "implementation.png").read_bytes().startswith(b"\x89PNG")

    # Again, and now timing does not close: the overlay keeps what it has.
    stand_in.times(wns=-1.5)
    assert main(command(tmp_path)) == 1
    printed = capsys.readouterr().out
    assert "NOT CLOSED at 100 MHz, WNS -1.500 ns" in printed
    assert (
        "would do at 87.0 MHz. The next clocks that the PS makes are 83.3333, 76.9231, 71.4286"
        in (printed)
    )
    again = printed[printed.index("  python -m host_build bitstream tiny --with vivado") :].split()
    assert again[again.index("--clock") + 1] == "83.3333"
    assert again[again.index("--overlays") + 1] == str(tmp_path)
    stand_in.times(whs=-0.1)
    assert main(command(tmp_path)) == 1
    assert "(hold): that does not depend on the clock" in capsys.readouterr().out
    assert overlay.find("tiny", tmp_path) == made


def test_the_command_leaves_the_overlay_alone_when_vivado_fails(
    stand_in: Vivado, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = small_overlay(tmp_path)
    (stand_in.data / "killed_while_writing").touch()
    assert main(command(tmp_path)) == 2
    assert "error: vivado was killed by SIGKILL" in capsys.readouterr().err
    assert overlay.find("tiny", tmp_path) == before
    assert not (before.folder / "tiny.bit").exists()
