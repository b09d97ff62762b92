"""Put what the simulated board needs into a release: the chip as its bitstream has it.

python -m host_build.readback.stage RELEASE OVERLAY DATABASE

As simulation.stage, but the circuit is read back from the .bit by Project X-Ray's database, the
folder with zynq7/ and the file of nodes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from board_app.network import overlay
from host_build.configuration.database import Database
from host_build.configuration.errors import ReadbackError
from host_build.configuration.part import FAMILY, PART
from host_build.readback import chips, nodes
from host_build.readback.circuit import read
from host_build.simulation.stage import program, put

NAME = "fpga, simulated as its bitstream has it"
_CYCLES = 40_000  # that the simulator does in 20 seconds


def stage(release: Path, name: str, folder: Path) -> None:
    """Read the bitstream of the overlay `name` in `release` back to its chip."""
    chosen = overlay.find(name, release / "overlays")
    if not chosen.has_bitstream:
        raise ReadbackError(f"the overlay {name} has no bitstream to read back")
    database = Database(folder / FAMILY, PART)
    joined = nodes.load(folder / f"{database.fabric}-nodes.txt")
    found = read(chosen.folder / f"{name}.bit", database, joined)
    windows = max(1, _CYCLES // int(chosen.manifest.circuit["cycles_per_frame"]))
    put(release, chosen, chips.build(found.circuit), NAME, windows)


if __name__ == "__main__":
    sys.exit(program(stage, *sys.argv[1:]))
