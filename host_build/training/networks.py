"""What can be trained: rows of `variants`, networks like them, and one only to learn from."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from host_build.networks import variant_file
from host_build.networks.variants import CLASSES, IMAGE_CHANNELS, Variant


@dataclass(frozen=True)
class Convnet:
    """A float network: a 3x3 stem, then pairs of 3x3 convolutions that halve the image's sides.

    It has no shortcuts and no circuit; what it is for is to teach, see `convnet`.
    """

    name: str
    title: str
    stem_channels: int
    channels: tuple[int, ...]

    weight_bits = "float"

    @property
    def total_parameters(self) -> int:
        """Weights, counted as those of a `Variant`."""
        widths = (IMAGE_CHANNELS, self.stem_channels, *self.channels)
        first = sum(9 * inputs * outputs for inputs, outputs in pairwise(widths))
        return first + sum(9 * width**2 for width in self.channels) + widths[-1] * CLASSES


Network = Variant | Convnet
CONVNET = Convnet("convnet-256", "no circuit, only to learn from", 24, (64, 256, 256))


def find(name: str) -> Network:
    """The network called `name`, or in the file NAME.json; VariantError if there is none."""
    return CONVNET if name == CONVNET.name else variant_file.find(name)


def parse(row: Any) -> Network:
    """The network that `dataclasses.asdict` made `row` of; VariantError says what is wrong."""
    return CONVNET if row == json.loads(json.dumps(asdict(CONVNET))) else variant_file.parse(row)
