"""Twin of thresholds_parallel.sv: values to levels by comparing with all thresholds at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from host_build.kernels.base import Resources, lut_rom, signed_bits
from host_build.kernels.thresholds import ThresholdKernel, hex_lines


@dataclass(frozen=True, eq=False)
class ThresholdsParallel(ThresholdKernel):
    """A comparator for each threshold: cheaper than the search for up to about three of them.

    Where all channels share them and values have at most `table_bits` bits, a table of levels takes
    their place, which is cheaper for any number of thresholds.
    """

    table_bits: int = 8

    module = "thresholds_parallel"
    latency = 2

    @property
    def threshold_bits(self) -> int:
        return signed_bits(int(self.stored.min()), int(self.stored.max()))

    def parameters(self) -> dict[str, int | str]:
        own: dict[str, int | str] = {"TABLE_BITS": self.table_bits, "IMAGE": f"{self.name}.mem"}
        return super().parameters() | own

    @property
    def tabled(self) -> bool:
        return self.shared and self.in_bits <= self.table_bits

    def images(self) -> dict[str, str]:
        if self.tabled:
            # By the bits of a value: those of the negative ones come last.
            values = np.arange(1 << self.in_bits)
            if self.in_signed:
                values -= (values >> self.in_bits - 1) << self.in_bits
            levels = (values[:, None] >= self.stored[0]).sum(axis=1)
            return {f"{self.name}.mem": hex_lines(levels, self.out_bits)}
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
        if self.tabled:
            level = self.out_bits * max(1.35, 2 ** (self.in_bits - 6))
            return lanes + control + Resources(lut=level * self.lanes)
        if self.sets == 1:
            level = 0.43 * (self.in_bits - 5) * self.count
            return lanes + control + Resources(lut=level * self.lanes)
        compare = 0.6 * self.threshold_bits * items
        count = 1.5 * self.lanes * (self.count - 1)
        table = lut_rom(items * self.threshold_bits, self.sets)
        return lanes + control + Resources(lut=compare + count) + table
