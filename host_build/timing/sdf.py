"""Delays of cells as Project X-Ray tells them: files in the Standard Delay Format (IEEE 1497).

Of the format only what these files have: IOPATH, INTERCONNECT and DEVICE with a fast and a slow
triple, SETUP, HOLD, RECOVERY and REMOVAL with one. Values are in ns, whatever a file's TIMESCALE
says: some say 1ps and mean ns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from host_build.configuration.errors import DatabaseError

_TOKEN = re.compile(r'[()]|"[^"]*"|[^\s()"]+')
_ARCS = ("IOPATH", "INTERCONNECT", "DEVICE")
_CHECKS = ("SETUP", "HOLD", "RECOVERY", "REMOVAL")


class Delay(NamedTuple):
    """In ns: the least and the greatest at the fast corner, and at the slow one."""

    fast_min: float
    fast_max: float
    slow_min: float
    slow_max: float

    def either(self, other: Delay) -> Delay:
        """What holds whichever of the two it is: the least minima, the greatest maxima."""
        return Delay(
            min(self.fast_min, other.fast_min), max(self.fast_max, other.fast_max),
            min(self.slow_min, other.slow_min), max(self.slow_max, other.slow_max),
        )  # fmt: skip

    def then(self, other: Delay) -> Delay:
        """One after the other."""
        return Delay(
            self.fast_min + other.fast_min, self.fast_max + other.fast_max,
            self.slow_min + other.slow_min, self.slow_max + other.slow_max,
        )  # fmt: skip


NONE = Delay(0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Arc:
    """A way through a cell, from pin to pin."""

    source: str
    target: str
    delay: Delay


@dataclass(frozen=True)
class Check:
    """How long a pin must be still before or after an edge of a clock, in ns, least and most."""

    kind: str
    pin: str
    clock: str
    least: float
    most: float


@dataclass(frozen=True)
class Entry:
    """A cell of a file: `type` may have attributes in it, DSP48E1_PREG_1; `instance` a place."""

    type: str
    instance: str
    arcs: tuple[Arc, ...]
    checks: tuple[Check, ...]


def load(path: Path) -> tuple[Entry, ...]:
    """The cells of a file. DatabaseError where it is missing or damaged."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        raise DatabaseError(f"{path} is missing: the database has no timing of it") from None
    try:
        return parse(text)
    except (ValueError, LookupError, TypeError) as error:
        raise DatabaseError(f"{path} is damaged: {error!r}") from error


def parse(text: str) -> tuple[Entry, ...]:
    """As `load`, of the text; ValueError, LookupError or TypeError where it is damaged."""
    whole = _expressions(text)
    if len(whole) != 1 or whole[0][0] != "DELAYFILE":
        raise ValueError("it is no DELAYFILE")
    return tuple(_entry(part) for part in whole[0][1:] if part[0] == "CELL")


_Expression = list[Any]  # of words and of expressions


def _expressions(text: str) -> _Expression:
    stack: list[_Expression] = [[]]
    for token in _TOKEN.findall(text):
        if token == "(":
            stack.append([])
        elif token == ")":
            done = stack.pop()
            if not stack:
                raise ValueError("a bracket closes that none opened")
            stack[-1].append(done)
        else:
            stack[-1].append(token.strip('"'))
    if len(stack) != 1:
        raise ValueError("it ends within brackets")
    return stack[0]


def _entry(cell: _Expression) -> Entry:
    parts = {part[0]: part for part in cell[1:]}
    arcs = [
        Arc(source, target, _delay(*values))
        for _, source, target, *values in _found(parts.get("DELAY", []), _ARCS)
    ]
    checks = []
    for kind, pin, (_, clock), value in _found(parts.get("TIMINGCHECK", []), _CHECKS):
        checks.append(Check(kind, pin, clock, *_triple(value)))
    return Entry(parts["CELLTYPE"][1], parts["INSTANCE"][1], tuple(arcs), tuple(checks))


def _found(expression: _Expression, names: tuple[str, ...]) -> Iterator[_Expression]:
    """The expressions of these names, however deep; a DEVICE has no source."""
    for part in expression:
        if not isinstance(part, list):
            continue
        if part and part[0] in names:
            yield [part[0], "", *part[1:]] if part[0] == "DEVICE" else part
        else:
            yield from _found(part, names)


def _delay(fast: _Expression, slow: _Expression) -> Delay:
    return Delay(*_triple(fast), *_triple(slow))


def _triple(value: _Expression) -> tuple[float, float]:
    least, _, most = value[0].split(":")
    return float(least), float(most)
