"""The logic of a circuit as choices (`a ? b : c`) and differences (`a ^ b`) of numbered nets.

0 and 1 are the constants. What registers, memories and blocks give is known before the logic is
computed; everything else stands in an order in which each comes after what it needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.configuration.errors import ReadbackError
from host_build.readback.expressions import Choice, Tree, reduced
from host_build.readback.model import ONE, ZERO, Cell, Circuit
from host_build.readback.ports import buffered

CHOICE, DIFFERENCE, READ, BLOCK = range(4)
"""What a run is of: choices, differences, reads of tables' memories, one block."""


@dataclass(frozen=True)
class Block:
    """A block some of whose outputs, `at_once`, follow its inputs, `needed`, without a register."""

    needed: Sequence[int]
    at_once: Sequence[int]


@dataclass(frozen=True)
class Order:
    """`runs` of one kind, as (kind, first, count), and choices, differences and reads in it."""

    runs: list[list[int]]
    choices: NDArray[np.int64]
    differences: NDArray[np.int64]
    reads: NDArray[np.int64]


class Logic:
    """Numbers of nets, given as they turn up, and what is computed from what."""

    def __init__(self, circuit: Circuit) -> None:
        self._buffered = buffered(circuit)
        self._numbers = {ZERO: 0, ONE: 1}
        self._known: set[int] = {0, 1}
        self._choices: list[tuple[int, ...]] = []  # select, high, low, output
        self._differences: list[tuple[int, ...]] = []
        self.count = 2
        """Of numbers."""

    def new(self) -> int:
        self.count += 1
        return self.count - 1

    def net(self, net: str) -> int:
        """Its number; what a clock buffer passes on is its input's, be it a clock or an enable."""
        net = self._buffered.get(net, net)
        if net not in self._numbers:
            self._numbers[net] = self.new()
        return self._numbers[net]

    def name(self, net: str, number: int) -> None:
        """Let a net that did not turn up yet have this number."""
        self._numbers[net] = number

    def known(self, numbers: Iterable[int]) -> None:
        """These nets are not computed from others."""
        self._known.update(numbers)

    def computed(self, numbers: Iterable[int]) -> None:
        """These are, after all."""
        self._known.difference_update(numbers)

    def of(self, cell: Cell, pin: str) -> int:
        return self.net(cell.inputs[pin])

    def wire(self, net: str, inverted: bool) -> int:
        """The number of a net or of its inverse."""
        number = self.net(net)
        if not inverted:
            return number
        return number ^ 1 if number < 2 else self.difference(number, 1)

    def choice(self, select: int, high: int, low: int, output: int | None = None) -> int:
        if output is None:
            if (high, low) == (1, 0):
                return select
            output = self.new()
        self._choices.append((select, high, low, output))
        return output

    def difference(self, left: int, right: int, output: int | None = None) -> int:
        output = self.new() if output is None else output
        self._differences.append((left, right, output))
        return output

    def cell(self, cell: Cell) -> bool:
        """Add what a cell computes; False for one that is no logic."""
        if cell.kind in ("LUT5", "LUT6"):
            self._table(cell)
        elif cell.kind in ("MUXF7", "MUXF8"):
            select, high, low = (self.of(cell, pin) for pin in ("S", "I1", "I0"))
            self.choice(select, high, low, self.net(f"{cell.name}/O"))
        elif cell.kind == "CARRY4":
            self._carry(cell)
        else:
            return False
        return True

    def _table(self, cell: Cell) -> None:
        width = int(cell.kind[-1])
        inputs = [cell.inputs.get(f"A{k + 1}", ZERO) for k in range(width)]
        tree, names = reduced(cell.parameters["INIT"], inputs)
        self._tree(tree, [self.net(name) for name in names], self.net(f"{cell.name}/O{width}"))

    def _tree(self, tree: Tree, inputs: Sequence[int], output: int | None = None) -> int:
        if isinstance(tree, bool):
            return int(tree) if output is None else self.difference(int(tree), 0, output)
        if isinstance(tree, Choice):
            high, low = self._tree(tree.high, inputs), self._tree(tree.low, inputs)
            return self.choice(inputs[tree.place], high, low, output)
        return self.difference(inputs[tree.place], self._tree(tree.rest, inputs), output)

    def _carry(self, cell: Cell) -> None:
        before = self.of(cell, "CI" if "CI" in cell.inputs else "CYINIT")
        for k in range(4):
            if f"S{k}" not in cell.inputs:
                return
            select = self.of(cell, f"S{k}")
            if f"O{k}" in cell.outputs:
                self.difference(select, before, self.net(f"{cell.name}/O{k}"))
            if f"DI{k}" not in cell.inputs:
                return
            after = self.net(f"{cell.name}/CO{k}")
            before = self.choice(select, before, self.of(cell, f"DI{k}"), after)

    def ordered(self, reads: Sequence[tuple[int, ...]] = (), blocks: Sequence[Block] = ()) -> Order:
        """All of it, each after what it needs. ReadbackError where one needs its own output.

        A read is six addresses, a memory, an output.
        """
        lists = [
            np.array(rows, np.int64).reshape(-1, width)
            for rows, width in ((self._choices, 4), (self._differences, 3), (reads, 8))
        ]
        needs = [lists[0][:, :3], lists[1][:, :2], lists[2][:, :6]]
        left: list[NDArray[np.int64]] = [np.arange(len(rows)) for rows in lists]
        waiting = {k for k, block in enumerate(blocks) if block.at_once}
        known = np.zeros(self.count, bool)
        known[list(self._known)] = True
        runs: list[list[int]] = []
        order: list[list[NDArray[np.int64]]] = [[], [], []]
        while waiting or any(len(rows) for rows in left):
            ready = [known[needs[k][left[k]]].all(axis=1) for k in range(3)]
            some = [k for k in sorted(waiting) if known[list(blocks[k].needed)].all()]
            if not some and not any(rows.any() for rows in ready):
                looped = next(net for net, number in self._numbers.items() if not known[number])
                raise ReadbackError(f"{looped} depends on itself")
            for k in range(3):
                now = left[k][ready[k]]
                if len(now):
                    runs.append([k, sum(map(len, order[k])), len(now)])
                    order[k].append(now)
                    left[k] = left[k][~ready[k]]
                    known[lists[k][now, -1]] = True
            for k in some:
                waiting.remove(k)
                runs.append([BLOCK, k, 1])
                known[list(blocks[k].at_once)] = True
        return Order(runs, *(
            rows[np.concatenate(found)] if found else rows
            for rows, found in zip(lists, order, strict=True)
        ))  # fmt: skip
