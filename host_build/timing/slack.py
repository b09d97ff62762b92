"""What each endpoint needs of the clock, and the way that is slowest.

For setup everything takes the slow corner's most, for hold the slow corner's least: the files have
checks of that corner only, so hold at the fast corner is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from host_build.timing.graph import Endpoint, Graph, Hop, arrivals
from host_build.timing.sdf import Delay

MARGIN_FACTOR, MARGIN_NS = 1.05, 0.5
"""What this model is held to be short of. Project X-Ray, whose model of nets it is, found most nets
within 1.5% of Vivado's, but not clocks; cells have Vivado's own delays. So there are three times as
much for all of a path, 0.25 ns for the clock's jitter (3% of 16 ns, by AMD's constraints for the
processing system, as Vivado counts it), and 0.25 ns for skew."""


def with_margin(model: float) -> float:
    """The period in ns to hold a path to that needs `model` ns."""
    return MARGIN_FACTOR * model + MARGIN_NS


@dataclass(frozen=True, slots=True)
class Need:
    """An endpoint; `period` is what it needs by the model, `hold` its hold slack, in ns."""

    endpoint: Endpoint
    period: float
    hold: float

    def slack(self, period: float) -> float:
        """What is left of a clock's period, margin taken off."""
        return period - with_margin(self.period)


@dataclass(frozen=True)
class Analysis:
    """`needs`, the slowest first; `untimed` endpoints are reached from no clock."""

    needs: tuple[Need, ...]
    untimed: tuple[Endpoint, ...]

    @property
    def model_mhz(self) -> float:
        """The highest clock by the model alone."""
        return 1000 / self.needs[0].period if self.needs else math.inf

    @property
    def mhz(self) -> float:
        """The highest clock that every endpoint closes at, margin included."""
        return 1000 / with_margin(self.needs[0].period) if self.needs else math.inf


def most(delay: Delay) -> float:
    return delay.slow_max


def least(delay: Delay) -> float:
    return delay.slow_min


def analyse(graph: Graph) -> Analysis:
    """The needs of every endpoint, those first that need most."""
    late, early = arrivals(graph, most, late=True), arrivals(graph, least, late=False)
    needs, untimed = [], []
    for end in graph.endpoints:
        if end.net not in late or end.clock_net not in late:
            untimed.append(end)
            continue
        period = late[end.net] + most(end.wire) + end.setup
        period -= late[end.clock_net] + most(end.clock_wire)
        hold = early[end.net] + least(end.wire) - end.hold
        hold -= early[end.clock_net] + least(end.clock_wire)
        needs.append(Need(end, period, hold))
    needs.sort(key=lambda need: -need.period)
    return Analysis(tuple(needs), tuple(untimed))


def paths(graph: Graph, endpoints: Sequence[Endpoint]) -> list[list[Hop]]:
    """The slowest way to each endpoint, from the clock on."""
    late = dict.fromkeys(graph.roots, 0.0)
    last: dict[str, Hop] = {}
    for hop in graph.hops:
        if hop.source in late:
            time = late[hop.source] + most(hop.wire) + most(hop.cell)
            if hop.target not in late or time > late[hop.target]:
                late[hop.target], last[hop.target] = time, hop
    found = []
    for end in endpoints:
        way, net = [], end.net
        while net in last:
            way.append(last[net])
            net = last[net].source
        found.append(way[::-1])
    return found
