"""What a folded network takes, layer by layer, as text and as a picture."""

from __future__ import annotations

from pathlib import Path
from typing import IO

from matplotlib.figure import Figure

from host_build.compiler.fold import DEVICE
from host_build.generate.folding import Folding
from host_build.generate.layout import Plan
from host_build.text.tables import aligned

_HEAD = (
    "layer", "PE", "SIMD", "form", "style", "weights", "cycles", "LUT", "FF", "BRAM36", "DSP", "",
)  # fmt: skip
_LEFT = [_HEAD.index(name) for name in ("layer", "form", "style", "weights", "")]


def table(layout: Plan, folding: Folding, clock_mhz: float) -> str:
    """Cycles and estimated cost of each layer; the slowest is marked."""
    rows = [_HEAD]
    by_layer = layout.by_layer()
    slowest = layout.interval
    for name, (cycles, cost) in by_layer.items():
        fold = folding.get(name)
        choice = ("",) * 5
        if fold is not None:
            choice = (str(fold.pe), str(fold.simd), fold.form, fold.style, fold.rom)
        rows.append((
            name, *choice, f"{cycles:,}", f"{cost.lut:,.0f}", f"{cost.ff:,.0f}",
            f"{cost.bram36:g}", f"{cost.dsp:g}", "slowest" if cycles == slowest else "",
        ))  # fmt: skip
    total = layout.resources
    parts = (
        ("LUT", total.lut, DEVICE.lut), ("FF", total.ff, DEVICE.ff),
        ("BRAM36", total.bram36, DEVICE.bram36), ("DSP", total.dsp, DEVICE.dsp),
    )  # fmt: skip
    used = ", ".join(f"{v:,.0f} {n} ({v / most:.0%})" for n, v, most in parts)
    fps = clock_mhz * 1e6 / slowest
    return "\n".join([
        *aligned(rows, left=_LEFT), "", f"estimated: {used} of an xc7z020",
        f"{slowest:,} cycles a frame: {fps:,.0f} frames/s at {clock_mhz:g} MHz",
    ])  # fmt: skip


def plot_layers(layout: Plan, title: str, target: Path | IO[bytes]) -> None:
    """Draw cycles and share of the device for every layer, as a PNG."""
    by_layer = layout.by_layer()
    names = list(by_layer)
    figure = Figure(figsize=(10, 0.28 * len(names) + 1.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    cycles = [by_layer[name][0] for name in names]
    slowest = layout.interval
    left.barh(names, cycles, color=["tab:red" if c == slowest else "tab:blue" for c in cycles])
    left.invert_yaxis()
    left.set(xlabel="cycles a frame (red: the slowest)", title=title)
    start = [0.0] * len(names)
    for label, most in (("lut", DEVICE.lut), ("bram36", DEVICE.bram36), ("dsp", DEVICE.dsp)):
        shares = [100 * getattr(by_layer[name][1], label) / most for name in names]
        right.barh(names, shares, left=start, label=label.upper())
        start = [a + b for a, b in zip(start, shares, strict=True)]
    right.set(xlabel="share of the device, % of each kind, stacked")
    right.legend()
    figure.savefig(target, dpi=110, format="png")
