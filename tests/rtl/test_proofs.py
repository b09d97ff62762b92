"""The kernels' proofs: a case of each bench, and that SymbiYosys would say if one did not hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from host_build.cli import main
from host_build.proofs import mutants, symbiyosys
from host_build.proofs.claims import BENCHES_BY_NAME
from host_build.proofs.mutants import fates
from host_build.proofs.prove import Answer, Task, prove, table, tasks
from host_build.proofs.symbiyosys import ProofError, Verdict, run

pytestmark = pytest.mark.rtl

FIFO = BENCHES_BY_NAME["fifo"]
SMALL = {"WIDTH": 2, "DEPTH": 3}


@pytest.mark.parametrize("name", BENCHES_BY_NAME)
def test_holds(name: str) -> None:
    """The first case and its covers, and what must not hold: all of them are `prove`'s to run."""
    bench = BENCHES_BY_NAME[name]
    few = replace(bench, cases=bench.cases[:1], refuted=bench.refuted[:1])
    answers = prove(tasks([few]))
    assert all(answer.as_claimed for answer in answers), table(answers)


def test_what_is_not_true_is_refuted_with_a_waveform(tmp_path: Path) -> None:
    # The bench is right about a FIFO of four beats, and this one has five.
    fifo = (tmp_path / "fifo.sv", FIFO.sources[0].read_text())
    assert fifo[1].count("COUNT_BITS'(DEPTH - 1)") == 1
    texts = {path.name: path.read_text() for path in FIFO.sources}
    texts["fifo.sv"] = fifo[1].replace("COUNT_BITS'(DEPTH - 1)", "COUNT_BITS'(DEPTH)")
    script = [
        *symbiyosys.script_before_mutation(list(texts), FIFO.top, {"DEPTH": 4}),
        "flatten", "memory_map", "opt -full",
    ]  # fmt: skip
    verdict = symbiyosys.ask(texts, script, "prove", depth=0, timeout=60, cache=tmp_path)
    assert verdict.status == "FAIL"
    place, waveform = verdict.complaint.splitlines()
    assert "fifo_proof.sv:" in place
    assert Path(waveform.removeprefix("waveform: ")).is_file()


def test_an_answer_is_kept_and_a_half_one_is_not(tmp_path: Path) -> None:
    first = run(FIFO, SMALL, cache=tmp_path)
    assert first.status == "PASS"
    (kept,) = tmp_path.iterdir()
    (kept / "verdict.json").write_text('{"status": "FAIL", "seconds": 0, "complaint": "kept"}')
    assert run(FIFO, SMALL, cache=tmp_path).complaint == "kept"
    (kept / "verdict.json").unlink()
    with pytest.raises(ProofError, match="BAD"):
        run(FIFO, SMALL, mutation="BAD", cache=tmp_path)


def test_a_cover_that_is_not_reached_fails(tmp_path: Path) -> None:
    verdict = run(replace(FIFO, depth=3), SMALL, "cover", cache=tmp_path)
    assert verdict.status == "FAIL"
    assert "fifo_proof.sv:" in verdict.complaint


def test_table_says_what_is_not_as_claimed() -> None:
    task = Task(FIFO, SMALL)
    found = [Answer(task, Verdict("PASS", 1.0, "")), Answer(task, Verdict("TIMEOUT", 9.0, "why"))]
    lines = table(found).splitlines()
    assert lines[-1] == "1 of 2 as claimed"
    assert "why" in lines


def test_unknown_kernel_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prove", "fito"]) == 2
    assert "there is no bench for fito; there are fifo," in capsys.readouterr().err


def test_mutants_are_seen() -> None:
    found = fates([BENCHES_BY_NAME["stream_fork"]], 6, jobs=2)
    assert found
    assert all(each.seen for each in found), mutants.table(found)
    assert any(each.status == "killed" for each in found)


def test_only_a_change_that_is_none_is_equivalent() -> None:
    fork = BENCHES_BY_NAME["stream_fork"]
    found = mutants.mutants(fork, 12, 1)
    same = [each for each in found if mutants.equivalent(each)]
    # The reset value of a register is 0, and stays it.
    assert len(same) == 1
    assert "const0" in same[0].change and same[0].place.startswith("stream_fork.sv:")


@pytest.mark.parametrize(
    ("second", "same", "status"),
    [
        ("FAIL", False, "killed"),
        ("PASS", False, "unproved"),
        ("TIMEOUT", False, "unproved"),
        ("PASS", True, "equivalent"),
    ],
)
def test_a_mutant_whose_induction_breaks(
    monkeypatch: pytest.MonkeyPatch, second: str, same: bool, status: str
) -> None:
    # No run shows it in time, as of the upper bits of a counter: the proof is broken all the same.
    verdicts = iter([Verdict("UNKNOWN", 1.0, ""), Verdict(second, 1.0, "")])
    monkeypatch.setattr(mutants, "run", lambda *_, **__: next(verdicts))
    monkeypatch.setattr(mutants, "equivalent", lambda _: same)
    found = mutants.fate(mutants.Mutant(FIFO, SMALL, "mutate"), 60)
    assert found.status == status
    assert found.seen


def test_a_mutant_that_nobody_sees_is_listed() -> None:
    mutant = mutants.Mutant(
        FIFO, SMALL, "mutate -mode inv -src fifo.sv:1.2-1.3 -src fifo.sv:7.1-7.2"
    )
    lines = mutants.table([mutants.Fate(mutant, "survived")]).splitlines()
    assert lines[1].split() == ["fifo", "1", "0", "0", "0", "1"]
    assert lines[-1].startswith("fifo.sv:7 survived: mutate")
