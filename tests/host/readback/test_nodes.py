"""The file of nodes: what is joined, and files that are none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_build.configuration.errors import DatabaseError
from host_build.readback import nodes

# Two tiles in a row: EAST of the left one is WEST of the right one, which is also its own TAP.
FILE = """W 4
EAST
WEST
TAP
ALONE
T 0 0 LEFT INT 0
T 0 1 RIGHT INT 1
H 0 2
0 1,0,-1,0 3,0,0,1
3 0,0,0,1
H 1 1
1 2,0,0,0
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nodes.txt"
    path.write_text(FILE)
    return path


def test_nodes(file: Path, tmp_path: Path) -> None:
    for _ in range(2):  # parsed, and then from the cache
        found = nodes.load(file, tmp_path / "cache")
        east, west, tap = (
            found.key(*at) for at in (("LEFT", "EAST"), ("RIGHT", "WEST"), ("RIGHT", "TAP"))
        )
        alone = found.key("LEFT", "ALONE")
        assert found.members(found.node(west)) == [east, west, tap]
        assert {found.node(key) for key in (east, west, tap)} == {east}
        assert found.nodes(np.array([tap, alone, west])).tolist() == [east, alone, east]
        assert found.members(alone) == [alone] and found.node(alone) == alone
        assert found.name(tap) == ("RIGHT", "TAP")
    assert len(list((tmp_path / "cache").iterdir())) == 1
    with pytest.raises(DatabaseError, match="no wire LEFT/NORTH"):
        found.key("LEFT", "NORTH")


@pytest.mark.parametrize(
    "change", [("W 4", "X 4"), ("W 4", "W 40"), ("0,-1,0", "0,1,0"), ("3 0,0,0,1\n", ""),
               ("RIGHT INT 1", "RIGHT INT 7"), (FILE, "")],
)  # fmt: skip
def test_damaged(file: Path, tmp_path: Path, change: tuple[str, str]) -> None:
    file.write_text(FILE.replace(*change))
    with pytest.raises(DatabaseError, match="no file of nodes, or is damaged"):
        nodes.load(file, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="--nodes FILE"):
        nodes.load(tmp_path / "nodes.txt", tmp_path)
