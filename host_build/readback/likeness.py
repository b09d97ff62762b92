"""Which register, memory and block of a circuit is which of a netlist's, and which is none.

Both are coloured alike: a register's colour begins as its kind and initial value, a memory's as its
contents. Then, again and again, every register gives a word of 64 random bits that follows from
its colour, the logic between is computed, and what comes to a register's inputs makes its next
colour. However the logic is cut into tables, registers with the same colours after some rounds get
the same functions of the same others. Where a fault is, the colours of one register differ first.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.readback import instances
from host_build.readback.model import ONE, ZERO, Cell, Circuit
from host_build.readback.ports import RESET, of_pin
from host_build.readback.program import Builder

ROUNDS = 48
_REGISTERS = ("FDRE", "FDSE", "FDCE", "FDPE")
_WORDS = NDArray[np.uint64]


@dataclass(frozen=True)
class Difference:
    """`places` of the circuit are none of the netlist's, and `names` of it none of the circuit's.

    `why` says what of them differs.
    """

    places: tuple[str, ...]
    names: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        names = ", ".join(self.names[:3]) + (" ..." if len(self.names) > 3 else "")
        places = ", ".join(self.places[:3]) + (" ..." if len(self.places) > 3 else "")
        return f"{places or 'nothing'} is in the place of {names or 'nothing'}: {self.why}"


@dataclass(frozen=True)
class Likeness:
    """`named` has the netlist's name of each place with one counterpart, `alike` all of several."""

    named: dict[str, str]
    alike: dict[str, tuple[str, ...]]
    differences: tuple[Difference, ...]


def compare(circuit: Circuit, netlist: Circuit, rounds: int = ROUNDS) -> Likeness:
    """Find each one's counterpart. ReadbackError where logic depends on itself."""
    ours, theirs = _Colours(circuit), _Colours(netlist)
    for number in range(rounds + 1):
        if number:
            ours.advance(number)
            theirs.advance(number)
        found, wanted = Counter(ours.colours.tolist()), Counter(theirs.colours.tolist())
        if found != wanted:
            return Likeness({}, {}, tuple(_differences(ours, theirs, number)))
    names: dict[int, list[str]] = defaultdict(list)
    for colour, name in zip(theirs.colours.tolist(), theirs.names, strict=True):
        names[colour].append(name)
    alike = {
        place: tuple(names[colour])
        for place, colour in zip(ours.names, ours.colours.tolist(), strict=True)
    }
    named = {place: several[0] for place, several in alike.items() if len(several) == 1}
    return Likeness(named, {place: alike[place] for place in alike if place not in named}, ())


def _differences(ours: _Colours, theirs: _Colours, number: int) -> Iterator[Difference]:
    """Those that have no counterpart any more, by what they were before."""
    left, right = Counter(ours.colours.tolist()), Counter(theirs.colours.tolist())
    places, names = _without(ours, left - right), _without(theirs, right - left)
    for before in sorted(places.keys() | names.keys(), key=str):
        here, there = places.get(before, []), names.get(before, [])
        why = "contents or attributes differ"
        if number and here and there:
            pins = [
                pin for pin in ours.pins(here[0])
                if ours.word(here[0], pin) != theirs.word(there[0], pin)
            ]  # fmt: skip
            why = f"what comes to {', '.join(pins[:3])} is computed otherwise"
        elif not here or not there:
            why = "it has no counterpart"
        else:
            why = _contents(ours.cells[here[0]], theirs.cells[there[0]]) or why
        yield Difference(
            tuple(ours.names[k] for k in here), tuple(theirs.names[k] for k in there), why
        )


def _without(colours: _Colours, extra: Counter[int]) -> dict[object, list[int]]:
    found: dict[object, list[int]] = defaultdict(list)
    for k, colour in enumerate(colours.colours.tolist()):
        if colour in extra:
            before = colours.before[k] if colours.before is not None else colours.cells[k].kind
            found[before].append(k)
    return found


