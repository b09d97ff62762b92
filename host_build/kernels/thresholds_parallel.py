"""Twin of thresholds_parallel.sv: values to levels by comparing with all thresholds at once."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Resources
from host_build.kernels.thresholds import ThresholdKernel, signed_bits, threshold_table


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
        few = self.sets <= 4  # the thresholds are then part of the comparators
        compare = Resources(lut=0.4 * bits if self.sets == 1 else 0.7 * bits if few else bits)
        table = Resources() if few else threshold_table(bits, self.sets) + Resources(ff=bits)
        values = Resources(ff=self.lanes * (self.in_bits + self.out_bits))
        return (compare + table) * items + values + Resources(lut=6, ff=6)
