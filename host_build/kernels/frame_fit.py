"""Twin of frame_fit.sv: frames cut short, or filled up with zeros."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream


@dataclass(frozen=True)
class FrameFit(Kernel):
    """Frames of `in_beats` beats of `width` bits become such of `out_beats`."""

    width: int
    in_beats: int
    out_beats: int

    module = "frame_fit"
    latency = 0

    def __post_init__(self) -> None:
        for name in ("width", "in_beats", "out_beats"):
            self._require(getattr(self, name) >= 1, name, "at least 1")

    @property
    def cycles(self) -> int:
        return max(self.in_beats, self.out_beats)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.width),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.width),)

    def parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width, "IN_BEATS": self.in_beats, "OUT_BEATS": self.out_beats}

    def golden(self, frames: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, in_beats) to (N, out_beats)."""
        added = max(self.out_beats - self.in_beats, 0)
        return np.pad(frames, ((0, 0), (0, added)))[:, : self.out_beats]

    def resources(self) -> Resources:
        place = self.cycles.bit_length()
        filled = self.width if self.in_beats < self.out_beats else 0
        return Resources(lut=2 + 1.5 * place + filled, ff=place)
