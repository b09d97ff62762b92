"""Text tables line up."""

from __future__ import annotations

from host_build.text.tables import aligned


def test_columns_line_up_and_no_line_ends_in_blanks() -> None:
    rows = [("layer", "LUT", "style"), ("conv0", "1,234", "DSP1"), ("x", "5", "")]
    assert aligned(rows, left=(0, 2)) == [
        "layer    LUT  style",
        "conv0  1,234  DSP1",
        "x          5",
    ]


def test_the_first_column_is_flush_left_by_default() -> None:
    assert aligned([["a", "b"], ["long", "1"]]) == ["a     b", "long  1"]


def test_no_rows_make_no_lines() -> None:
    assert aligned([]) == []
