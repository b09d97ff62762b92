"""Build chips in the host environment, for the one with pynq to load.

python -m tests.pynq.verilated FILE    writes into FILE where they are, and their pace in cycles.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from board_app.network import overlay
from board_app.network.graph import Graph
from host_build.compiler.fold import fold
from host_build.generate import circuit
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.simulation.chip_build import Design, build
from tests.board.networks import residual

BUILD = "0123abcd"
CYCLES = 3100  # a pixel's three bytes one after another, and a little
NETWORK = "lightweight"


def prepare(file: Path) -> None:
    """The chip of the small graph that the tests' reference computes, and a trained one's."""
    rows = {"tiny": _row("pynq_tiny", BUILD, _tiny(residual(1)), 100.0)}
    if NETWORK in overlay.names():
        found = overlay.find(NETWORK)
        if found.manifest.circuit:
            clock = found.manifest.circuit["clock_mhz"]
            rows[NETWORK] = _row(NETWORK, found.manifest.build_id, circuit.layout(found), clock)
    file.write_text(json.dumps(rows))


def _tiny(graph: Graph) -> Plan:
    return plan(graph, fold(graph, cycles=CYCLES), interval=CYCLES)


def _row(name: str, build_id: str, layout: Plan, clock_mhz: float) -> dict[str, object]:
    built = build(Design.of_plan(layout, name, build_id))
    return {
        "library": str(built.library),
        "images": str(built.images),
        "build_id": build_id,
        "clock_mhz": clock_mhz,
        "interval_cycles": layout.interval,
    }


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
