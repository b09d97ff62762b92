"""The command line: benchmark, throughput, classify, serve, demo, doctor, info and selftest.

Exit codes: 0 done, 1 a check found a difference, 2 wrong usage or input, with one line on stderr
that says what was wrong. Nothing heavy is imported before the arguments are known to be right.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import List, Optional

_OVERLAY = "lightweight"


def main(arguments: Optional[List[str]] = None) -> int:
    """Run the command line and return its exit code; usage errors raise SystemExit(2)."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.command == "demo":
        options.arguments = [word for word in options.arguments if word != "--"]
        options.page = parser.parse_args(["serve", *options.arguments])
    from board_app import commands

    return commands.run(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m board_app",
        description="Classify pictures with an overlay, measure it, and serve the demo.",
        epilog="Exit codes: 0 done, 1 a check found a difference, 2 wrong usage or input.",
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    overlays = argparse.ArgumentParser(add_help=False)
    overlays.add_argument(
        "--overlays", type=Path, metavar="DIR", help="folder of overlays (default: the project's)"
    )
    loading = argparse.ArgumentParser(add_help=False, parents=[overlays])
    loading.add_argument(
        "--overlay", default=_OVERLAY, metavar="NAME", help="overlay (default: %(default)s)"
    )
    loading.add_argument(
        "--load-anyway",
        action="store_true",
        help="load the FPGA even where its memory port is dead, which only a reboot cures",
    )
    network = argparse.ArgumentParser(add_help=False, parents=[loading])
    network.add_argument(
        "--backend",
        default="reference",
        metavar="NAME",
        help="what executes it: reference, in numpy, fpga, or socket, where fpga-server has the "
        "FPGA (default: %(default)s)",
    )
    data = argparse.ArgumentParser(add_help=False)
    data.add_argument(
        "--cifar10",
        type=Path,
        metavar="DIR",
        help="folder with CIFAR-10's binary version, unpacked",
    )

    benchmark = _add(
        commands, "benchmark", [network, data], "accuracy, throughput and latency on test images"
    )
    benchmark.add_argument("--images", type=_positive, metavar="N", help="the first N only")
    benchmark.add_argument(
        "--samples", action="store_true", help="on the 20 sample pictures: needs no data set"
    )
    benchmark.add_argument(
        "--quick",
        action="store_true",
        help="windows of 1 s, not 10, and the first 1,000 images: for a first look",
    )
    benchmark.add_argument("--json", type=Path, metavar="FILE", help="write the result here too")
    benchmark.add_argument("--plot", type=Path, metavar="FILE", help="draw it as a PNG")
    power = benchmark.add_mutually_exclusive_group()
    power.add_argument(
        "--watts",
        type=_quantity,
        metavar="W",
        help="what a meter shows that the board takes while it is measured, for the energy",
    )
    power.add_argument(
        "--meter",
        type=Path,
        metavar="FILE",
        help="the file that a meter logs into: a line a reading, time and watts",
    )

    throughput = _add(
        commands, "throughput", [network], "the driver's throughput_test: a batch of noise, timed"
    )
    throughput.add_argument(
        "--batch", type=_positive, default=1000, metavar="N", help="images (default: %(default)s)"
    )
    throughput.add_argument("--json", action="store_true", help="as a JSON object")

    classify = _add(
        commands, "classify", [network], "say what is on pictures of any size, and where"
    )
    classify.add_argument(
        "images",
        nargs="+",
        type=Path,
        metavar="IMAGE",
        help="a picture, a folder of pictures, or - for a picture from standard input",
    )
    classify.add_argument(
        "--top", type=_positive, default=1, metavar="N", help="the N likeliest classes (default: 1)"
    )
    classify.add_argument(
        "--windows",
        type=_positive,
        metavar="N",
        help="look through at most N squares of a picture, 1: the middle one (default: by backend)",
    )
    classify.add_argument(
        "--json", action="store_true", help="a JSON object for every picture, each on its line"
    )

    serve = _add(commands, "serve", [network, data], "serve the demo page and its JSON interface")
    serve.add_argument(
        "--host", default="0.0.0.0", help="address to listen on (default: all, %(default)s)"
    )
    serve.add_argument(
        "--port", type=_port, default=8000, help="port; 0 takes a free one (default: %(default)s)"
    )

    serve.add_argument(
        "--https",
        action="store_true",
        help="serve over HTTPS, which browsers ask for before they hand out a camera; with a "
        "certificate that is made at the first start and kept",
    )
    serve.add_argument(
        "--camera",
        nargs="?",
        type=Path,
        const=Path(),
        metavar="DEVICE",
        help="show what this machine's camera sees, the first or DEVICE, to whoever opens the page",
    )
    serve.add_argument(
        "--token-file", type=Path, metavar="FILE", help="whoever asks must bring the token in it"
    )
    serve.add_argument(
        "--access-log", type=Path, metavar="FILE", help="append who asked for what, 4 MB at most"
    )

    halves = argparse.ArgumentParser(add_help=False)
    halves.add_argument(
        "--user", metavar="NAME", help="whose the page is; others may not use the FPGA's socket"
    )
    demo = _add(
        commands, "demo", [halves], "serve the page as another user than the one that has the FPGA"
    )
    demo.add_argument(
        "--fpga-program",
        default="board_app",
        metavar="MODULE",
        help="what has the FPGA, as python -m MODULE fpga-server (default: %(default)s)",
    )
    demo.add_argument(
        "arguments", nargs=argparse.REMAINDER, metavar="-- OPTIONS", help="those of serve"
    )
    server = _add(
        commands, "fpga-server", [loading, halves], "have the FPGA for the page, behind a socket"
    )
    server.add_argument(
        "--backend", default="fpga", metavar="NAME", help="what executes it (default: %(default)s)"
    )

    doctor = _add(commands, "doctor", [loading], "say what is wrong with the board, and what to do")
    doctor.add_argument("--json", type=Path, metavar="FILE", help="write it all here, to be sent")

    info = _add(commands, "info", [overlays], "the overlays there are, backends, machine, versions")
    info.add_argument("--overlay", metavar="NAME", help="this overlay only (default: all)")

    _add(commands, "selftest", [network], "compare with the overlay's golden vectors, bit for bit")
    return parser


def _add(
    commands: argparse._SubParsersAction[argparse.ArgumentParser],
    name: str,
    parents: List[argparse.ArgumentParser],
    text: str,
) -> argparse.ArgumentParser:
    return commands.add_parser(name, parents=parents, help=text, description=f"{name}: {text}.")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _quantity(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return value


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port, 0 to 65535")
    return int(text)
