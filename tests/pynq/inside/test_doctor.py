"""The doctor on the simulated board, with each fault: it names it.

With -s it prints the table that docs/board.md has.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from board_app.doctor import patterns
from board_app.doctor.examine import examine, report
from board_app.doctor.finding import Finding
from board_app.driver import chip
from board_app.driver.session import ChipLock
from board_app.network.overlay import Overlay
from host_build.simulation.behaviour import BehaviouralChip, Faults
from host_build.simulation.board import SimulatedBoard

from .conftest import BUILD, REFERENCE, tiny_overlay


@dataclass
class Case:
    """What is wrong with the chip's network, its registers, or the board; and what names it."""

    fault: str
    name: str
    says: str
    network: Callable[[np.ndarray], np.ndarray] = REFERENCE.execute
    prepare: Callable[[SimulatedBoard], object] = lambda board: None
    registers: Callable[[int, int], int] = lambda offset, value: value
    faults: Faults | None = None
    build: int = BUILD
    base: int | None = None


def _slcr(offset: int, value: int) -> Callable[[SimulatedBoard], None]:
    return lambda board: board._slcr.__setitem__(offset, value)


def _no_memory(board: SimulatedBoard) -> None:
    board._cma = 0


def _other_columns(images: np.ndarray) -> np.ndarray:
    logits = REFERENCE.execute(images)
    logits[:, 1::2] = 12345
    return logits


def _after_the_first(name: str) -> Callable[[SimulatedBoard], None]:
    """Forget the cache once a batch has been right."""

    def prepare(board: SimulatedBoard) -> None:
        device = board
        execute = device._chips

        def chips(build: int) -> BehaviouralChip:
            made = execute(build)
            network = made._network

            def first(images: np.ndarray) -> np.ndarray:
                if made.batches:
                    setattr(device, name, True)
                made.batches += 1
                return network(images)

            made.batches, made._network = 0, first
            return made

        device._chips = chips

    return prepare


CASES = [
    Case("the IO PLL runs at 1500 MHz", "PLL", "IO PLL 1500 MHz", prepare=_slcr(0x108, 30 << 12)),
    Case("FCLK0 comes from the ARM PLL", "FCLK0", "SRCSEL 2", prepare=_slcr(0x170, 0x20_0A20)),
    Case("the level shifters are off", "FPGA", "level shifters 0x0", prepare=_slcr(0x900, 0)),
    Case("the FPGA is held in reset", "FPGA", "reset on", prepare=_slcr(0x240, 1)),
    Case(
        "the memory port writes 32 bits", "memory port", "writes 32",
        prepare=lambda board: board._afi.__setitem__(0x14, 0xF01),
    ),
    Case("another circuit answers", "chip", "magic 00000000",
         registers=lambda offset, value: 0 if offset == chip.MAGIC else value),
    Case("the chip is of another build", "chip", "build 00000bad", build=0xBAD),
    Case("the chip runs at half its clock", "true clock", "71.4",
         registers=lambda offset, value: value // 2 if offset == chip.UPTIME else value),
    Case("the chip has no clock", "true clock", "0.00 MHz",
         registers=lambda offset, value: 5 if offset == chip.UPTIME else value),
    Case("no contiguous memory is left", "buffer", "no contiguous memory", prepare=_no_memory),
    Case("buffers lie beyond the memory", "buffer", "at 0x20000000", base=0x2000_0000),
    Case("every batch hangs", "frames", "is not done after", faults=Faults(hang=True, always=True)),
    Case("memory answers with errors", "frames", "INPUT_ERROR",
         faults=Faults(input_error=True, always=True)),
    Case("one batch hangs now and then", "1 frame", "second try", faults=Faults(hang=True)),
    Case("the weight memories are empty", "128 frames", "do not depend on the picture",
         network=lambda images: np.full((len(images), 10), 7, np.int32)),
    Case("half of each beat is lost in writing", "128 frames", "every second logit",
         network=_other_columns),
    Case("half of each beat is lost in reading", "128 frames", "upper word of each beat is 0",
         network=lambda images: REFERENCE.execute(patterns._zeroed(images))),
    Case("the cache is not flushed", "128 frames", "black pictures only",
         prepare=_after_the_first("forget_flush")),
    Case("the cache is not invalidated", "1 frame", "those of the batch before",
         prepare=_after_the_first("forget_invalidate")),
    Case("red and blue are exchanged", "128 frames", "red and blue",
         network=lambda images: REFERENCE.execute(np.ascontiguousarray(images[..., ::-1]))),
    Case("timing does not close: single bits are wrong", "128 frames", "of 128 frames are wrong",
         network=lambda images: REFERENCE.execute(images) ^ (images[:, :1, 0, 0] > 200)),
]  # fmt: skip


@pytest.fixture
def overlay(tmp_path: Path) -> Overlay:
    return tiny_overlay(tmp_path / "tiny")


def board_of(case: Case) -> SimulatedBoard:
    class Odd(BehaviouralChip):
        def read(self, offset: int) -> int:
            value = super().read(offset)
            control = offset - 2 * chip.WINDOW
            return case.registers(control, value) if control >= 0 else value

    def chips(build: int) -> BehaviouralChip:
        made = Odd(case.network, case.build)
        made.faults = case.faults or Faults()
        made.ddr_base = case.base or made.ddr_base
        return made

    board = SimulatedBoard(chips, cma=8 << 20)
    case.prepare(board)
    board.install()
    return board


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fault)
def test_each_fault_has_its_name(case: Case, overlay: Overlay) -> None:
    board_of(case)
    findings = list(examine(overlay))
    named = [row for row in findings if row.name == case.name]
    assert named and case.says in named[-1].text, "\n".join(map(str, findings))
    assert named[-1].state != "ok" and named[-1].advice
    _row(case.fault, named[-1])
    assert not any(row.name == "doctor" for row in findings)


def test_a_board_that_is_well(overlay: Overlay) -> None:
    board_of(Case("none", "", ""))
    findings = list(examine(overlay))
    assert {row.state for row in findings} == {"ok"}, "\n".join(map(str, findings))
    assert findings[-1].name == "128 frames"
    rows = report(overlay, findings)["findings"]
    assert [row["name"] for row in rows] == [row.name for row in findings]


def test_another_program_has_the_fpga(overlay: Overlay) -> None:
    board = board_of(Case("none", "", ""))
    holder = ChipLock()
    try:
        findings = list(examine(overlay))
    finally:
        holder.release()
    (named,) = (row for row in findings if row.name == "lock")
    assert named.state == "fault" and "has the FPGA" in named.text
    _row("another program has the FPGA", named)
    assert board.chip is None, "nothing was loaded"


def _row(fault: str, finding: Finding) -> None:
    text, advice = finding.text.split("[")[0].strip(), finding.advice
    print(f"\n| {fault} | {finding.state} | {finding.name}: {text} | {advice} |")
