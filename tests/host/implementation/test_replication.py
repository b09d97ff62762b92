"""Copies of what very many cells read: the circuit stays the same, and neighbours share a copy."""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from host_build.implementation.replication import replicate

LUT = {"I0": "input", "I1": "input", "O": "output"}
REGISTER = {"C": "input", "CE": "input", "D": "input", "Q": "output"}
BLOCK = {"CLK": "input", "EN": "input", "DO": "output"}


def cell(kind: str, directions: dict[str, str], *bits: object) -> dict[str, Any]:
    wires = {port: [bit] for port, bit in zip(directions, bits, strict=True)}
    return {"type": kind, "port_directions": directions, "connections": wires, "parameters": {}}


def random_module(seed: int, cells: int) -> dict[str, Any]:
    """Registers, tables and block memories that read few nets; bit 2 is the clock."""
    draw = random.Random(seed)
    outputs = list(range(3, 3 + cells))
    read = [*draw.sample(outputs, 3), "1"]
    made: dict[str, Any] = {"clock": cell("BUFG", {"O": "output"}, 2)}
    for bit in outputs:
        one, other = draw.choice(read), draw.choice(read)
        made[f"c{bit}"] = [
            cell("FDRE", REGISTER, 2, one, other, bit), cell("LUT2", LUT, one, other, bit),
            cell("RAMB18E1", BLOCK, 2, one, bit),
        ][draw.randrange(3)]  # fmt: skip
    names = {f"layer{bit % 7}.q{bit}": {"bits": [bit]} for bit in outputs}
    return {"cells": made, "netnames": names}


def readers(module: dict[str, Any]) -> Counter[object]:
    found: Counter[object] = Counter()
    for one in module["cells"].values():
        for port, bits in one["connections"].items():
            if one["port_directions"][port] == "input":
                found.update(bits)
    return found


def joined(module: dict[str, Any]) -> dict[str, Any]:
    """The cells with every copy taken out again, its readers given back to the original."""
    cells = copy.deepcopy(module["cells"])
    back: dict[object, object] = {}
    for name in [name for name in cells if "$copy" in name]:
        twin, original = cells.pop(name), module["cells"][name.partition("$copy")[0]]
        (output,) = (port for port, way in twin["port_directions"].items() if way == "output")
        back[twin["connections"][output][0]] = original["connections"][output][0]
    for one in cells.values():
        for bits in one["connections"].values():
            bits[:] = [back.get(bit, bit) for bit in bits]
    return cells


@given(
    seed=st.integers(0, 10**6), cells=st.integers(4, 120), most=st.integers(2, 30),
    controlled=st.integers(2, 60),
)  # fmt: skip
def test_the_circuit_is_the_same(seed: int, cells: int, most: int, controlled: int) -> None:
    module = random_module(seed, cells)
    before = copy.deepcopy(module["cells"])
    assert replicate(module, most, controlled) == len(module["cells"]) - len(before)
    assert joined(module) == before
    # A copy reads what the original reads, apart from copies of that.
    for name, one in module["cells"].items():
        if "$copy" in name:
            assert one["type"] in ("FDRE", "LUT2")


def test_nothing_is_read_by_too_many() -> None:
    """The copies of a table have the same inputs, and those have too many readers then."""
    module: dict[str, Any] = {"cells": {}, "netnames": {}}
    cells = module["cells"]
    cells["source"] = cell("FDRE", REGISTER, 2, "1", "0", 3)
    cells["table"] = cell("LUT2", LUT, 3, "1", 4)
    for number in range(1000):
        cells[f"r{number}"] = cell("FDRE", REGISTER, 2, "1", 4, 10 + number)
        module["netnames"][f"r_{number % 10}[{number}]"] = {"bits": [10 + number]}
    assert replicate(module, 10) == 99 + 9
    found = readers(module)
    assert found.pop(2) == 1010
    assert max(count for bit, count in found.items() if isinstance(bit, int)) == 10
    # A hundred registers of each array, ten copies for each: none serves two arrays.
    for number in range(10):
        shared = {cells[f"r{k}"]["connections"]["D"][0] for k in range(number, 1000, 10)}
        assert len(shared) == 10


def test_registers_keep_a_common_enable() -> None:
    module: dict[str, Any] = {"cells": {}, "netnames": {}}
    module["cells"]["source"] = cell("FDRE", REGISTER, 2, "1", "0", 3)
    for number in range(90):
        module["cells"][f"r{number}"] = cell("FDRE", REGISTER, 2, 3, "0", 100 + number)
        module["cells"][f"t{number}"] = cell("LUT2", LUT, 3, "1", 200 + number)
    assert replicate(module, 10, 50) == 1 + 9
    wires = {name: one["connections"] for name, one in module["cells"].items()}
    enables = Counter(wires[f"r{number}"]["CE"][0] for number in range(90))
    assert sorted(enables.values()) == [45, 45]
    assert not enables.keys() & {wires[f"t{number}"]["I0"][0] for number in range(90)}


def test_a_clock_or_a_memory_is_not_doubled() -> None:
    module: dict[str, Any] = {"cells": {}, "netnames": {}}
    module["cells"]["clock"] = cell("BUFG", {"O": "output"}, 2)
    module["cells"]["memory"] = cell("RAMB18E1", BLOCK, 2, "1", 3)
    for number in range(50):
        module["cells"][f"r{number}"] = cell("FDRE", REGISTER, 2, "1", 3, 10 + number)
    assert replicate(module, 10) == 0
