"""Changes to the kernels that the proofs must notice: one bit of one cell at a time, by Yosys."""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from host_build.proofs.claims import Bench
from host_build.proofs.prove import in_parallel
from host_build.proofs.symbiyosys import ProofError, run, script_before_mutation, yosys_command

_SEEN = ("killed", "unproved", "equivalent")


@dataclass(frozen=True)
class Mutant:
    """A changed kernel in its bench; `change` is the command of Yosys that makes it."""

    bench: Bench
    parameters: Mapping[str, int]
    change: str

    @property
    def place(self) -> str:
        """The line of the kernel whose cell is changed."""
        found = re.findall(r"-src (\S+?\.sv:\d+)", self.change)
        return found[-1] if found else self.bench.name


@dataclass(frozen=True)
class Fate:
    """`killed`: the bench is not true any more, and a run shows it. `unproved`: its induction does
    not hold any more, so that the proof ends without success, but no run was found in time.
    `equivalent`: nothing to see. Else it is unseen."""

    mutant: Mutant
    status: str

    @property
    def seen(self) -> bool:
        return self.status in _SEEN


def mutants(bench: Bench, count: int, seed: int) -> list[Mutant]:
    """About `count` changes, spread over the cells of the bench's own modules. ProofError."""
    parameters = bench.cases[-1] if bench.induction else bench.cases[min(1, len(bench.cases) - 1)]
    cells = " ".join(f"a:src=*{name}.sv:*" for name in bench.mutated)
    commands = [f"mutate -list {count} -seed {seed} -o mutants.txt {cells}"]
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        if not _yosys(work, bench, parameters, commands):
            raise ProofError(f"Yosys cannot list mutants of {bench.name}")
        lines = (work / "mutants.txt").read_text().splitlines()
    # A clock that is not one is no circuit.
    logic = [line for line in lines if re.search(r"-port (?!\\?\w*CLK\b)", line)]
    return [Mutant(bench, parameters, line) for line in dict.fromkeys(logic)]


def fate(mutant: Mutant, timeout: int) -> Fate:
    """What the proof says of it, and Yosys of those that are left. Raises ProofError."""
    found = run(mutant.bench, mutant.parameters, timeout=timeout, mutation=mutant.change)
    if found.status == "UNKNOWN":
        # Its invariant is no invariant any more; does that show?
        found = run(mutant.bench, mutant.parameters, "bmc", timeout=timeout, mutation=mutant.change)
        if found.status != "FAIL":
            return Fate(mutant, "equivalent" if equivalent(mutant) else "unproved")
    if found.status == "PASS":
        same = mutant.bench.complete or equivalent(mutant)
        return Fate(mutant, "equivalent" if same else "survived")
    return Fate(mutant, "killed" if found.status == "FAIL" else found.status.lower())


def equivalent(mutant: Mutant) -> bool:
    """Whether the change is none: every register and every output is the same function as before.

    One that only differs in states that are never reached counts as different.
    """
    name = re.search(r"-module (\S+)", mutant.change)
    assert name is not None
    changed = name[1]
    prepare = ["flatten gold gate", "memory_map gold gate", "opt_clean gold gate"]
    commands = [
        f"copy {changed} gold", mutant.change, f"rename {changed} gate", *prepare,
        "equiv_make gold gate both", "hierarchy -top both", "equiv_simple", "equiv_induct",
        "equiv_status -assert",
    ]  # fmt: skip
    with tempfile.TemporaryDirectory() as temporary:
        return _yosys(Path(temporary), mutant.bench, mutant.parameters, commands)


def _yosys(
    work: Path, bench: Bench, parameters: Mapping[str, int], commands: Sequence[str]
) -> bool:
    """Whether the design of the bench passes Yosys' `commands`."""
    texts = {path.name: path.read_text() for path in bench.sources}
    script = [*script_before_mutation(list(texts), bench.top, parameters), *commands]
    for name, text in {**texts, "run.ys": "\n".join(script)}.items():
        (work / name).write_text(text)
    command = [*yosys_command(), "run.log", "run.ys"]
    return not subprocess.run(command, cwd=work, capture_output=True, check=False).returncode


def fates(
    benches: Sequence[Bench], count: int, *, seed: int = 1, jobs: int = 1, timeout: int = 120
) -> list[Fate]:
    """Those of `count` mutants of each bench that has kernels of its own, `jobs` at a time."""
    todo = [mutant for bench in benches if bench.mutated for mutant in mutants(bench, count, seed)]
    return in_parallel(lambda mutant: fate(mutant, timeout), todo, jobs, "mutants")


def table(found: Sequence[Fate]) -> str:
    """A line a bench, and under it each change that nobody noticed."""
    lines = [f"{'bench':18}{'mutants':>9}" + "".join(f"{name:>12}" for name in (*_SEEN, "unseen"))]
    for name in dict.fromkeys(each.mutant.bench.name for each in found):
        own = [each.status for each in found if each.mutant.bench.name == name]
        counts = [own.count(status) for status in _SEEN]
        columns = "".join(f"{count:12}" for count in (*counts, len(own) - sum(counts)))
        lines.append(f"{name:18}{len(own):9}{columns}")
    left = [each for each in found if not each.seen]
    if left:
        lines.append("")
    lines += [f"{each.mutant.place} {each.status}: {each.mutant.change}" for each in left]
    return "\n".join(lines)
