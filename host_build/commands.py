"""What each command does. Steps import what they need when they run: torch alone takes seconds."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from board_app import cifar10, overlay
from board_app.files import write_atomically, write_json
from board_app.overlay import OVERLAYS, Overlay
from host_build import variant_file, variants
from host_build.errors import HostError
from host_build.generate.folding import Folding
from host_build.recipes import RECIPES

if TYPE_CHECKING:
    from host_build.implementation.bitstream import Flow

BUILD = Path("build")


def networks(_: argparse.Namespace) -> int:
    print(variants.table())
    return 0


def train(options: argparse.Namespace) -> int:
    from host_build.train import train as run

    variant = variant_file.find(options.network)
    result = run(
        variant, RECIPES[options.recipe], _data(options), _folder(options, variant.name),
        seed=options.seed, device=options.device, resume=options.resume, limit=options.limit,
        taught_by=options.teacher,
    )  # fmt: skip
    print(json.dumps(result, indent=2))
    return 0


def compile_(options: argparse.Namespace) -> int:
    if options.network.endswith(".onnx"):
        source = Path(options.network)
        _compile_onnx(options, options.name or source.stem, source)
    else:
        variant = variant_file.find(options.network)
        trained = _folder(options, variant.name) / "best.safetensors"
        shipped = OVERLAYS / variant.name / f"{variant.name}.safetensors"
        _compile_network(options, trained if trained.exists() else shipped)
    return 0


def fold(options: argparse.Namespace) -> int:
    from host_build import circuit
    from host_build.report import plot_layers, table

    chosen = overlay.find(options.network, options.overlays)
    folding = _fold(options, chosen)
    layout = circuit.costed(chosen, folding)
    print(table(layout, folding, options.clock))
    picture = _folder(options, options.network) / "layers.png"
    picture.parent.mkdir(parents=True, exist_ok=True)
    plot_layers(layout, options.network, picture)
    print(picture)
    return 0


def generate(options: argparse.Namespace) -> int:
    from host_build import circuit
    from host_build.report import table

    chosen = overlay.find(options.network, options.overlays)
    folding = _fold(options, chosen)
    made = circuit.generate(chosen, folding, clock_mhz=options.clock)
    print(table(circuit.layout(made), folding, options.clock))
    print(made.folder)
    print(circuit.write_rtl(made, _folder(options, options.network) / "rtl"))
    return 0


def simulate(options: argparse.Namespace) -> int:
    from host_build import circuit
    from host_build.simulation.check import simulate as run
    from host_build.simulation.check import summary

    chosen = overlay.find(options.network, options.overlays)
    layout = circuit.layout(chosen)
    test = cifar10.load(_data(options), "test").first(options.images)
    found = run(
        layout, chosen.graph(), circuit.module_name(options.network), test,
        stall=options.stall, seed=options.seed, trace=options.vcd, window=options.window,
    )  # fmt: skip
    print(summary(found, layout, chosen.manifest.circuit["clock_mhz"]))
    return 0 if found.equal else 1


def synthesize(options: argparse.Namespace) -> int:
    from host_build.implementation.network import synthesize as run

    chosen = overlay.find(options.network, options.overlays)
    folder = _folder(options, options.network)
    print(run(chosen, folder, by_layer=options.by_layer, jobs=options.jobs))
    print(folder / "synthesis.json")
    return 0


def sweep(options: argparse.Namespace) -> int:
    from host_build.implementation.sweep import run, table, within_limits

    measured = run(options.out, kernel=options.kernel, jobs=options.jobs)
    print(table(measured))
    print(options.out / "sweep.json")
    return 0 if within_limits(measured) else 1


def results(options: argparse.Namespace) -> int:
    from host_build import results as kept

    folder = options.docs / "results"
    for run in options.runs:
        print(kept.keep(run / "result.json", folder))
    found = [kept.read(path) for path in sorted(folder.glob("*.json"))]
    target = options.docs / "networks.md"
    write_atomically(target, kept.page(found).encode())
    print(f"{target}: {len(found)} results")
    return 0


def chip(options: argparse.Namespace) -> int:
    from host_build.implementation import design, report
    from host_build.implementation.chip_synthesis import synthesize
    from host_build.implementation.fit import MOST

    chosen = overlay.find(options.network, options.overlays)
    found, _ = synthesize(design.of_overlay(chosen))
    print(found)
    print(report.write(found, _folder(options, options.network), "chip", MOST))
    return 0


def bitstream(options: argparse.Namespace) -> int:
    from host_build.implementation.bitstream import bitstream as run

    chosen = overlay.find(options.network, options.overlays)
    result = run(chosen, _flow(options), _folder(options, options.network))
    print(result.fit)
    if result.report is not None:
        print(f"\n{result.report}")
    if result.made is None:
        return 1
    print(result.made.folder / f"{result.made.folder.name}.bit")
    return 0


def everything(options: argparse.Namespace) -> int:
    variant = variant_file.find(options.network)
    options.resume = (_folder(options, variant.name) / "last.safetensors").exists()
    train(options)
    _compile_network(options, _folder(options, variant.name) / "best.safetensors")
    options.network = variant.name
    return generate(options)


def explore(options: argparse.Namespace) -> int:
    from host_build.explore.settings import Settings
    from host_build.explore.sweep import explore as run

    percent, millions = options.min_accuracy, options.most_macs
    settings = Settings(
        goal=options.goal, budget=options.budget, min_fps=options.min_fps,
        min_accuracy=None if percent is None else percent / 100,
        clock_mhz=options.clock, epochs=options.epochs, train_limit=options.train_limit,
        most_macs=None if millions is None else millions * 1e6, seed=options.seed,
    )  # fmt: skip
    print(run(
        settings, options.trials, _data(options), _folder(options, "explore"),
        storage=options.storage, device=options.device,
    ))  # fmt: skip
    return 0


def _compile_network(options: argparse.Namespace, checkpoint: Path) -> None:
    import torch

    from host_build import images
    from host_build.checkpoint import load_network
    from host_build.export import export, logits

    variant = variant_file.find(options.network)
    test = cifar10.load(_data(options), "test").first(options.limit)
    held_out = images.held_out(cifar10.load(_data(options), "train")).first(options.limit)
    model, _ = load_network(checkpoint, variant)
    source = _folder(options, variant.name) / "0_export.onnx"
    export(model, source)
    checked = torch.from_numpy(test.images[: options.check_images])
    made = _compile(
        options, variant.name, source, test, logits(model, checked), held_out, checkpoint
    )
    _note_integers(checkpoint.with_name("result.json"), made)


def _note_integers(result: Path, made: Overlay) -> None:
    """Add the integer network's accuracy to its training's result, if on the same images."""
    if not result.exists():
        return
    row = json.loads(result.read_text())
    if made.manifest.accuracy["images"] == row["test_images"]:
        row |= {
            "integer_accuracy": made.manifest.accuracy["test"],
            "build_id": made.manifest.build_id,
        }
        write_json(result, row)


def _compile_onnx(options: argparse.Namespace, name: str, source: Path) -> None:
    test = cifar10.load(_data(options), "test").first(options.limit)
    _compile(options, name, source, test, None, None, None)


def _compile(
    options: argparse.Namespace, name: str, source: Path, test: cifar10.Dataset,
    expected: object, held_out: cifar10.Dataset | None, checkpoint: Path | None,
) -> Overlay:  # fmt: skip
    import numpy as np

    from host_build.compiler.pipeline import compile_model
    from host_build.package import package

    compiled = compile_model(
        source, _folder(options, name), test.images[: options.check_images],
        normalise=getattr(options, "normalise", False),
        expected=None if expected is None else np.asarray(expected, np.float64),
    )  # fmt: skip
    made = package(name, compiled, options.overlays, test, held_out=held_out, checkpoint=checkpoint)
    accuracy = made.manifest.accuracy
    if compiled.rounded:
        print(f"{compiled.rounded} of {options.check_images} images checked differ by a rounding")
    print(
        f"{made.folder}: {accuracy['test']:.2%} of {accuracy['images']:,} test images, "
        f"build id {made.manifest.build_id}"
    )
    return made


def _fold(options: argparse.Namespace, chosen: Overlay) -> Folding:
    from host_build.compiler.fold import Budget
    from host_build.compiler.fold import fold as run

    cycles = options.cycles
    if options.fps is not None:
        cycles = int(options.clock * 1e6 / options.fps)
    budget = Budget(options.lut, options.dsp, options.bram)
    return run(chosen.graph(), budget, cycles=cycles)


def _flow(options: argparse.Namespace) -> Flow:
    from host_build.implementation import openxc7, vivado

    if options.tool == "vivado":
        return lambda design, folder: vivado.implement(design, folder, options.vivado)
    if options.chipdb is None or options.prjxray_db is None:
        raise HostError("--with openxc7 needs --chipdb FILE and --prjxray-db DIR")
    tools = openxc7.Tools(options.chipdb, options.prjxray_db)
    return lambda design, folder: openxc7.implement(design, folder, tools)


def _folder(options: argparse.Namespace, name: str) -> Path:
    return options.out or BUILD / name


def _data(options: argparse.Namespace) -> Path:
    with tqdm(unit="B", unit_scale=True, desc="CIFAR-10", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done)

        return cifar10.find(options.cifar10, progress=progress)
