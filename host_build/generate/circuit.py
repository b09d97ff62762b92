"""The circuit that an overlay has: its plan read back from circuit.json, and its files written.

It needs numpy and Jinja2 only: the simulated board's environment has no more.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from board_app.network.graph import Graph
from board_app.network.overlay import Overlay
from board_app.system.files import write_atomically
from host_build.errors import HostError
from host_build.generate import folding as folding_file
from host_build.generate import verilog
from host_build.generate.folding import Circuit, Folding
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.kernels.matrix_vector import MatrixVector
from host_build.kernels.thresholds import ThresholdKernel

FILE = "circuit.json"


def layout(chosen: Overlay) -> Plan:
    """The plan of the circuit that `chosen` has."""
    # One of an earlier network may lie there, which the manifest does not vouch for.
    if FILE not in chosen.manifest.files:
        name = chosen.folder.name
        raise HostError(f"overlay {name} has no circuit yet: python -m host_build generate {name}")
    return restore(chosen.graph(), folding_file.read(chosen.folder / FILE))


def record(folding: Folding, layout: Plan) -> Circuit:
    """What `restore` needs to lay out `folding` as in `layout` again."""
    kernels = [(i.layer, i.kernel) for i in layout.instances]
    shared = {name: k.shared_positions for name, k in kernels if isinstance(k, MatrixVector)}
    thresholds = {name: k.module for name, k in kernels if isinstance(k, ThresholdKernel)}
    chosen = {name: replace(fold, rom_positions=shared[name]) for name, fold in folding.items()}
    return Circuit(chosen, thresholds, layout.depths)


def restore(graph: Graph, circuit: Circuit) -> Plan:
    """The plan that `circuit` was made of, whatever its kernels are estimated to cost by now.

    FoldingError where it is for another graph.
    """
    return plan(graph, circuit.folding, circuit.depths, thresholds=circuit.thresholds)


def module_name(network: str) -> str:
    """The network's name as a SystemVerilog identifier, which `small` alone would not be."""
    return f"network_{network.replace('-', '_')}"


def pace(clock_mhz: float, cycles: int) -> dict[str, float]:
    """What the manifest tells of a clock, at `cycles` a frame."""
    return {"clock_mhz": clock_mhz, "frames_per_second": round(clock_mhz * 1e6 / cycles, 1)}


def write_rtl(chosen: Overlay, folder: Path) -> Path:
    """Write the circuit's SystemVerilog and memory images into `folder`; the same bytes each time.

    They follow from the overlay's graph and circuit file, so the overlay does not repeat them.
    """
    name = module_name(chosen.manifest.network)
    for file, text in verilog.files(layout(chosen), name).items():
        write_atomically(folder / file, text.encode())
    return folder / f"{name}.sv"
