"""nextpnr-xilinx on one netlist: from several seeds in turn, each kept, so that it can go on.

Versions before 0.9 write no report, so utilisation and the highest clock are read from the log;
versions since then write the same as JSON.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from board_app.system.files import write_atomically, write_json
from host_build.implementation import tool
from host_build.implementation.tool import ToolError

_NETLIST, _CONSTRAINTS, _FASM, _REPORT, _LOG = (
    "netlist.json", "chip.xdc", "chip.fasm", "nextpnr.json", "nextpnr.log"
)  # fmt: skip
_DONE = "done.json"
_SAME_CLOCK = 1e-3
_USED = re.compile(r"^Info:\s+(\w+):\s*(\d+)/\s*(\d+)\s+\d+%$", re.MULTILINE)
_CLOCK = re.compile(
    r"Max frequency for clock\s+'([^']+)':\s*([\d.]+) MHz \((?:PASS|FAIL) at ([\d.]+) MHz\)"
)


@dataclass(frozen=True)
class Settings:
    """How hard to try: the seeds in turn, until timing closes, and minutes for each program.

    `silent` are minutes in which nextpnr says nothing. Its router's first round takes some; where
    chains of DSP blocks do not fit together its placer looks for places for very long.
    """

    seeds: tuple[int, ...] = (1,)
    placer: str = "heap"
    minutes: float = 120.0
    silent: float = 30.0


@dataclass(frozen=True)
class Run:
    """One seed's: the highest clock by nextpnr's timing, `used` of each kind of site."""

    seed: int
    fmax_mhz: float
    used: Mapping[str, int]
    warnings: tuple[str, ...]
    folder: Path

    @property
    def fasm(self) -> Path:
        return self.folder / _FASM

    def count(self, *names: str) -> int:
        """How many sites are used, by the first of the names that this version has."""
        for name in names:
            if name in self.used:
                return self.used[name]
        raise ToolError(f"nextpnr's report has no {' and no '.join(names)} under utilization")


class Nextpnr:
    """The program, and the device's chip database."""

    def __init__(self, program: str, chipdb: Path) -> None:
        self._program, self._chipdb = program, chipdb.absolute()
        self.version = _version(program)
        self._reports = "--report" in _said(program, "--help")

    def runs(
        self, netlist: bytes, constraints: str, clock_mhz: float, folder: Path, settings: Settings
    ) -> Iterator[Run]:
        """A run for each seed, in a folder each, made when it is asked for.

        What an earlier call with the same netlist and version finished is taken from there. A seed
        with which the program fails is left out; ToolError where it fails with all.
        """
        failures: list[ToolError] = []
        for seed in settings.seeds:
            work = folder / f"seed-{seed}"
            command = self._command(seed, settings.placer, clock_mhz)
            key = _key(netlist, self.version, seed, settings.placer)
            run = _finished(work, seed, key, clock_mhz)
            if run is None:
                try:
                    run = self._run(work, seed, command, netlist, constraints, clock_mhz, settings)
                except ToolError as error:
                    failures.append(error)
                    continue
                _keep(run, key, clock_mhz)
            yield run
        if len(failures) == len(settings.seeds):
            raise failures[0]

    def _command(self, seed: int, placer: str, clock_mhz: float) -> list[str]:
        """It judges no timing, its report does."""
        return [
            self._program, "--chipdb", str(self._chipdb), "--xdc", _CONSTRAINTS, "--json", _NETLIST,
            "--freq", f"{clock_mhz:g}", "--timing-allow-fail", "--seed", str(seed),
            "--placer", placer, "--fasm", _FASM,
            *(["--report", _REPORT] if self._reports else []),
        ]  # fmt: skip

    def _run(
        self, work: Path, seed: int, command: Sequence[str], netlist: bytes, constraints: str,
        clock_mhz: float, settings: Settings,
    ) -> Run:  # fmt: skip
        if work.exists():
            shutil.rmtree(work)
        work.mkdir(parents=True)
        write_atomically(work / _NETLIST, netlist)
        write_atomically(work / _CONSTRAINTS, constraints.encode())
        tool.run(command, work, work / _LOG, minutes=settings.minutes, silent=settings.silent)
        log = (work / _LOG).read_text(errors="replace")
        told = _report(work / _REPORT) if self._reports else read_log(log)
        _check_whole(work / _FASM)
        used = {name: int(row["used"]) for name, row in told.get("utilization", {}).items()}
        warnings = tuple(line for line in log.splitlines() if line.startswith("Warning:"))
        return Run(seed, fmax(told, clock_mhz), used, warnings, work)


