"""From a trained network to an overlay."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from board_app.network.overlay import OVERLAYS, Overlay
from board_app.pictures import cifar10
from board_app.system.files import write_json
from host_build.commands.options import (
    BUILD,
    ROW,
    Commands,
    compiling_options,
    data,
    data_of,
    folder,
    folder_of,
    limit,
    overlays,
    positive,
)
from host_build.commands.pictures import class_options, names_of, own_data, test_pictures
from host_build.commands.pixels import are_given, pixel_options, pixels_of
from host_build.errors import HostError
from host_build.networks import variant_file

if TYPE_CHECKING:  # their home needs FINN, which takes seconds to load
    import numpy as np
    from numpy.typing import NDArray

    from host_build.compiler.given import Given
    from host_build.compiler.pictures import Pictures
    from host_build.compiler.pixels import PixelRange

TRAINED = "best.safetensors"


def add(commands: Commands) -> None:
    parser = commands.add(
        "compile", compile_, "compile a network into an overlay",
        f"{ROW}, or a quantised model.onnx", data(), folder(), limit(), overlays(),
        compiling_options(), pixel_options(), own_data(), class_options(),
    )  # fmt: skip
    parser.add_argument("--name", help="the overlay's name, for a model.onnx (default: its stem)")
    check = commands.add(
        "import-check", import_check, "say in seconds whether a model.onnx can be compiled, or why "
        "not", None, data(), own_data(), pixel_options(),
    )  # fmt: skip
    check.add_argument("models", nargs="+", type=Path, metavar="model.onnx")
    check.add_argument(
        "--compare", type=positive, metavar="N",
        help="compile it too, and compare the logits of N pictures with the file's own",
    )  # fmt: skip


def compile_(options: argparse.Namespace) -> int:
    if options.network.endswith(".onnx"):
        source = Path(options.network)
        _compile_onnx(options, options.name or source.stem, source)
    elif options.name or are_given(options):
        raise HostError(
            "--name, --input, --mean and --deviation are for a model.onnx; rows have a name, and "
            "normalise"
        )
    elif options.data or options.held_out or options.classes:
        raise HostError("--data, --held-out and --classes are for a model.onnx; rows have CIFAR-10")
    else:
        variant = variant_file.find(options.network)
        made = folder_of(options, variant.name)
        shipped = OVERLAYS / variant.name / f"{variant.name}.safetensors"
        trained = any((made / name).exists() for name in (TRAINED, "last.safetensors"))
        compile_network(options, made / TRAINED if trained else shipped)
    return 0


def compile_network(options: argparse.Namespace, checkpoint: Path) -> None:
    """Compile the network of `options` with the weights in `checkpoint`. Raises HostError."""
    require_places(options)
    import torch

    from host_build.compiler.pictures import of_dataset
    from host_build.training import images
    from host_build.training.checkpoint import load_network, require_finished
    from host_build.training.export import export, logits

    variant = variant_file.find(options.network)
    found = data_of(options)
    test = cifar10.load(found, "test").first(options.limit)
    train = cifar10.load(found, "train")
    held_out = images.held_out(train).first(options.limit)
    require_finished(checkpoint)
    model, meta = load_network(checkpoint, variant)
    everything = len(train) - images.HELD_OUT
    if options.overlays == OVERLAYS and meta.get("images", everything) < everything:
        raise HostError(
            f"{checkpoint} was trained on {meta['images']} images, to try things out; it makes "
            "none of the project's overlays; give --overlays DIR"
        )
    print(f"weights: {checkpoint}, epoch {meta['epoch']}, {meta['held_out']:.2%} held out")
    source = folder_of(options, variant.name) / "0_export.onnx"
    export(model, source)
    checked = torch.from_numpy(test.images[: options.check_images])
    made = _compile(
        options, variant.name, source, of_dataset(test, cifar10.CLASSES), logits(model, checked),
        of_dataset(held_out, cifar10.CLASSES), checkpoint,
    )  # fmt: skip
    _note_integers(checkpoint.with_name("result.json"), meta, made)


def require_places(options: argparse.Namespace) -> None:
    """Refuse to put what is only tried out in the place of an overlay that the project ships.

    And refuse folders that cannot be written, as in somebody else's checkout.
    """
    if options.limit is not None and options.overlays == OVERLAYS:
        raise HostError("what --limit makes is none of the project's overlays; give --overlays DIR")
    for option, wanted in (("--overlays", options.overlays), ("--out", options.out or BUILD)):
        there = next(path for path in (wanted, *wanted.absolute().parents) if path.exists())
        if not there.is_dir() or not os.access(there, os.W_OK):
            raise HostError(f"{there} cannot be written; give another folder: {option} DIR")


def _note_integers(result: Path, meta: dict[str, Any], made: Overlay) -> None:
    """Add the integer network's accuracy to the result of its training, if that is beside it."""
    if not result.exists():
        return
    try:
        row = json.loads(result.read_text())
    except ValueError as error:
        raise HostError(
            f"{result} is damaged: {error}; write it again with train, its options and --resume, "
            "then compile"
        ) from error
    of = {
        "recipe": meta["recipe"]["name"], "seed": meta["seed"], "best_epoch": meta["epoch"],
        "held_out_accuracy": meta["held_out"], "test_images": made.manifest.accuracy["images"],
    }  # fmt: skip
    if row | of == row:
        integers = {"integer_accuracy": made.manifest.accuracy["test"]}
        write_json(result, row | integers | {"build_id": made.manifest.build_id})


