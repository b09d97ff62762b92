"""What a release gets for the simulated board: the chip, and what the page says of it."""

from __future__ import annotations

import shutil
from pathlib import Path

from board_app.network import overlay
from host_build.generate.handoff import STAND_IN
from host_build.simulation.chip import BuiltChip
from host_build.simulation.stage import put, staged


def test_what_is_staged_is_found_again(tmp_path: Path) -> None:
    built = BuiltChip(tmp_path / "library.so", tmp_path / "images", traced=False)
    built.library.write_bytes(b"library")
    built.images.mkdir()
    (built.images / "program.bin").write_bytes(b"program")
    release = tmp_path / "release"
    shutil.copytree(overlay.OVERLAYS / "lightweight", release / "overlays" / "lightweight")
    chosen = overlay.find("lightweight", release / "overlays")
    put(release, chosen, built, "fpga, of another kind", 3)
    found = staged(release)
    assert (found.backend_name, found.windows) == ("fpga, of another kind", 3)
    assert found.build_id == int(chosen.manifest.build_id, 16)
    assert found.built.library.read_bytes() == b"library"
    assert (found.built.images / "program.bin").read_bytes() == b"program"
    # The release's bitstream holds no circuit, and is the one that its manifest lists.
    there = overlay.find("lightweight", release / "overlays")
    assert STAND_IN in (there.folder / "lightweight.bit").read_bytes()
