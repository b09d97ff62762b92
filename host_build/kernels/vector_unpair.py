"""Twin of vector_unpair.sv: results of two vectors at once become one after the other."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream
from host_build.kernels.fifo import Fifo

# The FIFO's way from its input to its output, and back for the room to be seen.
_MARGIN = 4


@dataclass(frozen=True)
class VectorUnpair(Kernel):
    """Vectors of `beats` beats of `width` bits, `vectors` a frame; a beat comes in `pace` cycles.

    While the second vector of a pair leaves, a beat a cycle, those of the next pair come in; with
    fewer places for them the matrix-vector unit would have to wait.
    """

    width: int
    beats: int
    pace: int
    vectors: int = 2

    module = "vector_unpair"
    submodules = ("fifo",)
    latency = 2

    def __post_init__(self) -> None:
        for name in ("width", "beats", "pace"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(self.vectors >= 2 and self.vectors % 2 == 0, "vectors", "even")

    @property
    def fifos(self) -> tuple[Fifo, Fifo]:
        """For the first and for the second vector of a pair."""
        first = ceil(self.beats / self.pace) + _MARGIN
        second = self.beats + _MARGIN
        return tuple(Fifo(self.width, depth, "distributed") for depth in (first, second))  # type: ignore[return-value]

    @property
    def cycles(self) -> int:
        return self.vectors * self.beats

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", 2 * self.width),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.width),)

    def parameters(self) -> dict[str, int | str]:
        first, second = self.fifos
        return {
            "WIDTH": self.width, "BEATS": self.beats,
            "FIRST_DEPTH": first.depth, "SECOND_DEPTH": second.depth,
        }  # fmt: skip

    def golden(self, pairs: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, beats, 2, elements) to (2N, beats, elements)."""
        return pairs.transpose(0, 2, 1, 3).reshape(-1, self.beats, pairs.shape[-1])

    def resources(self) -> Resources:
        first, second = self.fifos
        beat = (self.beats - 1).bit_length()
        return first.resources() + second.resources() + Resources(
            lut=self.width + 4 + beat, ff=1 + beat
        )  # fmt: skip
