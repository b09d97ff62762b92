"""What nextpnr says of a DSP48E1's constant pins, put as the silicon needs it.

INMODE, ALUMODE[3:2] and OPMODE[6] have bits in their tile that tie them to a constant; nextpnr
0.8.2 sets none of them, and inverts the pin where it should read 0. On silicon it does not: INMODE
then reads 1 and every product ignores A. Vivado ties the pin and leaves the inverter off, measured
on an xc7z010 and an xc7s50 (openXC7/nextpnr-xilinx, pull request 159), so that is written here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from host_build.errors import HostError

PINS = (*(("INMODE", bit) for bit in range(5)), ("ALUMODE", 2), ("ALUMODE", 3), ("OPMODE", 6))
"""Bus and bit of the pins that have a tie of their own."""

_BLOCK = re.compile(r"(DSP_([LR])_X\d+Y\d+)\.DSP48\.(DSP_[01])\.")
_TIE = re.compile(r"(DSP_[LR]_X\d+Y\d+)\.(DSP_[01])_([A-Z]+)(\d+)\.DSP_(GND|VCC)_[LR]$")
_UPRIGHT = re.compile(r"(DSP_[LR]_X\d+Y\d+)\.DSP48\.(DSP_[01])\.ZIS_([A-Z]+)_INVERTED\[(\d+)\]$")
# What is on a pin: tied to ground, tied to the supply, not inverted. A tie and an inverter is what
# the version of that pull request writes for 0.
_VALUES = {
    (False, False, False): 0, (False, False, True): 1, (True, False, True): 0,
    (True, False, False): 0, (False, True, True): 1,
}  # fmt: skip


class MendingError(HostError):
    """FASM does not say what the netlist does; the message says where."""


def mend(fasm: Sequence[str], netlist: Mapping[str, Any]) -> list[str]:
    """The lines of `fasm` with every DSP block's constants as Vivado writes them.

    `netlist` is the module of Yosys' JSON that it was made from. Raises MendingError where the
    blocks of the two are not the same.
    """
    blocks: dict[tuple[str, str], str] = {}
    ties: set[tuple[str, str, str, int, str]] = set()
    upright: set[tuple[str, str, str, int]] = set()
    kept = []
    for line in fasm:
        if not line.startswith("DSP_"):
            kept.append(line)
            continue
        feature = line.strip()
        if block := _BLOCK.match(feature):
            blocks[block[1], block[3]] = block[2]
        if (tie := _TIE.match(feature)) and (tie[3], int(tie[4])) in PINS:
            ties.add((tie[1], tie[2], tie[3], int(tie[4]), tie[5]))
        elif (up := _UPRIGHT.match(feature)) and (up[3], int(up[4])) in PINS:
            upright.add((up[1], up[2], up[3], int(up[4])))
        else:
            kept.append(line)
    found: Counter[tuple[int, ...]] = Counter()
    for (tile, name), side in blocks.items():
        values = []
        for bus, bit in PINS:
            pin = (tile, name, bus, bit)
            said = ((*pin, "GND") in ties, (*pin, "VCC") in ties, pin in upright)
            if said not in _VALUES:
                raise MendingError(f"{tile}.{name}_{bus}{bit} is tied to both or to neither value")
            values.append(_VALUES[said])
            rail = "VCC" if values[-1] else "GND"
            kept.append(f"{tile}.{name}_{bus}{bit}.DSP_{rail}_{side}")
            kept.append(f"{tile}.DSP48.{name}.ZIS_{bus}_INVERTED[{bit}]")
        found[tuple(values)] += 1
    wanted = Counter(_constants(netlist))
    if found != wanted:
        raise MendingError(
            f"the netlist's DSP blocks have constants {_told(wanted)}, those of nextpnr's FASM "
            f"{_told(found)}: it is of another netlist, not whole, or of a version that writes "
            "constants in another way"
        )
    return kept


def variable(netlist: Mapping[str, Any]) -> list[str]:
    """The DSP blocks of a netlist that have no constant on one of `PINS`."""
    blocks = (item for item in netlist["cells"].items() if item[1]["type"] == "DSP48E1")
    return [
        name for name, cell in blocks
        if any(_bit(cell, bus, bit) not in ("0", "1", "x") for bus, bit in PINS)
        or any(
            "1" in str(value) for parameter, value in cell.get("parameters", {}).items()
            if re.fullmatch(r"IS_(INMODE|ALUMODE|OPMODE)_INVERTED", parameter)
        )
    ]  # fmt: skip


def _constants(netlist: Mapping[str, Any]) -> Iterable[tuple[int, ...]]:
    for cell in netlist["cells"].values():
        if cell["type"] == "DSP48E1":
            yield tuple(int(_bit(cell, bus, bit) == "1") for bus, bit in PINS)


def _bit(cell: Mapping[str, Any], bus: str, bit: int) -> object:
    """What is on a pin; nextpnr ties one that is not connected to 0."""
    bits = cell["connections"].get(bus, ())
    return bits[bit] if bit < len(bits) else "0"


def _told(blocks: Counter[tuple[int, ...]]) -> str:
    rows = (f"{count} of {''.join(map(str, values))}" for values, count in sorted(blocks.items()))
    return ", ".join(rows) or "none"
