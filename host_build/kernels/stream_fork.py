"""Twin of stream_fork.sv: every beat to several consumers."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Kernel, Resources, Stream


@dataclass(frozen=True)
class StreamFork(Kernel):
    """`copies` of every `width`-bit beat, without a register.

    The module has one `out_data_o` and a bit of `out_valid_o` and `out_ready_i` for each copy;
    `outputs` names the copies out_0, out_1, ...
    """

    width: int
    copies: int = 2

    module = "stream_fork"
    latency = 0
    cycles = 1

    def __post_init__(self) -> None:
        self._require(self.width >= 1, "width", "at least 1")
        self._require(self.copies >= 2, "copies", "at least 2")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.width),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return tuple(Stream(f"out_{copy}", self.width) for copy in range(self.copies))

    def parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width, "COPIES": self.copies}

    def resources(self) -> Resources:
        return Resources(lut=1 + 2 * self.copies, ff=self.copies)
