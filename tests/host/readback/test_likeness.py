"""Registers, memories and blocks find their names in a netlist; faults are told by both names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from host_build.readback.likeness import Difference, compare
from host_build.readback.model import Cell, Circuit

from .heap import heap


@pytest.fixture(scope="module")
def placed() -> Circuit:
    return heap()


@pytest.fixture(scope="module")
def netlist(placed: Circuit) -> Circuit:
    """The same with other names, and with the inputs of every table in another order."""
    rng = np.random.default_rng(2)
    names = {name: f"cell{k}" for k, name in enumerate(rng.permutation(list(placed.cells)))}

    def renamed(net: str) -> str:
        cell, slash, pin = net.partition("/")
        return f"{names[cell]}/{pin}" if slash else net

    cells = {}
    for name, cell in placed.cells.items():
        inputs = {pin: renamed(net) for pin, net in cell.inputs.items()}
        told = dict(cell.parameters)
        if cell.kind in ("LUT5", "LUT6"):
            width = int(cell.kind[-1])
            order = rng.permutation(width).tolist()
            inputs = {f"A{to + 1}": inputs.get(f"A{of + 1}", "0") for to, of in enumerate(order)}
            told["INIT"] = sum(
                (told["INIT"] >> sum((k >> to & 1) << of for to, of in enumerate(order)) & 1) << k
                for k in range(1 << width)
            )
        cells[names[name]] = replace(cell, name=names[name], inputs=inputs, parameters=told)
    return Circuit("netlist", cells, {})


def changed(circuit: Circuit, name: str, **changes: Mapping[str, object]) -> Circuit:
    """The circuit with some of a cell's inputs or parameters another."""
    cell = circuit.cells[name]
    new = {key: {**getattr(cell, key), **values} for key, values in changes.items()}
    return Circuit(circuit.part, {**circuit.cells, name: replace(cell, **new)}, {})


def differences(circuit: Circuit, netlist: Circuit) -> tuple[Difference, ...]:
    found = compare(circuit, netlist)
    assert not found.named
    return found.differences


def first(circuit: Circuit, kind: str) -> Cell:
    return next(circuit.of_kind(kind))


def test_everything_finds_its_name(placed: Circuit, netlist: Circuit) -> None:
    found = compare(placed, netlist)
    assert found.differences == ()
    kept = [cell for cell in placed.cells.values() if cell.kind in ("FDRE", "RAMB18E1", "DSP48E1")]
    assert len(kept) == 26
    for cell in kept:
        kind = netlist.cells[found.named[cell.name]].kind
        assert kind == cell.kind
    assert not found.alike


def test_a_flipped_bit_of_a_table(placed: Circuit, netlist: Circuit) -> None:
    """The table's output goes to others, and by a parity to one of the outputs."""
    table = next(
        cell for cell in placed.of_kind("LUT6")
        if len({net for net in cell.inputs.values() if net.startswith("PS7")}) == 6
    )  # fmt: skip
    flipped = {"INIT": table.parameters["INIT"] ^ 1 << 20}
    told = differences(changed(placed, table.name, parameters=flipped), netlist)
    assert any(place.startswith("PS7/") for row in told for place in row.places)
    assert all("is computed otherwise" in row.why for row in told)


def test_a_swapped_wire(placed: Circuit, netlist: Circuit) -> None:
    register, other = list(placed.of_kind("FDRE"))[:2]
    wire = {"D": other.inputs["D"]}
    (told,) = differences(changed(placed, register.name, inputs=wire), netlist)
    assert told.places == (register.name,)
    assert len(told.names) == 1 and netlist.cells[told.names[0]].kind == "FDRE"
    assert "what comes to D is computed otherwise" in told.why


def test_an_untied_pin(placed: Circuit, netlist: Circuit) -> None:
    block = list(placed.of_kind("DSP48E1"))[3]
    told = differences(changed(placed, block.name, inputs={"INMODE1": "1"}), netlist)
    assert [block.name] == [place for row in told for place in row.places]
    assert "INMODE1" in told[0].why


def test_a_wrong_weight(placed: Circuit, netlist: Circuit) -> None:
    block = list(placed.of_kind("RAMB18E1"))[2]
    wrong = {"INIT": block.parameters["INIT"] ^ 1 << 37}
    (told,) = differences(changed(placed, block.name, parameters=wrong), netlist)
    assert told.places == (block.name,)
    assert netlist.cells[told.names[0]].parameters["INIT"] == block.parameters["INIT"]
    assert told.why == "1 bits of INIT differ, the first of them bit 37"
    assert str(told) == f"{block.name} is in the place of {told.names[0]}: {told.why}"


def test_a_register_that_begins_otherwise(placed: Circuit, netlist: Circuit) -> None:
    register = first(placed, "FDRE")
    wrong = {"INIT": 1 - register.parameters["INIT"]}
    told = differences(changed(placed, register.name, parameters=wrong), netlist)
    assert {difference.why for difference in told} <= {
        "contents or attributes differ", "1 bits of INIT differ, the first of them bit 0",
        "it has no counterpart",
    }  # fmt: skip
