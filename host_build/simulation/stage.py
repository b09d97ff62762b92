"""Put what the simulated board needs into a release: the verilated chip, a stand-in .bit.

python -m host_build.simulation.stage RELEASE OVERLAY

The overlay in the release is from then on one that a board can load: the file that its manifest
lists as bitstream names the build and holds no circuit; the circuit is in RELEASE/simulated_chip.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from board_app.driver.session import SIMULATED_NAME, SIMULATED_WINDOWS
from board_app.errors import OverlayError
from board_app.network import overlay
from board_app.network.overlay import Overlay
from board_app.system.files import write_json
from host_build.errors import HostError
from host_build.generate import circuit
from host_build.generate.handoff import simulation_bitstream
from host_build.simulation.chip_build import Design, build
from host_build.simulation.chip_library import BuiltChip

CHIP = "simulated_chip"
"""The folder in a release: chip.so, the memory images, and board.json written last."""


@dataclass(frozen=True)
class Staged:
    """A simulated board's chip: its build, what the page calls it, and windows of a photo."""

    build_id: int
    built: BuiltChip
    backend_name: str
    windows: int


def stage(release: Path, name: str) -> None:
    """Build the chip of the overlay `name` in `release`; a cached one takes a second."""
    chosen = overlay.find(name, release / "overlays")
    put(release, chosen, _built(chosen))


def put(
    release: Path, chosen: Overlay, built: BuiltChip, backend_name: str = SIMULATED_NAME,
    windows: int = SIMULATED_WINDOWS,
) -> None:  # fmt: skip
    """Make `built` the simulated board's chip for an overlay of the release."""
    folder = release / CHIP
    shutil.copytree(built.images, folder / "images", dirs_exist_ok=True)
    shutil.copy(built.library, folder / "chip.so")
    told = {"backend_name": backend_name, "windows": windows}
    write_json(folder / "board.json", {"build_id": chosen.manifest.build_id, **told})
    files = {file: (chosen.folder / file).read_bytes() for file in chosen.manifest.files}
    files[f"{chosen.folder.name}.bit"] = simulation_bitstream(int(chosen.manifest.build_id, 16))
    overlay.write(chosen.folder, chosen.manifest, files)


def staged(release: Path) -> Staged:
    """The chip that `stage` put into `release`."""
    folder = release / CHIP
    row = json.loads((folder / "board.json").read_text())
    built = BuiltChip(folder / "chip.so", folder / "images", False)
    return Staged(int(row["build_id"], 16), built, row["backend_name"], row["windows"])


def _built(chosen: Overlay) -> BuiltChip:
    network = circuit.module_name(chosen.manifest.network)
    return build(Design.of_plan(circuit.layout(chosen), network, chosen.manifest.build_id))


def program(stage: Callable[..., None], release: str, name: str, *more: str) -> int:
    """`stage` as a program whose arguments are paths but for the overlay's name.

    0 done, 1 the chip cannot be built here.
    """
    try:
        stage(Path(release), name, *map(Path, more))
    except (HostError, OverlayError, OSError) as error:
        print(f"simulated board: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(program(stage, *sys.argv[1:]))
