"""How many images the file as it was given gets right, beside the integer network made of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from board_app.measure.accuracy import Accuracy, compare
from board_app.network.reference import Reference
from board_app.pictures.cifar10 import CLASSES, Dataset
from host_build.compiler.given import Given
from host_build.compiler.pipeline import Compiled
from host_build.compiler.pixels import RANGES, PixelRange

IMAGES = 1_000
# Where QONNX must execute it, an image takes a tenth of a second.
_SLOW_IMAGES = 40


def beside_the_file(compiled: Compiled, test: Dataset, pixels: PixelRange | None) -> Iterator[str]:
    """Lines to print: both accuracies, and a warning where the file's is no better than chance."""
    given = compiled.given
    images = test.first(IMAGES)
    logits = given.quickly(images.images, pixels)
    if logits is None:
        images = test.first(_SLOW_IMAGES)
        logits = given.run(images.images, pixels)
    file = _accuracy(images, logits)
    answers = Reference(compiled.graph).execute(images.images).argmax(axis=1)
    same = int((answers == logits.argmax(axis=1)).sum())
    integers = compare(images.labels, answers, len(CLASSES))
    yield (
        f"of the first {len(images):,} test images: the file itself {file.fraction:.2%}, the "
        f"integer network {integers.fraction:.2%}; {same:,} answers are the same"
    )
    if _is_chance(file):
        yield (
            f"warning: {file.fraction:.1%} is what chance gives for {len(CLASSES)} classes. Does "
            "the model expect pixels of 0..255 (--input pixels), of 0..1 (--input unit), or "
            "normalised ones (--input normalised, or --mean and --deviation)?"
            + "".join(_better(given, images, pixels))
        )


def _better(given: Given, images: Dataset, pixels: PixelRange | None) -> Iterator[str]:
    """The ranges with which the file does better than chance."""
    for name, other in RANGES.items():
        logits = None if other == pixels else given.quickly(images.images, other)
        if logits is not None and not _is_chance(found := _accuracy(images, logits)):
            yield f" With --input {name} the file itself has {found.fraction:.1%}."


def _accuracy(images: Dataset, logits: np.ndarray) -> Accuracy:
    return compare(images.labels, logits.argmax(axis=1), len(CLASSES))


def _is_chance(found: Accuracy) -> bool:
    return found.interval[0] <= 1 / len(CLASSES)
