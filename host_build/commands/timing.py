"""How fast a bitstream's circuit may be clocked."""

from __future__ import annotations

import argparse

from board_app.system.files import write_json
from host_build.commands.options import BUILD, Commands, folder
from host_build.commands.reading import add_bitstream, database_of


def add(commands: Commands) -> None:
    parser = commands.add(
        "timing", timing,
        "time a bitstream, by any tool, from what is read back of it: worst paths, highest clock",
        None, folder("the report", "NAME/timing"),
    )  # fmt: skip
    add_bitstream(parser)
    parser.add_argument(
        "--clock", type=float, metavar="MHZ",
        help="the clock to check, exit code 1 if it is too fast (default: the highest that closes)",
    )  # fmt: skip


def timing(options: argparse.Namespace) -> int:
    from host_build.errors import HostError
    from host_build.generate.handoff import clock_below
    from host_build.readback import kernels
    from host_build.readback.circuit import read
    from host_build.timing import report
    from host_build.timing.circuit import timed

    if options.clock is not None and options.clock <= 0:
        raise HostError(f"a clock of {options.clock:g} MHz is none")
    database, joined = database_of(options)
    print("reading the bitstream: most of a minute")
    places = kernels.load(options.bitstream)
    circuit = read(options.bitstream, database, joined).circuit
    graph, analysis = timed(circuit, database, joined)
    below = clock_below(analysis.mhz)
    clock = options.clock or below
    told = report.summary(circuit, graph, analysis, clock, kernels=places)
    told["ps_mhz"] = round(below, 3)
    into = options.out or BUILD / options.bitstream.stem / "timing"
    write_json(into / "timing.json", told)
    report.plot(analysis, clock, into / "slack.png")
    print(report.text(told))
    if not places:
        print(f"no {kernels.FILE} of it is beside {options.bitstream}: paths are not by kernel")
    print(f"the fastest clock that the PS makes and this closes at: {below:.6g} MHz")
    print(into / "timing.json", into / "slack.png", sep="\n")
    return 0 if analysis.needs[0].slack(1000 / clock) >= 0 else 1
