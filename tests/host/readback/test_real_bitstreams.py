"""Bitstreams of two tools: every bit has a meaning, and the circuit is the one that was made."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from board_app.network import overlay, vectors
from host_build.configuration import packets
from host_build.configuration.database import Database
from host_build.configuration.frames import assemble
from host_build.implementation import mending
from host_build.readback import (
    circuit,
    features,
    likeness,
    netlist,
    simulate,
    verilog,
)
from host_build.readback.circuit import Read
from host_build.readback.differences import differences
from host_build.readback.model import ONE, ZERO
from host_build.readback.nodes import Nodes

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mended(routed: Path) -> list[str]:
    """nextpnr's FASM with the constants of the DSP blocks as they must be."""
    (module,) = json.loads((routed / "lightweight-12288.netlist.json").read_text())[
        "modules"
    ].values()
    return mending.mend((routed / "lightweight-12288.fasm").read_text().splitlines(), module)


@pytest.fixture(scope="module")
def found(routed: Path, mended: list[str], database: Database, joined: Nodes) -> Read:
    """What `mended` makes of the chip, and the header of the bitstream that was not mended."""
    content = (routed / "lightweight-12288.bit").read_bytes()
    raw = packets.read(content, database.part)
    made = assemble(mended, database)
    frames = np.zeros_like(raw.frames)
    frames[np.searchsorted(raw.addresses, made.addresses)] = made.words
    assert np.array_equal(np.sort(raw.addresses), raw.addresses)
    configuration = replace(raw, frames=frames)
    decoded = features.decode(configuration, database)
    return Read(configuration, decoded, circuit.build(decoded, database, joined))


def test_every_feature_is_that_of_the_fasm(
    routed: Path, found: Read, database: Database, joined: Nodes
) -> None:
    raw = packets.read((routed / "lightweight-12288.bit").read_bytes(), database.part)
    unmended = Read(raw, features.decode(raw, database), found.circuit)
    fasm = (routed / "lightweight-12288.fasm").read_text().splitlines()
    assert unmended.features.count > 1_500_000
    assert differences(unmended, fasm, database, joined) == []


def test_cells_are_those_of_the_netlist(routed: Path, found: Read) -> None:
    (module,) = json.loads((routed / "lightweight-12288.netlist.json").read_text())[
        "modules"
    ].values()
    made = Counter(cell["type"] for cell in module["cells"].values())
    kinds = Counter(cell.kind for cell in found.circuit.cells.values())
    for kind in ("FDRE", "FDSE", "MUXF7", "MUXF8", "DSP48E1", "PS7"):
        assert kinds[kind] == made[kind], kind
    assert kinds["RAMB18E1"] == made["RAMB18E1"] + 2 * made["RAMB36E1"]
    assert kinds["BUFGCTRL"] == made["BUFG"]
    # nextpnr starts a new CARRY4 where a carry goes out into the fabric.
    assert made["CARRY4"] <= kinds["CARRY4"] <= made["CARRY4"] + 60
    memories = 4 * (made["RAM32M"] + made["RAM64M"])
    assert memories / 2 < kinds["RAMD64E"] + kinds["RAMD32"] / 2 <= memories


def test_everything_that_keeps_a_state_is_in_the_netlist(routed: Path, found: Read) -> None:
    given = netlist.load(routed / "lightweight-12288.netlist.json")
    result = likeness.compare(found.circuit, given)
    assert result.differences == ()
    assert len(result.named) > len(result.alike)
    block = next(found.circuit.of_kind("RAMB18E1"))
    wrong = replace(block, parameters={**block.parameters, "INIT": block.parameters["INIT"] ^ 1})
    cells = {**found.circuit.cells, block.name: wrong}
    (told,) = likeness.compare(replace(found.circuit, cells=cells), given, rounds=0).differences
    assert told.places == (block.name,)
    assert told.names[0].startswith("i_core.i_network.")


