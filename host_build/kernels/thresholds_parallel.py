"""Twin of thresholds_parallel.sv: values to levels by comparing with all thresholds at once."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Resources, lut_rom
from host_build.kernels.thresholds import ThresholdKernel, signed_bits


@dataclass(frozen=True, eq=False)
class ThresholdsParallel(ThresholdKernel):
    """A comparator for each threshold: cheaper than the search for up to about three of them.

    Thresholds that all channels share are cheaper so in any number, if the values are narrow.
    """

    module = "thresholds_parallel"
    latency = 2

    @property
    def threshold_bits(self) -> int:
        return signed_bits(self.stored)

    def parameters(self) -> dict[str, int | str]:
        return {**super().parameters(), "IMAGE": f"{self.name}.mem"}

    def images(self) -> dict[str, str]:
        bits, mask = self.threshold_bits, (1 << self.threshold_bits) - 1
        digits = -(-self.lanes * self.count * bits // 4)
        lines = []
        for row in self.stored.reshape(self.groups, -1)[: self.sets]:
            word = sum((int(value) & mask) << bits * place for place, value in enumerate(row))
            lines.append(f"{word:0{digits}x}\n")
        return {f"{self.name}.mem": "".join(lines)}

    def resources(self) -> Resources:
        items, address = self.lanes * self.count, (self.sets - 1).bit_length()
        lanes = Resources(ff=self.in_bits + self.out_bits) * self.lanes
        control = Resources(lut=2 + address, ff=2 + address)
        if self.sets == 1:
            # The thresholds are constants: up to six bits of a value are one function of them.
            level = 1.35 * self.out_bits
            if self.in_bits > 6:
                level = 0.43 * (self.in_bits - 5) * self.count
            return lanes + control + Resources(lut=level * self.lanes)
        compare = 0.6 * self.threshold_bits * items
        count = 1.5 * self.lanes * (self.count - 1)
        table = lut_rom(items * self.threshold_bits, self.sets)
        return lanes + control + Resources(lut=compare + count) + table
