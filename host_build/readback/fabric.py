"""The interconnect as it is switched: from a node back to what drives it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from host_build.configuration.database import Database
from host_build.configuration.errors import ReadbackError
from host_build.readback.features import Features
from host_build.readback.model import Pip
from host_build.readback.nodes import Nodes

_OTHER_NAMES = ("RAMB36",)
"""Sites whose outputs are those of the two sites in the same place."""


@dataclass(frozen=True, slots=True)
class Output:
    """A pin by which a site drives a node."""

    site: str
    pin: str


class Fabric:
    """The pips that are on, and the sites' outputs.

    A pip drives a node if its feature is on; else an output of a site may; else a pip that is
    always on; else one that is on while no other is.
    """

    def __init__(self, features: Features, database: Database, nodes: Nodes) -> None:
        self.nodes = nodes
        self._database = database
        self._into: dict[int, list[tuple[int, Pip]]] = {}
        self._implied: dict[int, str] = {}
        self._outputs: dict[int, Output] = {}
        self._parents: dict[int, tuple[int, Pip] | Output | None] = {}
        self._drivers: dict[int, Output | None] = {}
        self.switched = self._switch_on(features)
        self._imply(features)
        self._find_outputs()

    def parent(self, node: int) -> tuple[int, Pip] | Output | None:
        """The node before, and the pip from it; or the output that drives it; or None: nothing.

        ReadbackError where two pips drive one node.
        """
        if node not in self._parents:
            self._parents[node] = self._find_parent(node)
        return self._parents[node]

    def driver(self, node: int) -> Output | None:
        """The output that a node's voltage comes from; ReadbackError for a loop of pips."""
        seen: set[int] = set()
        at, found = node, None
        while at not in self._drivers:
            if at in seen:
                raise ReadbackError(f"pips drive each other in a ring at {self.told(at)}")
            seen.add(at)
            found = self.parent(at)
            if not isinstance(found, tuple):
                self._drivers[at] = found
                break
            at = found[0]
        found = self._drivers[at]
        self._drivers.update(dict.fromkeys(seen, found))
        return found

    def told(self, node: int) -> str:
        """A node for people."""
        return "/".join(self.nodes.name(node))

    def _switch_on(self, features: Features) -> list[int]:
        """Every pip whose feature is on; the nodes that they lead from."""
        sources, targets = [], []
        for tile, names in features.of.items():
            wires = self._database.type(self._database.tiles[tile].type).wires
            for name in names:
                target, _, source = name.partition(".")
                if target in wires and source in wires:
                    sources.append(self.nodes.key(tile, source))
                    targets.append(self.nodes.key(tile, target))
        if not sources:
            return []
        source_nodes = self.nodes.nodes(np.array(sources))
        target_nodes = self.nodes.nodes(np.array(targets))
        for before, after, at, to in zip(
            sources, targets, source_nodes.tolist(), target_nodes.tolist(), strict=True
        ):
            self._into.setdefault(to, []).append((at, Pip(before, after)))
        return sorted(set(source_nodes.tolist()))

    def _imply(self, features: Features) -> None:
        for tile, names in features.implied.items():
            wires = self._database.type(self._database.tiles[tile].type).wires
            for name in names:
                target, _, source = name.partition(".")
                if target in wires and source in wires:
                    self._implied[self.nodes.key(tile, target)] = source

    def _find_outputs(self) -> None:
        keys, found = [], []
        for tile in self._database.tiles.values():
            for site in tile.sites:
                if site.kind in _OTHER_NAMES:
                    continue
                for pin in self._database.pins(site.name):
                    if pin.output:
                        keys.append(self.nodes.key(tile.name, pin.wire))
                        found.append(Output(site.name, pin.name))
        nodes = self.nodes.nodes(np.array(keys, np.int64)) if keys else np.zeros(0, np.int64)
        self._outputs = dict(zip(nodes.tolist(), found, strict=True))

    def _find_parent(self, node: int) -> tuple[int, Pip] | Output | None:
        on = self._into.get(node, [])
        if len({at for at, _ in on}) > 1:
            raise ReadbackError(
                f"{self.told(node)} is driven by more than one pip: from "
                + " and ".join(sorted(self.told(at) for at, _ in on))
            )
        if on:
            return on[0]
        if node in self._outputs:
            return self._outputs[node]
        driven = []
        for before, pip in self._without_bits(node):
            if self.parent(before) is not None:
                driven.append((before, pip))
        if len(driven) > 1:
            raise ReadbackError(f"{self.told(node)} has more than one driver")
        return driven[0] if driven else None

    def _without_bits(self, node: int) -> Iterator[tuple[int, Pip]]:
        """Pips into a node that need no bit: those always on, or else those by default."""
        members = [(key, *self.nodes.name(key)) for key in self.nodes.members(node)]
        kinds = [self._database.type(self._database.tiles[tile].type) for _, tile, _ in members]
        some = False
        for (key, tile, wire), kind in zip(members, kinds, strict=True):
            for source in kind.always.get(wire, ()):
                before = self.nodes.key(tile, source)
                some = True
                yield self.nodes.node(before), Pip(before, key)
        if some:
            return
        for (key, tile, wire), kind in zip(members, kinds, strict=True):
            default = self._implied.get(key) or kind.default.get(wire)
            if default is not None:
                before = self.nodes.key(tile, default)
                yield self.nodes.node(before), Pip(before, key)
                return
