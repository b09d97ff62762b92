"""From an overlay's graph to its circuit: size the FIFOs, generate, keep it in the overlay."""

from __future__ import annotations

import io
from dataclasses import replace

from board_app.network import overlay, vectors
from board_app.network.overlay import Overlay
from board_app.network.vectors import Vectors
from host_build.compiler.fold import provisional_depths
from host_build.compiler.fold_report import plot_layers
from host_build.generate.circuit import FILE, module_name, pace, record
from host_build.generate.folding import Folding
from host_build.generate.handoff import handoff
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.kernels.base import Resources
from host_build.simulation.fifo_sizing import size_fifos
from host_build.simulation.network import NetworkSimulation
from host_build.simulation.verilator import SimulationError

CLOCK_MHZ = 100.0
_PLOT = "layers.png"


def costed(chosen: Overlay, folding: Folding) -> Plan:
    """The plan of `folding` with FIFOs as deep as they will about be."""
    graph = chosen.graph()
    return plan(graph, folding, provisional_depths(plan(graph, folding)))


def generate(chosen: Overlay, folding: Folding, *, clock_mhz: float = CLOCK_MHZ) -> Overlay:
    """Size the FIFOs of `folding` in simulation; put circuit, plot and handoff into the overlay.

    A bitstream of the circuit before is none of this one, so the manifest no longer lists it.
    ClockError where the PS cannot make `clock_mhz`, SimulationError where the circuit fails the
    overlay's self-test.
    """
    handed = handoff(int(chosen.manifest.build_id, 16), clock_mhz, chosen.folder.name)
    name = module_name(chosen.manifest.network)
    graph = chosen.graph()
    depths = size_fifos(plan(graph, folding), name)
    made = plan(graph, folding, depths)
    latency = _latency(made, name, vectors.load(chosen))
    replaced = (FILE, _PLOT, *(f"{chosen.folder.name}.{kind}" for kind in ("hwh", "bit")))
    kept = {
        file: (chosen.folder / file).read_bytes()
        for file in chosen.manifest.files
        if file not in replaced
    }
    picture = io.BytesIO()
    plot_layers(made, chosen.manifest.network, picture)
    new = {
        FILE: record(folding, made).dump(),
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
