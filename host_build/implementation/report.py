"""What a tool made of a chip: utilisation by layer, timing, warnings; as text, JSON and a plot."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from matplotlib import colormaps
from matplotlib.figure import Figure

from board_app.system.files import write_atomically, write_json
from host_build.compiler.fold import DEVICE
from host_build.implementation.utilisation import LUT_RAMS, Utilisation
from host_build.kernels.base import Resources
from host_build.text.tables import aligned

_MOST_WARNINGS = 20
_COLUMNS = {
    "LUT": "lut", "logic": "lut_logic", "LUTRAM": "lut_ram", "SRL": "lut_shift", "FF": "ff",
    "BRAM36": "bram36", "DSP": "dsp",
}  # fmt: skip
_DEVICE = {
    "lut": DEVICE.lut, "lut_logic": DEVICE.lut, "lut_ram": LUT_RAMS, "lut_shift": LUT_RAMS,
    "ff": DEVICE.ff, "bram36": DEVICE.bram36, "dsp": DEVICE.dsp,
}  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Nanoseconds of worst and total negative slack, of setup and hold, at `clock_mhz`.

    None where the tool does not analyse it.
    """

    clock_mhz: float
    wns: float
    tns: float | None = None
    whs: float | None = None
    ths: float | None = None

    @property
    def closed(self) -> bool:
        """Whether every path that was analysed is fast enough, and slow enough."""
        return self.wns >= 0 and (self.whs is None or self.whs >= 0)

    @property
    def fmax_mhz(self) -> float:
        """The clock at which the slowest path would just be fast enough."""
        return 1e3 / (1e3 / self.clock_mhz - self.wns)


@dataclass(frozen=True)
class Report:
    """One run of one tool on one design.

    `total` is the whole design's; `layers` are its parts in the order of the data, each by what
    the tool said of it, and add up to the whole only where `counted` says so. `timing` is None
    where none was analysed.
    """

    design: str
    tool: str
    version: str
    stage: str
    total: Utilisation
    layers: Mapping[str, Utilisation] = field(default_factory=dict)
    counted: str = ""
    timing: Timing | None = None
    warnings: tuple[str, ...] = ()
    estimates: Mapping[str, Resources] = field(default_factory=dict)
    """The twins' estimates of the same layers, where they are known."""

    def __str__(self) -> str:
        parts = [
            f"{self.design}: {self.stage}, {self.tool} {self.version}", "", *self._table(), "",
            self._timing_line(),
        ]  # fmt: skip
        if self.counted:
            parts.append(f"layers: {self.counted}")
        parts += [f"warning: {text}" for text in self.warnings[:_MOST_WARNINGS]]
        if len(self.warnings) > _MOST_WARNINGS:
            parts.append(f"and {len(self.warnings) - _MOST_WARNINGS} more warnings")
        return "\n".join(parts)

    def as_json(self) -> dict[str, Any]:
        """Everything, with totals and the device's sizes beside it."""
        timing = None
        if self.timing is not None:
            timing = {**asdict(self.timing), "fmax_mhz": round(self.timing.fmax_mhz, 3),
                      "closed": self.timing.closed}  # fmt: skip
        return {
            "design": self.design, "tool": self.tool, "version": self.version, "stage": self.stage,
            "total": row(self.total), "device": {n: _DEVICE[a] for n, a in _COLUMNS.items()},
            "layers": {name: row(used) for name, used in self.layers.items()},
            "counted": self.counted,
            "estimates": {
                name: {k: round(v, 1) for k, v in asdict(cost).items()}
                for name, cost in self.estimates.items()
            },
            "timing": timing, "warnings": list(self.warnings),
        }  # fmt: skip

    def _table(self) -> list[str]:
        rows = [["", *_COLUMNS, *(["LUT est."] if self.estimates else [])]]
        for name, used in self.layers.items():
            cells = [name, *(f"{getattr(used, a):,g}" for a in _COLUMNS.values())]
            if self.estimates:
                known = self.estimates.get(name)
                cells.append("" if known is None else f"{known.lut:,.0f}")
            rows.append(cells)
        estimate = sum(self.estimates.values(), Resources()).lut
        shares = [f"{getattr(self.total, a) / _DEVICE[a]:.1%}" for a in _COLUMNS.values()]
        rows.append([
            "total", *(f"{getattr(self.total, a):,g}" for a in _COLUMNS.values()),
            *([f"{estimate:,.0f}"] if self.estimates else []),
        ])  # fmt: skip
        rows.append(["of an xc7z020", *shares, *([""] if self.estimates else [])])
        return aligned(rows)

    def _timing_line(self) -> str:
        if self.timing is None:
            return "timing: not analysed"
        timing = self.timing
        slacks = {"WNS": timing.wns, "TNS": timing.tns, "WHS": timing.whs, "THS": timing.ths}
        told = ", ".join(f"{n} {v:+.3f} ns" for n, v in slacks.items() if v is not None)
        verdict = "closed" if timing.closed else "NOT CLOSED"
        return f"timing: {verdict} at {timing.clock_mhz:g} MHz, {told}"


def row(used: Utilisation) -> dict[str, float]:
    """By the names of the table's columns."""
    return {name: getattr(used, attribute) for name, attribute in _COLUMNS.items()}


def plot(report: Report, budget: Mapping[str, float]) -> bytes:
    """Each layer's share of the device, stacked a bar a kind, beside the budget; a PNG.

    `budget` is the most that may be used, a fraction for each of lut, ff, bram36 and dsp.
    """
    kinds = {"lut": "LUT", "ff": "FF", "bram36": "BRAM36", "dsp": "DSP"}
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    parts = dict(report.layers) or {"all": report.total}
    bottom = [0.0] * len(kinds)
    for index, (name, used) in enumerate(parts.items()):
        shares = [100 * getattr(used, kind) / _DEVICE[kind] for kind in kinds]
        colour = colormaps["turbo"]((index + 0.5) / len(parts))
        axes.bar(list(kinds.values()), shares, 0.6, bottom=bottom, label=name, color=colour,
                 edgecolor="white", linewidth=0.3)  # fmt: skip
        bottom = [low + share for low, share in zip(bottom, shares, strict=True)]
    for place, kind in enumerate(kinds):
        line = 100 * budget[kind]
        label = "budget" if place == 0 else None
        axes.plot([place - 0.4, place + 0.4], [line, line], color="tab:red", label=label)
    axes.set(ylabel="% of an xc7z020", title=f"{report.design}: {report.stage}, {report.tool}")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), fontsize=7, ncols=2)
    content = io.BytesIO()
    figure.savefig(content, dpi=110, format="png")
    return content.getvalue()


def write(report: Report, folder: Path, name: str, budget: Mapping[str, float]) -> Path:
    """Write NAME.txt, NAME.json and NAME.png into `folder`; the text's path."""
    write_json(folder / f"{name}.json", report.as_json())
    write_atomically(folder / f"{name}.png", plot(report, budget))
    write_atomically(folder / f"{name}.txt", f"{report}\n".encode())
    return folder / f"{name}.txt"
