"""The picture of a sweep: accuracy against speed, and what of the board each network takes."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from board_app.system.files import write_atomically
from host_build.compiler.fold import DEVICE
from host_build.explore.candidate import HALVED, TRAINED
from host_build.explore.cost import board
from host_build.explore.front import Row, front
from host_build.explore.labels import write_names
from host_build.explore.settings import Settings

_KINDS = (
    ("lut", "LUT", "tab:blue", "o"),
    ("bram36", "BRAM36", "tab:orange", "s"),
    ("dsp", "DSP", "tab:green", "^"),
)
_REPORT, _OURS = "tab:red", "tab:blue"


def plot(found: list[Row], report: dict[str, Row], settings: Settings, path: Path) -> None:
    """Draw the front with the table's rows on it, and below it the board's limits, as a PNG.

    What was trained in full has an axis of its own: brief training is far below.
    """
    figure = Figure(figsize=(10, 11), layout="constrained")
    full, brief, shares = figure.subplots(3, 1, sharex=True, height_ratios=(2, 3, 1.5))
    rows = [row for row in found if "fps" in row]
    everything = [row["fps"] for row in (*rows, *report.values()) if "fps" in row]
    if everything:
        shares.set(xscale="log", xlim=(min(everything) / 1.5, max(everything) * 1.5))
        shares.xaxis.set_major_formatter("{x:,.0f}")
    _full(full, report)
    _brief(brief, found, report, settings)
    _shares(shares, rows, settings)
    for axes in (full, brief, shares):
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    write_atomically(path, picture.getvalue())


def _full(axes: Axes, report: dict[str, Row]) -> None:
    """What the report claims beside what this project's overlays were measured to reach."""
    known = [row for row in report.values() if "fps" in row]
    claimed = [row for row in known if row["claimed_accuracy"] is not None]
    measured = [row for row in known if "measured_accuracy" in row]
    axes.vlines(
        [row["fps"] for row in measured if row in claimed],
        [row["claimed_accuracy"] for row in measured if row in claimed],
        [100 * row["measured_accuracy"] for row in measured if row in claimed],
        color="0.6", lw=1,
    )  # fmt: skip
    axes.plot(
        [row["fps"] for row in claimed], [row["claimed_accuracy"] for row in claimed], "*",
        mfc="white", mec=_REPORT, ms=11, label="claimed by the report",
    )  # fmt: skip
    axes.plot(
        [row["fps"] for row in measured], [100 * row["measured_accuracy"] for row in measured],
        "*", color=_REPORT, ms=11, label="measured here: the integer network of the overlay",
    )  # fmt: skip
    axes.margins(y=0.2)
    levels = {
        name: row["claimed_accuracy"] if row in claimed else 100 * row["measured_accuracy"]
        for name, row in report.items() if row in claimed or row in measured
    }  # fmt: skip
    write_names(axes, [(n, report[n]["fps"], y, _REPORT) for n, y in levels.items()])
    axes.set(ylabel="10,000 test images, %", title="The table's networks, trained in full")
    if claimed or measured:
        axes.legend(fontsize="small", loc="lower left")


def _brief(
    axes: Axes, found: list[Row], report: dict[str, Row], settings: Settings
) -> None:  # fmt: skip
    best = front(found)
    speeds, levels = [row["fps"] for row in best], [100 * row["accuracy"] for row in best]
    if best:
        # Slower than the slowest of the front nothing better is known.
        speeds, levels = [axes.get_xlim()[0], *speeds], [levels[0], *levels]
    axes.step(speeds, levels, where="pre", color=_OURS, lw=2, label="Pareto front")
    axes.fill_between(speeds, levels, step="pre", color=_OURS, alpha=0.08)
    for state, label, size, edge, face in (
        (HALVED, "given up early, after fewer epochs", 5, "0.6", "white"),
        (TRAINED, "trained for all the epochs", 7, _OURS, _OURS),
    ):
        rows = [row for row in found if row["state"] == state]
        axes.plot(
            [row["fps"] for row in rows], [100 * row["accuracy"] for row in rows], "o",
            label=label, ms=size, mec=edge, mfc=face,
        )  # fmt: skip
    tried = {name: row for name, row in report.items() if "accuracy" in row}
    axes.plot(
        [row["fps"] for row in tried.values()],
        [100 * row["accuracy"] for row in tried.values()],
        "*", color=_REPORT, ms=13, label="the table's networks, trained for all the epochs",
    )  # fmt: skip
    drawn = [row["accuracy"] for row in found if "accuracy" in row]
    if drawn:
        room = 10 * (max(drawn) - min(drawn)) + 0.5
        axes.set_ylim(100 * min(drawn) - room, 100 * max(drawn) + room)
    rivals = {row["trial"] for row in tried.values()}
    write_names(
        axes,
        [(n, r["fps"], 100 * r["accuracy"], _REPORT) for n, r in tried.items()]
        + [
            (f"trial {r['trial']}", r["fps"], 100 * r["accuracy"], _OURS)
            for r in best if r["trial"] not in rivals
        ],
    )  # fmt: skip
    if settings.min_fps is not None:
        axes.axvline(settings.min_fps, color="0.4", ls="--", label="least frames/s")
    if settings.min_accuracy is not None:
        axes.axhline(100 * settings.min_accuracy, color="0.4", ls="--", label="least accuracy")
    images = "all" if settings.train_limit is None else f"{settings.train_limit:,}"
    axes.set(
        ylabel="held-out images, %",
        title=f"The search: {settings.epochs} epochs of {images} training images only",
    )
    axes.legend(fontsize="small", loc="lower left")


def _shares(axes: Axes, rows: list[Row], settings: Settings) -> None:
    budget = board(settings.budget)
    for kind, label, color, marker in _KINDS:
        shares = [100 * row["resources"][kind] / getattr(DEVICE, kind) for row in rows]
        axes.plot(
            [row["fps"] for row in rows], shares, marker, color=color, ms=5, alpha=0.8, label=label
        )
    for limit, labels in _limits(budget.lut, budget.bram36, budget.dsp).items():
        axes.axhline(100 * limit, color="0.3", ls="--", lw=1)
        axes.annotate(
            f"the most {labels}: {limit:.0%}", (0.005, 100 * limit),
            xycoords=axes.get_yaxis_transform(), va="bottom", fontsize="small",
        )  # fmt: skip
    axes.set(
        ylim=(0, 110), ylabel="share of the device, %",
        title=f"What each takes of {settings.budget}, and the most it may",
        xlabel=f"frames/s at {settings.clock_mhz:g} MHz of the fastest circuit within the board's "
        "limits, estimated",
    )  # fmt: skip
    axes.legend(fontsize="small", loc="lower left", ncols=len(_KINDS))


def _limits(*shares: float) -> dict[float, str]:
    named: dict[float, str] = {}
    for share, (_, label, *_rest) in zip(shares, _KINDS, strict=True):
        named[share] = f"{named[share]} and {label}" if share in named else label
    return named
