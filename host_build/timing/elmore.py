"""Delay of a net from its driver's site to each sink, by Elmore's model of its tree.

A buffer, and the driver, charges through its resistance everything up to the next buffers: wires,
what their inputs load, and what is behind switches that are mere transistors. A wire charges what
follows it, and half of itself, through its own. The database tells no corners of resistance and
capacitance, so this part of a delay is the same at both.
"""

from __future__ import annotations

from functools import cache

from host_build.readback.model import Net
from host_build.readback.nodes import Nodes
from host_build.timing.electrical import Electrical, Switch, Wire
from host_build.timing.sdf import NONE, Delay

_NS = 1e-6
"""ohm times fF, in ns."""


class Interconnect:
    """Delays of nets on one device."""

    def __init__(self, electrical: Electrical, nodes: Nodes) -> None:
        self._electrical, self._nodes = electrical, nodes

    def delays(self, net: Net, driver_site: str, sink_sites: list[str]) -> list[Delay]:
        """To each sink of the net in turn, none within the driver's site."""
        wires = [self._node(branch.node) for branch in net.branches]
        switches = [
            None if branch.pip is None else self._switch(branch.pip.source, branch.pip.target)
            for branch in net.branches
        ]
        pins = [
            None if sink.site_pin is None else self._electrical.pin(site, sink.site_pin)
            for sink, site in zip(net.sinks, sink_sites, strict=True)
        ]
        load = [wire.capacitance for wire in wires]
        for sink, pin in zip(net.sinks, pins, strict=True):
            if sink.branch is not None and pin is not None:
                load[sink.branch] += pin.capacitance
        for k in reversed(range(len(load))):
            switch, parent = switches[k], net.branches[k].parent
            if switch is not None:
                load[parent] += switch.capacitance + (load[k] if switch.passes else 0.0)
        at: list[Delay] = []
        for k, branch in enumerate(net.branches):
            switch = switches[k]
            if switch is None:
                assert branch.site_pin is not None
                pin = self._electrical.pin(driver_site, branch.site_pin)
                before, own, resistance = NONE, pin.delay, pin.resistance
            else:
                before, own, resistance = at[branch.parent], switch.delay, switch.resistance
            wire = wires[k]
            charging = _NS * (
                resistance * load[k] + wire.resistance * (load[k] - wire.capacitance / 2)
            )
            at.append(before.then(own).then(Delay(*[charging] * 4)))
        return [
            NONE if sink.branch is None or pin is None else at[sink.branch].then(pin.delay)
            for sink, pin in zip(net.sinks, pins, strict=True)
        ]

    @cache  # noqa: B019 - lives as long as the program
    def _node(self, node: int) -> Wire:
        """All wires of a node together."""
        wires = [self._electrical.wire(*self._nodes.name(key)) for key in self._nodes.members(node)]
        return Wire(sum(wire.resistance for wire in wires), sum(wire.capacitance for wire in wires))

    @cache  # noqa: B019
    def _switch(self, source: int, target: int) -> Switch:
        tile, wire = self._nodes.name(source)
        return self._electrical.switch(tile, wire, self._nodes.name(target)[1])
