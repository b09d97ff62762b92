"""Which register, memory and block of a circuit is which of a netlist's, and which is none.

Both are coloured alike (colours.py), round by round. Where a fault is, the colours of one register
differ first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from host_build.readback.colours import Colours
from host_build.readback.model import Cell, Circuit

ROUNDS = 48


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
    ours, theirs = Colours(circuit), Colours(netlist)
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


def _differences(ours: Colours, theirs: Colours, number: int) -> Iterator[Difference]:
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


def _without(colours: Colours, extra: Counter[int]) -> dict[object, list[int]]:
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
