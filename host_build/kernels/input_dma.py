"""Twin of input_dma.sv: frames from memory to a stream."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Kernel, Resources, Stream
from host_build.kernels.fifo import Fifo

BEAT_BITS = 64
"""Bits of a beat on the bus to memory."""
BURST_BEATS = 16
"""Most beats of an AXI3 burst."""


@dataclass(frozen=True)
class InputDma(Kernel):
    """Frames of `frame_beats` beats, with up to `outstanding` bursts asked for in advance."""

    frame_beats: int
    outstanding: int = 8

    module = "input_dma"
    submodules = ("dma_bursts", "fifo")
    latency = 2

    def __post_init__(self) -> None:
        self._require(1 <= self.frame_beats <= 1 << 16, "frame_beats", "1 to 65536")
        self._require(1 <= self.outstanding <= 64, "outstanding", "1 to 64")

    @property
    def fifo(self) -> Fifo:
        return Fifo(BEAT_BITS, BURST_BEATS * self.outstanding)

    @property
    def cycles(self) -> int:
        return self.frame_beats

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return ()

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", BEAT_BITS),)

    def parameters(self) -> dict[str, int | str]:
        return {
            "FRAME_BEATS": self.frame_beats, "OUTSTANDING": self.outstanding,
            "RAM_STYLE": self.fifo.ram_style,
        }  # fmt: skip

    def resources(self) -> Resources:
        return Resources(lut=162, ff=157) + self.fifo.resources()
