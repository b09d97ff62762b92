"""What nextpnr's xilinx architecture cannot place, looked for in a netlist before it tries.

Its hard limits: the cascade output of a 32-bit shift register is not routed, and a chain of DSP
blocks must lie in one column of one clock region, which has ten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LONGEST_DSP_CHAIN = 10


def broken(module: Mapping[str, Any]) -> list[str]:
    """Every limit that a flat netlist, a module of Yosys' JSON, does not keep; empty if none."""
    return [*_shift_registers(module), *_dsp_chains(module)]


def _shift_registers(module: Mapping[str, Any]) -> list[str]:
    read = {
        bit
        for cell in module["cells"].values()
        for port, bits in cell["connections"].items()
        if cell["port_directions"].get(port) != "output"
        for bit in bits
    }
    chained = [
        name
        for name, cell in module["cells"].items()
        if cell["type"] == "SRLC32E" and read & set(cell["connections"].get("Q31", ()))
    ]
    if not chained:
        return []
    return [f"{len(chained)} shift registers are longer than 32, the first is {chained[0]}"]


def _dsp_chains(module: Mapping[str, Any]) -> list[str]:
    blocks = {n: c["connections"] for n, c in module["cells"].items() if c["type"] == "DSP48E1"}
    giver = {wires["PCOUT"][0]: name for name, wires in blocks.items() if wires.get("PCOUT")}
    above = {n: giver.get(wires["PCIN"][0]) for n, wires in blocks.items() if wires.get("PCIN")}

    def length(name: str) -> int:
        count, here = 1, above.get(name)
        while here is not None:
            count, here = count + 1, above.get(here)
        return count

    longest = max(blocks, key=length, default=None)
    if longest is None or length(longest) <= LONGEST_DSP_CHAIN:
        return []
    found = length(longest)
    return [f"{found} DSP blocks, of at most {LONGEST_DSP_CHAIN}, are chained up to {longest}"]
