"""Pictures to check and measure a network on: CIFAR-10's, one's own, or what stands in for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from board_app.errors import DatasetError
from board_app.pictures.cifar10 import Dataset
from board_app.system.files import read_arrays

Shape = tuple[int, int, int]
CIFAR10 = "CIFAR-10 test set"
_CONTRASTS = (0.1, 1.0)


@dataclass(frozen=True)
class Pictures:
    """`images` (N, height, width, channels) uint8, and `labels` (N,) where there are any.

    `classes` are the names of labels and logits in their order; `source` says where all is from.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.integer] | None
    classes: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int | None) -> Pictures:
        """The first `count` of them; all for None."""
        labels = None if self.labels is None else self.labels[:count]
        return replace(self, images=self.images[:count], labels=labels)


def of_dataset(dataset: Dataset, classes: Sequence[str], source: str = CIFAR10) -> Pictures:
    """The pictures of a data set."""
    return Pictures(dataset.images, dataset.labels, tuple(classes), source)


def load(path: Path, shape: Shape, classes: int, names: Sequence[str] | None = None) -> Pictures:
    """The .npz file `path`, which a network of `shape` and so many `classes` is to see.

    It has "images" (N, height, width, channels) uint8, or (N, height, width) of one channel,
    "labels" (N,) of integers from 0 on, and maybe the "classes" (K,), their names. `names` go
    before those. Raises DatasetError.
    """
    try:
        arrays = read_arrays(path)
        images, labels = arrays["images"], arrays["labels"]
    except FileNotFoundError:
        raise DatasetError(f"there is no file {path}") from None
    except KeyError as missing:
        raise DatasetError(
            f"{path} has no array {missing}; it must have images and labels"
        ) from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is no readable .npz file: {error}") from error
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.shape[1:] != shape or not len(images):
        raise DatasetError(
            f"{path} has images of {images.dtype} {images.shape}; the network takes uint8 "
            f"(N, {', '.join(map(str, shape))})"
        )
    if labels.dtype.kind not in "iu" or labels.shape != images.shape[:1]:
        raise DatasetError(
            f"{path} has labels of {labels.dtype} {labels.shape}; they must be integers "
            f"({len(images)},)"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise DatasetError(
            f"{path} has labels of {labels.min()} to {labels.max()}; the network has {classes} "
            "classes, from 0 on"
        )
    found = names or [str(name) for name in arrays.get("classes", np.empty(0)).reshape(-1)]
    return Pictures(images, labels, named(found, classes), path.name)


def named(names: Sequence[str] | None, classes: int) -> tuple[str, ...]:
    """`names` if there are any, and as many as `classes`; else "class 0" and so on."""
    if not names:
        return tuple(f"class {index}" for index in range(classes))
    if len(names) != classes or len(set(names)) != classes or not all(names):
        raise DatasetError(
            f"{len(names)} names for {classes} classes: there must be one for each, none twice "
            "and none empty"
        )
    return tuple(names)


def resized(dataset: Dataset, shape: Shape, classes: tuple[str, ...]) -> Pictures:
    """CIFAR-10's images as pictures of another shape, which have none of the `classes`.

    One channel is their grey, more than three are theirs again and again.
    """
    height, width, channels = shape
    images = np.empty((len(dataset), *shape), np.uint8)
    for into, image in zip(images, dataset.images, strict=True):
        picture = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        if channels == 1:
            into[..., 0] = np.asarray(picture.convert("L"))
        else:
            into[:] = np.asarray(picture)[..., np.arange(channels) % 3]
    source = f"CIFAR-10's test images as {'x'.join(map(str, shape))}, without labels"
    return Pictures(images, None, classes, source)


def noise(count: int, shape: Shape, classes: tuple[str, ...]) -> Pictures:
    """Noise of every contrast, black and white first."""
    random = np.random.default_rng(0)
    values = random.integers(0, 256, (count - 2, *shape))
    contrast = np.linspace(*_CONTRASTS, len(values)).reshape(-1, 1, 1, 1)
    extremes = np.stack([np.zeros(shape), np.full(shape, 255)])
    images = np.concatenate([extremes, 128 + (values - 128) * contrast]).astype(np.uint8)
    return Pictures(images, None, classes, "noise")