@pytest.mark.rtl
@pytest.mark.skipif(
    any(overlay.OVERLAYS.glob("*/*.bit")), reason="committed bitstreams are simulated instead"
)
def test_the_mended_chip_computes_vectors(found: Read) -> None:
    chosen = overlay.find("lightweight")
    golden, build_id = vectors.load(chosen), int(chosen.manifest.build_id, 16)
    result = simulate.run(found.circuit, build_id, golden.images[:4], 10, 12_288)
    assert np.array_equal(result.logits, golden.logits[:4])
    assert result.pace == pytest.approx(12_288, rel=1e-3)


def test_nets_are_trees_from_driver_to_sinks(found: Read, joined: Nodes) -> None:
    cells = found.circuit.cells
    sinks = 0
    for net in found.circuit.nets.values():
        assert net.driver.name in cells[net.driver.cell].outputs
        for at, branch in enumerate(net.branches):
            assert branch.parent < at
            if branch.pip is None:
                assert branch.parent == -1 and branch.site_pin is not None
            else:
                assert joined.node(branch.pip.target) == branch.node
                before = joined.node(branch.pip.source)
                assert before == net.branches[branch.parent].node
        for sink in net.sinks:
            assert cells[sink.pin.cell].inputs[sink.pin.name] == net.name
            assert sink.branch is None or 0 <= sink.branch < len(net.branches)
        sinks += len(net.sinks)
    wired = sum(net not in (ZERO, ONE) for cell in cells.values() for net in cell.inputs.values())
    assert sinks == wired > 200_000


def test_faults_are_told_with_place_and_cell(
    mended: list[str], found: Read, database: Database, joined: Nodes
) -> None:
    table = next(line for line in mended if ".ALUT.INIT[63:0] = 64'b" in line and "CLBLL_L" in line)
    flipped = table[:-1] + ("1" if table.endswith("0") else "0")
    pip = next(line for line in mended if line.startswith("INT_L_") and ".IMUX_L3." in line)
    tile, target, source = pip.split(".")
    other = next(
        feature.name.split(".")[1] for feature in database.features("INT_L", "CLB_IO_CLK")
        if feature.name.startswith(f"{target}.") and not feature.name.endswith(f".{source}")
    )  # fmt: skip
    swapped = f"{tile}.{target}.{other}"
    tie = next(line for line in mended if ".DSP_1_INMODE1.DSP_GND_" in line)
    weights = next(line for line in mended if ".RAMB18_Y0.INIT_00[255:0] = 256'b" in line)
    wrong = weights[:-1] + ("1" if weights.endswith("0") else "0")
    changes = {table: flipped, pip: swapped, tie: "", weights: wrong}
    told = differences(found, [changes.get(line, line) for line in mended], database, joined)
    assert len(told) == 5, told
    bram, clb, pips, dsp = (
        [line for line in told if line.startswith(kind)] for kind in ("BRAM", "CLB", "INT", "DSP")
    )
    assert "INIT_00[000]" in bram[0] and "the block RAMB18_X" in bram[0]
    assert "bit 0 of the table SLICE_X" in clb[0] and "LUT" in clb[0]
    assert any(f"{pip} is on, and should not be: a pip of SLICE_" in line for line in pips)
    assert any(f"{swapped} is missing: a pip of SLICE_" in line for line in pips)
    assert "INMODE1" in dsp[0] and "a constant pin of DSP48_X" in dsp[0]


def test_a_constant_that_is_not_tied_reads_1(found: Read) -> None:
    tied = next(found.circuit.of_kind("DSP48E1"))
    assert [tied.inputs[f"INMODE{k}"] for k in range(5)] == [ZERO] * 5
    untied = replace(
        tied, inputs=dict(tied.inputs) | {"INMODE1": ONE},
        parameters=dict(tied.parameters) | {"IS_INMODE_INVERTED": 31},
    )  # fmt: skip
    cells = {"tied": tied, "untied": untied}
    texts = {
        name: verilog.dsp(cell, "x", lambda net: f"1'b{net}" if net in "01" else "net")
        for name, cell in cells.items()
    }
    assert ".INMODE({1'b0, 1'b0, 1'b0, 1'b0, 1'b0})" in texts["tied"]
    assert ".INMODE({1'b0, 1'b0, 1'b0, 1'b1, 1'b0})" in texts["untied"]
