"""Scenes: a CIFAR-10 picture of any size anywhere in a larger picture, or none at all.

What is around it is a part of a photograph, or a texture made here. Each scene is a JPEG file, so
that what reads a visitor's picture reads it too.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from board_app.pictures.cifar10 import Dataset

EMPTY = -1
SHARES = (0.25, 1.0)  # of the picture's shorter side, evenly in the logarithm
_SIDES = (128, 480)
_ASPECTS = (1.0, 4 / 3, 3 / 2, 16 / 9, 3 / 4, 2 / 3)
_PHOTOGRAPHS = 0.75  # the rest are textures
_QUALITY = 90

Pixels = NDArray[np.uint8]
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Scene:
    """A picture file, its class or EMPTY, and the object's left, top, right and bottom in it."""

    content: bytes
    label: int
    box: Box | None


def compose(
    objects: Dataset, backgrounds: Sequence[Image.Image], count: int, *, empty: float, seed: int = 0
) -> Iterator[Scene]:
    """`count` scenes with `objects`, none of them twice; the share `empty` of them has none."""
    random = np.random.default_rng(seed)
    order = random.permutation(len(objects))[:count]
    for chosen in order:
        scene = _background(random, backgrounds)
        if random.random() < empty:
            yield Scene(_encode(scene), EMPTY, None)
            continue
        shorter = min(scene.size)
        side = round(shorter * float(np.exp(random.uniform(*np.log(SHARES)))))
        left, top = (int(random.integers(0, length - side + 1)) for length in scene.size)
        picture = Image.fromarray(objects.images[chosen]).resize(
            (side, side), Image.Resampling.BICUBIC
        )
        scene.paste(picture, (left, top), _mask(side))
        box = (left, top, left + side, top + side)
        yield Scene(_encode(scene), int(objects.labels[chosen]), box)


def _mask(side: int) -> Image.Image:
    """Opaque but for a soft edge: a sharp square would tell where to look."""
    edge = max(1, side // 16)
    inner = Image.new("L", (side, side), 0)
    inner.paste(255, (edge, edge, side - edge, side - edge))
    return inner.filter(ImageFilter.GaussianBlur(edge / 2))


def _background(random: np.random.Generator, photographs: Sequence[Image.Image]) -> Image.Image:
    shorter, aspect = int(random.integers(*_SIDES)), float(random.choice(_ASPECTS))
    size = (round(shorter * max(aspect, 1)), round(shorter / min(aspect, 1)))
    if not photographs or random.random() > _PHOTOGRAPHS:
        return Image.fromarray(texture(random, size))
    photograph = photographs[int(random.integers(len(photographs)))]
    most = min(photograph.width / size[0], photograph.height / size[1])
    zoom = most * float(random.uniform(0.4, 1.0))
    width, height = round(size[0] * zoom), round(size[1] * zoom)
    left = int(random.integers(0, photograph.width - width + 1))
    top = int(random.integers(0, photograph.height - height + 1))
    return photograph.resize(
        size, Image.Resampling.LANCZOS, (left, top, left + width, top + height)
    )


def texture(random: np.random.Generator, size: tuple[int, int]) -> Pixels:
    """Coloured noise of several scales, (height, width, 3): clouds, pebbles, cloth or sand."""
    width, height = size
    total = np.zeros((height, width, 3))
    roughness = random.uniform(0.3, 1.2)
    for octave in range(1, 7):
        grid = 2**octave
        colours = random.normal(size=(grid, grid, 3)) * [1.0, 0.9, 0.8]
        layers = [
            Image.fromarray(colours[..., i].astype(np.float32)).resize(
                size, Image.Resampling.BICUBIC
            )
            for i in range(3)
        ]
        total += np.stack([np.asarray(layer) for layer in layers], axis=2) * octave**-roughness
    contrast, middle = random.uniform(10, 50), random.uniform(60, 190, 3)
    return np.clip(middle + contrast * total, 0, 255).astype(np.uint8)


def _encode(image: Image.Image) -> bytes:
    content = io.BytesIO()
    image.save(content, "JPEG", quality=_QUALITY)
    return content.getvalue()
