"""Cells find their entries: by place, by attributes, by the names that files have for pins."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_build.readback.model import Cell
from host_build.timing.cells import CellTimes, Requirement
from host_build.timing.sdf import Delay
from tests.host.timing import fabric

_CELL = '(CELL (CELLTYPE "{}") (INSTANCE {}) (DELAY (ABSOLUTE {})) (TIMINGCHECK {}))'
_HELD = "(SETUP {0} (posedge {1}) (-1::{2})) (HOLD {0} (posedge {1}) (-2::{3}))"
REGISTERS = (
    "AREG", "BREG", "CREG", "DREG", "ADREG", "MREG", "PREG", "ACASCREG", "BCASCREG", "INMODEREG",
    "OPMODEREG", "ALUMODEREG", "CARRYINREG", "CARRYINSELREG",
)  # fmt: skip


def _through(source: str, target: str, slowest: float) -> str:
    return f"(IOPATH {source} {target} (0.1::0.2)(0.3::{slowest}))"


def _times(folder: Path, *entries: str) -> CellTimes:
    database = fabric.database(folder)
    (database.family / "timings").mkdir()
    (database.family / "timings" / "T.sdf").write_text(f"(DELAYFILE {''.join(entries)})")
    return CellTimes(database)


def _cell(
    kind: str, place: str, inputs: tuple[str, ...], outputs: tuple[str, ...],
    parameters: dict[str, int] | None = None, site_pins: tuple[str, ...] = (), x: int = 0,
) -> Cell:  # fmt: skip
    site = f"SLICE_X{x}Y0"
    return Cell(
        f"{site}.{place}", kind, site, f"T_X{x}Y0", parameters or {}, dict.fromkeys(inputs, "net"),
        outputs, {pin: pin for pin in site_pins},
    )  # fmt: skip


def test_tables_are_told_by_their_row(tmp_path: Path):
    times = _times(
        tmp_path,
        _CELL.format("LUT6", "SLICEL/A6LUT", _through("A1", "O6", 1), ""),
        _CELL.format("LUT6", "SLICEL/B6LUT", _through("A1", "O6", 2), ""),
        _CELL.format("LUT5", "SLICEL/B5LUT", _through("A1", "O5", 3), ""),
    )
    found = [
        times.of(_cell(kind, place, ("A1", "A2"), (output,))).arcs
        for kind, place, output in (
            ("LUT6", "A6LUT", "O6"), ("LUT6", "B6LUT", "O6"), ("LUT5", "B5LUT", "O5")
        )
    ]  # fmt: skip
    assert found == [
        {("A1", "O6"): Delay(0.1, 0.2, 0.3, 1)}, {("A1", "O6"): Delay(0.1, 0.2, 0.3, 2)},
        {("A1", "O5"): Delay(0.1, 0.2, 0.3, 3)},
    ]  # fmt: skip


@pytest.mark.parametrize(("site_pins", "slowest"), [(("DI0",), 5), ((), 4)])
def test_a_carry_chain_takes_its_data_from_outside_or_from_the_table(
    tmp_path: Path, site_pins: tuple[str, ...], slowest: float
):
    times = _times(
        tmp_path,
        _CELL.format("CARRY4", "SLICEL", _through("CIN", "CO0", 1), ""),
        _CELL.format("CARRY4_LFF", "SLICEL", _through("CIN", "CO0", 2), ""),
        _CELL.format("CARRY4_O5", "SLICEL", _through("DI0", "CO0", 4), ""),
        _CELL.format("CARRY4_AX", "SLICEL", _through("DI0", "CO0", 5), ""),
    )
    # DI1 of both comes from the table of its row.
    cell = _cell("CARRY4", "CARRY4", ("CI", "DI0"), ("CO0",), site_pins=site_pins)
    arcs = times.of(cell).arcs
    assert arcs["CI", "CO0"].slow_max == 2
    assert arcs["DI0", "CO0"].slow_max == slowest


def test_a_memory_of_a_slice_has_ways_and_checks_of_two_places(tmp_path: Path):
    times = _times(
        tmp_path,
        _CELL.format("LUT_OR_MEM6LRAM", "SLICEL", "", _HELD.format("WA1", "CLK", 0.5, 0.6)),
        _CELL.format(
            "LUT_OR_MEM6LRAM", "SLICEL/A6LUT", _through("CLK", "O6", 1),
            _HELD.format("DI1", "CLK", 0.7, 0.8) + _HELD.format("DI2", "CLK", 0.9, 0.1),
        ),
    )  # fmt: skip
    found = times.of(_cell("RAMD64E", "A6LUT", ("WA1", "DI", "CLK"), ("O6",)))
    assert found.arcs == {("CLK", "O6"): Delay(0.1, 0.2, 0.3, 1)}
    assert set(found.requirements) == {
        Requirement("WA1", "CLK", 0.5, 0.6), Requirement("DI", "CLK", 0.9, 0.8)
    }  # fmt: skip


@pytest.mark.parametrize(("register", "slowest"), [(0, 2.454), (1, 0.882)])
def test_a_block_ram_is_told_by_its_output_register(tmp_path: Path, register: int, slowest: float):
    prefix = "RAMBFIFO36E1RAM_MODE"
    times = _times(
        tmp_path,
        _CELL.format("RAMBFIFO36E1", "X", "", _HELD.format("ADDRAU", "CLKARDCLKU", 0.5, 0.3)),
        *(
            _CELL.format(
                f"{prefix}_U_RAMB18TDP_U_DOA_REG_U_{value}_EN_ECC_READ_FALSE", "X",
                _through("CLKARDCLKU", "DOADOU", delay), "",
            )
            for value, delay in ((0, 2.454), (1, 0.882))
        ),
        _CELL.format(
            f"{prefix}_L_FIFO18_DOA_REG_L_1", "X", _through("CLKARDCLKL", "DOADOL", 9), ""
        ),
    )  # fmt: skip
    parameters = {"DOA_REG": register, "DOB_REG": 0, "WRITE_MODE_A": 0, "WRITE_MODE_B": 0}
    inputs = ("ADDRARDADDR0", "ADDRARDADDR13", "CLKARDCLK")
    found = times.of(_cell("RAMB18E1", "RAMB18", inputs, ("DOADO0", "DOADO7"), parameters))
    assert {ends: delay.slow_max for ends, delay in found.arcs.items()} == {
        ("CLKARDCLK", "DOADO0"): slowest, ("CLKARDCLK", "DOADO7"): slowest
    }  # fmt: skip
    assert [need.pin for need in found.requirements] == ["ADDRARDADDR0", "ADDRARDADDR13"]


@pytest.mark.parametrize(
    ("creg", "outputs", "setup"),
    [(1, ("P0",), 0.233), (0, ("P0",), 1.701), (0, ("P0", "PATTERNDETECT"), 2.093)],
)
def test_a_dsp_block_is_told_by_its_attributes(
    tmp_path: Path, creg: int, outputs: tuple[str, ...], setup: float
):
    entries = {
        "CREG_1": 0.233, "CREG_0_PREG_1_USE_PATTERN_DETECT_NO_PATDET": 1.701,
        "CREG_0_PREG_1_USE_PATTERN_DETECT_PATDET": 2.093, "ACASCREG_0_CREG_1": 99.0,
    }  # fmt: skip
    times = _times(
        tmp_path,
        *(
            _CELL.format(f"DSP48E1_{name}", "DSP48E1", "", _HELD.format("C", "CLK", value, 0.1))
            for name, value in entries.items()
        ),
    )
    parameters = dict.fromkeys(REGISTERS, 1) | {
        "A_CASCADE": 0, "B_CASCADE": 0, "USE_DPORT": 0, "CREG": creg
    }  # fmt: skip
    found = times.of(_cell("DSP48E1", "DSP48", ("C0", "C47", "CLK"), outputs, parameters))
    assert found.requirements == (
        Requirement("C0", "CLK", setup, 0.1), Requirement("C47", "CLK", setup, 0.1)
    )  # fmt: skip
