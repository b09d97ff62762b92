"""Twin of batch_counters.sv: the hardware's own clock for a batch."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Kernel, Resources, Stream


@dataclass(frozen=True)
class BatchCounters(Kernel):
    """Five counters of `bits` bits; it looks at streams but has none."""

    bits: int = 32

    module = "batch_counters"
    cycles = 1
    latency = 0

    def __post_init__(self) -> None:
        self._require(2 <= self.bits <= 32, "bits", "2 to 32")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return ()

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return ()

    def parameters(self) -> dict[str, int | str]:
        return {"BITS": self.bits}

    def resources(self) -> Resources:
        return Resources(lut=9 + self.bits / 3, ff=5 * self.bits + 2)
