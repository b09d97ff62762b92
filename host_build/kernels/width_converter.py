"""Twin of width_converter.sv: narrow beats to wide ones, or wide ones to narrow ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream


@dataclass(frozen=True)
class WidthConverter(Kernel):
    """From `in_width` to `out_width` bits a beat; the narrow side moves a beat every cycle."""

    in_width: int
    out_width: int

    module = "width_converter"
    latency = 1

    def __post_init__(self) -> None:
        low, high = sorted((self.in_width, self.out_width))
        self._require(low >= 1, "in_width" if low == self.in_width else "out_width", "at least 1")
        self._require(
            high > low and high % low == 0, "out_width",
            f"a multiple or a divisor of in_width {self.in_width}, and not equal",
        )  # fmt: skip

    @property
    def ratio(self) -> int:
        return max(self.in_width, self.out_width) // min(self.in_width, self.out_width)

    @property
    def cycles(self) -> int:
        return self.ratio

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.in_width),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.out_width),)

    def parameters(self) -> dict[str, int | str]:
        return {"IN_WIDTH": self.in_width, "OUT_WIDTH": self.out_width}

    def golden(self, beats: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, elements in) to (M, elements out): the same elements in the same order."""
        elements = beats.shape[1] * self.out_width // self.in_width
        return beats.reshape(-1, elements)

    def resources(self) -> Resources:
        place = (self.ratio - 1).bit_length()
        shift = 0 if self.out_width > self.in_width else self.in_width - self.out_width
        wide = max(self.in_width, self.out_width)
        return Resources(lut=5 + shift, ff=1 + place + wide)
