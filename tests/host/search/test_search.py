"""Scenes, what is measured on them, and the command that does it all, on a tiny network."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from board_app.network import overlay
from board_app.pictures.cifar10 import Dataset
from board_app.pictures.windows import SCALES
from host_build import cli
from host_build.commands import searching
from host_build.search import evidence, measure, photographs, scenes
from host_build.search.evidence import Case, Evidence
from host_build.search.scenes import EMPTY

from ...board.networks import write_overlay

RED, GREEN = (250, 0, 0), (0, 120, 0)


def objects(count: int = 40) -> Dataset:
    """Red squares of every class."""
    images = np.full((count, 32, 32, 3), RED, np.uint8)
    return Dataset(images, np.arange(count, dtype=np.uint8) % 10, "red")


def test_scenes_show_the_object_where_they_say() -> None:
    background = [Image.new("RGB", (900, 700), GREEN)]
    made = list(scenes.compose(objects(), background, 40, empty=0.2, seed=1))
    again = list(scenes.compose(objects(), background, 40, empty=0.2, seed=1))
    assert made == again and len(made) == 40
    empty = [scene for scene in made if scene.label == EMPTY]
    assert 0 < len(empty) < 20 and all(scene.box is None for scene in empty)
    for scene in made:
        if scene.box is None:
            continue
        picture = np.asarray(Image.open(io.BytesIO(scene.content))).astype(int)
        left, top, right, bottom = scene.box
        height, width = picture.shape[:2]
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        share = (right - left) / min(width, height)
        assert scenes.SHARES[0] - 0.01 <= share <= scenes.SHARES[1]
        middle = picture[(top + bottom) // 2, (left + right) // 2]
        np.testing.assert_allclose(middle, RED, atol=12)


def test_scenes_without_photographs_are_on_textures() -> None:
    (scene,) = scenes.compose(objects(), [], 1, empty=1.0)
    picture = np.asarray(Image.open(io.BytesIO(scene.content)))
    assert picture.std() > 5


def bundle(files: dict[str, bytes], version: int = 3) -> bytes:
    """A Qt resource bundle of one folder "a" with `files`."""
    names, data, nodes = b"", b"", []
    size = 14 if version < 2 else 22

    def name(text: str) -> int:
        nonlocal names
        at = len(names)
        encoded = text.encode("utf-16-be")
        names += struct.pack(">HI", len(text), 0) + encoded
        return at

    nodes.append(struct.pack(">IHII", 0, 2, 1, 1))
    nodes.append(struct.pack(">IHII", name("a"), 2, len(files), 2))
    for file, content in files.items():
        nodes.append(struct.pack(">IHII", name(file), 0, 0, len(data)))
        data += struct.pack(">I", len(content)) + content
    tree = b"".join(node.ljust(size, b"\0") for node in nodes)
    start = 20
    places = (start, start + len(tree), start + len(tree) + len(data))
    return struct.pack(">4sIIII", b"qres", version, *places) + tree + data + names


@pytest.mark.parametrize("version", [1, 3])
def test_a_resource_bundle(tmp_path: Path, version: int) -> None:
    path, files = tmp_path / "x.rcc", {"one.webp": b"first", "two.png": b"second file"}
    path.write_bytes(bundle(files, version))
    assert dict(photographs.bundle(path)) == {f"a/{name}": files[name] for name in files}
    path.write_bytes(b"no bundle at all, but long")
    with pytest.raises(photographs.PackageError, match="no Qt resource bundle"):
        list(photographs.bundle(path))


def test_overlap() -> None:
    assert measure.overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert measure.overlap((0, 0, 10, 10), (5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert measure.overlap((0, 0, 10, 10), (10, 0, 20, 10)) == 0


def test_rows_count_what_is_right_sure_and_in_place(tmp_path: Path) -> None:
    """Of two scenes a network knows the first one, in its last window, and is not sure of none."""
    chosen = write_overlay(tmp_path / "tiny")
    logits = np.zeros((12, 10), np.int32)
    right, wrong = logits.copy(), logits.copy()
    right[11, 3], wrong[11, 5] = 10**6, 10**6
    boxes = np.zeros((12, 4))
    boxes[11] = (10, 10, 30, 30)
    box = (10, 10, 30, 34)
    cases = [(right, 3, box), (wrong, 4, box), (logits, EMPTY, None)]
    found = [
        Evidence(Case(b"", label, place, photograph=False), boxes, (1, 6, 12), answers)
        for answers, label, place in cases * 3
    ]
    made = measure.rows(chosen, found, processor=2.0)
    assert [row.scales for row in made] == list(range(len(SCALES) + 1))
    assert [row.windows for row in made[:4]] == [1, 6, 12, 12]
    middle, whole = made[0], made[2]
    assert (middle.scenes.part, whole.scenes.part, whole.scenes.whole) == (0, 3, 6)
    assert whole.places == measure.Share(6, 6) and middle.places.part == 0
    assert whole.sure_of_none == measure.Share(0, 3) and whole.photographs.whole == 0
    assert whole.processor == 24 and whole.chip is None and whole.temperature > 1
    kept = measure.keep_temperatures(chosen, made)
    assert kept.manifest.search_temperature(2) == whole.temperature
    assert kept.manifest.files == chosen.manifest.files
    share = measure.compare(chosen.manifest, found, {"one": measure.most_confident(1)})["one"][0]
    assert share == measure.Share(3, 6)


@pytest.fixture
def photographs_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    for name, colour in (("cat", (90, 60, 30)), ("none", GREEN), ("backgrounds", GREEN)):
        (folder / name).mkdir(parents=True)
        Image.new("RGB", (160, 128), colour).save(folder / name / "one.png")
    return folder


def test_evidence_goes_on_where_it_was(
    tmp_path: Path, photographs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = write_overlay(tmp_path / "tiny")
    cases, kept = evidence.photograph_cases(photographs_folder), tmp_path / "kept.npz"
    assert [case.label for case in cases] == [3, EMPTY]
    first = evidence.gather(chosen, cases[:1], kept)
    assert len(first[0].logits) == len(first[0].boxes) == first[0].ends[-1] > 100
    asked = []

    class Counting(evidence.Reference):
        def execute(self, images: np.ndarray) -> np.ndarray:
            asked.append(len(images))
            return super().execute(images)

    monkeypatch.setattr(evidence, "Reference", Counting)
    both = evidence.gather(chosen, cases, kept)
    assert asked == [len(both[1].logits)]
    np.testing.assert_array_equal(both[0].logits, first[0].logits)
    with pytest.raises(evidence.PicturesError, match="no photographs"):
        evidence.photograph_cases(tmp_path / "nothing")


def test_the_command(
    tmp_path: Path, photographs_folder: Path, tiny_data: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    write_overlay(tmp_path / "overlays" / "tiny")
    options = ["--overlays", "overlays", "--photographs", str(photographs_folder), "--fit"]
    options += ["--cifar10", str(tiny_data), "--scenes", "6"]
    assert cli.main(["search", "tiny", *options]) == 2
    assert "--fit takes 100 scenes or more" in capsys.readouterr().err
    monkeypatch.setattr(searching, "_FIT", 6)
    assert cli.main(["search", "tiny", *options]) == 0, capsys.readouterr().err
    page = (tmp_path / "docs" / "search.md").read_text()
    assert "### `tiny`" in page and "| middle square | 1 |" in page and "of 1 |" in page
    assert (tmp_path / "docs" / "search.png").read_bytes().startswith(b"\x89PNG")
    kept = json.loads((tmp_path / "docs" / "search" / "tiny.json").read_text())
    fitted = overlay.find("tiny", tmp_path / "overlays").manifest
    assert fitted.search_temperature(7) == kept["rows"][7]["temperature"]
