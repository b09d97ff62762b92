"""Every bench with every set of its parameters, and what came of it as a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from tqdm import tqdm

from host_build.errors import HostError
from host_build.proofs.claims import BENCHES_BY_NAME, Bench
from host_build.proofs.symbiyosys import Mode, Verdict, run

_Todo = TypeVar("_Todo")
_Done = TypeVar("_Done")
_MEANING = {
    ("prove", "PASS"): "proved", ("prove", "FAIL"): "NOT TRUE",
    ("cover", "PASS"): "reached", ("cover", "FAIL"): "NOT REACHED",
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """One question to SymbiYosys and the answer that is claimed."""

    bench: Bench
    parameters: Mapping[str, int]
    mode: Mode = "prove"
    expected: str = "PASS"

    def __str__(self) -> str:
        return " ".join(f"{name}={value}" for name, value in self.parameters.items())


@dataclass(frozen=True)
class Answer:
    task: Task
    verdict: Verdict

    @property
    def as_claimed(self) -> bool:
        return self.verdict.status == self.task.expected


def chosen(names: Sequence[str]) -> list[Bench]:
    """The benches of these names, or all. HostError for a name that has none."""
    for name in names:
        if name not in BENCHES_BY_NAME:
            known = ", ".join(BENCHES_BY_NAME)
            raise HostError(f"there is no bench for {name}; there are {known}")
    return [BENCHES_BY_NAME[name] for name in dict.fromkeys(names or BENCHES_BY_NAME)]


def tasks(benches: Iterable[Bench]) -> list[Task]:
    found = []
    for bench in benches:
        for parameters in bench.cases:
            found += [Task(bench, parameters), Task(bench, parameters, "cover")]
        found += [Task(bench, parameters, expected="FAIL") for parameters in bench.refuted]
    return found


def prove(todo: Sequence[Task], *, jobs: int = 1, timeout: int = 600) -> list[Answer]:
    """The answers, `jobs` at a time; those that were found before come from the cache."""

    def answer(task: Task) -> Answer:
        return Answer(task, run(task.bench, task.parameters, task.mode, timeout=timeout))

    return in_parallel(answer, todo, jobs, "proofs")


def in_parallel(
    work: Callable[[_Todo], _Done], todo: Sequence[_Todo], jobs: int, name: str
) -> list[_Done]:
    """`work` on each, `jobs` at a time, with a progress bar; in the order of `todo`."""
    with ThreadPoolExecutor(jobs) as pool:
        try:
            done = pool.map(work, todo)
            return list(tqdm(done, total=len(todo), desc=name, disable=None, leave=False))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def table(answers: Sequence[Answer]) -> str:
    """A line each, and under it what is not as claimed."""
    width = max([len(str(answer.task)) for answer in answers] + [10])
    lines = [f"{'bench':18}{'parameters':{width + 2}}{'result':>22}{'seconds':>10}"]
    for answer in answers:
        task, verdict = answer.task, answer.verdict
        meaning = _MEANING.get((task.mode, verdict.status), verdict.status)
        if task.expected == "FAIL":
            meaning = "refuted, as it must" if answer.as_claimed else "NOT REFUTED"
        lines.append(
            f"{task.bench.name:18}{task!s:{width + 2}}{meaning:>22}{verdict.seconds:10.1f}"
        )
    wrong = [answer for answer in answers if not answer.as_claimed]
    for answer in wrong:
        lines += ["", f"{answer.task.bench.name} {answer.task}: {answer.task.mode} "
                  f"ended with {answer.verdict.status}", answer.verdict.complaint]  # fmt: skip
    lines += ["", f"{len(answers) - len(wrong)} of {len(answers)} as claimed"]
    return "\n".join(lines)
