"""What trainings reached, kept and told."""

from __future__ import annotations

import argparse
from pathlib import Path

from board_app.system.files import write_atomically
from host_build.commands.options import Commands


def add(commands: Commands) -> None:
    parser = commands.add(
        "results", results, "keep results of trainings, write the tables of them", None
    )
    parser.add_argument(
        "runs", nargs="*", type=Path, metavar="DIR", help="folders of trainings to keep, build/NAME"
    )
    parser.add_argument(
        "--docs", type=Path, default=Path("docs"), metavar="DIR",
        help="where results/ and networks.md are (default: docs)",
    )  # fmt: skip


def results(options: argparse.Namespace) -> int:
    from host_build.training import results as kept

    folder = options.docs / "results"
    for run in options.runs:
        print(kept.keep(run / "result.json", folder))
    found = [kept.read(path) for path in sorted(folder.glob("*.json"))]
    target = options.docs / "networks.md"
    write_atomically(target, kept.page(found).encode())
    print(f"{target}: {len(found)} results")
    return 0
