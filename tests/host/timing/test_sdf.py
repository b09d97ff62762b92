"""Files of delays: what they tell, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from host_build.configuration.errors import DatabaseError
from host_build.timing import sdf
from host_build.timing.sdf import Arc, Check, Delay

SDF = """
(DELAYFILE
    (SDFVERSION "3.0")
    (TIMESCALE 1ps)
    (CELL
        (CELLTYPE "REG_INIT_FF")
        (INSTANCE SLICEL)
        (DELAY (ABSOLUTE (IOPATH CLK Q (0.112::0.139)(0.274::0.340))))
        (TIMINGCHECK
            (HOLD DIN (posedge CLK) (0.194::0.241))
            (SETUP DIN (posedge CLK) (-0.055::-0.045))
        )
    )
    (CELL
        (CELLTYPE "ROUTING_BEL")
        (INSTANCE SLICEL/AFF)
        (DELAY (ABSOLUTE
            (INTERCONNECT a6lut aff (0.04::0.05)(0.09::0.11))
            (DEVICE whole (0.003::0.004)(0.021::0.026))
        ))
    )
)
"""


def test_arcs_and_checks_are_read():
    flip_flop, routing = sdf.parse(SDF)
    assert (flip_flop.type, flip_flop.instance) == ("REG_INIT_FF", "SLICEL")
    assert flip_flop.arcs == (Arc("CLK", "Q", Delay(0.112, 0.139, 0.274, 0.340)),)
    assert flip_flop.checks == (
        Check("HOLD", "DIN", "CLK", 0.194, 0.241), Check("SETUP", "DIN", "CLK", -0.055, -0.045),
    )  # fmt: skip
    assert routing.instance == "SLICEL/AFF"
    assert routing.arcs == (
        Arc("a6lut", "aff", Delay(0.04, 0.05, 0.09, 0.11)),
        Arc("", "whole", Delay(0.003, 0.004, 0.021, 0.026)),
    )


def test_delays_join():
    one, other = Delay(1, 2, 3, 4), Delay(0.5, 3, 3.5, 3.5)
    assert one.then(other) == Delay(1.5, 5, 6.5, 7.5)
    assert one.either(other) == Delay(0.5, 3, 3, 4)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("(DELAYFILE", "(OTHER"),
        (SDF[-60:], ""),
        ("(0.112::0.139)", "(0.112)"),
        ("0.274", "x"),
        ("(0.274::0.340)", ""),
        ("(posedge CLK)", ""),
        ('(CELLTYPE "ROUTING_BEL")', ""),
        ("(SDFVERSION", ")(SDFVERSION"),
    ],
)
def test_damage_is_told(tmp_path: Path, before: str, after: str):
    path = tmp_path / "CLBLL_L.sdf"
    assert before in SDF
    path.write_text(SDF.replace(before, after, 1))
    with pytest.raises(DatabaseError, match=r"CLBLL_L\.sdf is damaged"):
        sdf.load(path)


def test_a_missing_file_is_told(tmp_path: Path):
    with pytest.raises(DatabaseError, match=r"DSP_L\.sdf is missing"):
        sdf.load(tmp_path / "DSP_L.sdf")
