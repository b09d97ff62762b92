"""Whose cell is it? A flat Yosys netlist's cells by the layers of the design they were part of.

After synthesis a table of LUTs has no hierarchy left, but most wires keep a name: of several the
one nearest to the top. A cell is of the layer that drives the wire it drives. What drives no named
wire, the inside of some logic, is of the layer that most of its readers are of. So each cell counts
once, and the layers add up to the whole.
"""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from host_build.implementation import yosys
from host_build.implementation.design import REST, Design
from host_build.implementation.utilisation import Utilisation

COUNTED = "cells of the flat netlist, each by the named wire that it drives or helps to drive"
# A name that Yosys gave to a part of an instance which it dissolved.
_DISSOLVED = re.compile(r"\$flatten\\((?:[^$]+?\.)*)")
_OUTPUT = "output"


def by_layer(netlist: Path, design: Design) -> dict[str, Utilisation]:
    """What each layer of `design` takes in a netlist that `yosys.synthesize` made; REST is last."""
    (module,) = json.loads(netlist.read_text())["modules"].values()
    whose = owners(module, design)
    found: dict[str, list[str]] = {layer: [] for layer in design.layers}
    for name, cell in module["cells"].items():
        found[whose.get(name, REST)].append(cell["type"])
    return {layer: utilisation(kinds) for layer, kinds in found.items()}


def utilisation(kinds: Iterable[str]) -> Utilisation:
    """What cells of these types take."""
    counts = Counter(kinds)

    def count(weights: Mapping[str, float]) -> float:
        return sum(number * weights.get(kind, 0) for kind, number in counts.items())

    return Utilisation(
        int(count(yosys.LUTS)), int(count(yosys.LUT_RAMS)), int(count(yosys.SHIFT_REGISTERS)),
        int(count(yosys.FLIP_FLOPS)), count(yosys.BLOCK_RAMS), counts["DSP48E1"],
    )  # fmt: skip


def owners(module: Mapping[str, Any], design: Design) -> dict[str, str]:
    """The layer of each cell, by name, of a module in Yosys' JSON; those of none are left out."""
    wires = _wire_layers(module, design)
    found: dict[str, str] = {}
    readers: dict[int, list[str]] = defaultdict(list)
    unknown: dict[str, list[int]] = {}
    for name, cell in module["cells"].items():
        driven = []
        for port, bits in cell["connections"].items():
            numbers = [bit for bit in bits if isinstance(bit, int)]
            if cell["port_directions"].get(port) == _OUTPUT:
                driven += numbers
            else:
                for bit in numbers:
                    readers[bit].append(name)
        layer = _most([wires[bit] for bit in driven if bit in wires])
        layer = layer or design.layer(_path(name, design))
        if layer is None:
            unknown[name] = driven
        else:
            found[name] = layer
    _ask_readers(unknown, readers, found)
    return found


def _ask_readers(
    unknown: dict[str, list[int]], readers: Mapping[int, Sequence[str]], known: dict[str, str]
) -> None:
    """Add to `known` those whose readers have one, until there are no more."""
    while unknown:
        found = {}
        for name, driven in unknown.items():
            layer = _most([known[r] for bit in driven for r in readers[bit] if r in known])
            if layer is not None:
                found[name] = layer
        if not found:
            return
        known.update(found)
        for name in found:
            del unknown[name]


def _wire_layers(module: Mapping[str, Any], design: Design) -> dict[int, str]:
    """The layer that drives a bit, for the bits whose names tell."""
    layers: dict[int, str] = {}
    # Names that were in the source are the surer ones.
    for name, net in sorted(module["netnames"].items(), key=lambda item: ("$" in item[0], item[0])):
        layer = design.wire(name) or design.layer(_path(name, design))
        if layer is not None:
            for bit in net["bits"]:
                if isinstance(bit, int):
                    layers.setdefault(bit, layer)
    return layers


def _path(name: str, design: Design) -> tuple[str, ...]:
    """The instances that a name was in: its own, or the first of those that Yosys made it of."""
    if "$" not in name:
        return tuple(name.split(".")[:-1])
    paths = (
        tuple(part.removeprefix("\\") for part in match[1].rstrip(".").split("."))
        for match in _DISSOLVED.finditer(name)
    )
    return next((path for path in paths if design.layer(path) is not None), ())


def _most(layers: Sequence[str]) -> str | None:
    """The most frequent, of several the first."""
    return Counter(layers).most_common(1)[0][0] if layers else None