def _contents(ours: Cell, theirs: Cell) -> str:
    for key in ("INIT", "INITP"):
        difference = ours.parameters.get(key, 0) ^ theirs.parameters.get(key, 0)
        if difference:
            lowest = (difference & -difference).bit_length() - 1
            count = difference.bit_count()
            return f"{count} bits of {key} differ, the first of them bit {lowest}"
    return ""


class _Colours(Builder):
    """A circuit's logic as a list of choices and differences, and what stands between as nodes."""

    def __init__(self, circuit: Circuit) -> None:
        super().__init__(circuit)
        self.names: list[str] = []
        self.cells: list[Cell] = []
        self.before: list[int] | None = None
        self._nodes: list[tuple[list[tuple[str, int]], list[tuple[str, int]]]] = []
        for cell in circuit.cells.values():
            self._node(cell)
        self._inputs_of = [dict(inputs) for inputs, _ in self._nodes]
        for cell in circuit.of_kind("LUT5", "LUT6"):
            self._table(cell)
        for cell in circuit.of_kind("MUXF7", "MUXF8"):
            self._multiplexer(cell)
        for cell in circuit.of_kind("CARRY4"):
            self._carry(cell)
        self._runs, self._tables = self._ordered()
        self._words = np.zeros(self._count, np.uint64)
        self._words[1] = ~np.uint64(0)
        self._owner, self._pin, self._net_in = self._flat(0)
        self._source, self._salt, self._net_out = self._flat(1)
        # What a block RAM does not need is tied to constants in several ways.
        ram = np.array([cell.kind == "RAMB18E1" for cell in self.cells])
        self._loose = ram[self._owner]
        self.colours = np.array([_hash(_identity(cell)) for cell in self.cells], np.uint64)

    def advance(self, number: int) -> None:
        """One round: the colours after it."""
        words, nets = self._words, self._net_out
        words[nets] = _mixed(self.colours[self._source] + self._salt + np.uint64(number))
        for kind, first, count in self._runs:
            rows = self._tables[kind][first : first + count]
            if kind == 0:
                select, high, low = words[rows[:, 0]], words[rows[:, 1]], words[rows[:, 2]]
                words[rows[:, 3]] = low ^ (select & (low ^ high))
            else:
                words[rows[:, 2]] = words[rows[:, 0]] ^ words[rows[:, 1]]
        arrived = np.zeros(len(self.colours), np.uint64)
        given = words[self._net_in]
        heeded = ~self._loose | ((given != 0) & (given != ~np.uint64(0)))
        np.add.at(arrived, self._owner, _mixed(given ^ self._pin) * heeded)
        self.before = self.colours.tolist()
        self.colours = _mixed(self.colours + _mixed(arrived))

    def pins(self, node: int) -> list[str]:
        return sorted(self._inputs_of[node])

    def word(self, node: int, pin: str) -> int:
        """What came to a pin in the last round."""
        return int(self._words[self._inputs_of[node].get(pin, 0)])

    def _flat(self, side: int) -> tuple[NDArray[np.int64], _WORDS, NDArray[np.int64]]:
        rows = [
            (k, _hash(pin), net) for k, node in enumerate(self._nodes) for pin, net in node[side]
        ]
        nodes, pins, nets = zip(*rows, strict=True)
        return np.array(nodes), np.array(pins, np.uint64), np.array(nets)

    def _node(self, cell: Cell) -> None:
        """A register, memory or block; the processing system's pins are a node each."""
        if cell.kind == "PS7":
            for pin in cell.outputs:
                if pin == RESET or of_pin(pin, "i"):
                    self._add(f"{cell.kind}/{pin}", cell, {}, [pin])
            for pin in cell.inputs:
                if of_pin(pin, "o"):
                    self._add(f"{cell.kind}/{pin}", cell, {pin: self._of(cell, pin)}, [])
            return
        if cell.kind in _REGISTERS:
            pins = {pin: self._of(cell, pin) for pin in ("D", "CE", "SR")}
        elif cell.kind == "DSP48E1":
            pins = {
                pin: self._wire(*instances.dsp_pin(cell, *_split(pin))) for pin in _heeded(cell)
            }
        elif cell.kind == "RAMB18E1":
            pins = {
                pin: self._wire(*instances.ram_pin(cell, *_split(pin)))
                for pin in cell.inputs
                if _split(pin)[0] in instances.RAM_INPUTS and not pin.startswith("CLK")
            }  # fmt: skip
        elif cell.kind.startswith(("RAMD", "SRL")):
            pins = {pin: self._of(cell, pin) for pin in cell.inputs if pin != "CLK"}
        else:
            return
        self._add(cell.name, cell, pins, list(cell.outputs))

    def _add(self, name: str, cell: Cell, pins: dict[str, int], outputs: list[str]) -> None:
        # Either half of a table's place may have a memory, and one output.
        given = [
            ("O" if pin in ("O5", "O6") else pin, self._net(f"{cell.name}/{pin}"))
            for pin in outputs
        ]
        self._inputs.update(net for _, net in given)
        self.names.append(name)
        self.cells.append(cell if cell.kind != "PS7" else Cell(name, *_PORT, {}, {}, (), {}))
        self._nodes.append((list(pins.items()), given))

    def _wire(self, net: str, inverted: bool) -> int:
        return next(self._pins(iter([(net, inverted)])))


