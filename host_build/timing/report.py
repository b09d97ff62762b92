"""What an analysis found, as text, as JSON and as a picture."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from board_app.system.files import write_atomically
from host_build.readback.model import Circuit
from host_build.text.tables import aligned
from host_build.timing.graph import Graph, Hop
from host_build.timing.hold import at_the_fast_corner, skew
from host_build.timing.slack import (
    MARGIN_FACTOR,
    MARGIN_NS,
    Analysis,
    Need,
    most,
    paths,
    with_margin,
)
from host_build.timing.untimed import untimed

_BUFFERS = ("BUFG", "BUFH")
_PROCESSOR = "PS7_"
_LISTED = 12


def summary(
    circuit: Circuit, graph: Graph, analysis: Analysis, mhz: float, *, count: int = 10,
    kernels: Mapping[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """The clock it closes at, and the `count` endpoints with the least slack at `mhz` MHz.

    `kernels` of places add the slowest path into each kernel, the slowest kernel first.
    """
    period = 1000 / mhz
    worst = analysis.needs[:count]
    ways = paths(graph, [need.endpoint for need in worst])
    return {
        "endpoints": len(analysis.needs),
        "endpoints_of_no_clock": len(analysis.untimed),
        "untimed": [asdict(row) for row in untimed(circuit, graph, analysis)],
        "skew_ns": round(skew(graph, analysis), 3),
        "margin": {"factor": MARGIN_FACTOR, "ns": MARGIN_NS},
        "model_mhz": round(analysis.model_mhz, 3),
        "highest_mhz": round(analysis.mhz, 3),
        "clock_mhz": round(mhz, 3),
        "slack_ns": round(min(need.slack(period) for need in analysis.needs), 3),
        "hold_slack_ns": round(min(need.hold for need in analysis.needs), 3),
        "hold_at_the_fast_corner": [
            {
                "kind": hold.kind, "bearable": round(hold.bearable, 3),
                "delays": None if hold.delays is None else round(hold.delays, 3),
                "worst": hold.worst, "holds": hold.holds,
            }
            for hold in at_the_fast_corner(circuit, graph, analysis)
        ],
        "kernels": _by_kernel(graph, analysis, kernels or {}, period),
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


def _by_kernel(
    graph: Graph, analysis: Analysis, kernels: Mapping[str, str], period: float
) -> list[dict[str, Any]]:
    """The slowest path into each kernel; what is of none is left out."""
    slowest: dict[str, Need] = {}
    endpoints: Counter[str] = Counter()
    for need in analysis.needs:
        kernel = kernels.get(_place(need.endpoint.pin))
        if kernel is not None:
            slowest.setdefault(kernel, need)
            endpoints[kernel] += 1
    ways = paths(graph, [need.endpoint for need in slowest.values()])
    rows = []
    for (kernel, need), way in zip(slowest.items(), ways, strict=True):
        first = _launched(way)[0].pin
        rows.append({
            "kernel": kernel, "endpoints": endpoints[kernel], "to": need.endpoint.pin,
            "from": first, "from_kernel": kernels.get(_place(first), _outside(first)),
            "model_ns": round(need.period, 3), "slack_ns": round(need.slack(period), 3),
        })  # fmt: skip
    return rows


def _place(pin: str) -> str:
    """The cell of a pin; the processing system's pins are a place each."""
    cell, _, name = pin.rpartition("/")
    return f"PS7/{name}" if cell.startswith(_PROCESSOR) else cell


def _outside(pin: str) -> str | None:
    return "the processing system" if pin.startswith(_PROCESSOR) else None


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
            *_kernels_text(told["kernels"]), *_untimed_text(told["untimed"]),
            f"{told['endpoints']:,} endpoints are timed, {told['endpoints_of_no_clock']:,} are "
            "reached from no clock",
            f"by the model {told['model_mhz']:.1f} MHz; with the margin ({MARGIN_FACTOR} times, "
            f"and {MARGIN_NS} ns) {told['highest_mhz']:.1f} MHz",
            f"at {told['clock_mhz']:.6g} MHz the slack is {told['slack_ns']:+.3f} ns; hold "
            f"{told['hold_slack_ns']:+.3f} ns (slow corner, no margin)",
            f"the clock's skew is {told['skew_ns']:.3f} ns at most",
            *_fast_text(told["hold_at_the_fast_corner"]),
        ]
    )  # fmt: skip


def _kernels_text(kernels: Sequence[Mapping[str, Any]]) -> list[str]:
    if not kernels:
        return []
    rows = [("into kernel", "from kernel", "endpoints", "ns", "slack")]
    rows += [
        (
            row["kernel"], row["from_kernel"] or "-", f"{row['endpoints']:,}",
            f"{row['model_ns']:.2f}", f"{row['slack_ns']:+.2f}",
        )
        for row in kernels
    ]  # fmt: skip
    return [*aligned(rows, left=(0, 1)), ""]


def _untimed_text(untimed: Sequence[Mapping[str, Any]]) -> list[str]:
    """The kinds of pins without times, those first that matter; the rest of them in a line."""
    if not untimed:
        return []
    rows = [("not timed", "pin", "count", "why")]
    rows += [
        (row["cell"], row["pin"], f"{row['count']:,}", row["why"]) for row in untimed[:_LISTED]
    ]
    rest = untimed[_LISTED:]
    count = sum(row["count"] for row in rest)
    more = [f"and {count:,} more of {len(rest)} kinds, all in timing.json"] if rest else []
    return [*aligned(rows, left=(0, 1, 3)), *more, ""]


def _fast_text(holds: Sequence[Mapping[str, Any]]) -> list[str]:
    rows = [("at the fast corner", "hold times may be", "delays are", "worst")]
    rows += [
        (
            row["kind"], f"{row['bearable']:.0%}",
            "-" if row["delays"] is None else f"{row['delays']:.0%}", row["worst"],
        )
        for row in holds
    ]  # fmt: skip
    return [
        "", *aligned(rows, left=(0, 3)), "of the slow corner's: the files have no hold times there"
    ]  # fmt: skip


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
