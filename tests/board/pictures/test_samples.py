"""The sample pictures: where they are looked for, and what is said where there are none."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from board_app.errors import DatasetError
from board_app.pictures import samples
from board_app.pictures.cifar10 import Dataset


def test_named_folder(sample_folder: Path, images: Dataset) -> None:
    found = samples.load()
    np.testing.assert_array_equal(found.images, images.images[:20])
    np.testing.assert_array_equal(found.labels, images.labels[:20])
    assert found.source == str(sample_folder)


def test_installed_package_is_found_and_not_imported(
    sample_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(samples.VARIABLE)
    package = tmp_path / "site" / "foolbox"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('imported')")
    sample_folder.rename(package / "data")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert len(samples.load()) == 20


def test_neither_folder_nor_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(samples.VARIABLE)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(
        DatasetError, match="BOARD_APP_SAMPLES is not set and foolbox is not installed"
    ):
        samples.load()


def test_folder_without_pictures(sample_folder: Path) -> None:
    for path in sample_folder.iterdir():
        path.rename(path.with_name(path.name.replace("cifar10_", "cifar100_")))
    with pytest.raises(DatasetError, match="has no pictures called cifar10_"):
        samples.load()


def test_damaged_picture(sample_folder: Path) -> None:
    (sample_folder / "cifar10_00_0.png").write_bytes(b"text")
    with pytest.raises(DatasetError, match=r"cifar10_00_0.png: not a picture"):
        samples.load()


def test_gallery_has_two_of_each(images: Dataset) -> None:
    found = samples.gallery(images)
    assert found.labels.tolist() == [label for label in range(10) for _ in range(2)]
    np.testing.assert_array_equal(found.images[:2], images.images[[0, 10]])


def test_gallery_of_twenty_has_all(sample_folder: Path) -> None:
    assert len(samples.gallery(samples.load())) == 20
