"""The host's command line: every step from a row of the table to an overlay.

Steps import what they need when they run, so that `networks` does not wait for torch.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from board_app import cifar10
from board_app.overlay import OVERLAYS, OverlayError
from host_build import variants
from host_build.recipes import RECIPES

BUILD = Path("build")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 done, 1 a check failed, 2 a bad input or usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except KeyboardInterrupt:
        print("interrupted; what was saved stays, training goes on with --resume", file=sys.stderr)
        return 130
    except KeyError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
    except (cifar10.DatasetError, OverlayError) as error:
        print(f"error: {error}", file=sys.stderr)
    except Exception as error:
        # These classes live in modules that take seconds to import; their names are enough here.
        if type(error).__name__ not in ("CheckpointError", "CompileError"):
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1 if type(error).__name__ == "CompileError" else 2
    return 2


def _networks(_: argparse.Namespace) -> None:
    print(variants.table())


def _train(options: argparse.Namespace) -> None:
    from host_build.train import train

    variant = variants.find(options.network)
    result = train(
        variant,
        RECIPES[options.recipe],
        _data(options),
        _folder(options, variant.name),
        seed=options.seed,
        device=options.device,
        resume=options.resume,
        limit=options.limit,
    )
    print(json.dumps(result, indent=2))


def _compile(options: argparse.Namespace) -> None:
    if options.network.endswith(".onnx"):
        source = Path(options.network)
        _build_overlay(options, options.name or source.stem, source, None)
        return
    variant = variants.find(options.network)
    trained = _folder(options, variant.name) / "best.safetensors"
    shipped = OVERLAYS / variant.name / f"{variant.name}.safetensors"
    _build_overlay(options, variant.name, None, trained if trained.exists() else shipped)


def _all(options: argparse.Namespace) -> None:
    folder = _folder(options, variants.find(options.network).name)
    options.resume = (folder / "last.safetensors").exists()
    _train(options)
    options.name, options.normalise = None, False
    _compile(options)


def _build_overlay(
    options: argparse.Namespace, name: str, source: Path | None, checkpoint: Path | None
) -> None:
    """Compile an ONNX model, or the network of a checkpoint, and write the overlay."""
    from host_build.compiler.pipeline import compile_model
    from host_build.package import package

    folder = _folder(options, name)
    data = _data(options)
    test = cifar10.load(data, "test").first(options.limit)
    images = test.images[: options.check_images]
    expected = None
    if checkpoint is not None:
        import torch

        from host_build.checkpoint import load_network
        from host_build.export import export, logits

        model, _ = load_network(checkpoint, variants.find(name))
        source = folder / "0_export.onnx"
        export(model, source)
        expected = logits(model, torch.from_numpy(images)).double().numpy()
    assert source is not None
    compiled = compile_model(
        source, folder, images, normalise=getattr(options, "normalise", False), expected=expected
    )
    made = package(name, compiled, options.overlays, test, checkpoint=checkpoint)
    accuracy = made.manifest.accuracy
    print(
        f"{made.folder}: {accuracy['test']:.2%} of {accuracy['images']:,} test images, "
        f"build id {made.manifest.build_id}"
    )


def _folder(options: argparse.Namespace, name: str) -> Path:
    return options.out or BUILD / name


def _data(options: argparse.Namespace) -> Path:
    from tqdm import tqdm

    with tqdm(unit="B", unit_scale=True, desc="CIFAR-10", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done)

        return cifar10.find(options.cifar10, progress=progress)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m host_build", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    networks = commands.add_parser("networks", help="print the table of networks")
    networks.set_defaults(run=_networks)

    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--cifar10",
        type=Path,
        metavar="DIR",
        help="folder of the unpacked binary version (default: cache, else download)",
    )
    common.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for checkpoints and stages (default: build/NETWORK)",
    )
    common.add_argument(
        "--limit",
        type=_positive,
        metavar="N",
        help="use only N images of each kind, to try things out",
    )

    training = argparse.ArgumentParser(add_help=False)
    training.add_argument(
        "--recipe", choices=RECIPES, default="report", help="how to train (default: %(default)s)"
    )
    training.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    training.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")

    compiling = argparse.ArgumentParser(add_help=False)
    compiling.add_argument(
        "--overlays",
        type=Path,
        metavar="DIR",
        default=OVERLAYS,
        help="where the overlay goes (default: the project's overlays/)",
    )
    compiling.add_argument(
        "--check-images",
        type=_positive,
        default=20,
        metavar="N",
        help="test images to check each stage on (default: %(default)s)",
    )

    train = commands.add_parser(
        "train",
        parents=[common, training],
        help="train a network",
        description="Train one network of the table on CIFAR-10.",
    )
    train.add_argument("network", help="a name of the table, see `networks`")
    train.add_argument("--resume", action="store_true", help="continue an interrupted run")
    train.set_defaults(run=_train)

    compile_ = commands.add_parser(
        "compile",
        parents=[common, compiling],
        help="compile a network into an overlay",
        description="Compile a trained network of the table, or an ONNX model, into an overlay.",
    )
    compile_.add_argument("network", help="a name of the table, or a quantised model.onnx")
    compile_.add_argument("--name", help="the overlay's name, for a model.onnx (default: its stem)")
    compile_.add_argument(
        "--normalise",
        action="store_true",
        help="the model.onnx expects CIFAR-10 pixels normalised; fold that in",
    )
    compile_.set_defaults(run=_compile)

    everything = commands.add_parser(
        "all",
        parents=[common, training, compiling],
        help="train and compile: all of it",
        description="From a row of the table to an overlay; continues where it was interrupted.",
    )
    everything.add_argument("network", help="a name of the table, see `networks`")
    everything.set_defaults(run=_all)
    return parser


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value
