"""The kernels' cost estimates against Yosys, over a fixed sweep of their parameters."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import IO, Any

import numpy as np
from matplotlib.figure import Figure
from tqdm import tqdm

from board_app.system.files import write_atomically, write_json
from host_build.errors import HostError
from host_build.implementation import yosys
from host_build.implementation.sweep_points import points
from host_build.kernels.base import Kernel, Resources

KINDS = {"LUT": "lut", "FF": "ff", "BRAM36": "bram36", "DSP": "dsp"}
CHECKED = ("LUT", "BRAM36", "DSP")
"""What must be within the limits. Flip-flops are shown only: no network comes near theirs."""
MOST_MEDIAN, MOST = 0.10, 0.25
ALLOWANCE = {"LUT": 10, "FF": 10, "BRAM36": 0, "DSP": 0}
"""An estimate that is off by no more counts as exact: a handshake is some ten LUTs, of which Yosys
saves a few here and there that no short formula foresees. The sum of a kernel's points, which is
printed beside the errors, knows no allowance."""


@dataclass(frozen=True)
class Measured:
    """One kernel's estimate and what Yosys made of it."""

    module: str
    parameters: Mapping[str, int | str]
    estimate: Resources
    found: Resources

    def counts(self, kind: str) -> tuple[float, float]:
        """The estimate and what Yosys found."""
        return getattr(self.estimate, KINDS[kind]), getattr(self.found, KINDS[kind])

    def error(self, kind: str) -> float:
        """Of the estimate, relative to what Yosys found; above zero where it is too high."""
        estimate, found = self.counts(kind)
        return 0.0 if abs(estimate - found) <= ALLOWANCE[kind] else _relative(estimate, found)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        shown = (f"{n}={v}" for n, v in self.parameters.items() if n != "IMAGE")
        return f"{self.module} {' '.join(shown)}"


@dataclass(frozen=True)
class Errors:
    """How far the estimates of one kernel are off in one resource: the worst with its sign."""

    median: float
    worst: float
    total: float
    """The error of the sum of all points, without allowance."""

    @property
    def within_limits(self) -> bool:
        return self.median <= MOST_MEDIAN and abs(self.worst) <= MOST


def _relative(estimate: float, found: float) -> float:
    if estimate == found:
        return 0.0
    return (estimate - found) / found if found else float("inf")


def synthesize(kernel: Kernel) -> yosys.Synthesis:
    """The kernel alone, out of context. Raises YosysError."""
    return yosys.synthesize(kernel.module, kernel.sources(), kernel.parameters(), kernel.images())


def synthesize_all(kernels: Iterable[Kernel], jobs: int = 1) -> list[yosys.Synthesis]:
    """The same for many, `jobs` at a time; those that were done before are not done again."""
    todo = list(kernels)
    with ThreadPoolExecutor(jobs) as pool:
        try:
            done = pool.map(synthesize, todo)
            return list(tqdm(done, total=len(todo), desc="Yosys", disable=None, leave=False))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def measure(kernels: Sequence[Kernel], jobs: int = 1) -> list[Measured]:
    """Estimate and count of each kernel. Raises YosysError."""
    return [
        Measured(kernel.module, kernel.parameters(), kernel.resources(), found.resources)
        for kernel, found in zip(kernels, synthesize_all(kernels, jobs), strict=True)
    ]


def run(folder: Path, *, kernel: str | None = None, jobs: int = 1) -> list[Measured]:
    """Measure the whole sweep, or one module's part; table, numbers and plot go into `folder`.

    HostError for a module that is not in the sweep, and where Yosys is missing or fails.
    """
    chosen = points()
    if kernel is not None:
        if kernel not in chosen:
            raise HostError(f"there is no kernel {kernel}; there are {', '.join(chosen)}")
        chosen = {kernel: chosen[kernel]}
    try:
        measured = measure([k for kernels in chosen.values() for k in kernels], jobs)
    except yosys.YosysError as error:
        raise HostError(str(error)) from error
    picture = io.BytesIO()
    plot(measured, picture)
    write_atomically(folder / "sweep.txt", f"{table(measured)}\n".encode())
    write_json(folder / "sweep.json", [m.as_json() for m in measured])
    write_atomically(folder / "sweep.png", picture.getvalue())
    return measured


def errors(measured: Sequence[Measured]) -> dict[tuple[str, str], Errors]:
    """By module and kind of resource."""
    found = {}
    for module in dict.fromkeys(m.module for m in measured):
        own = [m for m in measured if m.module == module]
        for kind in KINDS:
            middle = median(abs(m.error(kind)) for m in own)
            worst = max((m.error(kind) for m in own), key=abs)
            estimates, counts = zip(*(m.counts(kind) for m in own), strict=True)
            found[module, kind] = Errors(middle, worst, _relative(sum(estimates), sum(counts)))
    return found


def within_limits(measured: Sequence[Measured]) -> bool:
    return all(e.within_limits for (_, kind), e in errors(measured).items() if kind in CHECKED)


def table(measured: Sequence[Measured]) -> str:
    """Median and worst error of each kernel, and under it what is out of limits."""
    found = errors(measured)
    lines = [
        f"{'':20}{'':>7}" + "".join(f"{kind:>24}" for kind in KINDS),
        f"{'kernel':20}{'points':>7}" + f"{'median':>9}{'worst':>8}{'sum':>7}" * len(KINDS),
    ]
    for module in dict.fromkeys(m.module for m in measured):
        cells = (found[module, kind] for kind in KINDS)
        row = "".join(f"{e.median:9.1%}{e.worst:+8.1%}{e.total:+7.1%}" for e in cells)
        lines.append(f"{module:20}{sum(m.module == module for m in measured):7}{row}")
    rule = f"off by {ALLOWANCE['LUT']} LUT or {ALLOWANCE['FF']} FF at most counts as exact"
    lines += ["", f"error of the estimate relative to Yosys; {rule}"]
    lines += [
        "{}: {} {:.4g}, Yosys {}".format(m, kind, *m.counts(kind))
        for kind in CHECKED
        for m in measured
        if abs(m.error(kind)) > MOST
    ]
    return "\n".join(lines)


def plot(measured: Sequence[Measured], target: Path | IO[bytes]) -> None:
    """Draw estimates against what Yosys found, a picture a resource, as a PNG."""
    figure = Figure(figsize=(11, 10), layout="constrained")
    for axes, (kind, attribute) in zip(figure.subplots(2, 2).flat, KINDS.items(), strict=True):
        top = 1.0
        for index, module in enumerate(dict.fromkeys(m.module for m in measured)):
            pairs = [
                (getattr(m.found, attribute), getattr(m.estimate, attribute))
                for m in measured
                if m.module == module
            ]
            shown = [pair for pair in pairs if min(pair) > 0]
            if shown:
                marker = "os^vD"[index // 10]  # there are ten colours
                axes.scatter(*zip(*shown, strict=True), s=16, label=module, marker=marker)
                top = max(top, *(max(pair) for pair in shown))
        ends = np.array([0.4, 1.5 * top])
        for factor, style in ((1, "-"), (1 + MOST, ":"), (1 - MOST, ":")):
            axes.plot(ends, ends * factor, style, color="gray", linewidth=0.8)
        axes.set(xscale="log", yscale="log", title=kind, xlabel="Yosys", ylabel="estimate")
        if axes.collections:
            axes.legend(fontsize="small")
    figure.savefig(target, dpi=110, format="png")
