"""Circuits in the hands of synthesis, place and route."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from board_app.network import overlay
from host_build.commands.options import (
    BUILD,
    OVERLAY,
    Commands,
    clock,
    folder,
    folder_of,
    jobs,
    overlays,
    quantity,
)
from host_build.errors import HostError
from host_build.generate.handoff import clocks_below

if TYPE_CHECKING:
    from host_build.implementation.bitstream import Flow
    from host_build.implementation.report import Timing

_KEPT = (
    "vivado",
    "chipdb",
    "prjxray_db",
    "nodes",
    "seeds",
    "placer",
    "time_limit",
    "overlays",
    "out",
)
"""Options of `bitstream` that another run needs too."""


def add(commands: Commands) -> None:
    parser = commands.add(
        "synthesize", synthesize,
        "synthesise an overlay's circuit with Yosys and compare its cost with the estimate",
        OVERLAY, folder(), overlays(), jobs(),
    )  # fmt: skip
    parser.add_argument("--by-layer", action="store_true", help="each layer's kernels alone, too")
    parser = commands.add(
        "sweep", sweep, "check the kernels' cost estimates against Yosys", None, jobs()
    )
    parser.add_argument("--kernel", metavar="NAME", help="only this one (default: all)")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=BUILD / "sweep",
        help="folder for table and plot (default: %(default)s)",
    )
    commands.add(
        "chip", chip, "synthesise the whole chip with Yosys, show what each layer takes", OVERLAY,
        folder(), overlays(),
    )  # fmt: skip
    parser = commands.add(
        "bitstream", bitstream,
        "place, route and put the bitstream into the overlay, if it fits and timing closes; "
        "the same command goes on where it was cut short",
        OVERLAY, folder(), overlays(),
    )  # fmt: skip
    _tools(parser)
    parser.set_defaults(defaults={name: parser.get_default(name) for name in _KEPT})


def _tools(parser: argparse.ArgumentParser) -> None:
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
    parser.add_argument(
        "--nodes", type=Path, metavar="FILE",
        help="openxc7: which wires are one node (default: xc7z020-nodes.txt in --prjxray-db)",
    )  # fmt: skip
    parser.add_argument(
        "--clock",
        type=clock,
        metavar="MHZ",
        help="of the bitstream and, then, of the overlay (default: the circuit's)",
    )
    parser.add_argument(
        "--seeds",
        type=int,
        nargs="+",
        default=[1],
        metavar="N",
        help="openxc7: seeds of placement, in turn until timing closes (default: 1)",
    )
    parser.add_argument(
        "--placer", choices=("heap", "sa"), default="heap", help="openxc7 (default: %(default)s)"
    )
    parser.add_argument(
        "--time-limit",
        type=quantity,
        default=120.0,
        metavar="MINUTES",
        help="openxc7: for each program and seed (default: %(default)g)",
    )


def synthesize(options: argparse.Namespace) -> int:
    from host_build.implementation.network import synthesize as run

    chosen = overlay.find(options.network, options.overlays)
    folder = folder_of(options, options.network)
    print(run(chosen, folder, by_layer=options.by_layer, jobs=options.jobs))
    print(folder / "synthesis.json")
    return 0


def sweep(options: argparse.Namespace) -> int:
    from host_build.implementation.sweep import run, table, within_limits

    measured = run(options.out, kernel=options.kernel, jobs=options.jobs)
    print(table(measured))
    print(options.out / "sweep.json")
    return 0 if within_limits(measured) else 1


def chip(options: argparse.Namespace) -> int:
    from host_build.implementation import design, report
    from host_build.implementation.chip_synthesis import synthesize
    from host_build.implementation.fit import MOST

    chosen = overlay.find(options.network, options.overlays)
    found, _ = synthesize(design.of_overlay(chosen))
    print(found)
    print(report.write(found, folder_of(options, options.network), "chip", MOST))
    return 0


def bitstream(options: argparse.Namespace) -> int:
    from host_build.implementation.bitstream import bitstream as run

    chosen = overlay.find(options.network, options.overlays)
    result = run(
        chosen, _flow(options), folder_of(options, options.network), clock_mhz=options.clock
    )
    print(result.fit)
    if result.report is not None:
        print(f"\n{result.report}")
        if result.report.timing is not None and not result.report.timing.closed:
            print(f"\n{_slower(result.report.timing, options)}")
    if result.made is None:
        return 1
    print(result.made.folder / f"{result.made.folder.name}.bit")
    return 0


def _slower(timing: Timing, options: argparse.Namespace) -> str:
    """What to do where timing does not close."""
    if timing.wns >= 0:
        return (
            "a path is too fast for the flip-flop at its end (hold): that does not depend on the "
            "clock; try another seed or a newer version of the tool"
        )
    clocks = [f"{mhz:.6g}" for mhz in clocks_below(timing.fmax_mhz)[:3]]
    if not clocks:
        return f"the PS makes no clock as slow as {timing.fmax_mhz:.3g} MHz"
    words = [
        "python", "-m", "host_build", "bitstream", options.network, "--with", options.tool,
        "--clock", clocks[0],
    ]  # fmt: skip
    for name, default in options.defaults.items():
        value = getattr(options, name)
        if value != default:
            values = value if isinstance(value, list) else [value]
            words += [f"--{name.replace('_', '-')}", *map(str, values)]
    return (
        f"the slowest path would do at {timing.fmax_mhz:.1f} MHz. The next clocks that the PS "
        f"makes are {', '.join(clocks)} MHz; the command for the first:\n  {shlex.join(words)}"
    )


def _flow(options: argparse.Namespace) -> Flow:
    from host_build.implementation import nextpnr, openxc7, vivado

    if options.tool == "vivado":
        return lambda design, folder: vivado.implement(design, folder, options.vivado)
    if options.chipdb is None or options.prjxray_db is None:
        raise HostError("--with openxc7 needs --chipdb FILE and --prjxray-db DIR")
    tools = openxc7.Tools(options.chipdb, options.prjxray_db, options.nodes)
    settings = nextpnr.Settings(tuple(options.seeds), options.placer, options.time_limit)
    return lambda design, folder: openxc7.implement(design, folder, tools, settings)
