"""What an analysis found, as text, as JSON and as a picture."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from board_app.system.files import write_atomically
from host_build.text.tables import aligned
from host_build.timing.graph import Graph, Hop
from host_build.timing.slack import MARGIN_FACTOR, MARGIN_NS, Analysis, most, paths, with_margin

_BUFFERS = ("BUFG", "BUFH", "PS7_")


def summary(analysis: Analysis, graph: Graph, mhz: float, count: int = 10) -> dict[str, Any]:
    """The clock it closes at, and the `count` endpoints with the least slack at `mhz` MHz."""
    period = 1000 / mhz
    worst = analysis.needs[:count]
    ways = paths(graph, [need.endpoint for need in worst])
    return {
        "endpoints": len(analysis.needs),
        "endpoints_of_no_clock": len(analysis.untimed),
        "margin": {"factor": MARGIN_FACTOR, "ns": MARGIN_NS},
        "model_mhz": round(analysis.model_mhz, 3),
        "highest_mhz": round(analysis.mhz, 3),
        "clock_mhz": round(mhz, 3),
        "slack_ns": round(min(need.slack(period) for need in analysis.needs), 3),
        "hold_slack_ns": round(min(need.hold for need in analysis.needs), 3),
        "paths": [
            {
                "to": need.endpoint.pin, "model_ns": round(need.period, 3),
                "with_margin_ns": round(with_margin(need.period), 3),
                "slack_ns": round(need.slack(period), 3),
                "end_wire_ns": round(most(need.endpoint.wire), 3),
                "setup_ns": need.endpoint.setup,
                "cells": [
                    {
                        "from": hop.pin, "to": hop.target, "wire_ns": round(most(hop.wire), 3),
                        "cell_ns": round(most(hop.cell), 3),
                    }
                    for hop in _launched(way)
                ],
            }
            for need, way in zip(worst, ways, strict=True)
        ],
    }  # fmt: skip


def text(told: dict[str, Any]) -> str:
    """The summary for people: the worst endpoints, and the worst path cell by cell."""
    rows = [("endpoint", "from", "cells", "ns", "with margin", "slack")]
    rows += [
        (
            path["to"], path["cells"][0]["from"], str(len(path["cells"])),
            f"{path['model_ns']:.2f}", f"{path['with_margin_ns']:.2f}", f"{path['slack_ns']:+.2f}",
        )
        for path in told["paths"]
    ]  # fmt: skip
    worst = told["paths"][0]
    hops = [("the worst path", "wire ns", "cell ns")]
    hops += [
        (hop["to"], f"{hop['wire_ns']:.2f}", f"{hop['cell_ns']:.2f}") for hop in worst["cells"]
    ]
    hops.append((worst["to"], f"{worst['end_wire_ns']:.2f}", f"{worst['setup_ns']:.2f} setup"))
    return "\n".join(
        [
            *aligned(rows, left=(0, 1)), "", *aligned(hops), "",
            f"{told['endpoints']:,} endpoints are timed, {told['endpoints_of_no_clock']:,} are "
            "reached from no clock: constants, or the processing system's quiet signals",
            f"by the model {told['model_mhz']:.1f} MHz; with the margin ({MARGIN_FACTOR} times, "
            f"and {MARGIN_NS} ns) {told['highest_mhz']:.1f} MHz",
            f"at {told['clock_mhz']:.6g} MHz the slack is {told['slack_ns']:+.3f} ns; hold "
            f"{told['hold_slack_ns']:+.3f} ns (slow corner, no margin)",
        ]
    )  # fmt: skip


def plot(analysis: Analysis, mhz: float, path: Path) -> None:
    """How many endpoints have which slack at `mhz` MHz, margin taken off, as a PNG."""
    slacks = [need.slack(1000 / mhz) for need in analysis.needs]
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.hist(slacks, bins=100, color="tab:blue", log=True)
    axes.axvline(0, color="tab:red")
    axes.set(
        xlabel=f"slack at {mhz:.6g} MHz, ns (left of the red line: too slow)", ylabel="endpoints"
    )
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    write_atomically(path, picture.getvalue())


def _launched(way: Sequence[Hop]) -> Sequence[Hop]:
    """A path without the clock's way to where it begins."""
    begin = 0
    while begin < len(way) - 1 and way[begin].pin.startswith(_BUFFERS):
        begin += 1
    return way[begin:]
