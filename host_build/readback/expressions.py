"""A look-up table as choices by one input after another, and those as an expression in Verilog."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from host_build.readback.model import ONE, ZERO


@dataclass(frozen=True, slots=True)
class Choice:
    """`high` where input `place` is 1, otherwise `low`; of both being 1 and 0 it is the input."""

    place: int
    high: Tree
    low: Tree


@dataclass(frozen=True, slots=True)
class Difference:
    """1 where input `place` is not as `rest`."""

    place: int
    rest: Tree


Tree = bool | Choice | Difference


def reduced(table: int, inputs: Sequence[str]) -> tuple[Tree, list[str]]:
    """The tree of bit `{inputs[n-1], ..., inputs[0]}` of `table`, and the inputs it speaks of.

    Inputs that are "0" or "1" are constants, which it does not ask for.
    """
    names = list(inputs)
    for place in reversed(range(len(names))):
        if names[place] in (ZERO, ONE):
            table = _cofactor(table, len(names), place, int(names.pop(place)))
    return _tree(table, tuple(range(len(names)))), names


def expression(table: int, inputs: Sequence[str]) -> str:
    """Verilog for bit `{inputs[n-1], ..., inputs[0]}` of `table`; inputs "0" and "1" are constants.

    The expression is a constant "1'b0" or "1'b1", a name, or one in parentheses.
    """
    return _text(*reduced(table, inputs))


def _text(tree: Tree, names: Sequence[str]) -> str:
    if isinstance(tree, bool):
        return f"1'b{tree:d}"
    name = names[tree.place]
    if isinstance(tree, Difference):
        return f"({name} ^ {_text(tree.rest, names)})"
    high, low = (_text(part, names) for part in (tree.high, tree.low))
    match tree.high, tree.low:
        case True, False:
            return name
        case False, True:
            return f"(~{name})"
        case _, False:
            return f"({name} & {high})"
        case False, _:
            return f"(~{name} & {low})"
        case True, _:
            return f"({name} | {low})"
        case _, True:
            return f"(~{name} | {high})"
    return f"({name} ? {high} : {low})"


@cache
def _tree(table: int, places: tuple[int, ...]) -> Tree:
    """The tree of a table whose input k is called `places[k]`."""
    count = len(places)
    if table in (0, (1 << (1 << count)) - 1):
        return table != 0
    best = None
    for k in range(count):
        low, high = (_cofactor(table, count, k, value) for value in (0, 1))
        if low == high:
            return _tree(low, places[:k] + places[k + 1 :])
        whole = (1 << (1 << (count - 1))) - 1
        shape = 0 if {low, high} & {0, whole} else 1 if low ^ high == whole else 2
        rank = shape, sum(_heeds(part, count - 1) for part in (low, high))
        if best is None or rank < best[0]:
            best = rank, k, low, high
    assert best is not None
    (shape, _), k, low, high = best
    rest = places[:k] + places[k + 1 :]
    if shape == 1:
        return Difference(places[k], _tree(low, rest))
    return Choice(places[k], _tree(high, rest), _tree(low, rest))


def _heeds(table: int, count: int) -> int:
    """How many of its inputs a table depends on."""
    return sum(
        _cofactor(table, count, place, 0) != _cofactor(table, count, place, 1)
        for place in range(count)
    )


@cache
def _cofactor(table: int, count: int, place: int, value: int) -> int:
    """The table of the other inputs where input `place` has `value`."""
    found = 0
    for k in range(1 << (count - 1)):
        at = k >> place << (place + 1) | value << place | k & (1 << place) - 1
        found |= (table >> at & 1) << k
    return found
