"""A benchmark's result as a picture: throughput by batch size, and the latency of a single stream.

matplotlib is on the board's image; a PC may be without.
"""

from __future__ import annotations

import importlib
import io
import math
from typing import TYPE_CHECKING, Any, Dict, List, Mapping

from board_app.errors import BackendError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_CHIP, _WALL, _PROCESSOR = "tab:green", "tab:blue", "tab:orange"
_POINTS = ("p50", "p90", "p99", "max")


def check() -> None:
    """BackendError where nothing can be drawn."""
    try:
        importlib.import_module("matplotlib.figure")
    except ImportError as error:  # of another numpy, too
        raise BackendError(f"--plot needs matplotlib, which cannot be used: {error}") from error


def draw(row: Mapping[str, Any]) -> bytes:
    """A PNG of the `row` that `report.row` makes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.5), constrained_layout=True)
    offline, alone = figure.subplots(1, 2)
    clock = f", chip at {row['chip']['clock_mhz']:g} MHz" if "chip" in row else ""
    figure.suptitle(f"{row['overlay']} on {row['backend']}, {row['machine']['model']}{clock}")
    _offline(offline, row)
    _alone(alone, row)
    for axes in (offline, alone):
        _whole_decades(axes)
        axes.grid(alpha=0.3)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    return picture.getvalue()


def _offline(axes: Axes, row: Mapping[str, Any]) -> None:
    for label, rows, colour in (
        ("the chip, by its counter", row.get("chip", {}).get("offline"), _CHIP),
        ("pixels to logits, by the clock", row.get("offline"), _WALL),
        ("the processor beside it", row.get("processor", {}).get("offline"), _PROCESSOR),
    ):
        if rows:
            sizes = [each["batch"] for each in rows]
            rates = [each["images_per_second"] for each in rows]
            axes.plot(sizes, rates, "o-", color=colour, label=label)
            axes.annotate(f"{rates[-1]:,.0f}", (sizes[-1], rates[-1]), (0, 6),
                          textcoords="offset points", ha="right", color=colour)  # fmt: skip
    axes.set(xscale="log", yscale="log", xlabel="images a batch", ylabel="images a second")
    sizes = sorted({each["batch"] for each in row.get("offline") or row["chip"]["offline"]})
    axes.set_xticks(sizes)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_title("Offline")
    axes.legend(frameon=False)


def _whole_decades(axes: Axes) -> None:
    """So that every labelled line is a power of ten, however narrow what was measured is."""
    low, high = axes.get_ylim()
    axes.set_ylim(10 ** math.floor(math.log10(low)), 10 ** math.ceil(math.log10(high)))
    axes.minorticks_off()


def _alone(axes: Axes, row: Mapping[str, Any]) -> None:
    bars: Dict[str, List[float]] = {}
    if "latency_ms" in row:
        bars[_WALL] = [row["latency_ms"][point] for point in _POINTS]
    if "processor" in row:
        bars[_PROCESSOR] = [row["processor"]["latency_ms"][point] for point in _POINTS]
    width = 0.8 / max(1, len(bars))
    for number, (colour, heights) in enumerate(bars.items()):
        for index, height in enumerate(heights):
            place = index + number * width
            axes.bar(place, height, width, color=colour, align="edge")
            axes.annotate(f"{height:.3g}", (place + width / 2, height), (0, 2),
                          textcoords="offset points", ha="center", fontsize="small")  # fmt: skip
    axes.set_xticks([place + 0.4 for place in range(len(_POINTS))])
    axes.set_xticklabels(["median", "90th", "99th percentile", "longest"])
    if "chip" in row:
        first = row["chip"]["first_image_ms"]
        axes.axhline(first, color=_CHIP, label=f"the chip, by its counter: {first:.3g}")
        axes.legend(frameon=False)
    axes.set(yscale="log", ylabel="milliseconds")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set_title("Single stream: one image alone")
