"""Numbers and names as the pages write them: filters of their templates."""

from __future__ import annotations

from typing import List

from flask import Flask

_SHADES = 5


def register(app: Flask) -> None:
    """Let the templates of `app` use them."""
    app.add_template_filter(an)
    app.add_template_filter(duration)
    app.add_template_filter(shade)


def an(name: str) -> str:
    """`name` with its article: a cat, an airplane."""
    return f"{'an' if name[:1].lower() in tuple('aeiou8') else 'a'} {name}"


def duration(milliseconds: float) -> str:
    """A time in the unit it is read best in: microseconds up to a tenth of a second."""
    if milliseconds < 100:
        return f"{1000 * milliseconds:,.0f} µs"
    return f"{milliseconds:,.0f} ms" if milliseconds < 10_000 else f"{milliseconds / 1000:,.1f} s"


def shade(count: int, row: List[int]) -> int:
    """How dark a cell of a table is by its share of the row: 0, for none, to 5."""
    whole = sum(row)
    return 0 if count == 0 or whole == 0 else min(_SHADES, 1 + _SHADES * count // whole)
