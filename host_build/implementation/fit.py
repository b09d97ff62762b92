"""The gate before place and route: a chip that cannot be routed is told so in a second, not hours.

The limits are the original project's experience with this device: above 80% of the LUTs routing
fails. Block RAM and DSP blocks that are used up leave the placer no choice, either.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from host_build.compiler.fold import DEVICE
from host_build.kernels.base import Resources
from host_build.text.tables import aligned

MOST = {"lut": 0.80, "ff": 1.0, "bram36": 1.0, "dsp": 1.0}
"""The share of the device from which on a design is refused; of LUTs, above which."""
_NAMES = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "dsp": "DSP"}


@dataclass(frozen=True)
class Fit:
    """What a design takes, layer by layer, and whether the xc7z020 has room for it."""

    name: str
    layers: Mapping[str, Resources]
    origin: str
    """Where the numbers are from."""

    @property
    def total(self) -> Resources:
        return sum(self.layers.values(), Resources())

    @property
    def excess(self) -> list[str]:
        """What there is too much of, empty if the design fits."""
        told = []
        for kind, most in MOST.items():
            share = getattr(self.total, kind) / getattr(DEVICE, kind)
            if share > most if kind == "lut" else share >= most:
                limit = f"at most {most:.0%}" if kind == "lut" else "less than all"
                told.append(f"{share:.0%} of the {_NAMES[kind]}, allowed is {limit}")
        return told

    @property
    def fits(self) -> bool:
        return not self.excess

    def __str__(self) -> str:
        rows = [["", *_NAMES.values()]]
        total, device = self.total, DEVICE
        lines = {**self.layers, "total": total, "xc7z020": device}
        for name, cost in lines.items():
            rows.append([name, *(_figure(getattr(cost, kind), kind) for kind in _NAMES)])
        shares = [f"{getattr(total, kind) / getattr(device, kind):.1%}" for kind in _NAMES]
        rows.append(["share", *shares])
        verdict = "fits" if self.fits else "does not fit: " + "; ".join(self.excess)
        return "\n".join([*aligned(rows), "", f"{self.name} {verdict}; {self.origin}"])


def _figure(value: float, kind: str) -> str:
    return f"{value:,.1f}" if kind == "bram36" else f"{value:,.0f}"
