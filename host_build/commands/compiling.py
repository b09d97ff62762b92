"""From a trained network to an overlay."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from board_app import cifar10
from board_app.files import write_json
from board_app.overlay import OVERLAYS, Overlay
from host_build import variant_file
from host_build.commands.options import (
    ROW,
    Commands,
    compiling_options,
    data,
    data_of,
    folder,
    folder_of,
    limit,
    overlays,
)


def add(commands: Commands) -> None:
    parser = commands.add(
        "compile", compile_, "compile a network into an overlay",
        f"{ROW}, or a quantised model.onnx", data(), folder(), limit(), overlays(),
        compiling_options(),
    )  # fmt: skip
    parser.add_argument("--name", help="the overlay's name, for a model.onnx (default: its stem)")
    parser.add_argument(
        "--normalise",
        action="store_true",
        help="the model.onnx expects normalised pixels; fold that in",
    )


def compile_(options: argparse.Namespace) -> int:
    if options.network.endswith(".onnx"):
        source = Path(options.network)
        _compile_onnx(options, options.name or source.stem, source)
    else:
        variant = variant_file.find(options.network)
        trained = folder_of(options, variant.name) / "best.safetensors"
        shipped = OVERLAYS / variant.name / f"{variant.name}.safetensors"
        compile_network(options, trained if trained.exists() else shipped)
    return 0


def compile_network(options: argparse.Namespace, checkpoint: Path) -> None:
    """Compile the network of `options` with the weights in `checkpoint`. Raises HostError."""
    import torch

    from host_build.export import export, logits
    from host_build.training import images
    from host_build.training.checkpoint import load_network

    variant = variant_file.find(options.network)
    found = data_of(options)
    test = cifar10.load(found, "test").first(options.limit)
    held_out = images.held_out(cifar10.load(found, "train")).first(options.limit)
    model, _ = load_network(checkpoint, variant)
    source = folder_of(options, variant.name) / "0_export.onnx"
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
    test = cifar10.load(data_of(options), "test").first(options.limit)
    _compile(options, name, source, test, None, None, None)


def _compile(
    options: argparse.Namespace, name: str, source: Path, test: cifar10.Dataset,
    expected: object, held_out: cifar10.Dataset | None, checkpoint: Path | None,
) -> Overlay:  # fmt: skip
    import numpy as np

    from host_build.compiler.pipeline import compile_model
    from host_build.package import package

    compiled = compile_model(
        source, folder_of(options, name), test.images[: options.check_images],
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
