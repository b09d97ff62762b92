"""The program's commands and the options that several of them have."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from pathlib import Path

from tqdm import tqdm

from board_app.network.overlay import OVERLAYS
from board_app.pictures import cifar10
from host_build.generate.handoff import ClockError, clock_divisors
from host_build.training.recipes import RECIPES

BUILD = Path("build")
ROW = "a name of the table, see `networks`, or NAME.json"
OVERLAY = "the name of an overlay"


class Commands:
    """The subcommands of a parser; each is added by the module that carries it out."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(
        self,
        name: str,
        run: Callable[[argparse.Namespace], int],
        summary: str,
        network: str | None,
        *parents: argparse.ArgumentParser,
    ) -> argparse.ArgumentParser:
        """Its parser, to be given more options; `network` says what the argument of that name is.

        `run` returns the exit code: 0 done, 1 a check failed.
        """
        added = self._subparsers.add_parser(
            name, parents=parents, help=summary, description=summary
        )
        if network is not None:
            added.add_argument("network", help=network)
        added.set_defaults(run=run)
        return added


def data() -> argparse.ArgumentParser:
    """Where CIFAR-10 is."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--cifar10",
        type=Path,
        metavar="DIR",
        help="folder of the binary version (default: cache, else download)",
    )
    return parent


def data_of(options: argparse.Namespace) -> Path:
    """The folder of the data set, downloaded where it must be. Raises DatasetError."""
    with tqdm(unit="B", unit_scale=True, desc="CIFAR-10", disable=None, leave=False) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total or None
            bar.update(done)

        return cifar10.find(options.cifar10, progress=progress)


def folder(
    contents: str = "checkpoints and stages", name: str = "NETWORK"
) -> argparse.ArgumentParser:
    """Where `contents` go, made of the network `name`."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help=f"folder for {contents} (default: build/{name})",
    )
    return parent


def folder_of(options: argparse.Namespace, name: str) -> Path:
    """Where what is made of the network `name` goes."""
    return options.out or BUILD / name


def limit() -> argparse.ArgumentParser:
    """How many images."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--limit",
        type=positive,
        metavar="N",
        help="use only N images of each kind, to try things out",
    )
    return parent


def overlays() -> argparse.ArgumentParser:
    """Where overlays are."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--overlays",
        type=Path,
        metavar="DIR",
        default=OVERLAYS,
        help="where overlays are (default: the project's overlays/)",
    )
    return parent


def training_options() -> argparse.ArgumentParser:
    """How to train."""
    parent = argparse.ArgumentParser(add_help=False, parents=[seed_and_device()])
    parent.add_argument(
        "--recipe", choices=RECIPES, default="report", help="how to train (default: %(default)s)"
    )
    parent.add_argument(
        "--teacher",
        action="append",
        type=Path,
        metavar="FILE",
        help="float.safetensors or best.safetensors of another training, or NETWORK.safetensors of "
        "an overlay, for recipes that learn from one; given again, the mean of the logits teaches",
    )
    parent.add_argument(
        "--start",
        type=Path,
        metavar="FILE",
        help="begin with the weights of another training of the network, or of one that has other "
        "bits: its float.safetensors or best.safetensors, or NETWORK.safetensors of an overlay",
    )
    return parent


def seed_and_device() -> argparse.ArgumentParser:
    """What a training depends on beside its recipe."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parent.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    return parent


def compiling_options() -> argparse.ArgumentParser:
    """How to check a compilation."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--check-images",
        type=positive,
        default=20,
        metavar="N",
        help="test images to check each stage on (default: %(default)s)",
    )
    return parent


def folding() -> argparse.ArgumentParser:
    """How fast and how large a circuit is to be."""
    parent = argparse.ArgumentParser(add_help=False)
    goal = parent.add_mutually_exclusive_group()
    goal.add_argument(
        "--cycles",
        type=positive,
        metavar="N",
        help="the cheapest within N cycles a frame (default: the fastest that fits)",
    )
    goal.add_argument("--fps", type=quantity, metavar="F", help="the cheapest with F frames/s")
    parent.add_argument(
        "--clock",
        type=clock,
        default=100.0,
        metavar="MHZ",
        help="the circuit's clock, one that the PS makes of 1000 MHz (default: %(default)g)",
    )
    for kind, most in (("lut", 0.80), ("dsp", 0.95), ("bram", 0.95)):
        parent.add_argument(
            f"--{kind}",
            type=share,
            default=most,
            metavar="SHARE",
            help=f"most of the device's {kind.upper()} (default: %(default)g)",
        )
    return parent


def jobs(what: str = "runs of Yosys") -> argparse.ArgumentParser:
    """How much at a time."""
    parent = argparse.ArgumentParser(add_help=False)
    parent.add_argument(
        "--jobs",
        type=positive,
        default=1,
        metavar="N",
        help=f"{what} at a time (default: %(default)s)",
    )
    return parent


def positive(text: str) -> int:
    """The type of an option that counts something."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def quantity(text: str) -> float:
    """The type of an option that measures something."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not positive and finite")
    return value


def share(text: str) -> float:
    """The type of an option that is a part of a whole."""
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{text} is not above 0 and at most 1")
    return value


def probability(text: str) -> float:
    """The type of an option for what happens often, but not always."""
    value = float(text)
    if not 0 <= value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 0 and below 1")
    return value


def clock(text: str) -> float:
    """The type of an option in MHz that the PS can make."""
    try:
        clock_divisors(quantity(text))
    except ClockError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return float(text)
