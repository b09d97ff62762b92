"""The options that say what a network is checked and measured on, and what its classes are."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from board_app.errors import DatasetError
from board_app.pictures import cifar10
from host_build.commands.options import data_of
from host_build.compiler.pictures import Pictures, Shape, load, named, noise, of_dataset, resized

_STAND_INS = 1_000


def own_data() -> argparse.ArgumentParser:
    """Pictures of one's own."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--data", type=Path, metavar="FILE.npz",
        help="test pictures for other networks than CIFAR-10's: arrays images (N, height, width, "
        "channels) of uint8, labels (N,) and, if you like, classes (their names)",
    )  # fmt: skip
    return parent


def class_options() -> argparse.ArgumentParser:
    """What only who compiles knows."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--classes", nargs="+", metavar="NAME",
        help="the names of a model.onnx' classes in the order of its logits, or a file with one a "
        "line (default: those of --data, else CIFAR-10's or class 0, class 1, ...)",
    )  # fmt: skip
    parent.add_argument(
        "--held-out", type=Path, metavar="FILE.npz",
        help="like --data: pictures that neither trained nor test the model.onnx, to fit the "
        "temperature of its probabilities to",
    )  # fmt: skip
    return parent


def names_of(options: argparse.Namespace) -> list[str] | None:
    """The names that --classes gives. Raises DatasetError."""
    given: list[str] | None = options.classes
    if given is None or len(given) > 1 or not Path(given[0]).is_file():
        return given
    try:
        lines = Path(given[0]).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise DatasetError(f"{given[0]} cannot be read: {error}") from error
    return [line.strip() for line in lines if line.strip()]


def test_pictures(
    options: argparse.Namespace, shape: Shape, classes: int, names: Sequence[str] | None = None
) -> Pictures:
    """What a network of `shape` and so many `classes` is to see. Raises DatasetError.

    The file of --data, else CIFAR-10's test images if it is for them, else what can stand in for
    pictures: those in another size, or noise where CIFAR-10 is not at hand.
    """
    limit = getattr(options, "limit", None)
    if options.data is not None:
        return load(options.data, shape, classes, names).first(limit)
    whole = named(names, classes)
    if shape == (32, 32, 3) and (tuple(names) == cifar10.CLASSES if names else classes == 10):
        dataset = cifar10.load(data_of(options), "test").first(limit)
        return of_dataset(dataset, cifar10.CLASSES)
    count = min(limit or _STAND_INS, _STAND_INS)
    try:
        folder = cifar10.find(options.cifar10, download=False)
    except DatasetError:
        if options.cifar10 is not None:
            raise
        return noise(max(count, 2), shape, whole)
    return resized(cifar10.load(folder, "test").first(count), shape, whole)