def _compile_onnx(options: argparse.Namespace, name: str, source: Path) -> None:
    require_places(options)
    if not variant_file.is_name(name):
        raise HostError(
            f"{name!r} cannot name an overlay: give a --name of lower-case letters, digits, "
            "'-' and '_'"
        )
    if not source.is_file():
        raise HostError(f"there is no file {source}")
    from host_build.compiler import pictures
    from host_build.compiler.pipeline import buildable

    given, _ = buildable(source)  # what is refused is so before pictures are looked for
    shape, classes = given.shape, given.classes
    test = test_pictures(options, shape, classes, names_of(options))
    held_out = options.held_out and pictures.load(
        options.held_out, shape, classes, list(test.classes)
    ).first(options.limit)
    if test.labels is None:
        print(f"checked on {test.source}: no accuracy is measured")
        if held_out:
            raise HostError("--held-out calibrates what --data measures: give that too")
    _compile(options, name, source, test, None, held_out, None, pixels_of(options))


def import_check(options: argparse.Namespace) -> int:
    """0 if no model is refused, else 1."""
    from host_build.compiler.import_check import compare, examine

    pixels = pixels_of(options)

    def pictures(given: Given) -> NDArray[np.uint8]:
        found = test_pictures(options, given.shape, given.classes)
        return found.first(options.compare).images

    refused = 0
    for path in options.models:
        verdict = compare(path, pictures, pixels) if options.compare else examine(path, pixels)
        refused += bool(verdict.refusals)
        print(f"{path}: {verdict} ({verdict.seconds:.1f} s)")
        for line in (*verdict.refusals, *verdict.notes):
            print(f"  {line}")
    return int(refused > 0)


def _compile(
    options: argparse.Namespace, name: str, source: Path, test: Pictures,
    expected: object, held_out: Pictures | None, checkpoint: Path | None,
    pixels: PixelRange | None = None,
) -> Overlay:  # fmt: skip
    import numpy as np

    from host_build.assemble.package import package
    from host_build.compiler.original import beside_the_file
    from host_build.compiler.pipeline import compile_model

    compiled = compile_model(
        source, folder_of(options, name), test.images[: options.check_images],
        pixels=pixels,
        expected=None if expected is None else np.asarray(expected, np.float64),
    )  # fmt: skip
    # Before the overlay is written, lest one be left by a command that fails.
    lines = (*compiled.given.notes, *compiled.notes, *beside_the_file(compiled, test, pixels))
    made = package(name, compiled, options.overlays, test, held_out=held_out, checkpoint=checkpoint)
    print(*lines, sep="\n")
    if compiled.rounded:
        print(f"{compiled.rounded} of {options.check_images} images checked differ by a rounding")
    accuracy = made.manifest.accuracy
    right = "accuracy not measured"
    if accuracy:
        right = f"{accuracy['test']:.2%} of {accuracy['images']:,} test images"
    print(f"{made.folder}: {right}, build id {made.manifest.build_id}")
    return made
