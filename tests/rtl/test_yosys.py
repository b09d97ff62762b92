"""Synthesis of small matrix-vector units: cost, netlist, errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from host_build.implementation import cascade, yosys
from host_build.implementation.netlist import netlist_sources
from host_build.kernels.matrix_vector import MatrixVector
from host_build.simulation.verilator import build, pack
from tests.rtl.test_matrix_vector import pairs, sums

pytestmark = pytest.mark.rtl


def weights(mh: int, mw: int, bits: int) -> np.ndarray:
    highest = (1 << (bits - 1)) - 1
    return np.random.default_rng(3).integers(-highest, highest + 1, (mh, mw))


PACKED = MatrixVector(weights(6, 12, 6), 6, 3, "DSP2", cascade=3, rom="distributed")
TRIPLE = MatrixVector(weights(3, 10, 4), 5, 3, "DSP3", 4, weight_bits=4, rom="distributed")
QUADRUPLE = MatrixVector(
    weights(4, 12, 4), 6, 4, "DSP4", 4, weight_bits=4, rom="distributed", vectors=2
)
TABLES = MatrixVector(weights(2, 16, 4), 8, 1, "LUT", 4, weight_bits=4)
BLOCKS = MatrixVector(weights(4, 12, 5), 2, 2, "DSP2", 5, weight_bits=5, rom_positions=1)


def synthesize(unit: MatrixVector, frontend: yosys.Frontend = "verilog") -> yosys.Synthesis:
    return yosys.synthesize(
        unit.module, unit.sources(), unit.parameters(), unit.images(), frontend=frontend
    )


@pytest.mark.parametrize("unit", [PACKED, TRIPLE, QUADRUPLE, TABLES, BLOCKS], ids=lambda u: u.style)
def test_estimate(unit: MatrixVector) -> None:
    found, estimate = synthesize(unit), unit.resources()
    assert found.dsp == estimate.dsp
    assert found.bram36 == estimate.bram36
    assert found.lut == pytest.approx(estimate.lut, rel=0.25)
    assert found.ff == pytest.approx(estimate.ff, rel=0.25)


def test_both_frontends_find_the_same() -> None:
    one, other = synthesize(BLOCKS), synthesize(BLOCKS, "slang")
    assert (one.ff, one.bram36, one.dsp) == (other.ff, other.bram36, other.dsp)
    assert one.lut == pytest.approx(other.lut, rel=0.1)


def test_sums_run_along_the_cascade() -> None:
    # Two rows of six blocks, broken once each: four joints a row.
    assert synthesize(PACKED).cascades == 8
    # Two chains of three and two blocks.
    assert synthesize(TRIPLE).cascades == 3
    # Two rows of two chains of three blocks.
    assert synthesize(QUADRUPLE).cascades == 8


@pytest.mark.parametrize("unit", [PACKED, TRIPLE, QUADRUPLE], ids=lambda u: u.style)
def test_netlist_equals_numpy(unit: MatrixVector, tmp_path: Path) -> None:
    """What Yosys made of it, cell by cell with Yosys' own models of the cells."""
    files = netlist_sources(synthesize(unit), tmp_path)
    circuit = build(unit.module, files, {}, unit.inputs, unit.outputs)
    low, high = unit.activation_range
    vectors = np.random.default_rng(4).integers(low, high + 1, (40, unit.mw))
    vectors[0] = high
    beats = pack(pairs(unit, vectors), unit.activation_bits)
    count = len(vectors) // unit.pixels * unit.repeats
    result = circuit.run({"in": beats}, {"out": count}, stall_out=0.3)
    assert (sums(unit, result.outputs["out"]) == unit.golden(vectors)).all()


@pytest.mark.parametrize("frontend", ["verilog", "slang"])
@pytest.mark.parametrize("value", [-300, 6])
def test_parameters_keep_their_sign(value: int, frontend: yosys.Frontend, tmp_path: Path) -> None:
    source = tmp_path / "constant.sv"
    source.write_text("""module constant #(
  parameter VALUE = 0,
  parameter NAME  = ""
) (
  output wire        negative_o,
  output wire [31:0] value_o
);
  assign negative_o = VALUE < 0;
  assign value_o    = VALUE;
endmodule
""")
    found = yosys.synthesize(
        "constant",
        [source],
        {"VALUE": value, "NAME": "x"},
        frontend=frontend,
        cache=tmp_path / "cache",
    )
    # The library's cells are left out.
    (module,) = json.loads(found.netlist.read_text())["modules"].values()
    negative, bits = (module["ports"][name]["bits"] for name in ("negative_o", "value_o"))
    assert negative == [str(int(value < 0))]
    assert int("".join(reversed(bits)), 2) == value % 2**32


def test_cascade_leaves_other_addends_alone() -> None:
    def block(c: list[object], p: list[int], **parameters: str) -> dict[str, object]:
        opmode = ["1", "0", "1", "0", "1", "1", "0"]
        return {
            "type": "DSP48E1", "parameters": parameters, "port_directions": {},
            "connections": {"C": c, "P": p, "OPMODE": opmode},
        }  # fmt: skip

    total = list(range(2, 50))
    module = {
        "ports": {}, "netnames": {},
        "cells": {
            "first": block(["0"] * 48, total),
            "shifted": block([*total[1:], "0"], list(range(50, 98))),
            "registered": block(total, list(range(98, 146)), CREG="1"),
        },
    }  # fmt: skip
    before = json.dumps(module)
    assert cascade.join_cascades(module) == 0
    assert json.dumps(module) == before
    module["cells"]["next"] = block(total, list(range(146, 194)))
    assert cascade.join_cascades(module) == 1


def test_yosys_errors_are_told(tmp_path: Path) -> None:
    bad = tmp_path / "bad.sv"
    bad.write_text("module bad (input wire a, output wire b); missing m(a, b); endmodule\n")
    with pytest.raises(yosys.YosysError, match="missing"):
        yosys.synthesize("bad", [bad], {}, cache=tmp_path)


def test_a_yosys_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = tmp_path / "good.sv"
    good.write_text("module good (input wire a, output wire b); assign b = a; endmodule\n")
    monkeypatch.setattr(yosys, "_MOST_MINUTES", 0.001)
    with pytest.raises(yosys.YosysError, match=r"was ended after 0\.001 minutes, at: "):
        yosys.synthesize("good", [good], {}, cache=tmp_path)


def test_missing_yosys_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> str:
        raise yosys.importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(yosys.importlib.metadata, "version", nothing)
    with pytest.raises(yosys.YosysError, match="pip install pyosys"):
        yosys.synthesize("bad", [], {}, cache=tmp_path)
