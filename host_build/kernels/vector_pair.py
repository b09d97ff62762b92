"""Twin of vector_pair.sv: two vectors become one of pairs, for the matrix-vector unit's DSP4."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream, distributed_ram


@dataclass(frozen=True)
class VectorPair(Kernel):
    """Vectors of `beats` beats of `lanes` elements of `bits` bits; `vectors` of them a frame."""

    lanes: int
    bits: int
    beats: int
    vectors: int = 2

    module = "vector_pair"
    latency = 0

    def __post_init__(self) -> None:
        for name in ("lanes", "bits", "beats"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(self.vectors >= 2 and self.vectors % 2 == 0, "vectors", "even")

    @property
    def cycles(self) -> int:
        return self.vectors * self.beats

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.lanes * self.bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", 2 * self.lanes * self.bits),)

    def parameters(self) -> dict[str, int | str]:
        return {"LANES": self.lanes, "BITS": self.bits, "BEATS": self.beats}

    def golden(self, vectors: NDArray[np.int64]) -> NDArray[np.int64]:
        """(2N, beats, lanes) to (N, beats, lanes, 2)."""
        return np.stack([vectors[0::2], vectors[1::2]], axis=-1)

    def resources(self) -> Resources:
        width, beat = self.lanes * self.bits, (self.beats - 1).bit_length()
        if self.beats == 1:  # at one address, four LUTs hold two bits more
            return Resources(lut=4 * ceil(width / 8) + 4, ff=1)
        return distributed_ram(width, self.beats) + Resources(lut=4 + 2 * beat, ff=1 + 2 * beat)
