"""Put the partial sums of neighbouring DSP blocks on their dedicated wires, in a Yosys netlist.

Yosys does so itself only for chains that begin without an addend; ours begin with an offset or
with the registered sum of the run before.
"""

from __future__ import annotations

from typing import Any

# OPMODE[6:4], low bit first: which addend the block takes.
_FROM_FABRIC = ["1", "1", "0"]
_FROM_NEIGHBOUR = ["1", "0", "0"]


def join_cascades(module: dict[str, Any]) -> int:
    """Turn C inputs that are exactly another block's sum into PCIN, in a module of Yosys' JSON.

    The sum of the other block must not pass a register on the way. Returns how many were turned.
    """
    blocks = [cell for cell in module["cells"].values() if cell["type"] == "DSP48E1"]
    by_low_bit = {cell["connections"]["P"][0]: cell for cell in blocks}
    free = 1 + max(_bits_used(module), default=1)
    joined = 0
    for cell in blocks:
        wires = cell["connections"]
        above = by_low_bit.get(wires["C"][0])
        if above is None or _number(cell, "CREG") or wires["OPMODE"][4:7] != _FROM_FABRIC:
            continue
        if above["connections"].get("PCOUT"):
            continue
        if not _same_sum(wires["C"], above["connections"]["P"]):
            continue
        cascade = list(range(free, free + 48))
        free += 48
        wires["C"] = ["0"] * 48
        wires["OPMODE"] = [*wires["OPMODE"][:4], *_FROM_NEIGHBOUR]
        wires["PCIN"] = cascade
        above["connections"]["PCOUT"] = cascade
        above["port_directions"]["PCOUT"] = "output"
        joined += 1
    return joined


def _same_sum(addend: list[Any], total: list[Any]) -> bool:
    """Whether the addend is the sum, apart from high bits that repeat its sign or are unused.

    The bits above those that anything reads differ between the two, but no lower bit of any sum
    depends on them.
    """
    used = 48
    while used > 1 and addend[used - 1] == addend[used - 2]:
        used -= 1
    return addend[:used] == total[:used]


def _number(cell: dict[str, Any], parameter: str) -> int:
    return int(cell["parameters"].get(parameter, "0"), 2)


def _bits_used(module: dict[str, Any]) -> set[int]:
    groups = [cell["connections"].values() for cell in module["cells"].values()]
    groups += [[port["bits"] for port in module["ports"].values()]]
    groups += [[net["bits"] for net in module["netnames"].values()]]
    return {bit for group in groups for bits in group for bit in bits if isinstance(bit, int)}
