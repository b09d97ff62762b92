"""What an analysis has no times of, by kind, and why: most of it never changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from host_build.readback.model import ONE, ZERO, Cell, Circuit
from host_build.timing.graph import Graph
from host_build.timing.slack import Analysis

CONSTANT = "a constant comes to it"
STILL = "its clock is a constant"
STRANGE = "{} is not of this clock"
NO_WAY = "the files have no way through {}"
NO_TIMES = "the files have neither a delay nor a check of it"
_LOGIC = ("LUT5", "LUT6", "MUXF7", "MUXF8", "CARRY4")


@dataclass(frozen=True, slots=True)
class Untimed:
    """`count` pins of cells of one kind, a bus's together, with one `example`.

    Those that matter are none of a constant: a path may end at them that is not timed.
    """

    cell: str
    pin: str
    why: str
    count: int
    example: str

    @property
    def matters(self) -> bool:
        return self.why not in (CONSTANT, STILL)


def untimed(circuit: Circuit, graph: Graph, analysis: Analysis) -> list[Untimed]:
    """Endpoints that no clock reaches, and inputs without times; those first that matter."""
    counts: Counter[tuple[str, str, str]] = Counter()
    examples: dict[tuple[str, str, str], str] = {}
    for pin, why in _whys(circuit, graph, analysis):
        cell, _, name = pin.rpartition("/")
        kind = (circuit.cells[cell].kind, name.rstrip("0123456789"), why)
        counts[kind] += 1
        examples.setdefault(kind, pin)
    found = [Untimed(*kind, count, examples[kind]) for kind, count in counts.items()]
    return sorted(found, key=lambda row: (not row.matters, -row.count, row.cell, row.pin))


def constants(circuit: Circuit) -> set[str]:
    """Nets that never change: those of tables without inputs, and what only those come to."""
    found = {ZERO, ONE}
    waiting = list(circuit.of_kind(*_LOGIC))
    while True:
        still: list[Cell] = []
        more: list[Cell] = []
        for cell in waiting:
            (still if found.issuperset(cell.inputs.values()) else more).append(cell)
        if not still:
            return found
        found.update(f"{cell.name}/{output}" for cell in still for output in cell.outputs)
        waiting = more


def _whys(circuit: Circuit, graph: Graph, analysis: Analysis) -> Iterator[tuple[str, str]]:
    still = constants(circuit)
    before: dict[str, list[str]] = {}
    for hop in graph.hops:
        before.setdefault(hop.target, []).append(hop.source)
    reached = {*graph.roots}
    for hop in graph.hops:
        if hop.source in reached:
            reached.add(hop.target)
    for end in analysis.untimed:
        if end.net in still:
            yield end.pin, CONSTANT
        elif end.clock_net in still:
            yield end.pin, STILL
        else:
            timed = end.net in reached
            yield end.pin, _source(end.clock_net if timed else end.net, before, still, circuit)
    for pin in graph.unknown:
        cell, _, name = pin.rpartition("/")
        yield pin, CONSTANT if circuit.cells[cell].inputs[name] in still else NO_TIMES


def _source(net: str, before: dict[str, list[str]], still: set[str], circuit: Circuit) -> str:
    """Why no clock reaches a net: what its way begins with."""
    seen, waiting = {net}, [net]
    while waiting:
        reached = waiting.pop()
        driver = circuit.nets[reached].driver
        if reached not in before and reached not in still:
            if circuit.cells[driver.cell].kind == "PS7":
                return STRANGE.format(driver.name)
            return NO_WAY.format(f"a {circuit.cells[driver.cell].kind} to {driver.name}")
        more = [source for source in before.get(reached, ()) if source not in seen]
        seen.update(more)
        waiting += more
    return NO_WAY.format(f"what leads to {net}")
