"""A circuit that was read back, timed with its device's database."""

from __future__ import annotations

from tqdm import tqdm

from host_build.configuration.database import Database
from host_build.configuration.errors import ReadbackError
from host_build.readback.model import Circuit
from host_build.readback.nodes import Nodes
from host_build.timing.cells import CellTimes
from host_build.timing.electrical import Electrical
from host_build.timing.elmore import Interconnect
from host_build.timing.graph import Graph, build
from host_build.timing.slack import Analysis, analyse


def timed(circuit: Circuit, database: Database, joined: Nodes) -> tuple[Graph, Analysis]:
    """Its graph, and what each endpoint needs; ReadbackError where it has nothing to time."""
    interconnect = Interconnect(Electrical(database), joined)
    with tqdm(total=len(circuit.nets), unit="net", disable=None, leave=False) as bar:
        graph = build(
            circuit, interconnect, CellTimes(database),
            progress=lambda done: bar.update(done - bar.n),
        )  # fmt: skip
    analysis = analyse(graph)
    if not analysis.needs:
        raise ReadbackError("the circuit has no register that a clock reaches")
    return graph, analysis
