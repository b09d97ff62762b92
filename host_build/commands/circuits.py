"""From an overlay to its circuit, and the circuit in simulation."""

from __future__ import annotations

import argparse
from pathlib import Path

from board_app.network import overlay
from board_app.network.graph import Graph
from host_build.commands.options import (
    OVERLAY,
    Commands,
    data,
    folder,
    folder_of,
    folding,
    overlays,
    positive,
    probability,
)
from host_build.commands.pictures import own_data, test_pictures
from host_build.generate.folding import Folding
from host_build.networks.variants import Variant


def add(commands: Commands) -> None:
    commands.add(
        "fold", fold, "choose how far each layer is unrolled, show table and plot", OVERLAY,
        folder(), overlays(), folding(),
    )  # fmt: skip
    commands.add(
        "generate", generate, "fold, size the FIFOs, write SystemVerilog", OVERLAY,
        folder(), overlays(), folding(),
    )  # fmt: skip
    _simulation(
        commands.add(
            "simulate", simulate,
            "simulate an overlay's circuit and compare it with the reference", OVERLAY,
            data(), own_data(), overlays(),
        )
    )  # fmt: skip


def _simulation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images",
        type=positive,
        default=200,
        metavar="N",
        help="test images (default: %(default)s)",
    )
    parser.add_argument(
        "--stall",
        type=probability,
        default=0.0,
        metavar="P",
        help="probability a cycle of back-pressure on either side, below 1 (default: 0)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the back-pressure (default: 0)")
    parser.add_argument("--vcd", type=Path, metavar="FILE", help="write the waveforms")
    parser.add_argument(
        "--window",
        type=int,
        nargs=2,
        metavar=("FIRST", "END"),
        help="cycles of the waveforms (default: all)",
    )


def fold(options: argparse.Namespace) -> int:
    from host_build.assemble.circuit import costed
    from host_build.compiler.fold_report import plot_layers, table

    chosen = overlay.find(options.network, options.overlays)
    folding = _fold(options, chosen.graph())
    layout = costed(chosen, folding)
    print(table(layout, folding, options.clock))
    picture = folder_of(options, options.network) / "layers.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    plot_layers(layout, options.network, picture)
    print(picture)
    return 0


def generate(options: argparse.Namespace) -> int:
    from host_build.assemble.circuit import generate as run
    from host_build.compiler.fold_report import table
    from host_build.generate import circuit

    chosen = overlay.find(options.network, options.overlays)
    folding = _fold(options, chosen.graph())
    made = run(chosen, folding, clock_mhz=options.clock)
    print(table(circuit.layout(made), folding, options.clock))
    print(made.folder)
    print(circuit.write_rtl(made, folder_of(options, options.network) / "rtl"))
    return 0


def simulate(options: argparse.Namespace) -> int:
    from host_build.generate import circuit
    from host_build.simulation.check import simulate as run
    from host_build.simulation.check import summary

    chosen = overlay.find(options.network, options.overlays)
    layout = circuit.layout(chosen)
    manifest = chosen.manifest
    test = test_pictures(options, manifest.shape, len(manifest.classes), manifest.classes)
    test = test.first(options.images)
    if test.labels is None:
        print(f"pictures: {test.source}")
    found = run(
        layout, chosen.graph(), circuit.module_name(options.network), test.images, test.labels,
        stall=options.stall, seed=options.seed, trace=options.vcd, window=options.window,
    )  # fmt: skip
    print(summary(found, layout, chosen.manifest.circuit["clock_mhz"]))
    return 0 if found.equal else 1


def require_room(options: argparse.Namespace, variant: Variant) -> None:
    """FoldingError if no circuit of `variant` would be as small and fast as `options` ask for."""
    from host_build.networks.skeleton import skeleton

    _fold(options, skeleton(variant))


def _fold(options: argparse.Namespace, graph: Graph) -> Folding:
    from host_build.compiler.fold import Budget, fold

    cycles = options.cycles
    if options.fps is not None:
        cycles = int(options.clock * 1e6 / options.fps)
    return fold(graph, Budget(options.lut, options.dsp, options.bram), cycles=cycles)
