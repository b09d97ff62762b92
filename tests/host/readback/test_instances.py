"""Block RAM that is used in a way that is not modelled is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest

from host_build.configuration.errors import ReadbackError
from host_build.readback import instances
from host_build.readback.model import ONE, ZERO, Cell

from .heap import heap


@pytest.fixture(scope="module")
def lower() -> Cell:
    """The lower half of a RAMB36 whose port A is one bit wide, and B nine."""
    return heap().cells["RAMB18_X0Y6"]


def changed(cell: Cell, told: dict[str, int], **inputs: str) -> Cell:
    return replace(cell, parameters={**cell.parameters, **told}, inputs={**cell.inputs, **inputs})


def test_an_odd_bit_that_is_read_only(lower: Cell) -> None:
    instances.check(lower)
    assert instances.odd(lower) == [1, 1]
    # It may not be written if the port is never enabled.
    instances.check(changed(lower, {"IS_ENARDEN_INVERTED": 0}, WEA0=ONE, ENARDEN=ZERO))


def test_what_is_not_modelled(lower: Cell) -> None:
    with pytest.raises(ReadbackError, match="1 or 9 bits that is written"):
        instances.check(changed(lower, {}, WEBWE3="net"))
    with pytest.raises(ReadbackError, match="1 or 9 bits that is written"):
        instances.check(changed(lower, {"IS_ENARDEN_INVERTED": 1}, WEA0=ONE, ENARDEN=ZERO))
    with pytest.raises(ReadbackError, match="not modelled at 2 bits of half a RAMB36"):
        instances.check(changed(lower, {"READ_WIDTH_A": 2}))
    with pytest.raises(ReadbackError, match="RAM_EXTENSION is not modelled"):
        instances.check(changed(lower, {"RAM_EXTENSION": 1}))


def test_the_upper_half_shows_no_odd_bit(lower: Cell) -> None:
    upper = replace(lower, site="RAMB18_X0Y7", outputs=("DOBDO0", "DOBDO3"))
    instances.check(upper)
    assert instances.odd(upper) == [0, 0]
    with pytest.raises(ReadbackError, match="not modelled at 4 bits"):
        instances.check(replace(upper, outputs=("DOPBDOP0",)))
    with pytest.raises(ReadbackError, match="not modelled at 1 bits"):
        instances.check(replace(upper, outputs=("DOADO0",)))
