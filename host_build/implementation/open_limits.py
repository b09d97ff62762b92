"""What the open tools cannot place, or get wrong, looked for in a netlist before they try.

Seen with nextpnr-xilinx 0.8.2: the router loops for ever over shift registers with different
enables in one slice; a chain of DSP blocks must lie in one column of one clock region, which has
ten, and begins in the lower block of a tile, else the placer looks for a place for very long; of a
36 Kbit block RAM that is 1 or 9 wide it leaves out what makes the odd bit, the ninth, be there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from host_build.implementation import mending, yosys

LONGEST_DSP_CHAIN = 10
DSP_TILES = 110
"""Of the xc7z020, with two blocks each; it begins each chain in the lower one."""
PLACED = {
    *yosys.LUTS, *yosys.LUT_RAMS, *yosys.FLIP_FLOPS, *yosys.BLOCK_RAMS,
    "DSP48E1", "CARRY4", "MUXF7", "MUXF8", "INV", "BUFG", "PS7",
}  # fmt: skip
"""Types of cells that it places."""
_PORTS = ("READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B")
_PARITY = ("DOPADOP", "DOPBDOP")


def broken(module: Mapping[str, Any]) -> list[str]:
    """Every limit that a flat netlist, a module of Yosys' JSON, does not keep; empty if none."""
    return [
        *_cells(module), *_shift_registers(module), *_dsp_chains(module), *_dsp_pins(module),
        *_block_rams(module),
    ]  # fmt: skip


def _cells(module: Mapping[str, Any]) -> list[str]:
    known = PLACED | set(yosys.SHIFT_REGISTERS)
    kinds = Counter(cell["type"] for cell in module["cells"].values())
    return [
        f"{count} cells are of type {kind}, which it does not know"
        for kind, count in sorted(kinds.items()) if kind not in known
    ]  # fmt: skip


def _shift_registers(module: Mapping[str, Any]) -> list[str]:
    found = [n for n, cell in module["cells"].items() if cell["type"] in yosys.SHIFT_REGISTERS]
    return [f"{len(found)} cells are shift registers, the first is {found[0]}"] if found else []


def _dsp_pins(module: Mapping[str, Any]) -> list[str]:
    found = mending.variable(module)
    if not found:
        return []
    pins = "INMODE, ALUMODE[3:2] or OPMODE[6]"
    return [f"{len(found)} DSP blocks have no constant on {pins}, the first is {found[0]}"]


def _block_rams(module: Mapping[str, Any]) -> list[str]:
    pins = Counter(
        bit for cell in module["cells"].values()
        for wires in cell["connections"].values() for bit in wires
    )  # fmt: skip

    def odd(cell: Mapping[str, Any]) -> bool:
        """Whether anything reads its odd bit."""
        widths = {int(cell["parameters"].get(port, "0"), 2) for port in _PORTS}
        parity = [bit for pin in _PARITY for bit in cell["connections"].get(pin, [])]
        return 1 in widths or (9 in widths and any(pins[bit] > 1 for bit in parity))

    found = [n for n, cell in module["cells"].items() if cell["type"] == "RAMB36E1" and odd(cell)]
    told = "are 1 wide, or 9 with the ninth bit read"
    return [f"{len(found)} RAMB36E1 {told}, the first is {found[0]}"] if found else []


def _dsp_chains(module: Mapping[str, Any]) -> list[str]:
    lengths = _chain_lengths(module)
    longest = max(lengths, key=lambda name: lengths[name], default=None)
    if longest is None:
        return []
    told = []
    if lengths[longest] > LONGEST_DSP_CHAIN:
        told.append(
            f"{lengths[longest]} DSP blocks, of at most {LONGEST_DSP_CHAIN}, are chained up to "
            f"{longest}"
        )
    tiles = sum(-(-length // 2) for length in lengths.values())
    if tiles > DSP_TILES:
        told.append(
            f"its {len(lengths)} chains of DSP blocks, single ones among them, need {tiles} tiles, "
            f"of which there are {DSP_TILES}: fold with a smaller --dsp"
        )
    return told


def _chain_lengths(module: Mapping[str, Any]) -> dict[str, int]:
    """How many blocks are chained, by the name of the last."""
    blocks = {n: c["connections"] for n, c in module["cells"].items() if c["type"] == "DSP48E1"}
    giver = {wires["PCOUT"][0]: name for name, wires in blocks.items() if wires.get("PCOUT")}
    above = {n: giver.get(wires["PCIN"][0]) for n, wires in blocks.items() if wires.get("PCIN")}

    def length(name: str) -> int:
        count, here = 1, above.get(name)
        while here is not None:
            count, here = count + 1, above.get(here)
        return count

    return {name: length(name) for name in blocks.keys() - set(above.values())}
