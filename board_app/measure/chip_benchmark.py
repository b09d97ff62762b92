"""What the chip itself does: cycles by its own counter, and its logits beside the reference's.

The figures hold for the board's clock, so they are the same on a simulated board, where the time
on the wall is that of the simulation and says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional

import numpy as np

from board_app.driver.accelerator import Accelerator
from board_app.measure.accuracy import Accuracy, compare
from board_app.network.reference import Reference
from board_app.pictures.cifar10 import Progress

BATCH = 128
SIZES = (1, 8, 32, BATCH)
MOST = 1000  # images: the reference takes a board's processor some 30 ms each


@dataclass(frozen=True)
class ChipMeasurement:
    """`cycles` are per image, in batches of up to BATCH; `copies` are seconds per image.

    `first_cycles` is what one image alone takes, from its first pixel's fetch to its last logit.
    `equal` is how many images have all logits as the reference has them. `offline` has the cycles
    an image by batch size, and `accuracy` is None where the `images` had no labels.
    """

    images: int
    accuracy: Optional[Accuracy]
    clock_mhz: float
    cycles: float
    first_cycles: int
    copies: float
    equal: int
    retries: int
    simulated: bool
    offline: Dict[int, float]

    @property
    def images_per_second(self) -> float:
        """What the chip takes at its clock."""
        return 1e6 * self.clock_mhz / self.cycles


def measure(
    driver: Accelerator,
    reference: Reference,
    images: np.ndarray,
    labels: Optional[np.ndarray],
    progress: Progress,
) -> ChipMeasurement:
    """Run `images`, on a real board the first MOST, through chip and reference once.

    `labels` (N,) are the images' true classes, where they are known.
    """
    images = images if driver.simulated else images[:MOST]
    answers = np.empty(len(images), np.int64)
    classes = 0
    cycles = equal = retries = 0
    copies = 0.0
    for start in range(0, len(images), BATCH):
        part = slice(start, start + BATCH)
        logits = driver.execute(images[part])
        run = driver.last_run
        assert run is not None
        cycles, retries = cycles + run.cycles, retries + run.retries
        copies += run.copy_in + run.copy_out
        answers[part] = logits.argmax(axis=1)
        classes = logits.shape[1]
        equal += int((logits == reference.execute(images[part])).all(axis=1).sum())
        progress(len(logits), len(images))
    offline: Dict[int, float] = {}
    for size in (size for size in SIZES if size <= len(images)):
        driver.execute(images[:size])
        assert driver.last_run is not None
        offline[size] = driver.last_run.cycles / size
    return ChipMeasurement(
        len(images),
        None if labels is None else compare(labels[: len(images)], answers, classes),
        driver.clock_mhz,
        cycles / len(images),
        round(offline[1]),
        copies / len(images),
        equal,
        retries,
        driver.simulated,
        offline,
    )
