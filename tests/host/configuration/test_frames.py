"""FASM to frames on a device of three tiles, what it refuses, and a real chip."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest

from host_build.configuration import packets
from host_build.configuration.database import Database
from host_build.configuration.frames import FasmError, Frames, assemble
from host_build.implementation.mending import PINS, mend
from tests.host.implementation.databases import PART, write_database

LUT = "CLBLL_L_X0Y0.SLICEL_X0.ALUT.INIT"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(write_database(tmp_path / "zynq7"), PART)


def ones(frames: Frames) -> set[tuple[int, int]]:
    """Address of the frame, and bit."""
    return {
        (address, 32 * word + bit)
        for address, words in zip(frames.addresses, frames.words.tolist(), strict=True)
        for word, value in enumerate(words) for bit in range(32) if value >> bit & 1
    }  # fmt: skip


def test_bits_are_where_the_tile_is(database: Database) -> None:
    fasm = [
        "# a remark", "", "CLBLL_L_X0Y0.SLICEL_X0.AFF.ZINI  # another",
        f"{LUT}[63:0] = 3'b101", "INT_L_X0Y0.IMUX_L0.LOGIC_OUTS_L1", "INT_L_X0Y0.BYP_L0.BYP_ALT0",
        "DSP_L_X0Y0.DSP48.DSP_0.ZPREG[0]", "DSP_L_X0Y0.DSP48.DSP_0.ZPREG[0]",
    ]  # fmt: skip
    frames = assemble(fasm, database)
    assert frames.addresses == (0x100, 0x101, 0x180, 0x181)
    int_, dsp = 64, 99 * 32
    assert ones(frames) == {
        (0x100, 0), (0x101, 0), (0x101, 2), (0x100, int_ + 2), (0x101, int_ + 5), (0x180, dsp + 2),
    }  # fmt: skip


def test_the_text(database: Database) -> None:
    lines = assemble(["CLBLL_L_X0Y0.SLICEL_X0.AFF.ZINI"], database).dump().decode().splitlines()
    assert lines[0] == "0x00000100 0x00000001" + 100 * ",0x00000000"
    assert [line.split()[0] for line in lines[1:]] == ["0x00000101", "0x00000180", "0x00000181"]


def test_unknown_features_are_counted_and_told(database: Database) -> None:
    bad = ["CLBLL_L_X0Y0.SLICEL_X0.BFF.ZINI", "CLBLL_L_X7Y0.X", f"{LUT}[3]", "INT_L_X0Y0.A.B"]
    with pytest.raises(FasmError, match="knows 4 features of the FASM not") as caught:
        assemble(["", *bad], database)
    assert [line.split(": ")[1] for line in str(caught.value).splitlines()[1:]] == bad
    with pytest.raises(FasmError, match="knows 7,000 features") as caught:
        assemble([f"CLBLL_L_X0Y0.NONE{k}" for k in range(7000)], database)
    assert len(str(caught.value).splitlines()) == 6


@pytest.mark.parametrize(
    ("fasm", "message"),
    [
        (["CLBLL_L_X0Y0.SLICEL_X0.CLKINV"], "wants bit 1 of word 1 in frame 0x00000100 otherwise"),
        (["INT_L_X0Y0.IMUX_L0.LOGIC_OUTS_L0", "INT_L_X0Y0.IMUX_L0.LOGIC_OUTS_L1"],
         "line 2: .* drives a wire that LOGIC_OUTS_L0 drives too"),
        ([f"{LUT}[63:0] = 3'b101", f"{LUT}[63:0] = 3'b111"], "line 2: .* has another value"),
    ],
)  # fmt: skip
def test_contradictions(database: Database, fasm: list[str], message: str) -> None:
    with pytest.raises(FasmError, match=message):
        assemble(fasm, database)


@pytest.mark.parametrize(
    "line",
    [
        f"{LUT}[63:0] = 2'b101", f"{LUT}[1:0] = 3'b101", f"{LUT}[63:0] = 3'b1x1", f"{LUT}[63:0]",
        f"{LUT}[63:0] = 5", f"{LUT}[0] = 2", f"{LUT}[a]", "CLBLL_L_X0Y0.SLICEL_X0.AFF.ZINI = 0b1",
    ],
)  # fmt: skip
def test_lines_that_are_no_fasm(database: Database, line: str) -> None:
    with pytest.raises(FasmError, match=r"line 2 is no FASM"):
        assemble(["", line], database)


def test_order_does_not_matter(database: Database) -> None:
    fasm = [f"{LUT}[{k}]" for k in range(3)] + ["INT_L_X0Y0.IMUX_L0.LOGIC_OUTS_L0"]
    first = assemble(fasm, database).words
    random.Random(0).shuffle(fasm)
    assert (assemble(fasm, database).words == first).all()


def test_a_real_chip_equals_what_the_tools_made_of_it(prjxray: Path, routed: Path) -> None:
    """nextpnr's FASM, and the .bit that fasm2frames and xc7frames2bit made of it."""
    database = Database(prjxray / "zynq7", PART)
    fasm = (routed / "lightweight-12288.fasm").read_text().splitlines()
    made = assemble(fasm, database)
    told = packets.read((routed / "lightweight-12288.bit").read_bytes(), database.part)
    place = {address: row for row, address in enumerate(told.addresses.tolist())}
    expected = told.frames[[place.pop(address) for address in made.addresses]]
    assert not told.frames[list(place.values())].any()
    # The tool puts a checksum of the frame into its middle.
    ours, theirs = made.words.copy(), expected.copy()
    for words in (ours, theirs):
        words[:, 50] &= ~np.uint32(0x1FFF)
    assert (ours == theirs).all()


