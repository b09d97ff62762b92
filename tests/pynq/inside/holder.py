"""A process that opens the driver on a board of its own, says so, and goes on until it is killed.

python -m tests.pynq.inside.holder BITSTREAM
"""

import sys
from pathlib import Path

from board_app.driver.pynq_session import open_bitstream
from host_build.simulation.behaviour import BehaviouralChip
from host_build.simulation.board import SimulatedBoard

from .conftest import HARDWARE, REFERENCE, pixels

board = SimulatedBoard(lambda build: BehaviouralChip(REFERENCE.execute, build))
board.install()
with open_bitstream(Path(sys.argv[1]), HARDWARE) as driver:
    print("running", flush=True)
    while True:
        driver.execute(pixels(300))
