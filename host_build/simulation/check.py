"""Simulate a circuit on test images and say whether it is right, and how fast."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from board_app.network.graph import Graph
from board_app.network.reference import Reference
from host_build.generate.layout import Plan
from host_build.simulation.network import NetworkSimulation


@dataclass(frozen=True)
class Found:
    """What `images` images gave; cycles are the simulation's, `seconds` its wall time.

    `accuracy` is None where they have no labels.
    `spacings` are the cycles between frames once the circuit is full, see `Run`.
    """

    images: int
    accuracy: float | None
    different: int
    spacings: NDArray[np.int64]
    latency: int
    seconds: float

    @property
    def equal(self) -> bool:
        """Whether every logit is the reference's."""
        return self.different == 0


def simulate(
    layout: Plan, graph: Graph, name: str, images: NDArray[np.uint8],
    labels: NDArray[np.integer] | None = None, *,
    stall: float = 0.0, seed: int = 0, trace: Path | None = None,
    window: tuple[int, int] | None = None,
) -> Found:  # fmt: skip
    """Send `images` through the circuit, with back-pressure of probability `stall` on both sides.

    `labels` (N,) are their true classes, where they are known.
    """
    circuit = NetworkSimulation.generated(layout, name, traced=trace is not None)
    with tqdm(total=len(images), desc="simulate", unit="image") as bar:

        def progress(done: int) -> None:
            bar.update(done - bar.n)

        start = time.monotonic()
        run = circuit.run(
            images, stall_in=stall, stall_out=stall, seed=seed, on_frame=progress,
            trace=trace, window=window and (window[0], window[1]),
        )  # fmt: skip
        seconds = time.monotonic() - start
    expected = Reference(graph).execute(images)
    return Found(
        images=len(images),
        accuracy=None if labels is None else float((run.logits.argmax(axis=1) == labels).mean()),
        different=int((run.logits != expected).any(axis=1).sum()),
        spacings=run.spacings,
        latency=run.latency,
        seconds=seconds,
    )


def summary(found: Found, layout: Plan, clock_mhz: float) -> str:
    """The result for a person."""
    verdict = "all logits equal the reference's"
    if not found.equal:
        verdict = f"DIFFERENT from the reference on {found.different} of {found.images} images"
    accuracy = []
    if found.accuracy is not None:
        accuracy = [f"accuracy            {found.accuracy:.2%} of these images"]
    return "\n".join([
        f"{found.images} images: {verdict}",
        *accuracy,
        *_pace(found.spacings, layout.interval, clock_mhz),
        f"latency             {found.latency:,} cycles, {found.latency / clock_mhz:,.0f} us",
        f"simulated           {found.images / found.seconds:.1f} images/s",
    ])  # fmt: skip


def _pace(spacings: NDArray[np.int64], predicted: int, clock_mhz: float) -> list[str]:
    if not len(spacings):
        return [f"initiation interval predicted {predicted:,}; to measure it takes three images"]
    interval = spacings.mean()
    low, high = spacings.min(), spacings.max()
    spread = "each" if low == high else f"{low:,} to {high:,}"
    return [
        f"initiation interval {interval:,.1f} cycles a frame, predicted {predicted:,}",
        f"                    over the last {len(spacings)} of them, {spread}",
        f"at {clock_mhz:g} MHz          {clock_mhz * 1e6 / interval:,.0f} frames/s",
    ]
