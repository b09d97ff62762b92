"""A look-up table as an expression of its inputs, which simulates faster than a table."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache


def expression(table: int, inputs: Sequence[str]) -> str:
    """Verilog for bit `{inputs[n-1], ..., inputs[0]}` of `table`; inputs "0" and "1" are constants.

    The expression is a constant "1'b0" or "1'b1", a name, or one in parentheses.
    """
    names = list(inputs)
    for place in reversed(range(len(names))):
        if names[place] in ("0", "1"):
            table = _cofactor(table, len(names), place, int(names.pop(place)))
    return _expand(table, len(names)).format(*names)


@cache
def _expand(table: int, count: int) -> str:
    whole = (1 << (1 << count)) - 1
    if table == 0:
        return "1'b0"
    if table == whole:
        return "1'b1"
    best = None
    for place in range(count):
        low, high = (_cofactor(table, count, place, value) for value in (0, 1))
        if low == high:
            return _renamed(_expand(low, count - 1), place)
        half = (1 << (1 << (count - 1))) - 1
        shape = 0 if {low, high} & {0, half} else 1 if low ^ high == half else 2
        rank = shape, sum(_heeds(part, count - 1) for part in (low, high))
        if best is None or rank < best[0]:
            best = rank, place, low, high
    assert best is not None
    _, place, low, high = best
    half = (1 << (1 << (count - 1))) - 1
    name = f"{{{place}}}"
    rest = [_renamed(_expand(part, count - 1), place) for part in (low, high)]
    if (low, high) == (0, half):
        return name
    if (low, high) == (half, 0):
        return f"(~{name})"
    if low == 0:
        return f"({name} & {rest[1]})"
    if high == 0:
        return f"(~{name} & {rest[0]})"
    if high == half:
        return f"({name} | {rest[0]})"
    if low == half:
        return f"(~{name} | {rest[1]})"
    if low ^ high == half:
        return f"({name} ^ {rest[0]})"
    return f"({name} ? {rest[1]} : {rest[0]})"


def _heeds(table: int, count: int) -> int:
    """How many of its inputs a table depends on."""
    return sum(
        _cofactor(table, count, place, 0) != _cofactor(table, count, place, 1)
        for place in range(count)
    )


def _cofactor(table: int, count: int, place: int, value: int) -> int:
    """The table of the other inputs where input `place` has `value`."""
    found = 0
    for k in range(1 << (count - 1)):
        at = k >> place << (place + 1) | value << place | k & (1 << place) - 1
        found |= (table >> at & 1) << k
    return found


def _renamed(text: str, place: int) -> str:
    """The inputs from `place` on move up by one."""
    for k in reversed(range(place, 6)):
        text = text.replace(f"{{{k}}}", f"{{{k + 1}}}")
    return text
