"""How many images the file as it was given gets right, beside the integer network made of it."""

from __future__ import annotations

from collections.abc import Iterator

from board_app.measure.accuracy import Accuracy, compare
from board_app.network.reference import Reference
from host_build.compiler.given import Given
from host_build.compiler.pictures import Pictures
from host_build.compiler.pipeline import Compiled
from host_build.compiler.pixels import RANGES, PixelRange

IMAGES = 1_000
# Where QONNX must execute it, an image takes a tenth of a second.
_SLOW_IMAGES = 40


def beside_the_file(compiled: Compiled, test: Pictures, pixels: PixelRange | None) -> Iterator[str]:
    """Lines to print: both accuracies, and a warning where the file's is no better than chance.

    Without labels, how many answers are the same.
    """
    given = compiled.given
    images = test.first(IMAGES)
    logits = given.quickly(images.images, pixels)
    if logits is None:
        images = test.first(_SLOW_IMAGES)
        logits = given.run(images.images, pixels)
    answers = Reference(compiled.graph).execute(images.images).argmax(axis=1)
    same = int((answers == logits.argmax(axis=1)).sum())
    if images.labels is None:
        yield (
            f"of {len(images):,} pictures ({images.source}), {same:,} answers are those of the "
            "file itself; to have its accuracy measured, give pictures with labels: --data"
        )
        return
    classes = len(images.classes)
    file = compare(images.labels, logits.argmax(axis=1), classes)
    integers = compare(images.labels, answers, classes)
    yield (
        f"of the first {len(images):,} test images: the file itself {file.fraction:.2%}, the "
        f"integer network {integers.fraction:.2%}; {same:,} answers are the same"
    )
    if _is_chance(file):
        yield (
            f"warning: {file.fraction:.1%} is what chance gives for {classes} classes. Does "
            "the model expect pixels of 0..255 (--input pixels), of 0..1 (--input unit), or "
            "normalised ones (--input normalised, or --mean and --deviation)?"
            + "".join(_better(given, images, pixels))
        )


def _better(given: Given, images: Pictures, pixels: PixelRange | None) -> Iterator[str]:
    """The ranges with which the file does better than chance."""
    for name, other in RANGES.items():
        if other == pixels or not (other is None or other.fits(given.shape[2])):
            continue
        logits = given.quickly(images.images, other)
        if logits is None or images.labels is None:
            continue
        found = compare(images.labels, logits.argmax(axis=1), len(images.classes))
        if not _is_chance(found):
            yield f" With --input {name} the file itself has {found.fraction:.1%}."


def _is_chance(found: Accuracy) -> bool:
    return found.interval[0] <= 1 / len(found.confusion)
