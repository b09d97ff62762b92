"""The handoff and the stand-in for a bitstream, without pynq."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from host_build.generate.handoff import (
    ClockError,
    clock_divisors,
    handoff,
    simulation_bitstream,
)


@pytest.mark.parametrize(
    ("mhz", "divisors"),
    [
        (100, (5, 2)), (142.857, (7, 1)), (142.857143, (7, 1)), (1000 / 7, (7, 1)),
        (125, (4, 2)), (200, (5, 1)), (50, (5, 4)), (166.667, (3, 2)), (1000, (1, 1)),
        (1000 / 63**2, (63, 63)),
    ],
)  # fmt: skip
def test_divisors_make_the_clock(mhz: float, divisors: tuple[int, int]) -> None:
    assert clock_divisors(mhz) == divisors


def test_every_clock_that_the_ps_makes_is_expressible() -> None:
    for first in range(1, 64):
        for second in range(1, 64):
            made = clock_divisors(1000 / (first * second))
            assert made[0] * made[1] == first * second and max(made) <= 63


@pytest.mark.parametrize(
    ("mhz", "says"),
    [
        (150, "the nearest is 142.857 MHz, the nearest below 142.857 MHz"),
        (190, "the nearest is 200 MHz, the nearest below 166.667 MHz"),
        (142.9, "the nearest is 142.857 MHz"),
        (2000, "the nearest is 1000 MHz"),
        (0.1, "the nearest is 0.251953 MHz"),
        (0, "is none"),
        (-100, "is none"),
    ],
)
def test_a_clock_that_the_ps_cannot_make_is_refused(mhz: float, says: str) -> None:
    with pytest.raises(ClockError, match=says):
        clock_divisors(mhz)


def test_the_handoff_is_the_same_every_time() -> None:
    text = handoff(0x0123ABCD, 142.857)
    assert text == handoff(0x0123ABCD, 142.857)
    root = ElementTree.fromstring(text)
    ranges = [(r.get("INSTANCE"), r.get("BASEVALUE")) for r in root.iter("MEMRANGE")]
    assert ranges == [
        ("idma0", "0x40000000"), ("odma0", "0x40001000"), ("control0", "0x40002000"),
    ]  # fmt: skip
    values = {p.get("NAME"): p.get("VALUE") for p in root.iter("PARAMETER")}
    assert values["BUILD_ID"] == "0x0123abcd"
    assert values["PCW_FCLK0_PERIPHERAL_DIVISOR0"] == "7"


def test_the_stand_in_names_itself() -> None:
    data = simulation_bitstream(0x0123ABCD)
    assert b"simulation_stand_in;UserID=0X0123ABCD;" in data
    assert b"STAND-IN FOR A BITSTREAM" in data and data.endswith(b"\x01\x23\xab\xcd")
