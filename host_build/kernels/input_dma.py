"""Twin of input_dma.sv: frames from memory to a stream."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Resources, Stream
from host_build.kernels.dma import BEAT_BITS, BURST_BEATS, Dma
from host_build.kernels.fifo import Fifo


@dataclass(frozen=True)
class InputDma(Dma):
    """Frames of `frame_beats` beats, with up to `outstanding` bursts asked for in advance."""

    outstanding: int = 8

    module = "input_dma"

    @property
    def fifo(self) -> Fifo:
        return Fifo(BEAT_BITS, BURST_BEATS * self.outstanding)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return ()

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", BEAT_BITS),)

    def resources(self) -> Resources:
        return Resources(lut=162, ff=157) + self.fifo.resources()
