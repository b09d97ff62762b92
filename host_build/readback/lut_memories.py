"""Tables that are memories or shift registers, as netlist.h takes them."""

from __future__ import annotations

from collections.abc import Iterable

from host_build.readback.clock import Clock
from host_build.readback.logic import Logic
from host_build.readback.model import Cell

NONE = 0xFFFF_FFFF
"""The number of a net that is not there."""


class LutMemories:
    def __init__(self, logic: Logic, clock: Clock) -> None:
        self._logic, self._clock = logic, clock
        self.memories: list[tuple[int, ...]] = []
        """Words, initial contents."""
        self.reads: list[tuple[int, ...]] = []
        """Six addresses, memory, output."""
        self.writes: list[tuple[int, ...]] = []
        """Six addresses, memory, enable, data."""
        self.shifts: list[tuple[int, ...]] = []
        """Memory, enable, data, last bit."""

    def cell(self, cell: Cell) -> bool:
        """Add a cell; False for one of another kind."""
        if cell.kind in ("RAMD64E", "RAMD32"):
            self._memory(cell, 6 if cell.kind == "RAMD64E" else 5)
        elif cell.kind in ("SRLC32E", "SRL16E"):
            self._shift(cell, 5 if cell.kind == "SRLC32E" else 4)
        else:
            return False
        return True

    def _memory(self, cell: Cell, width: int) -> None:
        number = self._contents(cell, 1 << width)
        read, write = (
            self._address(cell.inputs[f"{pin}{k + 1}"] for k in range(width)) for pin in ("A", "WA")
        )
        output = self._logic.net(f"{cell.name}/{cell.outputs[0]}")
        self.reads.append((*read, number, output))
        if self._clock.runs(cell, "CLK", "IS_CLK_INVERTED"):
            enable = self._logic.of(cell, "WE")
            for pin in ("WA7", "WA8"):
                if pin in cell.inputs:
                    high = (enable, 0) if cell.parameters[f"{pin}_IS"] else (0, enable)
                    enable = self._logic.choice(self._logic.of(cell, pin), *high)
            self.writes.append((*write, number, enable, self._logic.of(cell, "DI")))

    def _shift(self, cell: Cell, width: int) -> None:
        number = self._contents(cell, 1 << width)
        address = self._address(cell.inputs[f"A{k}"] for k in range(width))
        last = NONE
        for output in cell.outputs:
            net = self._logic.net(f"{cell.name}/{output}")
            if output == "MC31":
                last = net
                self._logic.known([net])
            else:
                self.reads.append((*address, number, net))
        running = self._clock.runs(cell, "CLK", "IS_CLK_INVERTED")
        enable = self._logic.of(cell, "CE") if running else 0
        self.shifts.append((number, enable, self._logic.of(cell, "D"), last))

    def _contents(self, cell: Cell, words: int) -> int:
        start = cell.parameters["INIT"]
        self.memories.append((words, start & NONE, start >> 32))
        return len(self.memories) - 1

    def _address(self, nets: Iterable[str]) -> list[int]:
        found = [self._logic.net(net) for net in nets]
        return found + [0] * (6 - len(found))
