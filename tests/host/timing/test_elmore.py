"""Delays of nets against sums done by hand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from host_build.configuration.errors import DatabaseError
from host_build.readback.model import Branch, Net, Pin, Pip, Sink
from host_build.timing.electrical import Electrical
from host_build.timing.elmore import Interconnect
from host_build.timing.sdf import NONE
from tests.host.timing import fabric

FROM = "SLICE_X0Y0"


def _net() -> Net:
    """From AQ by a buffer to A; on by a buffer to B and by a transistor to C."""
    out, a, b, c = (fabric.WIRES.index(name) for name in ("OUT", "A", "B", "C"))
    return Net(
        f"{FROM}.AFF/Q", Pin(f"{FROM}.AFF", "Q"),
        (
            Branch(out, -1, None, "AQ"), Branch(a, 0, Pip(out, a)),
            Branch(b, 1, Pip(a, b)), Branch(c, 1, Pip(a, c)),
        ),
        (
            Sink(Pin(f"{FROM}.A6LUT", "A1"), 2, "A1"),
            Sink(Pin(f"{FROM}.B6LUT", "A1"), 3, "B1"),
            Sink(Pin(f"{FROM}.A5FF", "D"), None, None),
        ),
    )  # fmt: skip


def _interconnect(folder: Path) -> Interconnect:
    return Interconnect(Electrical(fabric.database(folder)), fabric.joined())


def test_a_tree_by_hand(tmp_path: Path):
    to_b, to_c, within = _interconnect(tmp_path).delays(_net(), FROM, [FROM] * 3)
    # OUT is 10 fF and the buffer behind it 5: 1500 ohm * 15 fF = 22.5 ps.
    out = 0.0225
    # C is 50 + 2 fF. The node of A and METAL is 200 ohm and 60 fF, and charges 7 of the buffer to
    # B and the 52 through the transistor too: 119 fF by 1000 ohm, and 200 * (119 - 30).
    a = 0.119 + 0.0178
    # 2000 ohm charge 31 fF of B; 500 ohm charge 52 of C.
    assert to_b == pytest.approx([
        out + 0.1 + a + 0.01 + 0.062 + 0.2, out + 0.2 + a + 0.02 + 0.062 + 0.3,
        out + 0.3 + a + 0.03 + 0.062 + 0.4, out + 0.4 + a + 0.04 + 0.062 + 0.5,
    ])  # fmt: skip
    assert to_c == pytest.approx([out + 0.1 * k + a + 0.026 for k in (1, 2, 3, 4)])
    assert within == NONE


def test_a_sink_more_slows_its_branch_and_what_comes_before_but_no_buffer(tmp_path: Path):
    interconnect, net = _interconnect(tmp_path), _net()
    before = interconnect.delays(net, FROM, [FROM] * 3)
    fewer = Net(net.name, net.driver, net.branches[:3], net.sinks[:1])
    (alone,) = interconnect.delays(fewer, FROM, [FROM])
    # Without C the node of A charges 52 fF less, by 1000 ohm and by 200.
    assert before[0].slow_max - alone.slow_max == pytest.approx(0.052 * 1.2)


def test_what_the_database_lacks_is_told(tmp_path: Path):
    electrical = Electrical(fabric.database(tmp_path))
    with pytest.raises(DatabaseError, match="T_X0Y0 has no pip from B to A"):
        electrical.switch("T_X0Y0", "B", "A")
    with pytest.raises(DatabaseError, match="SLICE_X0Y0 has no pin C1"):
        electrical.pin(FROM, "C1")


@pytest.mark.parametrize("damage", [None, "{}", json.dumps({**fabric.TILE, "pips": {"p": {}}})])
def test_damage_is_told(tmp_path: Path, damage: str | None):
    database = fabric.database(tmp_path)
    path = database.family / "tile_type_T.json"
    if damage is None:
        path.unlink()
    else:
        path.write_text(damage)
    with pytest.raises(DatabaseError, match=r"tile_type_T\.json is (missing|damaged)"):
        Electrical(database).wire("T_X0Y0", "A")


def test_a_transistor_conducts_both_ways(tmp_path: Path):
    both = dict(fabric.TILE["pips"]["right"], is_directional="0")
    database = fabric.database(tmp_path)
    told = json.dumps({**fabric.TILE, "pips": {"p": both}})
    (database.family / "tile_type_T.json").write_text(told)
    assert Electrical(database).switch("T_X0Y0", "C", "A").resistance == 500