def read_log(log: str) -> dict[str, Any]:
    """What a report would say, of what nextpnr prints: the last clocks, after routing."""
    clocks = {
        name: {"achieved": float(achieved), "constraint": float(constraint)}
        for name, achieved, constraint in _CLOCK.findall(log)
    }
    used = {
        name: {"used": int(count), "available": int(most)}
        for name, count, most in _USED.findall(log)
    }
    return {"fmax": clocks, "utilization": used}


def fmax(report: Mapping[str, Any], clock_mhz: float) -> float:
    """The highest clock of the one there is, in MHz; ToolError if it was not bound to the net."""
    clocks = report.get("fmax", {})
    bound = {
        name: row
        for name, row in clocks.items()
        if abs(float(row["constraint"]) / clock_mhz - 1) < _SAME_CLOCK
    }
    if len(clocks) != 1 or not bound:
        known = {name: row["constraint"] for name, row in clocks.items()}
        raise ToolError(
            f"nextpnr should know one clock, of {clock_mhz:g} MHz, but knows {known or 'none'}"
        )
    (clock,) = bound.values()
    return float(clock["achieved"])


def _report(path: Path) -> dict[str, Any]:
    try:
        told = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise ToolError(f"nextpnr wrote no readable {path}: {error}") from error
    if not isinstance(told, dict):
        raise ToolError(f"nextpnr wrote no readable {path}: it has no report")
    return told


def _check_whole(fasm: Path) -> None:
    if not fasm.is_file() or not fasm.stat().st_size:
        raise ToolError(f"nextpnr ended well, but wrote no {fasm}")
    with fasm.open("rb") as file:
        file.seek(-1, 2)
        if file.read() != b"\n":
            raise ToolError(f"{fasm} ends within a line: is the disk full?")


def _key(netlist: bytes, version: str, seed: int, placer: str) -> str:
    told = json.dumps([hashlib.sha256(netlist).hexdigest(), version, seed, placer])
    return hashlib.sha256(told.encode()).hexdigest()


def _keep(run: Run, key: str, clock_mhz: float) -> None:
    row = asdict(run)
    del row["folder"]
    write_json(run.folder / _DONE, {"key": key, "clock_mhz": clock_mhz, **row})


def _finished(work: Path, seed: int, key: str, clock_mhz: float) -> Run | None:
    """What is in `work`, if it is of this key, and aimed at this clock or one that is faster.

    Where the program aimed at a slower clock and missed this one, it may do better with this aim.
    """
    try:
        row = json.loads((work / _DONE).read_text())
        if row["key"] != key or not (work / _FASM).is_file():
            return None
        run = Run(seed, row["fmax_mhz"], row["used"], tuple(row["warnings"]), work)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    aimed = row["clock_mhz"] / clock_mhz > 1 - _SAME_CLOCK
    return run if aimed or run.fmax_mhz >= clock_mhz else None


def _version(program: str) -> str:
    found = re.search(r"\(Version ([^)]*)\)", _said(program, "--version"))
    return found[1] if found else "of unknown version"


def _said(program: str, option: str) -> str:
    try:
        done = subprocess.run(
            [program, option], capture_output=True, text=True, errors="replace", check=False,
            timeout=60, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{program} {option} does not answer: {error}") from error
    return done.stdout + done.stderr
