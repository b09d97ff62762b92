"""From an overlay's graph to its circuit: size the FIFOs, generate, keep it in the overlay.

Reading a circuit back needs numpy and Jinja2 only: the simulated board's environment has no more.
"""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

from board_app import overlay, vectors
from board_app.files import write_atomically
from board_app.graph import Graph
from board_app.overlay import Overlay
from board_app.vectors import Vectors
from host_build.errors import HostError
from host_build.generate import folding as folding_file
from host_build.generate import verilog
from host_build.generate.folding import Circuit, Folding
from host_build.generate.handoff import handoff
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.kernels.base import Resources
from host_build.kernels.matrix_vector import MatrixVector
from host_build.kernels.thresholds import ThresholdKernel
from host_build.simulation.fifo_sizing import size_fifos
from host_build.simulation.network import NetworkSimulation
from host_build.simulation.verilator import SimulationError

CLOCK_MHZ = 100.0
_CIRCUIT, _PLOT = "circuit.json", "layers.png"


def layout(chosen: Overlay) -> Plan:
    """The plan of the circuit that `chosen` has."""
    # One of an earlier network may lie there, which the manifest does not vouch for.
    if _CIRCUIT not in chosen.manifest.files:
        name = chosen.folder.name
        raise HostError(f"overlay {name} has no circuit yet: python -m host_build generate {name}")
    return restore(chosen.graph(), folding_file.read(chosen.folder / _CIRCUIT))


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


def costed(chosen: Overlay, folding: Folding) -> Plan:
    """The plan of `folding` with FIFOs as deep as they will about be."""
    from host_build.compiler.fold import provisional_depths

    graph = chosen.graph()
    return plan(graph, folding, provisional_depths(plan(graph, folding)))


def generate(chosen: Overlay, folding: Folding, *, clock_mhz: float = CLOCK_MHZ) -> Overlay:
    """Size the FIFOs of `folding` in simulation; put circuit, plot and handoff into the overlay.

    A bitstream of the circuit before is none of this one, so the manifest no longer lists it.
    ClockError where the PS cannot make `clock_mhz`, SimulationError where the circuit fails the
    overlay's self-test.
    """
    from host_build.report import plot_layers

    handed = handoff(int(chosen.manifest.build_id, 16), clock_mhz, chosen.folder.name)
    name = module_name(chosen.manifest.network)
    graph = chosen.graph()
    depths = size_fifos(plan(graph, folding), name)
    made = plan(graph, folding, depths)
    latency = _latency(made, name, vectors.load(chosen))
    replaced = (_CIRCUIT, _PLOT, *(f"{chosen.folder.name}.{kind}" for kind in ("hwh", "bit")))
    kept = {
        file: (chosen.folder / file).read_bytes()
        for file in chosen.manifest.files
        if file not in replaced
    }
    picture = io.BytesIO()
    plot_layers(made, chosen.manifest.network, picture)
    new = {
        _CIRCUIT: record(folding, made).dump(),
        _PLOT: picture.getvalue(),
        f"{chosen.folder.name}.hwh": handed.encode(),
    }
    manifest = replace(
        chosen.manifest,
        circuit={
            "cycles_per_frame": made.interval,
            "latency_cycles": latency,
            **pace(clock_mhz, made.interval),
            "estimated": _row(made.resources),
        },
    )
    return overlay.write(chosen.folder, manifest, kept | new)


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


def _latency(layout: Plan, name: str, golden: Vectors) -> int:
    """Cycles from the first pixel to the last logit of a frame, in simulation of the self-test."""
    run = NetworkSimulation.generated(layout, name).run(golden.images)
    wrong = int((run.logits != golden.logits).any(axis=1).sum())
    if wrong:
        raise SimulationError(
            f"{name}: the circuit's logits are not those of the self-test for {wrong} of its "
            f"{len(golden)} vectors"
        )
    return run.latency


def _row(cost: Resources) -> dict[str, float]:
    return {
        "LUT": round(cost.lut), "FF": round(cost.ff), "BRAM36": cost.bram36, "DSP": round(cost.dsp)
    }  # fmt: skip
