"""DSP blocks' constants: what nextpnr writes, what Vivado does, and what must not pass."""

from __future__ import annotations

from typing import Any

import pytest

from host_build.implementation.mending import PINS, MendingError, mend

BLOCK = "DSP_R_X9Y25.DSP48.DSP_1"
REST = [f"{BLOCK}.ZMREG[0]", "DSP_R_X9Y25.DSP_1_CED.DSP_GND_R", "INT_L_X0Y0.A.B"]


def netlist(*values: str) -> dict[str, Any]:
    """A module with a DSP block for each row of INMODE, ALUMODE[3:2] and OPMODE[6], low first."""
    return {"cells": {f"dsp{k}": block(row) for k, row in enumerate(values)}}


def block(row: str) -> dict[str, Any]:
    wires = {
        "INMODE": list(row[:5]), "ALUMODE": ["0", "0", *row[5:7]],
        "OPMODE": ["1", "0", "1", "0", "1", "1", row[7]],
    }  # fmt: skip
    return {"type": "DSP48E1", "parameters": {}, "connections": wires}


def inverters(row: str, name: str = BLOCK) -> list[str]:
    """What nextpnr writes: a pin that is 0 is inverted, nothing else."""
    return [
        f"{name}.ZIS_{bus}_INVERTED[{bit}]"
        for (bus, bit), value in zip(PINS, row, strict=True) if value == "1"
    ]  # fmt: skip


def ties(row: str) -> list[str]:
    return [
        f"DSP_R_X9Y25.DSP_1_{bus}{bit}.DSP_{'VCC' if value == '1' else 'GND'}_R"
        for (bus, bit), value in zip(PINS, row, strict=True)
    ]  # fmt: skip


@pytest.mark.parametrize("row", ["00000000", "11111111", "10000001", "00010100"])
def test_constants_are_tied_as_vivado_does(row: str) -> None:
    expected = {*REST, *ties(row), *inverters("1" * 8)}
    for fasm in (
        [*REST, *inverters(row)],  # 0.8.2
        [*REST, *inverters(row), *ties(row)],  # with pull request 159
        sorted(expected),  # as it should be
    ):
        mended = mend(fasm, netlist(row))
        assert set(mended) == expected and len(mended) == len(expected)


def test_pins_that_are_not_connected_are_0() -> None:
    bare = {"cells": {"dsp": {"type": "DSP48E1", "parameters": {}, "connections": {}}}}
    assert set(mend(REST, bare)) == {*REST, *ties("0" * 8), *inverters("1" * 8)}


def test_other_features_of_the_pins_stay() -> None:
    others = [f"{BLOCK}.ZIS_OPMODE_INVERTED[5]", f"{BLOCK}.ZIS_ALUMODE_INVERTED[0]"]
    assert set(others) < set(mend([*REST, *others], netlist("0" * 8)))


def test_no_dsp_blocks() -> None:
    assert mend(["INT_L_X0Y0.A.B"], {"cells": {}}) == ["INT_L_X0Y0.A.B"]


@pytest.mark.parametrize(
    ("fasm", "made_of", "message"),
    [
        (REST, netlist("00000001"), "have constants 1 of 00000001, those of .*FASM 1 of 00000000"),
        (["INT_L_X0Y0.A.B"], netlist("0" * 8), "FASM none: it is of another netlist, not whole"),
        (REST, {"cells": {}}, "have constants none, those"),
        ([*REST, *ties("0" * 8), *ties("1" * 8)], netlist("0" * 8),
         r"DSP_R_X9Y25\.DSP_1_INMODE0 is tied to both"),
        ([*REST, ties("1" * 8)[0]], netlist("0" * 8), "INMODE0 is tied"),
    ],
)  # fmt: skip
def test_what_contradicts_the_netlist(
    fasm: list[str], made_of: dict[str, Any], message: str
) -> None:
    with pytest.raises(MendingError, match=message):
        mend(fasm, made_of)
