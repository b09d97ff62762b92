"""Where a bitstream is not what it was made from: feature by feature, with the cell concerned."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from host_build.configuration.database import Database, Tile
from host_build.configuration.frames import assemble
from host_build.readback import features
from host_build.readback.circuit import Read
from host_build.readback.features import Features
from host_build.readback.model import Circuit
from host_build.readback.nodes import Nodes

_SLICE = re.compile(r"SLICE[LM]_X([01])\.(?:([ABCD])LUT\.INIT\[(\d+)\]|(\w+))")
_SITES = (
    ("RAMB18", re.compile(r"RAMB18_Y([01])\.")),
    ("DSP48", re.compile(r"DSP48\.DSP_([01])\.")),
)
_TIE = re.compile(r"DSP_([01])_\w+\.DSP_(GND|VCC)_[LR]$")


def differences(found: Read, fasm: Sequence[str], database: Database, joined: Nodes) -> list[str]:
    """A line for each feature that only one of the two has; FasmError where `fasm` is none."""
    made = assemble(fasm, database)
    row = {address: k for k, address in enumerate(made.addresses)}
    frames = np.zeros_like(found.configuration.frames)
    for k, address in enumerate(found.configuration.addresses.tolist()):
        if address in row:
            frames[k] = made.words[row[address]]
    expected = features.decode(replace(found.configuration, frames=frames), database)
    where = _Where(found.circuit, database, joined)
    return list(_compare(found.features, expected, where))


def _compare(found: Features, expected: Features, where: _Where) -> Iterator[str]:
    for tile in sorted(found.of.keys() | expected.of.keys()):
        have, want = (side.of.get(tile, frozenset()) for side in (found, expected))
        for name in sorted(have ^ want):
            says = "is on, and should not be" if name in have else "is missing"
            yield f"{tile}.{name} {says}: {where.told(tile, name)}"


class _Where:
    """What in the circuit a feature is about."""

    def __init__(self, circuit: Circuit, database: Database, joined: Nodes) -> None:
        self._circuit, self._database, self._nodes = circuit, database, joined
        self._nets = {
            branch.node: net.name for net in circuit.nets.values() for branch in net.branches
        }

    def told(self, tile: str, feature: str) -> str:
        place = self._database.tiles[tile]
        target, _, source = feature.partition(".")
        if tie := _TIE.match(feature):
            return f"a constant pin of {self._site(place, 'DSP48', (0, int(tie[1])))}"
        wires = self._database.type(place.type).wires
        if target in wires and source in wires:
            return f"a pip of {self._net(tile, target)}, from {self._net(tile, source)}"
        if match := _SLICE.match(feature):
            site = self._site(place, "SLICE", (int(match[1]), 0))
            if match[2]:
                return self._table(f"{site}.{match[2]}", int(match[3]))
            return f"{match[4]} of {site}"
        for kind, pattern in _SITES:
            if match := pattern.match(feature):
                return f"the block {self._site(place, kind, (0, int(match[1])))}"
        return f"the tile {tile}"

    def _site(self, tile: Tile, kind: str, place: tuple[int, int]) -> str:
        sites = (site.name for site in tile.sites if (site.kind, site.place) == (kind, place))
        return next(sites, tile.name)

    def _table(self, row: str, bit: int) -> str:
        """The table that a bit is in: the lower half of a place is A5LUT, if there is one."""
        small = f"{row}5LUT"
        name = small if bit < 32 and small in self._circuit.cells else f"{row}6LUT"
        return f"bit {bit} of the table {name}"

    def _net(self, tile: str, wire: str) -> str:
        node = self._nodes.node(self._nodes.key(tile, wire))
        return self._nets.get(node, f"the unused wire {wire}")
