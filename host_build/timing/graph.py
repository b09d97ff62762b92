"""A circuit as a graph of nets: when each net's signal is there, and by which way.

Time begins at the processing system's clock. A clock's way through buffers to flip-flops is timed
as all others are, so skew is in it; launching and capturing edge are timed alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from host_build.configuration.errors import ReadbackError
from host_build.readback.model import ONE, ZERO, Circuit, Net
from host_build.timing.cells import CellTimes
from host_build.timing.elmore import Interconnect
from host_build.timing.sdf import Delay

_CLOCK_SOURCE = "FCLKCLK"


@dataclass(frozen=True, slots=True)
class Hop:
    """From a net by a wire to a cell's input `pin` and through the cell to its output's net."""

    source: str
    pin: str
    target: str
    wire: Delay
    cell: Delay


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An input that must be still about its clock's edge; both nets and wires to the cell."""

    pin: str
    net: str
    wire: Delay
    clock_net: str
    clock_wire: Delay
    setup: float
    hold: float


@dataclass(frozen=True)
class Graph:
    """Hops come in order: what leads to a net's hops is before them. `roots` are the clocks.

    `unknown` are inputs that something comes to, but that no file has a delay or a check of.
    """

    roots: tuple[str, ...]
    hops: tuple[Hop, ...]
    endpoints: tuple[Endpoint, ...]
    unknown: tuple[str, ...]


def build(
    circuit: Circuit, interconnect: Interconnect, times: CellTimes,
    progress: Callable[[int], object] = lambda done: None,
) -> Graph:  # fmt: skip
    """The graph of a circuit. ReadbackError for rings without a register, or what has no timing.

    `progress` is told the number of nets done, now and then.
    """
    wires: dict[tuple[str, str], Delay] = {}
    for done, routed in enumerate(circuit.nets.values()):
        wires.update(_wires(routed, circuit, interconnect, times))
        if done % 1000 == 0:
            progress(done)
    hops: list[Hop] = []
    endpoints: list[Endpoint] = []
    unknown: list[str] = []
    for cell in circuit.cells.values():
        told = times.of(cell)
        known = {pin for pin, _ in told.arcs}
        known |= {pin for need in told.requirements for pin in (need.pin, need.clock)}
        unknown += [
            f"{cell.name}/{pin}" for pin, net in cell.inputs.items()
            if pin not in known and net not in (ZERO, ONE)
        ]  # fmt: skip
        for (pin, output), delay in told.arcs.items():
            source = cell.inputs[pin]
            if source not in (ZERO, ONE):
                wire = wires[cell.name, pin]
                hops.append(Hop(source, f"{cell.name}/{pin}", f"{cell.name}/{output}", wire, delay))
        for need in told.requirements:
            net, clock = cell.inputs[need.pin], cell.inputs[need.clock]
            if {net, clock} & {ZERO, ONE}:
                continue
            if cell.parameters.get(f"IS_{need.clock}_INVERTED"):
                raise ReadbackError(f"{cell.name} has its clock's falling edge: not timed here")
            endpoints.append(
                Endpoint(
                    f"{cell.name}/{need.pin}", net, wires[cell.name, need.pin],
                    clock, wires[cell.name, need.clock], need.setup, need.hold,
                )
            )  # fmt: skip
    roots = tuple(
        name for name, net in circuit.nets.items()
        if circuit.cells[net.driver.cell].kind == "PS7"
        and net.driver.name.startswith(_CLOCK_SOURCE) and net.sinks
    )  # fmt: skip
    if len(roots) != 1:
        raise ReadbackError(f"{len(roots)} of the processing system's clocks are in use, not one")
    return Graph(roots, _ordered(hops), tuple(endpoints), tuple(unknown))


def arrivals(graph: Graph, corner: Callable[[Delay], float], late: bool) -> dict[str, float]:
    """When each net that a clock reaches changes, ns after its edge; the last time or the first."""
    at = dict.fromkeys(graph.roots, 0.0)
    for hop in graph.hops:
        if hop.source in at:
            time = at[hop.source] + corner(hop.wire) + corner(hop.cell)
            known = at.get(hop.target, time)
            at[hop.target] = max(known, time) if late else min(known, time)
    return at


def _wires(
    net: Net, circuit: Circuit, interconnect: Interconnect, times: CellTimes
) -> Mapping[tuple[str, str], Delay]:
    """To each (cell, input) of a net, the multiplexers within both sites with it."""
    driver = circuit.cells[net.driver.cell]
    element = driver.name.partition(".")[2]
    local = f"{element}_{net.driver.name}" if driver.kind == "CARRY4" else element
    sites = [circuit.cells[sink.pin.cell].site for sink in net.sinks]
    found = {}
    roots: list[str] = []
    for branch in net.branches:
        roots.append(roots[branch.parent] if branch.site_pin is None else branch.site_pin)
    for sink, site, delay in zip(
        net.sinks, sites, interconnect.delays(net, driver.site, sites), strict=True
    ):
        target = sink.pin.cell.partition(".")[2]
        if sink.branch is not None:
            delay = times.within(driver.site, local, roots[sink.branch]).then(delay)
        inside = times.within(site, sink.site_pin or local, target)
        found[sink.pin.cell, sink.pin.name] = delay.then(inside)
    return found


def _ordered(hops: list[Hop]) -> tuple[Hop, ...]:
    leaving: dict[str, list[Hop]] = {}
    waiting: dict[str, int] = {}
    for hop in hops:
        leaving.setdefault(hop.source, []).append(hop)
        waiting[hop.target] = waiting.get(hop.target, 0) + 1
    ready = [net for net in leaving if net not in waiting]
    ordered: list[Hop] = []
    while ready:
        for hop in leaving.get(ready.pop(), ()):
            ordered.append(hop)
            waiting[hop.target] -= 1
            if not waiting[hop.target]:
                ready.append(hop.target)
    if len(ordered) < len(hops):
        ring = sorted(net for net, count in waiting.items() if count)
        raise ReadbackError(
            f"a ring without a register: {', '.join(ring[:8])}{' ...' if len(ring) > 8 else ''}"
        )
    return tuple(ordered)
