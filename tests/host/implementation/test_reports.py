"""Reading Vivado's reports, the original project's among them; and our own report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_build.implementation import report as reports
from host_build.implementation import vivado_reports
from host_build.implementation.fit import MOST
from host_build.implementation.report import Report, Timing
from host_build.implementation.utilisation import Utilisation
from host_build.implementation.vivado_reports import ReportError
from host_build.kernels.base import Resources

from .support import DRC, HIERARCHY, UTILISATION, small_design, timing_report


def test_the_original_is_read(original: Path) -> None:
    text = (original / "top_wrapper_utilization_placed.rpt").read_text()
    found = vivado_reports.utilisation(text)
    assert found == Utilisation(32_910, 2_146, 561, 46_325, 29, 0)
    assert found.lut == 35_617
    assert vivado_reports.version(text) == "2022.1"


def test_another_report_of_the_original_is_refused(original: Path) -> None:
    text = (original / "top_wrapper_power_routed.rpt").read_text()
    assert vivado_reports.version(text) == "2022.1"
    with pytest.raises(ReportError, match="has no row 'LUT as Shift Register'"):
        vivado_reports.utilisation(text)
    with pytest.raises(ReportError, match="no table by hierarchy"):
        vivado_reports.by_layer(text, small_design())
    with pytest.raises(ReportError, match="knows no clock fclk0"):
        vivado_reports.timing(text)


def test_hierarchy_by_layer() -> None:
    found = vivado_reports.by_layer(HIERARCHY, small_design())
    assert found["node0"] == Utilisation(98, 20, 10, 240, 1.5, 3)
    assert found["registers"] == Utilisation(40, ff=120)
    assert found["input DMA"] == Utilisation(5, ff=30)
    assert found["rest"] == Utilisation(7, ff=10)
    whole = vivado_reports.utilisation(UTILISATION)
    assert sum(found.values(), Utilisation()) == whole


@pytest.mark.parametrize(("wns", "whs", "closed"), [(0.0, 0.0, True), (-0.01, 0.1, False),
                                                    (0.1, -0.01, False)])  # fmt: skip
def test_timing(wns: float, whs: float, closed: bool) -> None:
    found = vivado_reports.timing(timing_report(wns, whs, period=7.0))
    assert (found.wns, found.whs, found.clock_mhz) == (wns, whs, 142.857)
    assert found.closed is closed


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no Vivado report"),
        (timing_report(clock="clk_fpga_0"), "knows no clock fclk0"),
        (timing_report(unclocked=3), "3 register pins have no clock"),
        (timing_report().replace("checking no_clock", "checking"), "unknown register pins"),
        (timing_report().replace("WNS(ns)", "WNS"), "no design timing summary"),
        (timing_report().replace("0.412", "NA"), "is no row of numbers"),
    ],
)
def test_timing_that_cannot_be_believed(text: str, message: str) -> None:
    with pytest.raises(ReportError, match=message):
        vivado_reports.timing(text)


def test_a_column_that_is_missing() -> None:
    text = HIERARCHY.replace("Logic LUTs", "Other LUTs")
    with pytest.raises(ReportError, match="no column 'Logic LUTs'"):
        vivado_reports.by_layer(text, small_design())


def test_violations_and_critical_warnings() -> None:
    assert vivado_reports.violations(DRC) == [
        "REQP-123: Critical Warning: Something is missing (2)"
    ]
    log = "INFO: a\nCRITICAL WARNING: [Timing 38-282] slow\nWARNING: b\n"
    assert vivado_reports.critical_warnings(log) == ["CRITICAL WARNING: [Timing 38-282] slow"]


REPORT = Report(
    design="net",
    tool="Tool",
    version="1.2",
    stage="routed",
    total=Utilisation(300, 40, 2, 500, 1.5, 7),
    layers={"conv0": Utilisation(250, 40, 2, 400, 1.5, 7), "rest": Utilisation(50, ff=100)},
    timing=Timing(100.0, 0.5, 0.0, 0.1, 0.0),
    warnings=tuple(f"number {index}" for index in range(25)),
    estimates={"conv0": Resources(310, 390, 1.5, 7)},
)


def test_text() -> None:
    lines = str(REPORT).splitlines()
    conv, total = (next(x for x in lines if x.startswith(n)).split() for n in ("conv0", "total"))
    assert conv == ["conv0", "292", "250", "40", "2", "400", "1.5", "7", "310"]
    assert total == ["total", "342", "300", "40", "2", "500", "1.5", "7", "310"]
    assert "timing: closed at 100 MHz, WNS +0.500 ns, TNS +0.000 ns, WHS +0.100 ns" in str(REPORT)
    assert "warning: number 19\nand 5 more warnings" in str(REPORT)
    assert "timing: not analysed" in str(Report("a", "b", "c", "d", Utilisation()))


def test_fmax_is_what_the_slack_says() -> None:
    assert Timing(100.0, -2.5).fmax_mhz == pytest.approx(80.0)
    assert Timing(100.0, 2.0).fmax_mhz == pytest.approx(125.0)


def test_files(tmp_path: Path) -> None:
    reports.write(REPORT, tmp_path, "made", MOST)
    assert {path.name for path in tmp_path.iterdir()} == {"made.txt", "made.json", "made.png"}
    assert (tmp_path / "made.txt").read_text() == f"{REPORT}\n"
    told = json.loads((tmp_path / "made.json").read_text())
    assert told == json.loads(json.dumps(REPORT.as_json()))
    assert told["total"] == {"LUT": 342, "logic": 300, "LUTRAM": 40, "SRL": 2, "FF": 500,
                             "BRAM36": 1.5, "DSP": 7}  # fmt: skip
    assert told["device"]["LUT"] == 53_200 and len(told["warnings"]) == 25


def test_plot_shows_every_layer_and_the_budget() -> None:
    few = reports.plot(REPORT, MOST)
    assert few.startswith(b"\x89PNG")
    assert reports.plot(REPORT, {**MOST, "lut": 0.5}) != few
    assert reports.plot(Report("net", "Tool", "1", "routed", REPORT.total), MOST) != few
