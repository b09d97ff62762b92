"""The picture of a sweep: accuracy against speed, and what of the board each network takes."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from board_app.files import write_atomically
from host_build.compiler.fold import DEVICE
from host_build.explore.candidate import HALVED, TRAINED
from host_build.explore.cost import board
from host_build.explore.front import Row, front
from host_build.explore.settings import Settings

_KINDS = (
    ("lut", "LUT", "tab:blue"),
    ("bram36", "BRAM36", "tab:orange"),
    ("dsp", "DSP", "tab:green"),
)


def plot(found: list[Row], report: dict[str, Row], settings: Settings, path: Path) -> None:
    """Draw the front with the report's rows on it, and below it the board's limits, as a PNG.

    What the rows claim after 200 epochs has an axis of its own: brief training is far below.
    """
    figure = Figure(figsize=(9, 10), layout="constrained")
    top, above, below = figure.subplots(3, 1, sharex=True, height_ratios=(1.6, 3, 1.3))
    _claims(top, report)
    _accuracy(above, found, report, settings)
    _shares(below, [row for row in found if "fps" in row], settings)
    picture = io.BytesIO()
    figure.savefig(picture, dpi=110, format="png")
    write_atomically(path, picture.getvalue())


def _accuracy(
    axes: Axes, found: list[Row], report: dict[str, Row], settings: Settings
) -> None:  # fmt: skip
    for state, label, edge, face in (
        (HALVED, "given up early", "0.6", "none"),
        (TRAINED, "trained to the end", "tab:blue", "tab:blue"),
    ):
        rows = [row for row in found if row["state"] == state]
        axes.plot(
            [row["fps"] for row in rows], [100 * row["accuracy"] for row in rows], "o",
            label=label, mec=edge, mfc=face,
        )  # fmt: skip
    best = front(found)
    axes.step(
        [row["fps"] for row in best], [100 * row["accuracy"] for row in best], where="pre",
        color="tab:blue", label="front",
    )  # fmt: skip
    tried = {name: row for name, row in report.items() if "accuracy" in row}
    axes.plot(
        [row["fps"] for row in tried.values()],
        [100 * row["accuracy"] for row in tried.values()],
        "*", color="tab:red", ms=11, label="report's row, trained like the others",
    )  # fmt: skip
    for name, row in tried.items():
        _name(axes, name, row["fps"], 100 * row["accuracy"])
    if settings.min_fps is not None:
        axes.axvline(settings.min_fps, color="0.4", ls="--", label="least frames/s")
    if settings.min_accuracy is not None:
        axes.axhline(100 * settings.min_accuracy, color="0.4", ls="--", label="least accuracy")
    images = "all" if settings.train_limit is None else f"{settings.train_limit:,}"
    axes.set(
        xscale="log", ylabel="held-out images, %",
        title=f"accuracy after {settings.epochs} epochs of {images} images; {settings.budget}",
    )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")


def _claims(axes: Axes, report: dict[str, Row]) -> None:
    claimed = {n: r for n, r in report.items() if "fps" in r and r["claimed_accuracy"] is not None}
    axes.plot(
        [row["fps"] for row in claimed.values()],
        [row["claimed_accuracy"] for row in claimed.values()],
        "*", mfc="none", mec="tab:red", ms=9,
    )  # fmt: skip
    for name, row in claimed.items():
        _name(axes, name, row["fps"], row["claimed_accuracy"])
    axes.set(ylabel="test images, %", title="the report's rows: claimed accuracy, our frames/s")
    # Room for the names, which stand to the right of the stars.
    axes.margins(x=0.15, y=0.15)
    axes.grid(alpha=0.3)


def _shares(axes: Axes, rows: list[Row], settings: Settings) -> None:
    budget = board(settings.budget)
    for kind, label, color in _KINDS:
        shares = [100 * row["resources"][kind] / getattr(DEVICE, kind) for row in rows]
        axes.plot([row["fps"] for row in rows], shares, ".", color=color, label=label)
    for limit, labels in _limits(budget.lut, budget.bram36, budget.dsp).items():
        axes.axhline(100 * limit, color="0.4", ls="--")
        axes.annotate(
            f"limit of {labels}", (0.01, 100 * limit), xycoords=axes.get_yaxis_transform(),
            va="bottom", fontsize="small",
        )  # fmt: skip
    axes.set(
        ylim=(0, 105), ylabel="share of the device, %",
        xlabel=f"frames/s at {settings.clock_mhz:g} MHz of the fastest circuit that fits",
    )  # fmt: skip
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small", loc="lower left")


def _limits(*shares: float) -> dict[float, str]:
    named: dict[float, str] = {}
    for share, (_, label, _) in zip(shares, _KINDS, strict=True):
        named[share] = f"{named[share]} and {label}" if share in named else label
    return named


def _name(axes: Axes, text: str, x: float, y: float) -> None:
    axes.annotate(
        text, (x, y), (4, 4), textcoords="offset points", fontsize="x-small", color="tab:red"
    )
