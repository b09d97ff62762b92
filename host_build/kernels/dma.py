"""What input_dma.sv and output_dma.sv have in common: frames, bursts and a FIFO."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

from host_build.kernels.base import Kernel
from host_build.kernels.fifo import Fifo

BEAT_BITS = 64
"""Bits of a beat on the bus to memory."""
BURST_BEATS = 16
"""Most beats of an AXI3 burst."""


@dataclass(frozen=True)
class Dma(Kernel):
    """Frames of `frame_beats` beats, with up to `outstanding` bursts on the way."""

    frame_beats: int
    outstanding: int

    submodules = ("dma_bursts", "fifo")
    latency = 2

    def __post_init__(self) -> None:
        self._require(1 <= self.frame_beats <= 1 << 16, "frame_beats", "1 to 65536")
        self._require(1 <= self.outstanding <= 64, "outstanding", "1 to 64")

    @property
    @abstractmethod
    def fifo(self) -> Fifo:
        """What is in it is on its way between memory and stream."""

    @property
    def cycles(self) -> int:
        return self.frame_beats

    def parameters(self) -> dict[str, int | str]:
        return {
            "FRAME_BEATS": self.frame_beats, "OUTSTANDING": self.outstanding,
            "RAM_STYLE": self.fifo.ram_style,
        }  # fmt: skip
