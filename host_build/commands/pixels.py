"""The options that say what a model.onnx expects for a pixel."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from host_build.commands.options import quantity
from host_build.errors import HostError

if TYPE_CHECKING:  # its home needs FINN, which takes seconds to load
    from host_build.compiler.pixels import PixelRange

_INPUTS = ("pixels", "unit", "normalised")


def pixel_options() -> argparse.ArgumentParser:
    """What is folded in, so that the circuit takes the pixels themselves."""
    parent = argparse.ArgumentParser(add_help=False)
    ranges = parent.add_argument_group(
        "input of a model.onnx", "what it expects is folded in: the circuit takes the pixels"
    )
    ranges.add_argument(
        "--input", choices=_INPUTS,
        help="pixels of 0..255, of 0..1 (unit), or less CIFAR-10's mean and by its deviation "
        "(normalised) (default: pixels)",
    )  # fmt: skip
    ranges.add_argument(
        "--normalise", action="store_const", const="normalised", dest="input",
        help="the same as --input normalised",
    )  # fmt: skip
    ranges.add_argument(
        "--mean", nargs="+", type=float, metavar="M",
        help="of each channel, or of all, for pixels of 0..1: it expects (pixel - M) / D",
    )  # fmt: skip
    ranges.add_argument(
        "--deviation", nargs="+", type=quantity, metavar="D", help="likewise (default: 1)"
    )
    return parent


def are_given(options: argparse.Namespace) -> bool:
    """Whether any of them is."""
    return any((options.input, options.mean, options.deviation))


def pixels_of(options: argparse.Namespace) -> PixelRange | None:
    """The range that they say. Raises HostError."""
    from host_build.compiler.pixels import RANGES, PixelRange

    if options.mean is None and options.deviation is None:
        return RANGES[options.input or "pixels"]
    if options.input:
        raise HostError("--input says mean and deviation; give it, or --mean and --deviation")
    return PixelRange(tuple(options.mean or [0.0]), tuple(options.deviation or [1.0]))
