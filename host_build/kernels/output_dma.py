"""Twin of output_dma.sv: a stream to memory, by frames."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Resources, Stream
from host_build.kernels.dma import BEAT_BITS, BURST_BEATS, Dma
from host_build.kernels.fifo import Fifo


@dataclass(frozen=True)
class OutputDma(Dma):
    """Frames of `frame_beats` beats, with up to `outstanding` bursts that wait for an answer."""

    outstanding: int = 4

    module = "output_dma"

    @property
    def fifo(self) -> Fifo:
        return Fifo(BEAT_BITS, 2 * BURST_BEATS)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", BEAT_BITS),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return ()

    def resources(self) -> Resources:
        return Resources(lut=168, ff=154) + self.fifo.resources()
