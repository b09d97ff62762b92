"""What the manifest is told of a circuit that was read back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from board_app.network import overlay
from board_app.network.overlay import OVERLAYS, Overlay
from host_build.configuration.errors import ReadbackError
from host_build.readback.equality import Equality, record

FOUND = Equality(images=116, equal=116, cycles=6146.35, expected=6144, alone=11_500, seconds=60.0)


@pytest.fixture
def chosen(tmp_path: Path) -> Overlay:
    """An overlay with a file in the bitstream's place."""
    found = overlay.open_folder(shutil.copytree(OVERLAYS / "lightweight", tmp_path / "lightweight"))
    files = {name: (found.folder / name).read_bytes() for name in found.manifest.files}
    return overlay.write(found.folder, found.manifest, files | {"lightweight.bit": b"bits"})


def test_record(chosen: Overlay) -> None:
    made = record(chosen, chosen.folder / "lightweight.bit", FOUND)
    assert made.manifest.circuit["implemented"]["read_back"] == {
        "images": 116, "equal": 116, "cycles": 6146.4, "alone": 11_500,
    }  # fmt: skip
    assert made.manifest.files == chosen.manifest.files
    assert "read back: 116 of 116 images" in str(FOUND)


def test_another_bitstream_and_unequal_images_are_not_recorded(
    chosen: Overlay, tmp_path: Path
) -> None:
    other = tmp_path / "other.bit"
    other.write_bytes(b"other")
    with pytest.raises(ReadbackError, match="is not the bitstream of the overlay lightweight"):
        record(chosen, other, FOUND)
    for wrong in (
        Equality(116, 115, 6144.0, 6144, 11_500, 60.0),
        Equality(116, 116, 6200.0, 6144, 11_500, 60.0),
    ):
        assert not wrong.right
        with pytest.raises(ReadbackError, match="not equal"):
            record(chosen, chosen.folder / "lightweight.bit", wrong)
    assert overlay.open_folder(chosen.folder).manifest == chosen.manifest
