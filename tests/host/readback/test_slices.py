"""Slices by their features: what each cell is, and what it is connected to."""

from __future__ import annotations

import pytest

from host_build.configuration.errors import ReadbackError
from host_build.readback.draft import Constant, FromCell, FromPin
from host_build.readback.slices import Slice


def table(row: str, value: int) -> set[str]:
    return {f"{row}LUT.INIT[{k:02}]" for k in range(64) if value >> k & 1}


def made(*features: str) -> Slice:
    return Slice("SLICE_X0Y0", frozenset(features))


def test_table_with_the_inputs_that_it_heeds() -> None:
    a1_and_a3 = sum(1 << k for k in range(64) if k & 1 and k & 4)
    one = made(*table("B", a1_and_a3))
    assert one.output("B") == FromCell("B6LUT", "O6")
    draft = one.drafts["B6LUT"]
    assert draft.kind == "LUT6" and draft.parameters["INIT"] == a1_and_a3
    assert draft.inputs == {"A1": FromPin("B1"), "A3": FromPin("B3")}


@pytest.mark.parametrize(
    ("features", "kind"),
    [((), "FDPE"), (("AFF.ZRST",), "FDCE"), (("FFSYNC",), "FDSE"), (("FFSYNC", "AFF.ZRST"), "FDRE"),
     (("LATCH", "AFF.ZRST"), "LDCE"), (("LATCH",), "LDPE")],
)  # fmt: skip
def test_kinds_of_flip_flops(features: tuple[str, ...], kind: str) -> None:
    one = made("AFFMUX.AX", *features)
    one.output("AQ")
    draft = one.drafts["AFF"]
    assert draft.kind == kind
    assert draft.parameters == {"INIT": 1, "IS_C_INVERTED": 0}
    assert draft.inputs == {
        "D": FromPin("AX"), "C": FromPin("CLK"), "CE": Constant(1), "SR": Constant(0)
    }  # fmt: skip


def test_flip_flop_with_all_its_pins() -> None:
    one = made("C5FFMUX.IN_A", "C5FF.ZINI", "CLKINV", "CEUSEDMUX", "SRUSEDMUX", "COUTMUX.C5Q")
    assert one.flip_flops() == ["C5FF"]
    assert one.output("CMUX") == FromCell("C5FF", "Q")
    draft = one.drafts["C5FF"]
    assert draft.parameters == {"INIT": 0, "IS_C_INVERTED": 1}
    assert draft.inputs == {
        "D": FromCell("C5LUT", "O5"), "C": FromPin("CLK"), "CE": FromPin("CE"), "SR": FromPin("SR")
    }  # fmt: skip


def test_carry_only_as_far_as_it_is_used() -> None:
    one = made("PRECYINIT.CIN", "CARRY4.ACY0", "BOUTMUX.XOR")
    assert one.output("BMUX") == FromCell("CARRY4", "O1")
    assert one.drafts["CARRY4"].inputs == {
        "CI": FromPin("CIN"), "S0": FromCell("A6LUT", "O6"), "DI0": FromCell("A5LUT", "O5"),
        "S1": FromCell("B6LUT", "O6"),
    }  # fmt: skip
    one.output("COUT")
    assert one.drafts["CARRY4"].inputs["DI3"] == FromPin("DX")


def test_wide_multiplexers() -> None:
    one = made("BOUTMUX.F8")
    one.output("BMUX")
    inputs = {name: draft.inputs for name, draft in one.drafts.items() if "MUX" in name}
    assert {name: tuple(pins.values()) for name, pins in inputs.items()} == {
        "F8MUX": (FromCell("F7BMUX", "O"), FromCell("F7AMUX", "O"), FromPin("BX")),
        "F7AMUX": (FromCell("B6LUT", "O6"), FromCell("A6LUT", "O6"), FromPin("AX")),
        "F7BMUX": (FromCell("D6LUT", "O6"), FromCell("C6LUT", "O6"), FromPin("CX")),
    }  # fmt: skip


def test_memory_of_two_times_32_bits() -> None:
    one = made("ALUT.RAM", "ALUT.SMALL", "AOUTMUX.O5", "WEMUX.CE", *table("A", 5 << 32 | 3))
    one.output("A")
    one.output("AMUX")
    high, low = one.drafts["A6LUT"], one.drafts["A5LUT"]
    assert (high.kind, low.kind) == ("RAMD32", "RAMD32")
    assert (high.parameters["INIT"], low.parameters["INIT"]) == (5, 3)
    assert (high.inputs["DI"], low.inputs["DI"]) == (FromPin("AX"), FromPin("DI"))
    assert high.inputs["WA5"] == FromPin("D5") and high.inputs["WE"] == FromPin("CE")


def test_deep_memory_knows_its_row() -> None:
    one = made("BLUT.RAM", "WA7USED", "WA8USED", "BLUT.DI1MUX.BI")
    one.output("B")
    draft = one.drafts["B6LUT"]
    assert draft.kind == "RAMD64E" and draft.inputs["DI"] == FromPin("BI")
    assert (draft.parameters["WA7_IS"], draft.parameters["WA8_IS"]) == (0, 1)


def test_shift_registers_in_a_row() -> None:
    doubled = sum(3 << 2 * k for k in range(32) if 0x8000_0001 >> k & 1)
    one = made("CLUT.SRL", "DLUT.SRL", *table("D", doubled))
    one.output("C")
    assert one.drafts["C6LUT"].inputs["D"] == FromCell("D6LUT", "MC31")
    below = one.drafts["D6LUT"]
    assert below.kind == "SRLC32E" and below.parameters["INIT"] == 0x8000_0001
    assert below.inputs["A0"] == FromPin("D2") and below.inputs["D"] == FromPin("DI")


@pytest.mark.parametrize(
    ("features", "pin", "message"),
    [((), "AMUX", "selects nothing"), (("AFF.ZINI",), "AQ", "no data input"),
     (("AOUTMUX.O5", "AOUTMUX.CY"), "AMUX", "AOUTMUX selects CY and O5"),
     (("ALUT.RAM", "AOUTMUX.O5"), "AMUX", "O5 of a memory of 64 bits")],
)  # fmt: skip
def test_contradictions(features: tuple[str, ...], pin: str, message: str) -> None:
    with pytest.raises(ReadbackError, match=message):
        made(*features).output(pin)
