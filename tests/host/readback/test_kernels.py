"""The kernel of each place: by the names found, and as a file of the overlay."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from board_app.network import overlay
from board_app.network.overlay import OVERLAYS, Overlay
from host_build.configuration.errors import ReadbackError
from host_build.readback import kernels
from host_build.readback.likeness import Likeness

PLACES = {"SLICE_X0Y0.AFF": "conv0", "SLICE_X0Y0.BFF": "conv1", "RAMB18_X0Y0.RAMB18": "conv0"}


@pytest.fixture
def chosen(tmp_path: Path) -> Overlay:
    """An overlay with a file in the bitstream's place."""
    found = overlay.open_folder(shutil.copytree(OVERLAYS / "lightweight", tmp_path / "lightweight"))
    files = {
        name: (found.folder / name).read_bytes()
        for name in found.manifest.files if name != kernels.FILE
    }  # fmt: skip
    (found.folder / kernels.FILE).unlink(missing_ok=True)
    return overlay.write(found.folder, found.manifest, files | {"lightweight.bit": b"bits"})


def test_places_are_of_the_kernels_of_their_names() -> None:
    found = Likeness(
        {"A.AFF": "register", "A.A6LUT": "ring.0.A1", "R.RAMB18": "weights.upper", "P": "PS7"},
        {"A.BFF": ("one", "other"), "A.CFF": ("one", "third")}, (),
    )  # fmt: skip
    owners = {"register": "conv0", "ring.0": "conv1", "weights": "conv2", "one": "conv3"}
    owners |= {"other": "conv3", "third": "conv4"}
    assert kernels.by_place(found, owners) == {
        "A.AFF": "conv0", "A.A6LUT": "conv1", "R.RAMB18": "conv2", "A.BFF": "conv3",
    }  # fmt: skip


def test_they_are_kept_beside_their_bitstream(chosen: Overlay, tmp_path: Path) -> None:
    bitstream = chosen.folder / "lightweight.bit"
    made = kernels.record(chosen, bitstream, PLACES)
    assert kernels.FILE in made.manifest.files
    assert set(made.manifest.files) - {kernels.FILE} == set(chosen.manifest.files)
    assert kernels.load(bitstream) == PLACES
    first = (chosen.folder / kernels.FILE).read_bytes()
    kernels.record(made, bitstream, dict(reversed(PLACES.items())))
    assert (chosen.folder / kernels.FILE).read_bytes() == first
    bitstream.write_bytes(b"a newer one")
    assert kernels.load(bitstream) == {}
    assert kernels.load(tmp_path / "alone.bit") == {}


def test_another_bitstream_is_refused(chosen: Overlay, tmp_path: Path) -> None:
    other = tmp_path / "other.bit"
    other.write_bytes(b"other")
    with pytest.raises(ReadbackError, match="is not the bitstream of the overlay lightweight"):
        kernels.record(chosen, other, PLACES)
    assert not (chosen.folder / kernels.FILE).exists()


@pytest.mark.parametrize("told", ["no JSON", "{}", "[]", '{"bitstream": "BITS", "kernels": 1}'])
def test_damage_is_told(tmp_path: Path, told: str) -> None:
    bitstream, path = tmp_path / "chip.bit", tmp_path / kernels.FILE
    bitstream.write_bytes(b"bits")
    packed = gzip.compress(told.replace("BITS", overlay.sha256(bitstream)).encode())
    for content in (packed, packed[:-4], b"no gzip"):
        path.write_bytes(content)
        with pytest.raises(ReadbackError, match=r"kernels\.json\.gz is damaged"):
            kernels.load(bitstream)
