"""Twin of thresholds_parallel.sv: values to levels by comparing with all thresholds at once."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Resources
from host_build.kernels.thresholds import ThresholdKernel, signed_bits


@dataclass(frozen=True, eq=False)
class ThresholdsParallel(ThresholdKernel):
    """A comparator for each threshold: cheaper than the search for up to about three of them."""

    module = "thresholds_parallel"
    latency = 2

    @property
    def threshold_bits(self) -> int:
        return signed_bits(self.stored)

    def parameters(self) -> dict[str, int | str]:
        return {**super().parameters(), "IMAGE": f"{self.name}.hex"}

    def images(self) -> dict[str, str]:
        bits, mask = self.threshold_bits, (1 << self.threshold_bits) - 1
        digits = -(-self.lanes * self.count * bits // 4)
        lines = []
        for row in self.stored.reshape(self.groups, -1)[: self.sets]:
            word = sum((int(value) & mask) << bits * place for place, value in enumerate(row))
            lines.append(f"{word:0{digits}x}\n")
        return {f"{self.name}.hex": "".join(lines)}

    def resources(self) -> Resources:
        bits, items = self.threshold_bits, self.lanes * self.count
        constant = self.sets == 1
        compare = Resources(lut=bits / 2 if constant else bits, ff=0 if constant else bits)
        table = Resources() if constant else Resources(lut=bits * min(1.0, self.sets / 8))
        values = Resources(ff=self.lanes * (self.in_bits + self.out_bits))
        return (compare + table) * items + values + Resources(lut=6 + items, ff=6)