@pytest.mark.parametrize(
    ("kind", "features"),
    [
        # What nextpnr's issue 134 comes from: a position of a slice has one output besides O6, Q.
        ("CLBLL_L", ("SLICEL_X0.AOUTMUX.O5", "SLICEL_X0.AOUTMUX.XOR")),
        ("CLBLL_L", ("SLICEL_X0.BOUTMUX.CY", "SLICEL_X0.BOUTMUX.B5Q")),
        ("CLBLL_L", ("SLICEL_X0.AFFMUX.O6", "SLICEL_X0.AFFMUX.AX")),
        ("CLBLL_L", ("SLICEL_X0.PRECYINIT.AX", "SLICEL_X0.PRECYINIT.C1")),
        ("CLBLL_L", ("SLICEL_X0.CLKINV", "SLICEL_X0.NOCLKINV")),
        ("CLBLL_L", ("SLICEL_X0.ALUT.INIT[63:0] = 64'b" + 63 * "0" + "1",
                     "SLICEL_X0.ALUT.INIT[63:0] = 64'b" + 62 * "0" + "10")),
        ("INT_L", ("BYP_ALT0.LOGIC_OUTS_L0", "BYP_ALT0.BYP_BOUNCE_N3_3")),
    ],
)  # fmt: skip
def test_what_a_slice_cannot_be(prjxray: Path, kind: str, features: tuple[str, ...]) -> None:
    database = Database(prjxray / "zynq7", PART)
    tile = next(name for name, row in database.tiles.items() if row.type == kind)
    lines = [f"{tile}.{feature}" for feature in features]
    for line in lines:
        assemble([line], database)
    with pytest.raises(FasmError, match="line 2"):
        assemble(lines, database)


def test_the_mending_of_a_real_chip(prjxray: Path, routed: Path) -> None:
    netlist = json.loads((routed / "lightweight-12288.netlist.json").read_text())
    (module,) = netlist["modules"].values()
    blocks = sum(cell["type"] == "DSP48E1" for cell in module["cells"].values())
    fasm = (routed / "lightweight-12288.fasm").read_text().splitlines()
    added = set(mend(fasm, module)) - set(fasm)
    assert blocks == 61 and len(added) == blocks * 2 * len(PINS)
    assemble(sorted(added), Database(prjxray / "zynq7", PART))
