"""Vivado: synthesis, place and route, bitstream, in batch and without a project.

It has run with stand-ins for Vivado only: see the README.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from board_app.system.files import write_atomically
from host_build.configuration import bitfile
from host_build.configuration.part import PART
from host_build.implementation import chip_synthesis, tool, vivado_reports
from host_build.implementation.design import CLOCK_PIN, TOP, Design
from host_build.implementation.report import Report
from host_build.implementation.tool import ToolError
from host_build.implementation.utilisation import Utilisation
from host_build.implementation.vivado_counts import plausible
from host_build.text import templates

HERE = Path(__file__).parent
OLDEST = (2022, 1)
REMEDY = (
    "install Vivado 2022.1 or newer (the free edition knows the xc7z020) and source its "
    "settings64.sh, or give --vivado PATH"
)
NOT_CLOSED = 3
"""The script's exit status for a design that is done but too slow."""

_SCRIPT, _CONSTRAINTS, _BITSTREAM, _LOG = "run.tcl", "chip.xdc", "chip.bit", "run.log"
_COMMAND = ("-mode", "batch", "-nojournal", "-nolog", "-notrace", "-source", _SCRIPT)


@dataclass(frozen=True)
class _Reports:
    utilisation: str = "utilisation.rpt"
    hierarchy: str = "hierarchy.rpt"
    timing: str = "timing.rpt"
    drc: str = "drc.rpt"


@dataclass(frozen=True)
class Outcome:
    """The report, and the .bit file's content: None where timing does not close.

    `analysis` is what the manifest says besides of how the timing was found out.
    """

    report: Report
    bitstream: bytes | None
    analysis: Mapping[str, Any] = field(default_factory=dict)


def script(design: Design, counted: Utilisation) -> str:
    """The Tcl that Vivado runs in the folder of the sources; Yosys `counted` the same design."""
    return _render("vivado.tcl.j2", design, counts=plausible(counted))


def constraints(design: Design) -> str:
    """The clock, in Vivado's dialect."""
    return _render("vivado.xdc.j2", design)


def implement(design: Design, folder: Path, program: str = "vivado") -> Outcome:
    """Run Vivado in `folder`, which is emptied before. ToolError where it cannot be done.

    Yosys synthesises the design before: what Vivado makes of it is compared.
    """
    vivado = tool.find(program, REMEDY)
    version = _version(vivado)
    counted, _ = chip_synthesis.synthesize(design)
    if folder.exists():
        shutil.rmtree(folder)
    design.write(folder)
    write_atomically(folder / _SCRIPT, script(design, counted.total).encode())
    write_atomically(folder / _CONSTRAINTS, constraints(design).encode())
    log = folder / _LOG
    try:
        tool.run([vivado, *_COMMAND], folder, log)
    except ToolError as error:
        if error.status != NOT_CLOSED:
            raise
    unread = vivado_reports.unread_images(log.read_text(errors="replace"))
    if unread:
        raise ToolError(
            f"Vivado could not read {len(unread)} memory images, and took zeros for them; all it "
            f"said is in {log}, such as:\n  {unread[0]}"
        )
    report = _report(design, folder, version, log)
    if report.timing is None or not report.timing.closed:
        return Outcome(report, None)
    made = folder / _BITSTREAM
    if not made.is_file():
        raise ToolError(f"Vivado ended well, but wrote no bitstream; all it said is in {log}")
    content = made.read_bytes()
    bitfile.check(content, design.build_id)
    return Outcome(report, content)


def _report(design: Design, folder: Path, version: str, log: Path) -> Report:
    names = _Reports()
    try:
        text = {
            name: (folder / name).read_text(errors="replace")
            for name in (names.utilisation, names.hierarchy, names.timing, names.drc)
        }
    except OSError as error:
        raise ToolError(f"Vivado wrote no {error.filename}; all it said is in {log}") from error
    warnings = vivado_reports.violations(text[names.drc])
    warnings += vivado_reports.critical_warnings(log.read_text(errors="replace"))
    return Report(
        design=design.name,
        tool="Vivado",
        version=version,
        stage="placed and routed",
        total=vivado_reports.utilisation(text[names.utilisation]),
        layers=vivado_reports.by_layer(text[names.hierarchy], design),
        counted="Vivado's, by hierarchy; optimisation moves logic across it",
        timing=vivado_reports.timing(text[names.timing]),
        warnings=tuple(warnings),
        estimates=design.estimates,
    )


def _version(vivado: str) -> str:
    """Vivado's version; ToolError where it is too old or says none."""
    try:
        done = subprocess.run([vivado, "-version"], capture_output=True, text=True, check=False)
    except OSError as error:
        raise ToolError(f"{vivado} cannot be started: {error.strerror}") from error
    found = re.search(r"\bv(\d+)\.(\d+)(\S*)", done.stdout)
    if done.returncode or not found:
        raise ToolError(f"{vivado} does not tell its version, it is no Vivado: {REMEDY}")
    if (int(found[1]), int(found[2])) < OLDEST:
        raise ToolError(f"{vivado} is Vivado {found[1]}.{found[2]}: {REMEDY}")
    return f"{found[1]}.{found[2]}{found[3]}"


def _render(template: str, design: Design, **more: object) -> str:
    values = {
        "design": design, "part": PART, "top": TOP, "clock_pin": CLOCK_PIN,
        "constraints": _CONSTRAINTS, "bitstream": _BITSTREAM, "reports": _Reports(),
        "unread_image": vivado_reports.UNREAD_IMAGE, **more,
    }  # fmt: skip
    return templates.render(HERE / template, values)
