"""From an overlay's circuit to its bitstream: gate, implementation, and into the overlay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from board_app.network import overlay
from board_app.network.overlay import Overlay
from host_build.generate import circuit
from host_build.generate.handoff import handoff
from host_build.implementation import design as designs
from host_build.implementation import report as reports
from host_build.implementation.design import Design
from host_build.implementation.fit import MOST, Fit
from host_build.implementation.report import Report
from host_build.implementation.vivado import Outcome
from host_build.readback import kernels

Flow = Callable[[Design, Path], Outcome]
"""Implements a design in a folder of its own."""


@dataclass(frozen=True)
class Result:
    """How far it came: `report` is None where the gate refused it, `made` where timing did."""

    fit: Fit
    report: Report | None = None
    made: Overlay | None = None


def gate(design: Design) -> Fit:
    """Whether the device has room for `design`, by its kernels' estimates."""
    return Fit(design.name, design.estimates, "estimated from its kernels, before synthesis")


def bitstream(
    chosen: Overlay, flow: Flow, folder: Path, *, clock_mhz: float | None = None
) -> Result:
    """Implement the circuit of `chosen`, and put the bitstream into the overlay.

    With `clock_mhz` it is for that clock, not the one that the circuit was made for. The reports go
    into `folder` as implementation.txt, .json and .png, whether timing closes or not. HostError
    where a tool is missing or fails; the overlay is as before then.
    """
    design = designs.of_overlay(chosen, clock_mhz)
    fit = gate(design)
    if not fit.fits:
        return Result(fit)
    outcome = flow(design, folder / "implementation")
    reports.write(outcome.report, folder, "implementation", MOST)
    if outcome.bitstream is None:
        return Result(fit, outcome.report)
    return Result(fit, outcome.report, install(chosen, design, outcome))


def install(chosen: Overlay, design: Design, outcome: Outcome) -> Overlay:
    """Put a .bit file into the overlay, and into its manifest what was made of what."""
    report, content = outcome.report, outcome.bitstream
    assert content is not None
    name = chosen.folder.name
    bit, hwh = f"{name}.bit", f"{name}.hwh"
    kept = {
        file: (chosen.folder / file).read_bytes()
        for file in chosen.manifest.files if file not in (bit, kernels.FILE)
    }  # fmt: skip
    # A handoff of another clock would set the board's clock to what was not analysed.
    new = {bit: content, hwh: handoff(design.build_id, design.clock_mhz, name).encode()}
    told = report.as_json()
    manifest = replace(
        chosen.manifest,
        tools={**chosen.manifest.tools, report.tool: report.version},
        circuit={
            **chosen.manifest.circuit,
            **circuit.pace(design.clock_mhz, chosen.manifest.circuit["cycles_per_frame"]),
            "implemented": {
                "tool": report.tool, "version": report.version, "stage": report.stage,
                "clock_mhz": design.clock_mhz, "timing": told["timing"], "resources": told["total"],
                **outcome.analysis, "board": "never run on a board",
            },
        },
    )  # fmt: skip
    return overlay.write(chosen.folder, manifest, kept | new)
