"""What Yosys makes of an overlay's whole circuit, beside the estimate it was folded with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from board_app.network.overlay import Overlay
from board_app.system.files import write_atomically, write_json
from host_build.compiler.fold import DEVICE
from host_build.errors import HostError
from host_build.generate import circuit, verilog
from host_build.generate.layout import Plan
from host_build.implementation import sweep, yosys
from host_build.implementation.utilisation import LUT_RAMS
from host_build.kernels.base import Resources
from host_build.text.tables import aligned


@dataclass(frozen=True)
class Report:
    """The whole network, and each layer (by the graph's node) if it was asked for."""

    network: str
    whole: yosys.Synthesis
    estimate: Resources
    layers: Mapping[str, tuple[Resources, Resources]]
    """What Yosys found for the layer's kernels, each alone, and the estimate."""

    def __str__(self) -> str:
        whole = self.whole
        logic = {"LUT logic": whole.lut_logic, "LUTRAM": whole.lut_ram, "SRL": whole.lut_shift}
        rows = [[self.network, "Yosys", "estimate", "off by", "xc7z020"]]
        for name, attribute in sweep.KINDS.items():
            found, estimate, most = (
                getattr(r, attribute) for r in (whole.resources, self.estimate, DEVICE)
            )
            off = f"{estimate / found - 1:+.1%}" if found else ""
            told = _estimated(self.estimate, attribute)
            rows.append([name, f"{found:,g}", told, off, f"{found / most:.1%}"])
        rows += [[name, f"{value:,}", "", "", ""] for name, value in logic.items()]
        memories = (whole.lut_ram + whole.lut_shift) / LUT_RAMS
        told = f"{memories:.1%} of the LUTs that can be memory"
        return "\n".join([*aligned(rows), told, *self._layer_lines()])

    def _layer_lines(self) -> list[str]:
        if not self.layers:
            return []
        rows = [["layer", *(cell for name in sweep.KINDS for cell in (name, "est."))]]
        for layer, (found, estimate) in {**self.layers, "sum": _sum(self.layers)}.items():
            rows.append([layer])
            for kind in sweep.KINDS.values():
                rows[-1] += [f"{getattr(found, kind):,g}", _estimated(estimate, kind)]
        return ["", "each kernel alone, without what the whole shares:", *aligned(rows)]

    def as_json(self) -> dict[str, Any]:
        whole = self.whole
        return {
            "network": self.network,
            "whole": {
                **_row(whole.resources), "LUT logic": whole.lut_logic, "LUTRAM": whole.lut_ram,
                "SRL": whole.lut_shift, "CARRY4": whole.carry4, "cascades": whole.cascades,
            },
            "estimate": _row(self.estimate),
            "layers": {
                layer: {"yosys": _row(found), "estimate": _row(estimate)}
                for layer, (found, estimate) in self.layers.items()
            },
        }  # fmt: skip


def synthesize(chosen: Overlay, folder: Path, *, by_layer: bool = False, jobs: int = 1) -> Report:
    """Synthesise the circuit of `chosen`; the report and the SystemVerilog go into `folder`.

    HostError where Yosys is missing or refuses the circuit.
    """
    network = chosen.manifest.network
    layout = circuit.layout(chosen)
    top = circuit.write_rtl(chosen, folder / "rtl")
    try:
        whole = yosys.synthesize(top.stem, [top, *verilog.sources(layout)], {}, layout.images())
        layers = _layers(layout, jobs) if by_layer else {}
    except yosys.YosysError as error:
        raise HostError(str(error)) from error
    report = Report(network, whole, layout.resources, layers)
    write_atomically(folder / "synthesis.txt", f"{report}\n".encode())
    write_json(folder / "synthesis.json", report.as_json())
    return report


def _layers(layout: Plan, jobs: int) -> dict[str, tuple[Resources, Resources]]:
    found: dict[str, Resources] = {}
    alone = sweep.synthesize_all([i.kernel for i in layout.instances], jobs)
    for instance, synthesis in zip(layout.instances, alone, strict=True):
        found[instance.layer] = found.get(instance.layer, Resources()) + synthesis.resources
    return {layer: (found[layer], cost) for layer, (_, cost) in layout.by_layer().items()}


def _sum(layers: Mapping[str, tuple[Resources, Resources]]) -> tuple[Resources, Resources]:
    founds, estimates = zip(*layers.values(), strict=True)
    return sum(founds, Resources()), sum(estimates, Resources())


def _estimated(cost: Resources, kind: str) -> str:
    return f"{getattr(cost, kind):,.{int(kind == 'bram36')}f}"


def _row(cost: Resources) -> dict[str, float]:
    return {name: round(getattr(cost, a), 1) for name, a in sweep.KINDS.items()}
