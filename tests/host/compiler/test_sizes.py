"""Networks of other pictures and classes: compiled as CIFAR-10's are, or refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from board_app.errors import DatasetError
from board_app.network import overlay, vectors
from board_app.network.reference import Reference
from board_app.pictures.cifar10 import Dataset
from host_build.cli import main
from host_build.compiler import pictures
from host_build.compiler.import_check import compare, examine
from host_build.compiler.model import CompileError
from host_build.compiler.read import read

from .networks import SIZES, of_size


def saved(folder: Path, shape: tuple[int, int, int], classes: int) -> Path:
    path = folder / "net.onnx"
    return of_size(shape, classes).save(path, shape=shape, given=(1, classes))


@pytest.mark.parametrize("name", [n for n in SIZES if "large" not in n and "wide" not in n])
def test_logits_are_those_of_the_file(tmp_path: Path, name: str) -> None:
    shape, classes = SIZES[name]
    height, width = shape[1:]

    def noise(given) -> np.ndarray:
        assert given.shape == (height, width, shape[0]) and given.classes == classes
        return pictures.noise(4, given.shape, ()).images

    found = compare(saved(tmp_path, shape, classes), noise)
    assert found.refusals == () and found.compared == 4
    assert f"pictures: {height}x{width}x{shape[0]}" in found.notes


@pytest.mark.parametrize(
    ("shape", "classes", "message"),
    [
        ((3, 500, 500), 10, "takes pictures of 500x500 pixels of 3 channels; the chip's memory"),
        ((224, 224, 3), 10, "224x3 pixels of 224 channels, 64 at most; are the channels first"),
        ((3, 0, 32), 10, "takes pictures of 0x32 pixels of 3 channels: they have no numbers"),
        ((3, 32, 32), 1, "the model gives 1 logits; a classifier has 2 to 1,024"),
        ((3, 32, 32), 1025, "the model gives 1025 logits; a classifier has 2 to 1,024"),
    ],
)
def test_sizes_that_no_chip_has_are_refused_by_name(
    tmp_path: Path, shape: tuple[int, int, int], classes: int, message: str
) -> None:
    assert message in examine(saved(tmp_path, shape, classes)).refusals[0]


def data_file(path: Path, **arrays: object) -> Path:
    random = np.random.default_rng(1)
    whole = {"images": random.integers(0, 256, (30, 9, 7, 1), np.uint8),
             "labels": np.arange(30) % 3, "classes": np.array(["owl", "cat", "elk"])}  # fmt: skip
    np.savez(path, **{k: v for k, v in (whole | arrays).items() if v is not None})
    return path


def test_data_of_ones_own_makes_the_manifest(tmp_path: Path, capsys) -> None:
    model = saved(tmp_path, (1, 9, 7), 3)
    data = data_file(tmp_path / "test ä.npz")
    command = ["compile", str(model), "--out", str(tmp_path / "b"), "--overlays", str(tmp_path),
               "--check-images", "6"]  # fmt: skip
    assert main([*command, "--data", str(data), "--held-out", str(data)]) == 0
    manifest = overlay.find("net", tmp_path).manifest
    assert (manifest.shape, manifest.classes) == ((9, 7, 1), ("owl", "cat", "elk"))
    assert manifest.accuracy["images"] == 30 and manifest.calibration["images"] == 30
    assert set(manifest.accuracy["per_class"]) == set(manifest.classes)
    assert manifest.accuracy["measured"] == "integer graph, reference, test ä.npz"
    made = overlay.find("net", tmp_path)
    golden = vectors.load(made)
    assert golden.images.shape[1:] == (9, 7, 1)
    assert np.array_equal(Reference(made.graph()).execute(golden.images), golden.logits)
    capsys.readouterr()
    (tmp_path / "names").write_text("a\nb\n\nc d\n")
    # Nothing is measured without labels: the manifest does not say so.
    assert main([*command, "--classes", str(tmp_path / "names")]) == 0
    assert "accuracy not measured" in capsys.readouterr().out
    manifest = overlay.find("net", tmp_path).manifest
    assert manifest.classes == ("a", "b", "c d") and manifest.accuracy == {}
    assert main([*command, "--classes", "a", "b"]) == 2
    assert "2 names for 3 classes" in capsys.readouterr().err
    assert overlay.find("net", tmp_path).manifest.classes == ("a", "b", "c d")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"images": None}, "has no array 'images'"),
        ({"labels": None}, "has no array 'labels'"),
        ({"images": np.zeros((30, 9, 7, 1))}, r"images of float64 \(30, 9, 7, 1\); the network"),
        ({"images": np.zeros((30, 8, 7, 1), np.uint8)}, r"takes uint8 \(N, 9, 7, 1\)"),
        ({"images": np.zeros((0, 9, 7, 1), np.uint8)}, r"images of uint8 \(0, 9, 7, 1\)"),
        ({"labels": np.zeros(29, int)}, r"labels of int64 \(29,\); they must be integers \(30,\)"),
        ({"labels": np.arange(30) / 2}, "labels of float64"),
        ({"labels": np.arange(30) % 4}, "labels of 0 to 3; the network has 3 classes"),
        ({"labels": -np.arange(30)}, "labels of -29 to 0"),
        ({"classes": np.array(["a", "b"])}, "2 names for 3 classes"),
        ({"classes": np.array(["a", "b", "b"])}, "3 names for 3 classes: .* none twice"),
        ({"labels": np.array([{}] * 30)}, "is no readable .npz file"),
    ],
)
def test_data_that_is_not_the_networks(tmp_path: Path, arrays: dict, message: str) -> None:
    path = data_file(tmp_path / "d.npz", **arrays)
    with pytest.raises(DatasetError, match=message):
        pictures.load(path, (9, 7, 1), 3)


def test_data_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no file"):
        pictures.load(tmp_path / "none.npz", (9, 7, 1), 3)
    (tmp_path / "d.npz").write_text("labels,images")
    with pytest.raises(DatasetError, match=r"is no readable \.npz file: it is no \.npz"):
        pictures.load(tmp_path / "d.npz", (9, 7, 1), 3)


def test_grey_pictures_need_no_axis_for_it_and_names_have_defaults(tmp_path: Path) -> None:
    path = data_file(tmp_path / "d.npz", images=np.zeros((30, 9, 7), np.uint8), classes=None)
    found = pictures.load(path, (9, 7, 1), 3)
    assert found.images.shape == (30, 9, 7, 1)
    assert found.classes == ("class 0", "class 1", "class 2")
    assert len(found.first(4)) == len(found.first(4).labels) == 4


def test_stand_ins_are_pictures_of_the_networks_shape() -> None:
    colours = np.full((2, 32, 32, 3), (10, 100, 200), np.uint8)
    dataset = Dataset(colours, np.zeros(2, np.uint8), "")
    for shape in ((28, 28, 1), (24, 40, 3), (5, 5, 4)):
        found = pictures.resized(dataset, shape, ("a", "b"))
        assert found.images.shape == (2, *shape) and found.labels is None
        grey = round(0.299 * 10 + 0.587 * 100 + 0.114 * 200)
        wanted = [grey] if shape[2] == 1 else [10, 100, 200, 10][: shape[2]]
        assert (found.images == wanted).all()
    noise = pictures.noise(5, (4, 4, 2), ())
    assert not noise.images[0].any() and (noise.images[1] == 255).all()
    assert noise.images[4].std() > 2 * noise.images[2].std() > 0


def test_a_network_without_size_is_no_picture(tmp_path: Path) -> None:
    path = of_size((3, 32, 32), 10).save(tmp_path / "m.onnx", shape=(3, "height", 32))
    with pytest.raises(CompileError, match=r"takes shape \(1, 3, height, 32\), but must take one"):
        read(path)
