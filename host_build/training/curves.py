"""The picture of a training run."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from board_app.system.files import write_atomically


def plot_curves(history: list[dict[str, Any]], title: str, path: Path) -> None:
    """Draw loss and held-out accuracy over epochs; quantised epochs are shaded."""
    figure = Figure(figsize=(8, 4.5), layout="constrained")
    left = figure.subplots()
    right = left.twinx()
    epochs = [row["epoch"] for row in history]
    left.plot(epochs, [row["loss"] for row in history], color="tab:blue")
    right.plot(epochs, [100 * row["held_out"] for row in history], color="tab:orange")
    left.set(xlabel="epoch", ylabel="training loss (blue)", title=title)
    right.set(ylabel="accuracy on held-out images, % (orange)")
    quantised = [row["epoch"] for row in history if row["quantised"]]
    if quantised:
        left.axvspan(
            quantised[0] - 0.5, quantised[-1] + 0.5, color="0.92", zorder=0, label="quantised"
        )
        left.legend(loc="center right")
    picture = io.BytesIO()
    figure.savefig(picture, dpi=120, format="png")
    write_atomically(path, picture.getvalue())
