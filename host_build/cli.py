"""From a row of the table of networks to an overlay for the board, step by step or all at once."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from board_app.cifar10 import DatasetError
from board_app.overlay import OVERLAYS, OverlayError
from host_build import commands
from host_build.errors import HostError
from host_build.generate.handoff import ClockError, clock_divisors
from host_build.recipes import RECIPES

_OK, _ERROR, _INTERRUPTED = 0, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 done, 1 a check failed, 2 a bad input or usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print("interrupted; what was saved stays, training goes on with --resume", file=sys.stderr)
        return _INTERRUPTED
    except KeyError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
    except (HostError, DatasetError, OverlayError) as error:
        print(f"error: {error}", file=sys.stderr)
    return _ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m host_build", description=__doc__)
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(
        name: str,
        run: Callable[[argparse.Namespace], int],
        summary: str,
        network: str | None,
        *parents: argparse.ArgumentParser,
    ) -> argparse.ArgumentParser:
        added = subparsers.add_parser(name, parents=parents, help=summary, description=summary)
        if network is not None:
            added.add_argument("network", help=network)
        added.set_defaults(run=run)
        return added

    row, made = "a name of the table, see `networks`, or NAME.json", "the name of an overlay"
    data, folder, limit = _data(), _folder(), _limit()
    overlays, training, compiling, folding = _overlays(), _training(), _compiling(), _folding()
    jobs = _jobs()

    command("networks", commands.networks, "print the table of networks", None)
    train = command(
        "train", commands.train, "train a network on CIFAR-10", row, data, folder, limit, training
    )
    train.add_argument("--resume", action="store_true", help="continue an interrupted run")
    compile_ = command(
        "compile",
        commands.compile_,
        "compile a network into an overlay",
        f"{row}, or a quantised model.onnx",
        data,
        folder,
        limit,
        overlays,
        compiling,
    )
    compile_.add_argument("--name", help="the overlay's name, for a model.onnx (default: its stem)")
    compile_.add_argument(
        "--normalise",
        action="store_true",
        help="the model.onnx expects normalised pixels; fold that in",
    )
    command(
        "fold",
        commands.fold,
        "choose how far each layer is unrolled, show table and plot",
        made,
        folder,
        overlays,
        folding,
    )
    command(
        "generate",
        commands.generate,
        "fold, size the FIFOs, write SystemVerilog",
        made,
        folder,
        overlays,
        folding,
    )
    simulate = command(
        "simulate",
        commands.simulate,
        "simulate an overlay's circuit and compare it with the reference",
        made,
        data,
        overlays,
    )
    _simulation(simulate)
    synthesize = command(
        "synthesize",
        commands.synthesize,
        "synthesise an overlay's circuit with Yosys and compare its cost with the estimate",
        made,
        folder,
        overlays,
        jobs,
    )
    synthesize.add_argument(
        "--by-layer", action="store_true", help="each layer's kernels alone, too"
    )
    sweep = command(
        "sweep",
        commands.sweep,
        "check the kernels' cost estimates against Yosys",
        None,
        jobs,
    )
    sweep.add_argument("--kernel", metavar="NAME", help="only this one (default: all)")
    sweep.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=commands.BUILD / "sweep",
        help="folder for table and plot (default: %(default)s)",
    )
    command(
        "chip",
        commands.chip,
        "synthesise the whole chip with Yosys, show what each layer takes",
        made,
        folder,
        overlays,
    )
    bitstream = command(
        "bitstream",
        commands.bitstream,
        "place, route and put the bitstream into the overlay, if it fits and timing closes; "
        "neither way has run on the real tools yet, both are tested with stand-ins",
        made,
        folder,
        overlays,
    )
    _implementation(bitstream)
    command(
        "all",
        commands.everything,
        "train, compile, generate; continues where it was interrupted",
        row,
        data,
        folder,
        limit,
        overlays,
        training,
        compiling,
        folding,
    )
    results = command(
        "results", commands.results, "keep results of trainings, write the tables of them", None
    )
    results.add_argument(
        "runs", nargs="*", type=Path, metavar="DIR", help="folders of trainings to keep, build/NAME"
    )
    results.add_argument(
        "--docs", type=Path, default=Path("docs"), metavar="DIR",
        help="where results/ and networks.md are (default: docs)",
    )  # fmt: skip
    explore = command(
        "explore",
        commands.explore,
        "search for networks: cost first, then brief training; draws accuracy against frames/s",
        None,
        data,
        folder,
    )
    _exploring(explore)
    return parser


def _parent() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(add_help=False)


def _data() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--cifar10",
        type=Path,
        metavar="DIR",
        help="folder of the binary version (default: cache, else download)",
    )
    return parent


def _folder() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for checkpoints and stages (default: build/NETWORK)",
    )
    return parent


def _limit() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--limit",
        type=_positive,
        metavar="N",
        help="use only N images of each kind, to try things out",
    )
    return parent


def _overlays() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--overlays",
        type=Path,
        metavar="DIR",
        default=OVERLAYS,
        help="where overlays are (default: the project's overlays/)",
    )
    return parent


def _training() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--recipe", choices=RECIPES, default="report", help="how to train (default: %(default)s)"
    )
    parent.add_argument(
        "--teacher",
        type=Path,
        metavar="FILE",
        help="float.safetensors of another training, for recipes that learn from one",
    )
    parent.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parent.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")
    return parent


def _compiling() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--check-images",
        type=_positive,
        default=20,
        metavar="N",
        help="test images to check each stage on (default: %(default)s)",
    )
    return parent


def _folding() -> argparse.ArgumentParser:
    parent = _parent()
    goal = parent.add_mutually_exclusive_group()
    goal.add_argument(
        "--cycles",
        type=_positive,
        metavar="N",
        help="the cheapest within N cycles a frame (default: the fastest that fits)",
    )
    goal.add_argument("--fps", type=_fraction, metavar="F", help="the cheapest with F frames/s")
    parent.add_argument(
        "--clock",
        type=_clock,
        default=100.0,
        metavar="MHZ",
        help="the circuit's clock, one that the PS makes of 1000 MHz (default: %(default)g)",
    )
    for kind, share in (("lut", 0.80), ("dsp", 0.95), ("bram", 0.95)):
        parent.add_argument(
            f"--{kind}",
            type=_fraction,
            default=share,
            metavar="SHARE",
            help=f"most of the device's {kind.upper()} (default: %(default)g)",
        )
    return parent


def _jobs() -> argparse.ArgumentParser:
    parent = _parent()
    parent.add_argument(
        "--jobs",
        type=_positive,
        default=1,
        metavar="N",
        help="runs of Yosys at a time (default: %(default)s)",
    )
    return parent


def _simulation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--images",
        type=_positive,
        default=200,
        metavar="N",
        help="test images (default: %(default)s)",
    )
    parser.add_argument(
        "--stall",
        type=_fraction,
        default=0.0,
        metavar="P",
        help="probability a cycle of back-pressure on either side (default: 0)",
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


def _implementation(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--with", dest="tool", choices=("vivado", "openxc7"), required=True, help="the tools"
    )
    parser.add_argument(
        "--vivado",
        metavar="PATH",
        default="vivado",
        help="Vivado 2022.1 or newer (default: on PATH)",
    )
    parser.add_argument(
        "--chipdb", type=Path, metavar="FILE", help="openxc7: nextpnr's database of the xc7z020"
    )
    parser.add_argument(
        "--prjxray-db", type=Path, metavar="DIR", help="openxc7: Project X-Ray's, with zynq7/ in it"
    )


def _exploring(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--goal", choices=("accuracy", "fps"), default="accuracy", help="default: %(default)s"
    )
    parser.add_argument(
        "--budget", default="pynq-z2", metavar="BOARD", help="what must hold it (default: pynq-z2)"
    )
    parser.add_argument(
        "--min-fps", type=_fraction, metavar="F", help="with --goal accuracy: least frames/s"
    )
    parser.add_argument(
        "--min-accuracy",
        type=_fraction,
        metavar="PERCENT",
        help="with --goal fps: least accuracy on held-out images after the brief training",
    )
    parser.add_argument(
        "--trials",
        type=_positive,
        default=60,
        metavar="N",
        help="candidates to train, those of earlier runs among them (default: %(default)s)",
    )
    parser.add_argument(
        "--epochs",
        type=_positive,
        default=9,
        metavar="N",
        help="of each candidate, a third of them float (default: %(default)s)",
    )
    parser.add_argument(
        "--train-limit", type=_positive, metavar="N", help="train on N images (default: all)"
    )
    parser.add_argument(
        "--most-macs",
        type=_fraction,
        metavar="MILLIONS",
        help="leave out networks of more multiply-accumulates an image: they train slowly",
    )
    parser.add_argument(
        "--storage",
        metavar="URL",
        help="database or journal file that machines share (default: study.journal in --out)",
    )
    parser.add_argument("--clock", type=_clock, default=100.0, metavar="MHZ", help="default: 100")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--device", help="cpu or cuda (default: cuda where there is one)")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value


def _clock(text: str) -> float:
    try:
        clock_divisors(_fraction(text))
    except ClockError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return float(text)


def _fraction(text: str) -> float:
    value = float(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text} is not positive")
    return value
