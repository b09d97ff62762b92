"""Features to a circuit: which cells are in use, and the nets between them.

What is used is found from the far end: whatever a pip that is on leads away from, every flip-flop
and block that is configured, and the processing system; and then what those depend on.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from host_build.configuration import packets
from host_build.configuration.database import Database, Site, Tile
from host_build.configuration.errors import ReadbackError
from host_build.configuration.packets import Configuration
from host_build.readback import blocks, features
from host_build.readback.draft import Block, Constant, FromCell, FromPin, Source
from host_build.readback.fabric import Fabric, Output
from host_build.readback.features import Features
from host_build.readback.model import ONE, ZERO, Branch, Cell, Circuit, Net, Pin, Sink
from host_build.readback.nodes import Nodes
from host_build.readback.slices import Slice

_TIES = {"HARD0": ZERO, "HARD1": ONE}


@dataclass(frozen=True)
class Read:
    """A bitstream in all the forms that it was read to."""

    configuration: Configuration
    features: Features
    circuit: Circuit


def read(bitstream: Path, database: Database, joined: Nodes) -> Read:
    """Everything about a .bit file. HostError where it, or the database, is not right."""
    configuration = packets.read(bitstream.read_bytes(), database.part)
    found = features.decode(configuration, database)
    # Millions of small objects, none of them garbage: looking for some doubles the time.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return Read(configuration, found, build(found, database, joined))
    finally:
        if collecting:
            gc.enable()


def build(found: Features, database: Database, joined: Nodes) -> Circuit:
    """The circuit that features configure. ReadbackError where they contradict each other."""
    return _Builder(found, database, joined).build()


class _Builder:
    def __init__(self, found: Features, database: Database, joined: Nodes) -> None:
        self._features, self._database, self._nodes = found, database, joined
        self._fabric = Fabric(found, database, joined)
        self._sites: dict[str, Slice | Block] = {}
        self._queue: list[str] = []
        self._wires: dict[str, dict[str, str]] = {}

    def build(self) -> Circuit:
        for node in self._fabric.switched:
            driver = self._driver(node)
            if driver is not None and driver.pin not in _TIES:
                self._output(driver)
        for tile in self._database.tiles.values():
            self._configured(tile)
        incoming = self._settle()
        cells = self._cells(incoming)
        return Circuit(self._database.part.name, cells, self._nets(cells, incoming))

    def _configured(self, tile: Tile) -> None:
        """Open the sites of a tile that do something although nothing may heed it."""
        on = self._features.of.get(tile.name, frozenset())
        for site in tile.sites:
            if site.kind == "SLICE" and on:
                made = self._site(site.name)
                if isinstance(made, Slice):
                    for name in made.flip_flops():
                        made.flip_flop(name)
            elif (
                site.kind == "PS7"
                or (site.kind == "RAMB18" and f"RAMB18_Y{site.place[1]}.IN_USE" in on)
                or (site.kind == "DSP48" and _within(on, f"DSP48.DSP_{site.place[1]}."))
            ):
                self._site(site.name)

    def _settle(self) -> dict[tuple[str, str], int]:
        """Follow every input to its driver until no new cell turns up; the node of each pin."""
        incoming: dict[tuple[str, str], int] = {}
        waiting = True
        while waiting:
            waiting = False
            for name in list(self._sites):
                for draft in list(self._sites[name].drafts.values()):
                    for source in list(draft.inputs.values()):
                        if not isinstance(source, FromPin) or (name, source.pin) in incoming:
                            continue
                        waiting = True
                        node = self._node(name, source.pin)
                        incoming[name, source.pin] = node
                        driver = self._driver(node)
                        if driver is not None and driver.pin not in _TIES:
                            self._output(driver)
        return incoming

    def _driver(self, node: int) -> Output | None:
        """What drives a node, None for the cascade wires of a DSP block that is not in use."""
        found = self._fabric.driver(node)
        if found is not None and found.site.startswith("DSP48_") and found.site not in self._sites:
            tile, site = self._database.sites[found.site]
            on = self._features.of.get(tile.name, frozenset())
            if not _within(on, f"DSP48.DSP_{site.place[1]}."):
                return None
        return found

    def _output(self, output: Output) -> Source:
        return self._site(output.site).output(output.pin)

    def _site(self, name: str) -> Slice | Block:
        if name not in self._sites:
            self._sites[name] = self._open(*self._database.sites[name])
        return self._sites[name]

    def _open(self, tile: Tile, site: Site) -> Slice | Block:
        on = self._features.of.get(tile.name, frozenset())
        pins = self._database.pins(site.name)
        if site.kind == "SLICE":
            kind = "SLICEM" if site.type == "SLICEM" else "SLICEL"
            return Slice(site.name, _within(on, f"{kind}_X{site.place[0]}."))
        if site.kind == "RAMB18":
            return blocks.block_ram(site.name, _within(on, f"RAMB18_Y{site.place[1]}."), on, pins)
        if site.kind == "DSP48":
            return blocks.dsp(_within(on, f"DSP48.DSP_{site.place[1]}."), pins)
        if site.kind in ("BUFGCTRL", "BUFHCE"):
            prefix = f"{site.kind}.{site.kind}_X{site.place[0]}Y{site.place[1]}."
            return blocks.clock_buffer(site.kind, _within(on, prefix), pins)
        if site.kind == "PS7":
            return blocks.processing_system(pins)
        raise ReadbackError(
            f"{site.name} ({site.type}) drives something: what such a site does is not known here"
        )

    def _node(self, site: str, pin: str) -> int:
        if site not in self._wires:
            self._wires[site] = {found.name: found.wire for found in self._database.pins(site)}
        tile, _ = self._database.sites[site]
        return self._nodes.node(self._nodes.key(tile.name, self._wires[site][pin]))

    def _cells(self, incoming: Mapping[tuple[str, str], int]) -> dict[str, Cell]:
        cells = {}
        for name, site in self._sites.items():
            tile = self._database.sites[name][0].name
            for draft in site.drafts.values():
                inputs = {
                    pin: self._net_of(name, source, incoming)
                    for pin, source in sorted(draft.inputs.items())
                }
                if draft.kind.startswith("LUT"):
                    inputs = _heeded(draft.parameters["INIT"], inputs)
                outside = {
                    pin: source.pin for pin, source in sorted(draft.inputs.items())
                    if isinstance(source, FromPin) and pin in inputs
                }  # fmt: skip
                whole = f"{name}.{draft.name}"
                cells[whole] = Cell(
                    whole, draft.kind, name, tile, draft.parameters, inputs,
                    tuple(sorted(draft.outputs)), outside,
                )  # fmt: skip
        return cells

    def _net_of(self, site: str, source: Source, incoming: Mapping[tuple[str, str], int]) -> str:
        if isinstance(source, Constant):
            return ONE if source.value else ZERO
        if isinstance(source, FromCell):
            return f"{site}.{source.cell}/{source.output}"
        driver = self._driver(incoming[site, source.pin])
        if driver is None:
            return ONE  # what nothing drives reads 1
        if driver.pin in _TIES:
            return _TIES[driver.pin]
        return self._net_of(driver.site, self._output(driver), incoming)

    def _nets(
        self, cells: Mapping[str, Cell], incoming: Mapping[tuple[str, str], int]
    ) -> dict[str, Net]:
        sinks: dict[str, list[tuple[Pin, str | None]]] = {
            f"{cell.name}/{output}": [] for cell in cells.values() for output in cell.outputs
        }
        for cell in cells.values():
            for pin, net in cell.inputs.items():
                if net not in (ZERO, ONE):
                    sinks[net].append((Pin(cell.name, pin), cell.site_pins.get(pin)))
        return {name: self._net(name, found, cells, incoming) for name, found in sinks.items()}

    def _net(
        self, name: str, sinks: list[tuple[Pin, str | None]], cells: Mapping[str, Cell],
        incoming: Mapping[tuple[str, str], int],
    ) -> Net:  # fmt: skip
        branches: list[Branch] = []
        index: dict[int, int] = {}
        ends = []
        for pin, site_pin in sinks:
            if site_pin is None:
                ends.append(Sink(pin, None, None))
                continue
            node = incoming[cells[pin.cell].site, site_pin]
            way = []
            while node not in index:
                parent = self._fabric.parent(node)
                way.append((node, parent))
                if not isinstance(parent, tuple):
                    break
                node = parent[0]
            for at, parent in reversed(way):
                index[at] = len(branches)
                if isinstance(parent, tuple):
                    branches.append(Branch(at, index[parent[0]], parent[1]))
                else:
                    assert parent is not None
                    branches.append(Branch(at, -1, None, parent.pin))
            ends.append(Sink(pin, index[incoming[cells[pin.cell].site, site_pin]], site_pin))
        cell, _, output = name.rpartition("/")
        return Net(name, Pin(cell, output), tuple(branches), tuple(ends))


def _heeded(table: int, inputs: Mapping[str, str]) -> dict[str, str]:
    """The inputs of a table that matter, given those that are constant.

    The two halves of a table have the same inputs: each may be wired to what only the other heeds,
    to its own output even.
    """
    place = {pin: int(pin[1:]) - 1 for pin in inputs}
    fixed = {1 << place[pin]: int(net) for pin, net in inputs.items() if net in (ZERO, ONE)}
    possible = [
        k for k in range(64) if all(bool(k & bit) == bool(value) for bit, value in fixed.items())
    ]
    return {
        pin: net for pin, net in inputs.items()
        if net in (ZERO, ONE)
        or any((table >> k ^ table >> (k ^ 1 << place[pin])) & 1 for k in possible)
    }  # fmt: skip


def _within(on: frozenset[str], prefix: str) -> frozenset[str]:
    return frozenset(name.removeprefix(prefix) for name in on if name.startswith(prefix))
