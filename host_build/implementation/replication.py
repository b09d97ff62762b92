"""Registers and tables with very many readers are doubled, which nextpnr does not do.

A copy has the same inputs and start, so it always has the same value: the circuit does the same.
Readers share copies in the order of their places in the design, so that a copy can be near to its.
Enables and resets of registers are divided into far fewer: those of one slice must be the same, and
with many different ones nextpnr finds no places for the registers.
"""

from __future__ import annotations

import copy
import re
from collections import defaultdict
from typing import Any

from host_build.implementation import yosys

MOST_READERS = 128
MOST_CONTROLLED = 2000
_PASSES = 3
"""A table's copies are readers of what drives it, which may then have too many in its turn."""
_DEEPEST = 4
_CONTROLS = ("CE", "R", "S", "CLR", "PRE")
_OUTPUTS = {**dict.fromkeys(yosys.FLIP_FLOPS, "Q"), **dict.fromkeys(yosys.LUTS, "O")}

Reader = tuple[str, str, int]
"""Cell, port, and which of its bits."""


def replicate(
    module: dict[str, Any], most: int = MOST_READERS, controlled: int = MOST_CONTROLLED
) -> int:
    """Leave no register or table of a flat netlist with more than `most` readers.

    Registers that it enables or resets do not count: there may be up to `controlled` of them.

    `module` is one of Yosys' JSON. Nets of clocks, memories and the processing system stay as they
    are. Returns how many cells were added.
    """
    before = len(module["cells"])
    for _ in range(_PASSES):
        netlist = _Netlist(module)
        done = [netlist.split(bit, most, controlled) for bit in tuple(netlist.drivers)]
        if not any(done):
            break
    return len(module["cells"]) - before


class _Netlist:
    """What drives each bit, if that can be doubled, what reads it, and what it is called."""

    def __init__(self, module: dict[str, Any]) -> None:
        self.cells: dict[str, Any] = module["cells"]
        self.drivers: dict[int, str] = {}
        self.readers: defaultdict[int, list[Reader]] = defaultdict(list)
        self._names: dict[int, str] = {}
        for name, net in module["netnames"].items():
            for place, bit in enumerate(net["bits"]):
                if self._names.get(bit, "$").startswith("$"):
                    self._names[bit] = f"{name}[{place}]"
        for name, cell in self.cells.items():
            for port, bits in cell["connections"].items():
                for place, bit in enumerate(bits):
                    if cell["port_directions"][port] == "input":
                        self.readers[bit].append((name, port, place))
                    elif port == _OUTPUTS.get(cell["type"]):
                        self.drivers[bit] = name
        numbers = [bit for bit in (*self._names, *self.readers) if isinstance(bit, int)]
        self._free = 1 + max(numbers, default=1)

    def split(self, bit: int, most: int, controlled: int) -> bool:
        """Give too many readers of a bit drivers of their own; whether they were too many."""
        readers = self.readers[bit]
        if len(readers) <= most:
            return False
        controls = [reader for reader in readers if self._is_control(reader)]
        others = [reader for reader in readers if not self._is_control(reader)]
        shares = [*self._shares(controls, controlled), *self._shares(others, most)]
        name = self.drivers[bit]
        for share in shares[1:]:
            twin = copy.deepcopy(self.cells[name])
            twin["connections"][_OUTPUTS[twin["type"]]] = [self._free]
            self.cells[f"{name}$copy{self._free}"] = twin
            for reader, port, place in share:
                self.cells[reader]["connections"][port][place] = self._free
            self._free += 1
        return len(shares) > 1

    def _is_control(self, reader: Reader) -> bool:
        name, port, _ = reader
        return self.cells[name]["type"] in yosys.FLIP_FLOPS and port in _CONTROLS

    def _shares(self, readers: list[Reader], most: int) -> list[list[Reader]]:
        """As few parts as can be, equally large, of neighbours."""
        ordered = sorted(readers, key=lambda reader: _natural(self._place(reader[0])))
        size = -(-len(ordered) // max(1, -(-len(ordered) // most)))
        return [ordered[at : at + size] for at in range(0, len(ordered), size or 1)]

    def _place(self, name: str, depth: int = 0) -> str:
        """Where a cell is in the design: the name of its output, or of what reads that."""
        cell = self.cells[name]
        outputs = [
            bit for port, bits in cell["connections"].items()
            if cell["port_directions"][port] == "output" for bit in bits
        ]  # fmt: skip
        for bit in outputs:
            if not self._names.get(bit, "$").startswith("$"):
                return self._names[bit]
        for bit in outputs:
            for reader, _, _ in self.readers[bit][:1]:
                if depth < _DEEPEST:
                    return self._place(reader, depth + 1)
        return name


def _natural(name: str) -> list[tuple[int, str]]:
    """For sorting: numbers in a name by their value."""
    return [(int(part or 0), text) for text, part in re.findall(r"(\D*)(\d*)", name)]
