"""Frames to features on a device of three tiles: nothing unknown, and databases that do not fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_build.configuration import bitfile
from host_build.configuration.database import Database
from host_build.configuration.errors import DatabaseError, ReadbackError
from host_build.configuration.packets import Configuration
from host_build.configuration.part import WORDS
from host_build.readback import features
from tests.host.implementation.databases import PART, write_database

HEADER = bitfile.Header("chip", PART, "2026/01/02", "03:04:05", 0)


@pytest.fixture
def family(tmp_path: Path) -> Path:
    return write_database(tmp_path / "zynq7")


def decoded(family: Path, *bits: tuple[int, int]) -> features.Features:
    """The features of a configuration that has these bits: (address, bit of the frame)."""
    database = Database(family, PART)
    addresses = np.array([at for at in database.part.sequence if at is not None])
    frames = np.zeros((len(addresses), WORDS), np.uint32)
    for address, bit in bits:
        frames[addresses.tolist().index(address), bit // 32] |= np.uint32(1 << bit % 32)
    configuration = Configuration(HEADER, database.part, addresses, frames, True)
    return features.decode(configuration, database)


def test_features(family: Path) -> None:
    int_l, dsp = 2 * 32, 99 * 32
    found = decoded(
        family, (0x100, 0), (0x101, 2), (0x100, int_l + 2), (0x101, int_l + 5), (0x180, dsp + 2)
    )
    assert found.of == {
        "CLBLL_L_X0Y0": {"SLICEL_X0.AFF.ZINI", "SLICEL_X0.ALUT.INIT[02]"},
        "INT_L_X0Y0": {"IMUX_L0.LOGIC_OUTS_L1"}, "DSP_L_X0Y0": {"DSP48.DSP_0.ZPREG[0]"},
    }  # fmt: skip
    assert found.implied == {"CLBLL_L_X0Y0": {"SLICEL_X0.NOCLKINV"}}
    assert found.count == 4


def test_checksums_of_frames_are_no_features(family: Path) -> None:
    assert decoded(family, (0x100, 50 * 32 + 12)).count == 0


@pytest.mark.parametrize(
    ("bit", "place"),
    [((0x100, 40), "CLBLL_L_X0Y0"), ((0x100, 2 * 32 + 1), "INT_L_X0Y0"), ((0x80, 7), "no tile"),
     ((0x100, 50 * 32 + 13), "no tile")],
)  # fmt: skip
def test_a_bit_without_a_meaning(family: Path, bit: tuple[int, int], place: str) -> None:
    message = rf"1 bits are set .* frame {bit[0]:#010x} bit {bit[1]} \({place}\)"
    with pytest.raises(ReadbackError, match=message):
        decoded(family, bit)


@pytest.mark.parametrize("name", ["segbits_int_l.db", "xc7z020/tilegrid.json", f"{PART}/part.json"])
def test_a_database_with_a_file_missing(family: Path, name: str) -> None:
    (family / name).unlink()
    with pytest.raises(DatabaseError, match=rf"{name} is missing"):
        decoded(family)


@pytest.mark.parametrize(
    ("name", "change"),
    [("segbits_int_l.db", ("00_01", "00-01")), ("xc7z020/tilegrid.json", ('"baseaddr"', '"base"')),
     ("xc7z020/tilegrid.json", ("{", ""))],
)  # fmt: skip
def test_a_damaged_database(family: Path, name: str, change: tuple[str, str]) -> None:
    path = family / name
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(DatabaseError, match="damaged"):
        decoded(family)


def test_a_database_of_another_part(family: Path) -> None:
    grid = family / "xc7z020" / "tilegrid.json"
    grid.write_text(grid.read_text().replace("0x00000180", "0x00400180"))
    with pytest.raises(ReadbackError, match="of another part: it has DSP_L_X0Y0 at 0x00400180"):
        decoded(family)
    with pytest.raises(DatabaseError, match="no part of the 7 series"):
        (family / "spartan").mkdir()
        (family / "spartan" / "part.json").write_text((family / PART / "part.json").read_text())
        Database(family, "spartan")
