"""What a design takes of the device, LUTs by their use."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Resources

LUT_RAMS = 17_400
"""LUTs of the xc7z020 that can be memory or a shift register."""


@dataclass(frozen=True)
class Utilisation:
    """LUTs by what they are used for, flip-flops, block RAM (in halves of 36 Kbit), DSP48E1."""

    lut_logic: int = 0
    lut_ram: int = 0
    lut_shift: int = 0
    ff: int = 0
    bram36: float = 0
    dsp: int = 0

    @property
    def lut(self) -> int:
        return self.lut_logic + self.lut_ram + self.lut_shift

    @property
    def resources(self) -> Resources:
        return Resources(self.lut, self.ff, self.bram36, self.dsp)

    def __add__(self, other: Utilisation) -> Utilisation:
        return Utilisation(
            self.lut_logic + other.lut_logic, self.lut_ram + other.lut_ram,
            self.lut_shift + other.lut_shift, self.ff + other.ff, self.bram36 + other.bram36,
            self.dsp + other.dsp,
        )  # fmt: skip
