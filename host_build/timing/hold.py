"""Hold at the fast corner, as far as the files tell, and the clock's skew.

They have delays of that corner, but checks of the slow one only. A cell's hold time comes from the
same transistors as its delay, so it shrinks with it: the question is by how much it must.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from host_build.readback.model import Circuit
from host_build.timing.graph import Graph, arrivals
from host_build.timing.sdf import Delay
from host_build.timing.slack import Analysis


@dataclass(frozen=True, slots=True)
class FastHold:
    """Of cells of one kind, as shares of the slow corner's values.

    With hold times of up to `bearable` every endpoint holds, `worst` first does not; `delays` is
    the largest share that the kind's own delay from its clock has, None where it has none.
    """

    kind: str
    bearable: float
    delays: float | None
    worst: str

    @property
    def holds(self) -> bool:
        """Whether every endpoint holds if hold times shrink as delays do, or do not shrink."""
        return self.bearable >= (1.0 if self.delays is None else self.delays)


def at_the_fast_corner(circuit: Circuit, graph: Graph, analysis: Analysis) -> list[FastHold]:
    """By kind of cell what hold times may be, and what delays are; the least bearable first."""
    early = arrivals(graph, _least, late=False)
    worst: dict[str, tuple[float, str]] = {}
    clocks = set()
    for need in analysis.needs:
        end = need.endpoint
        clocks.add(end.clock_net)
        room = early[end.net] + _least(end.wire) - early[end.clock_net] - _least(end.clock_wire)
        share = room / end.hold if end.hold > 0 else 1.0 if room >= 0 else 0.0
        kind = circuit.cells[end.pin.rpartition("/")[0]].kind
        worst[kind] = min(worst.get(kind, (1.0, end.pin)), (share, end.pin))
    delays: defaultdict[str, float] = defaultdict(float)
    for hop in graph.hops:
        if hop.source in clocks and hop.cell.slow_max > 0:
            kind = circuit.cells[hop.pin.rpartition("/")[0]].kind
            delays[kind] = max(delays[kind], hop.cell.fast_max / hop.cell.slow_max)
    return sorted(
        (FastHold(kind, share, delays.get(kind), pin) for kind, (share, pin) in worst.items()),
        key=lambda hold: hold.bearable,
    )


def skew(graph: Graph, analysis: Analysis) -> float:
    """By how many ns the clock reaches one cell later than another, at the slow corner's most."""
    late = arrivals(graph, lambda delay: delay.slow_max, late=True)
    ends = [need.endpoint for need in analysis.needs]
    times = [late[end.clock_net] + end.clock_wire.slow_max for end in ends]
    return max(times) - min(times)


def _least(delay: Delay) -> float:
    return delay.fast_min
