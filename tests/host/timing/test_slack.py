"""A small circuit in slices of round numbers: its paths, what they need, what cannot be timed."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from host_build.configuration.database import Database
from host_build.configuration.errors import DatabaseError, ReadbackError
from host_build.readback.model import ONE, Cell, Circuit, Net, Pin, Sink
from host_build.timing import graph, report
from host_build.timing.cells import CellTimes
from host_build.timing.electrical import Electrical
from host_build.timing.elmore import Interconnect
from host_build.timing.hold import at_the_fast_corner, skew
from host_build.timing.slack import analyse, paths, with_margin
from host_build.timing.untimed import CONSTANT, NO_TIMES, STILL, Untimed, untimed
from tests.host.timing import fabric

SLICE, PS7 = "SLICE_X0Y0", "PS7_X0Y0"

_CELL = '(CELL (CELLTYPE "{}") (INSTANCE {}) (DELAY (ABSOLUTE {})) (TIMINGCHECK {}))'
_CHECKS = (
    "(SETUP {0} (posedge CLK) (0.1::0.2)) (HOLD {0} (posedge CLK) (0.3::0.4))"
    "(SETUP CE (posedge CLK) (0.5::0.6)) (HOLD CE (posedge CLK) (-0.2::-0.1))"
)
SLICES = "(DELAYFILE" + "".join((
    _CELL.format(
        "REG_INIT_FF", "SLICEL", "(IOPATH CLK Q (0.10::0.20)(0.40::0.50))", _CHECKS.format("DIN")
    ),
    # Asynchronous: no way through a flip-flop that is set with its clock.
    _CELL.format("REG_INIT_FF_QL", "SLICEL", "(IOPATH SR Q (1::1)(9::9))", ""),
    _CELL.format("LUT6", "SLICEL/A6LUT", "(IOPATH A1 O6 (0.01::0.02)(0.03::0.04))", ""),
    _CELL.format("LUT6", "SLICEL/B6LUT", "(IOPATH A1 O6 (1.01::1.02)(1.03::1.04))", ""),
    _CELL.format("LUT6", "SLICEM/A6LUT", "(IOPATH A1 O6 (7::7)(7::7))", ""),
)) + ")"  # fmt: skip
MULTIPLEXERS = "(DELAYFILE" + _CELL.format(
    "ROUTING_BEL", "SLICEL/BFF", "(INTERCONNECT b6lut bff (0.05::0.06)(0.07::0.08))", ""
) + ")"  # fmt: skip
PROCESSOR = "(DELAYFILE" + _CELL.format("PS7", "PS7", "", "") + ")"


def _database(folder: Path) -> Database:
    database = fabric.database(folder)
    timings = database.family / "timings"
    timings.mkdir()
    for name, text in (
        ("T", SLICES), ("P", PROCESSOR), ("slicel", MULTIPLEXERS), ("slicem", "(DELAYFILE)")
    ):  # fmt: skip
        (timings / f"{name}.sdf").write_text(text)
    path = database.family / database.fabric / "tilegrid.json"
    grid = json.loads(path.read_text())
    row = {"type": "P", "grid_x": 9, "grid_y": 9, "bits": {}, "sites": {PS7: "PS7"}}
    path.write_text(json.dumps(grid | {"P_X0Y0": row}))
    return database


def _cell(name: str, kind: str, inputs: dict[str, str], *outputs: str, tile: str = "T") -> Cell:
    parameters = {"IS_C_INVERTED": 0} if kind.startswith("F") else {}
    return Cell(name, kind, name.partition(".")[0], tile, parameters, inputs, outputs, {})


def _circuit(*cells: Cell) -> Circuit:
    """Nets of what the cells tell; no wire leaves its site."""
    sinks: dict[str, list[Sink]] = {}
    for cell in cells:
        for pin, net in cell.inputs.items():
            sinks.setdefault(net, []).append(Sink(Pin(cell.name, pin), None, None))
    nets = {}
    for cell in cells:
        for output in cell.outputs:
            name = f"{cell.name}/{output}"
            nets[name] = Net(name, Pin(cell.name, output), (), tuple(sinks.get(name, ())))
    return Circuit("part", {cell.name: cell for cell in cells}, nets)


CLOCK = f"{PS7}.PS7/FCLKCLK0"
PROCESSING = _cell(f"{PS7}.PS7", "PS7", {}, "FCLKCLK0", tile="P")
FIRST = _cell(f"{SLICE}.AFF", "FDRE", {"C": CLOCK, "CE": ONE, "D": f"{SLICE}.AFF/Q"}, "Q")
LOW = _cell(f"{SLICE}.A6LUT", "LUT6", {"A1": f"{SLICE}.AFF/Q"}, "O6")
HIGH = _cell(f"{SLICE}.B6LUT", "LUT6", {"A1": f"{SLICE}.A6LUT/O6"}, "O6")
LAST = _cell(
    f"{SLICE}.BFF", "FDRE",
    {"C": CLOCK, "CE": f"{SLICE}.AFF/Q", "D": f"{SLICE}.B6LUT/O6", "SR": f"{SLICE}.AFF/Q"}, "Q",
)  # fmt: skip
CELLS = (PROCESSING, FIRST, LOW, HIGH, LAST)


def _graph(folder: Path, *cells: Cell) -> graph.Graph:
    database = _database(folder)
    return graph.build(
        _circuit(*cells), Interconnect(Electrical(database), fabric.joined()), CellTimes(database)
    )


def test_needs_by_hand(tmp_path: Path):
    analysis = analyse(_graph(tmp_path, *CELLS))
    by_pin = {need.endpoint.pin: need for need in analysis.needs}
    assert set(by_pin) == {f"{SLICE}.{pin}" for pin in ("AFF/D", "BFF/D", "BFF/CE")}
    # Clock to Q, two tables, the multiplexer before the flip-flop, setup.
    assert by_pin[f"{SLICE}.BFF/D"].period == pytest.approx(0.5 + 0.04 + 1.04 + 0.08 + 0.2)
    assert by_pin[f"{SLICE}.BFF/D"].hold == pytest.approx(0.4 + 0.03 + 1.03 + 0.07 - 0.4)
    assert by_pin[f"{SLICE}.BFF/CE"].period == pytest.approx(0.5 + 0.6)
    assert by_pin[f"{SLICE}.AFF/D"].period == pytest.approx(0.5 + 0.2)
    assert [need.period for need in analysis.needs] == sorted(
        (need.period for need in analysis.needs), reverse=True
    )
    assert not analysis.untimed
    assert analysis.model_mhz == pytest.approx(1000 / 1.86)
    assert analysis.mhz == pytest.approx(1000 / (1.05 * 1.86 + 0.5))
    assert analysis.needs[0].slack(3.0) == pytest.approx(3.0 - with_margin(1.86))


def test_the_slowest_way_is_told(tmp_path: Path):
    found = _graph(tmp_path, *CELLS)
    worst = analyse(found).needs[0].endpoint
    (way,) = paths(found, [worst])
    assert [hop.pin for hop in way] == [
        f"{SLICE}.AFF/C", f"{SLICE}.A6LUT/A1", f"{SLICE}.B6LUT/A1"
    ]  # fmt: skip


def test_of_two_ways_the_slower_counts_for_setup_and_the_faster_for_hold(tmp_path: Path):
    shortcut = replace(LAST, inputs={**LAST.inputs, "D": f"{SLICE}.A6LUT/O6"})
    (need,) = (
        need for need in analyse(_graph(tmp_path, PROCESSING, FIRST, LOW, HIGH, shortcut)).needs
        if need.endpoint.pin.endswith("BFF/D")
    )  # fmt: skip
    assert need.period == pytest.approx(0.5 + 0.04 + 0.2)
    assert need.hold == pytest.approx(0.4 + 0.03 - 0.4)


def test_what_only_constants_reach_is_told_apart(tmp_path: Path):
    constant = replace(LOW, inputs={})
    analysis = analyse(_graph(tmp_path, PROCESSING, FIRST, constant, HIGH, LAST))
    assert [end.pin for end in analysis.untimed] == [f"{SLICE}.BFF/D"]


def test_a_ring_is_refused(tmp_path: Path):
    ring = replace(LOW, inputs={"A1": f"{SLICE}.B6LUT/O6"})
    with pytest.raises(ReadbackError, match=r"ring without a register: .*A6LUT/O6"):
        _graph(tmp_path, PROCESSING, FIRST, ring, HIGH, LAST)


def test_what_is_not_timed_is_refused(tmp_path: Path):
    falling = replace(LAST, parameters={"IS_C_INVERTED": 1})
    with pytest.raises(ReadbackError, match=r"BFF has its clock's falling edge"):
        _graph(tmp_path / "falling", PROCESSING, FIRST, LOW, HIGH, falling)
    with pytest.raises(ReadbackError, match=r"BFF is a latch"):
        _graph(tmp_path / "latch", PROCESSING, FIRST, LOW, HIGH, replace(LAST, kind="LDCE"))
    with pytest.raises(ReadbackError, match="0 of the processing system's clocks"):
        _graph(tmp_path / "none", PROCESSING, replace(LOW, inputs={}))


def test_a_missing_file_of_delays_is_told(tmp_path: Path):
    database = _database(tmp_path)
    (database.family / "timings" / "T.sdf").unlink()
    with pytest.raises(DatabaseError, match=r"T\.sdf is missing"):
        CellTimes(database).of(FIRST)


def test_the_report_has_every_part(tmp_path: Path):
    found = _graph(tmp_path, *CELLS)
    analysis = analyse(found)
    told = report.summary(_circuit(*CELLS), found, analysis, 400.0, count=2)
    assert told["slack_ns"] == round(2.5 - with_margin(1.86), 3)
    assert [path["to"] for path in told["paths"]] == [f"{SLICE}.BFF/D", f"{SLICE}.BFF/CE"]
    assert [cell["cell_ns"] for cell in told["paths"][0]["cells"]] == [0.5, 0.04, 1.04]
    assert told["kernels"] == []
    written = report.text(told)
    assert f"{1000 / 1.86:.1f} MHz" in written
    assert f"{SLICE}.B6LUT/O6" in written
    picture = tmp_path / "slack.png"
    report.plot(analysis, 400.0, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_the_slowest_path_into_each_kernel_is_told(tmp_path: Path):
    found = _graph(tmp_path, *CELLS)
    kernels = {f"{SLICE}.AFF": "conv0", f"{SLICE}.BFF": "conv1"}
    told = report.summary(_circuit(*CELLS), found, analyse(found), 400.0, kernels=kernels)
    assert [list(row.values())[:5] for row in told["kernels"]] == [
        ["conv1", 2, f"{SLICE}.BFF/D", f"{SLICE}.AFF/C", "conv0"],
        ["conv0", 1, f"{SLICE}.AFF/D", f"{SLICE}.AFF/C", "conv0"],
    ]
    assert told["kernels"][0]["slack_ns"] == told["slack_ns"]
    assert "into kernel" in report.text(told)


def test_hold_at_the_fast_corner_by_hand(tmp_path: Path):
    found = _graph(tmp_path, *CELLS)
    (hold,) = at_the_fast_corner(_circuit(*CELLS), found, analyse(found))
    # Clock to Q takes 0.1 ns at least; hold is 0.4 at the slow corner. Q's delay is 0.2 of 0.5.
    assert (hold.kind, hold.worst) == ("FDRE", f"{SLICE}.AFF/D")
    assert hold.bearable == pytest.approx(0.1 / 0.4)
    assert hold.delays == pytest.approx(0.2 / 0.5)
    assert not hold.holds
    assert skew(found, analyse(found)) == 0
    # The one that fed itself now gets what has passed the tables.
    late = replace(FIRST, inputs={**FIRST.inputs, "D": f"{SLICE}.B6LUT/O6"})
    cells = (PROCESSING, late, LOW, HIGH, LAST)
    found = _graph(tmp_path / "late", *cells)
    (hold,) = at_the_fast_corner(_circuit(*cells), found, analyse(found))
    assert (hold.bearable, hold.holds) == (1.0, True)


def _untimed(folder: Path, *cells: Cell) -> list[tuple[str, str, str, int]]:
    found = _graph(folder, *cells)
    rows = untimed(_circuit(*cells), found, analyse(found))
    assert all(row.matters == (row.why not in (CONSTANT, STILL)) for row in rows)
    return [(row.cell, row.pin, row.why, row.count) for row in rows]


def test_what_is_not_timed_is_told_by_kind_with_the_reason(tmp_path: Path):
    # The files here have no check of SR.
    no_check = ("FDRE", "SR", NO_TIMES, 1)
    found = _graph(tmp_path, *CELLS)
    assert untimed(_circuit(*CELLS), found, analyse(found)) == [
        Untimed("FDRE", "SR", NO_TIMES, 1, f"{SLICE}.BFF/SR")
    ]
    constant = replace(LOW, inputs={})
    assert _untimed(tmp_path / "constant", PROCESSING, FIRST, constant, HIGH, LAST) == [
        no_check, ("FDRE", "D", CONSTANT, 1)
    ]  # fmt: skip
    still = replace(LAST, inputs={**LAST.inputs, "C": f"{SLICE}.A6LUT/O6"})
    assert _untimed(tmp_path / "still", PROCESSING, FIRST, constant, HIGH, still) == [
        no_check, ("FDRE", "CE", STILL, 1), ("FDRE", "D", CONSTANT, 1)
    ]  # fmt: skip
    both = replace(PROCESSING, outputs=("FCLKCLK0", "FCLKRESETN0"))
    reset = replace(LOW, inputs={"A1": f"{PS7}.PS7/FCLKRESETN0"})
    assert _untimed(tmp_path / "reset", both, FIRST, reset, HIGH, LAST) == [
        ("FDRE", "D", "FCLKRESETN0 is not of this clock", 1), no_check
    ]  # fmt: skip
    odd = replace(LOW, inputs={"A2": f"{SLICE}.AFF/Q"})
    assert _untimed(tmp_path / "odd", PROCESSING, FIRST, odd, HIGH, LAST) == [
        ("FDRE", "D", "the files have no way through a LUT6 to O6", 1), no_check,
        ("LUT6", "A", NO_TIMES, 1),
    ]  # fmt: skip
