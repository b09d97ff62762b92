"""The board's program on the simulated board: the same driver, under unmodified pynq.

python -m host_build.simulation.on_board ARGUMENTS      those of board_app, in a staged release
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import board_app
from board_app import cli
from board_app.driver.session import LOCK_VARIABLE
from host_build.simulation.chip import SimulatedChip
from host_build.simulation.stage import staged

DDR_BYTES = 128 << 20  # as much as a PYNQ-Z2 keeps for CMA


def install(release: Path) -> None:
    """Make the staged chip this process' board."""
    os.environ.pop("XILINX_XRT", None)  # pynq would look for boards of another kind
    from host_build.simulation.board import SimulatedBoard  # imports pynq

    found = staged(release)

    def chip(build: int) -> SimulatedChip:
        return {found.build_id: SimulatedChip}[build](found.built, ddr_bytes=DDR_BYTES)

    os.environ.setdefault(LOCK_VARIABLE, str(release.parent.parent / "board.lock"))
    SimulatedBoard(chip, backend_name=found.backend_name, windows=found.windows).install()


if __name__ == "__main__":
    install(Path(board_app.__file__).parents[1])
    sys.exit(cli.main(sys.argv[1:]))
