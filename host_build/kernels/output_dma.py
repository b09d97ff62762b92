"""Twin of output_dma.sv: a stream to memory, by frames."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Kernel, Resources, Stream
from host_build.kernels.fifo import Fifo
from host_build.kernels.input_dma import BEAT_BITS, BURST_BEATS


@dataclass(frozen=True)
class OutputDma(Kernel):
    """Frames of `frame_beats` beats, with up to `outstanding` bursts that wait for an answer."""

    frame_beats: int
    outstanding: int = 4

    module = "output_dma"
    submodules = ("dma_bursts", "fifo")
    latency = 2

    def __post_init__(self) -> None:
        self._require(1 <= self.frame_beats <= 1 << 16, "frame_beats", "1 to 65536")
        self._require(1 <= self.outstanding <= 64, "outstanding", "1 to 64")

    @property
    def fifo(self) -> Fifo:
        return Fifo(BEAT_BITS, 2 * BURST_BEATS)

    @property
    def cycles(self) -> int:
        return self.frame_beats

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", BEAT_BITS),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return ()

    def parameters(self) -> dict[str, int | str]:
        return {
            "FRAME_BEATS": self.frame_beats, "OUTSTANDING": self.outstanding,
            "RAM_STYLE": self.fifo.ram_style,
        }  # fmt: skip

    def resources(self) -> Resources:
        return Resources(lut=168, ff=154) + self.fifo.resources()
