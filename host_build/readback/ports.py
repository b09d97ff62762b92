"""The pins of the processing system as ports of the generated chip_core, and its clock.

What else the processing system drives is 0, its clocks and resets but the first do not run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from host_build.configuration.errors import ReadbackError
from host_build.generate import chip as chips
from host_build.readback.model import ONE, ZERO, Cell, Circuit

CLOCK, RESET = "FCLKCLK0", "FCLKRESETN0"
_PORT = re.compile(r"^  (input|output) +wire +(?:\[(\d+):0\])? *(\w+?)(?:,)?$", re.MULTILINE)
_BUSES = {"gp": "MAXIGP0", "hp": "SAXIHP0"}


@dataclass(frozen=True, slots=True)
class Port:
    name: str
    input: bool
    width: int


@cache
def ports() -> Mapping[str, Port]:
    """The ports of chip_core by name, from the text that chips are made of."""
    text = (chips.HERE / f"{chips.CORE}.sv.j2").read_text().split(");")[0]
    return {
        name: Port(name, direction == "input", int(high or 0) + 1)
        for direction, high, name in _PORT.findall(text)
    }


def of_pin(pin: str, way: str) -> tuple[str, int] | None:
    """The port and its bit that are a pin, MAXIGP0AWADDR3; `way` is "i" into the chip, or "o"."""
    for short, bus in _BUSES.items():
        if pin.startswith(bus):
            match = re.fullmatch(r"([A-Z]+)(\d*)", pin.removeprefix(bus))
            name = f"{short}_{match[1].lower()}_{way}" if match else ""
            if match is None or name not in ports():
                return None
            return name, int(match[2] or 0)
    return None


def buffered(circuit: Circuit) -> dict[str, str]:
    """The net at the input of each clock buffer, or of the first of several, by that at its output.

    ReadbackError where a buffer may change between clocks.
    """
    buffers = circuit.of_kind("BUFGCTRL", "BUFHCE")
    inputs = {f"{cell.name}/O": cell.inputs[_selected(cell)] for cell in buffers}
    found = {}
    for net, source in inputs.items():
        while source in inputs:
            source = inputs[source]
        found[net] = source
    return found


def _selected(cell: Cell) -> str:
    """The input that a clock buffer passes on. ReadbackError where that may change."""

    def fixed(pin: str) -> int:
        net = cell.inputs.get(pin, ONE)
        if net not in (ZERO, ONE):
            raise ReadbackError(f"{cell.name}: {pin} is not constant, so clocks may change")
        return int(net) ^ cell.parameters[f"IS_{pin}_INVERTED"]

    if cell.kind == "BUFHCE":
        if not fixed("CE"):
            raise ReadbackError(f"{cell.name} is never enabled")
        return "I"
    on = [k for k in (0, 1) if fixed(f"S{k}") and fixed(f"CE{k}")]
    if len(on) != 1:
        raise ReadbackError(f"{cell.name} selects {len(on)} of its two clocks")
    return f"I{on[0]}"
