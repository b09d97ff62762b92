"""From a row of the table of networks to an overlay for the board, step by step or all at once."""

from __future__ import annotations

import argparse
import sys

from board_app.errors import DatasetError, OverlayError
from host_build.commands import (
    circuits,
    compiling,
    everything,
    exploring,
    implementing,
    loading,
    proving,
    reading,
    results,
    searching,
    timing,
    training,
)
from host_build.commands.options import Commands
from host_build.errors import HostError

_OK, _ERROR, _INTERRUPTED = 0, 2, 130


def main(arguments: list[str] | None = None) -> int:
    """Run one command; 0 done, 1 a check failed, 2 a bad input or usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        print(
            "interrupted; what was saved stays, the same command goes on (train: with --resume)",
            file=sys.stderr,
        )
        return _INTERRUPTED
    except (HostError, DatasetError, OverlayError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
    return _ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m host_build", description=__doc__)
    commands = Commands(parser)
    for group in (
        training,
        compiling,
        circuits,
        implementing,
        proving,
        reading,
        timing,
        loading,
        everything,
        results,
        searching,
        exploring,
    ):
        group.add(commands)
    return parser
