"""Registers, memories and blocks of a circuit, coloured by what they are and what comes to them.

A register's colour begins as its kind and initial value, a memory's as its contents. Then, again
and again, every register gives a word of 64 random bits that follows from its colour, the logic
between is computed, and what comes to a register's inputs makes its next colour. However the logic
is cut into tables, registers with the same colours after some rounds get the same functions of the
same others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from host_build.readback import keepers
from host_build.readback.logic import CHOICE, Logic
from host_build.readback.model import Circuit

_WORDS = NDArray[np.uint64]


class Colours:
    """The colour of every node of a circuit. ReadbackError where logic depends on itself.

    `names`, `cells` and `colours` are by node; `before` has the colours of the round before.
    """

    def __init__(self, circuit: Circuit) -> None:
        logic = Logic(circuit)
        nodes = [node for cell in circuit.cells.values() for node in keepers.nodes(cell, logic)]
        for cell in circuit.cells.values():
            logic.cell(cell)
        self._order = logic.ordered()
        self.names = [node.name for node in nodes]
        self.cells = [node.cell for node in nodes]
        self.before: list[int] | None = None
        self._inputs = [node.inputs for node in nodes]
        self._words = np.zeros(logic.count, np.uint64)
        self._words[1] = ~np.uint64(0)
        self._owner, self._pin, self._net_in = _flat([[*node.inputs.items()] for node in nodes])
        self._source, self._salt, self._net_out = _flat([node.outputs for node in nodes])
        # What a block RAM does not need is tied to constants in several ways.
        ram = np.array([cell.kind == "RAMB18E1" for cell in self.cells])
        self._loose = ram[self._owner]
        identities = [_hash(keepers.identity(cell)) for cell in self.cells]
        self.colours = np.array(identities, np.uint64)

    def advance(self, number: int) -> None:
        """One round: the colours after it."""
        words, order = self._words, self._order
        words[self._net_out] = _mixed(self.colours[self._source] + self._salt + np.uint64(number))
        for kind, first, count in order.runs:
            if kind == CHOICE:
                rows = order.choices[first : first + count]
                select, high, low = words[rows[:, 0]], words[rows[:, 1]], words[rows[:, 2]]
                words[rows[:, 3]] = low ^ (select & (low ^ high))
            else:
                rows = order.differences[first : first + count]
                words[rows[:, 2]] = words[rows[:, 0]] ^ words[rows[:, 1]]
        arrived = np.zeros(len(self.colours), np.uint64)
        given = words[self._net_in]
        heeded = ~self._loose | ((given != 0) & (given != ~np.uint64(0)))
        np.add.at(arrived, self._owner, _mixed(given ^ self._pin) * heeded)
        self.before = self.colours.tolist()
        self.colours = _mixed(self.colours + _mixed(arrived))

    def pins(self, node: int) -> list[str]:
        return sorted(self._inputs[node])

    def word(self, node: int, pin: str) -> int:
        """What came to a pin in the last round."""
        return int(self._words[self._inputs[node].get(pin, 0)])


def _flat(
    nodes: Sequence[Sequence[tuple[str, int]]],
) -> tuple[NDArray[np.int64], _WORDS, NDArray[np.int64]]:
    """Of every pin its node, the hash of its name, and its net."""
    rows = [(k, _hash(pin), net) for k, pins in enumerate(nodes) for pin, net in pins]
    owners, pins, nets = zip(*rows, strict=True)
    return np.array(owners), np.array(pins, np.uint64), np.array(nets)


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(words: _WORDS) -> _WORDS:
    """splitmix64's last steps: every bit of a word changes half of the result's."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
