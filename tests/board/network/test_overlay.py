"""An overlay opens only if every file is the one its manifest vouches for."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from board_app.errors import OverlayError
from board_app.network import overlay as overlays
from board_app.network.overlay import Overlay

from ..networks import write_files


def edit(overlay: Overlay, change: Callable[[dict[str, Any]], None]) -> None:
    path = overlay.folder / "lightweight.json"
    row = json.loads(path.read_text())
    change(row)
    path.write_text(json.dumps(row))


def test_opens(overlay: Overlay) -> None:
    found = overlays.find("lightweight", overlay.folder.parent)
    assert found == overlay
    assert found.graph().output.shape == (1, 1, 10)
    assert sorted(found.manifest.files) == ["tiny.npz", "vectors.npz"]


def test_a_manifest_of_another_shape(overlay: Overlay) -> None:
    edit(overlay, lambda row: row.update(shape=[28, 28, 1]))
    other = overlays.open_folder(overlay.folder)
    assert other.manifest.shape == (28, 28, 1)
    with pytest.raises(OverlayError, match=r"pictures of 32x32x3 .* the manifest says 28x28x1"):
        other.graph()


def test_a_manifest_of_other_classes(overlay: Overlay) -> None:
    edit(overlay, lambda row: row.update(classes=["yes", "no"]))
    with pytest.raises(OverlayError, match=r"has 10 classes, but the manifest says .* and 2"):
        overlays.open_folder(overlay.folder).graph()


@pytest.mark.parametrize("shape", [[28, 28], 7, ["a", 1, 1], None])
def test_a_shape_that_is_none(overlay: Overlay, shape: object) -> None:
    edit(overlay, lambda row: row.update(shape=shape))
    with pytest.raises(OverlayError, match="is no readable manifest"):
        overlays.open_folder(overlay.folder)


def test_unknown_lists_the_known(overlay: Overlay) -> None:
    with pytest.raises(OverlayError, match=r"unknown overlay 'heavy' in .*; known: lightweight"):
        overlays.find("heavy", overlay.folder.parent)


def test_unknown_in_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OverlayError, match="known: none yet"):
        overlays.find("lightweight", tmp_path / "none")


@pytest.mark.parametrize("name", ["tiny.npz", "vectors.npz"])
def test_changed_file(overlay: Overlay, name: str) -> None:
    path = overlay.folder / name
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    with pytest.raises(OverlayError, match=f"{name} is not the file the manifest was made for"):
        overlays.open_folder(overlay.folder)


def test_a_disk_that_fills_up_leaves_the_overlay_before(
    overlay: Overlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(path.name for path in overlay.folder.iterdir())
    written: list[int] = []

    def filling(handle: int) -> None:
        written.append(handle)
        if len(written) == len(overlay.manifest.files):
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", filling)
    with pytest.raises(OSError, match="No space left"):
        overlays.write(overlay.folder, overlay.manifest, dict.fromkeys(overlay.manifest.files, b""))
    assert overlays.open_folder(overlay.folder) == overlay
    assert sorted(path.name for path in overlay.folder.iterdir()) == before


def test_missing_file(overlay: Overlay) -> None:
    (overlay.folder / "vectors.npz").unlink()
    with pytest.raises(OverlayError, match=r"vectors.npz is missing; copy or build"):
        overlays.open_folder(overlay.folder)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda row: row.update(format=9), "has format 9, this program reads 1"),
        (
            lambda row: row.update(build_id="00000000"),
            "build id 00000000 is not of its graph tiny.npz",
        ),
        (lambda row: row.update(network="other"), "is not of its graph other.npz"),
        (lambda row: row.pop("classes"), "no readable manifest"),
        (lambda row: row.pop("files"), "no readable manifest"),
        (lambda row: row.update(files=["tiny.npz"]), "no readable manifest"),
        (lambda row: row.update(colour="red"), "no readable manifest"),
    ],
)
def test_wrong_manifest(
    overlay: Overlay, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    edit(overlay, change)
    with pytest.raises(OverlayError, match=message):
        overlays.open_folder(overlay.folder)


@pytest.mark.parametrize("content", ["", "[]", "3", '{"format": 1', "\0"])
def test_no_manifest(overlay: Overlay, content: str) -> None:
    (overlay.folder / "lightweight.json").write_text(content)
    with pytest.raises(OverlayError, match="no readable manifest"):
        overlays.open_folder(overlay.folder)


def test_damaged_graph_that_the_manifest_vouches_for(tmp_path: Path) -> None:
    overlay = write_files(tmp_path / "broken", {"tiny.npz": b"PK damaged"})
    with pytest.raises(OverlayError, match=r"tiny.npz is no readable graph"):
        overlay.graph()


def test_probabilities(overlay: Overlay) -> None:
    logits = np.array([[0] * 10, [10**9] + [0] * 9, [-(10**9)] * 10], np.int32)
    found = overlay.manifest.probabilities(logits)
    np.testing.assert_allclose(found[0], 0.1)
    np.testing.assert_allclose(found[1], [1] + [0] * 9)
    np.testing.assert_allclose(found.sum(axis=1), 1)
