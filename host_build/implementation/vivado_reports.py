"""Read the reports of Vivado: utilisation, utilisation by hierarchy, timing, design rules.

The tables' layout was the same from 2017 to 2023; of a table, columns are found by their heads.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from host_build.errors import HostError
from host_build.implementation.design import REST, Design
from host_build.implementation.report import Timing
from host_build.implementation.utilisation import Utilisation

_VERSION = re.compile(r"\|\s*Tool Version\s*:\s*Vivado v\.?(\S+)")
_PERIOD = re.compile(r"^fclk0\s+\{[^}]*\}\s+([\d.]+)\s", re.MULTILINE)
_SUMMARY = re.compile(r"^\s*WNS\(ns\).*\n[\s-]+\n\s*(\S.*)$", re.MULTILINE)
_UNCLOCKED = re.compile(r"checking no_clock \((\d+)\)")
UNREAD_IMAGE = "Synth 8-4445"
"""The message for a `$readmemh` file that cannot be opened; no more than a critical warning."""
_GRAVE = ("Error", "Critical Warning")


class ReportError(HostError):
    """A report has not what it should; the message says which line."""


def version(text: str) -> str:
    """The version of Vivado that wrote a report, such as "2022.1"."""
    match = _VERSION.search(text)
    if match is None:
        raise ReportError("no Vivado report: it has no line 'Tool Version'")
    return match[1]


def utilisation(text: str) -> Utilisation:
    """The whole design's, of a flat report_utilization."""
    version(text)
    # The first mention counts: "Slice Registers" and others come again in a later table.
    used: dict[str, float] = {}
    for cells in _rows(text):
        if len(cells) > 1 and _is_number(cells[1]):
            used.setdefault(cells[0].strip(), float(cells[1]))
    try:
        return Utilisation(
            lut_logic=int(used["LUT as Logic"]), lut_ram=int(used["LUT as Distributed RAM"]),
            lut_shift=int(used["LUT as Shift Register"]), ff=int(used["Slice Registers"]),
            bram36=used["Block RAM Tile"], dsp=int(used["DSPs"]),
        )  # fmt: skip
    except KeyError as error:
        raise ReportError(f"the utilisation report has no row {error}") from error


def by_layer(text: str, design: Design) -> dict[str, Utilisation]:
    """What each layer takes, of a hierarchical report_utilization; what is of none is REST."""
    found = {layer: Utilisation() for layer in design.layers}
    total = Utilisation()
    for depth, path, used in _hierarchy(text):
        if depth == 0:
            total = used
        elif (layer := design.layer(path)) is not None and design.layer(path[:-1]) is None:
            found[layer] += used
    rest = _less(total, sum(found.values(), Utilisation()))
    return {**found, REST: rest}


def timing(text: str) -> Timing:
    """The design timing summary; ReportError where something has no clock, and so no analysis."""
    version(text)
    period, summary = _PERIOD.search(text), _SUMMARY.search(text)
    if period is None:
        raise ReportError("the timing report knows no clock fclk0: nothing was constrained")
    if summary is None:
        raise ReportError("the timing report has no design timing summary")
    unclocked = _UNCLOCKED.search(text)
    if unclocked is None or int(unclocked[1]):
        raise ReportError(
            f"{unclocked[1] if unclocked else 'unknown'} register pins have no clock, so their "
            "timing was not analysed"
        )
    values = summary[1].split()
    try:
        wns, tns, whs, ths = (float(values[index]) for index in (0, 1, 4, 5))
    except (ValueError, IndexError) as error:
        raise ReportError(f"the timing summary is no row of numbers: {summary[1]!r}") from error
    return Timing(round(1e3 / float(period[1]), 3), wns, tns, whs, ths)


def violations(text: str) -> list[str]:
    """The design rule check's errors and critical warnings, a line a rule."""
    return [
        f"{cells[0].strip()}: {cells[1].strip()}: {cells[2].strip()} ({cells[3].strip()})"
        for cells in _rows(text)
        if len(cells) >= 4 and cells[1].strip() in _GRAVE
    ]


def critical_warnings(log: str) -> list[str]:
    """The critical warnings of Vivado's own log."""
    return [line for line in log.splitlines() if line.startswith("CRITICAL WARNING")]


def unread_images(log: str) -> list[str]:
    """What Vivado's log says of memory images that it could not open, whatever it calls it."""
    return [line for line in log.splitlines() if f"[{UNREAD_IMAGE}]" in line]


def _hierarchy(text: str) -> Iterator[tuple[int, list[str], Utilisation]]:
    """Depth below the top, path of instances and use; rows of an instance's own logic left out."""
    columns: dict[str, int] = {}
    path: list[str] = []
    for cells in _rows(text):
        names = [cell.strip() for cell in cells]
        if "Instance" in names and "Module" in names:
            columns = {name: index for index, name in enumerate(names)}
        elif columns and len(cells) == len(columns) and not names[0].startswith("("):
            depth = (len(cells[0]) - len(cells[0].lstrip()) - 1) // 2
            path = [*path[: max(depth - 1, 0)], *([names[0]] if depth else [])]
            yield depth, path, _row(names, columns)
    if not columns:
        raise ReportError("the utilisation report has no table by hierarchy")


def _row(cells: list[str], columns: dict[str, int]) -> Utilisation:
    def value(*names: str) -> int:
        for name in names:
            if name in columns:
                return int(cells[columns[name]])
        raise ReportError(f"the table by hierarchy has no column {names[0]!r}")

    return Utilisation(
        lut_logic=value("Logic LUTs"), lut_ram=value("LUTRAMs"), lut_shift=value("SRLs"),
        ff=value("FFs"), bram36=value("RAMB36") + value("RAMB18") / 2,
        dsp=value("DSP Blocks", "DSP48 Blocks"),
    )  # fmt: skip


def _less(whole: Utilisation, part: Utilisation) -> Utilisation:
    return Utilisation(
        whole.lut_logic - part.lut_logic, whole.lut_ram - part.lut_ram,
        whole.lut_shift - part.lut_shift, whole.ff - part.ff, whole.bram36 - part.bram36,
        whole.dsp - part.dsp,
    )  # fmt: skip


def _rows(text: str) -> Iterator[list[str]]:
    """The cells of every table row, blanks kept: they show the depth."""
    for line in text.splitlines():
        if line.startswith("|") and line.rstrip().endswith("|"):
            yield line.rstrip()[1:-1].split("|")


def _is_number(cell: str) -> bool:
    return re.fullmatch(r"\s*\d+(\.\d+)?\s*", cell) is not None