_PORT = ("PS7", "", "")


def _split(pin: str) -> tuple[str, int]:
    """A6 as A and 6."""
    name = pin.rstrip("0123456789")
    if name in instances.RAM_INPUTS or name in instances.DSP_INPUTS:
        return name, int(pin[len(name) :] or 0)
    return pin, 0


def _identity(cell: Cell) -> str:
    """What a node is before it is known what comes to it."""
    told = cell.parameters
    if cell.kind == "PS7":
        return cell.name
    if cell.kind == "RAMB18E1":
        return f"{cell.kind} {told['INIT']:x} {told['INITP']:x}"
    if cell.kind == "DSP48E1":
        kept = ("AREG", "BREG", "CREG", "DREG", "ADREG", "MREG", "PREG", "A_CASCADE", "B_CASCADE")
        return " ".join(
            [cell.kind, *(str(told.get(key, 1)) for key in (*kept, "USE_DPORT", "SIMD"))]
        )
    return f"{cell.kind} {told['INIT']:x}"


def _heeded(cell: Cell) -> list[str]:
    """The inputs of a DSP48E1 that matter in the way it is configured."""
    told = cell.parameters
    pins = ["A", "B", "CARRYIN", "CARRYINSEL", "INMODE", "OPMODE", "ALUMODE", "C"]
    pins += ["D"] * told["USE_DPORT"]
    pins += [f"{port}CIN" for port in "AB" if told[f"{port}_CASCADE"]]
    pins += ["CEA2", "RSTA"] if told["AREG"] else []
    pins += ["CEB2", "RSTB"] if told["BREG"] else []
    for register in "CDMP":
        pins += [f"CE{register}", f"RST{register}"] if told[f"{register}REG"] else []
    nets = [instances.dsp_pin(cell, "OPMODE", k) for k in (4, 5)]
    modes = [net != str(int(inverted)) for net, inverted in nets]
    if not all(net in (ZERO, ONE) for net, _ in nets) or modes == [True, False]:
        pins.append("PCIN")
    found = []
    for pin in pins:
        width = instances.DSP_INPUTS[pin]
        width = min(width, 25) if pin == "A" else width
        found += [pin + (str(k) if width > 1 or pin == "A" else "") for k in range(width)]
    return found


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")


def _mixed(words: _WORDS) -> _WORDS:
    """splitmix64's last steps: every bit of a word changes half of the result's."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return words ^ (words >> np.uint64(31))
