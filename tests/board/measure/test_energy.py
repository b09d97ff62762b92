"""A meter's file gives the mean power of the time that was measured, or says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from board_app.errors import MeterError
from board_app.measure import energy
from board_app.measure.benchmark import Span

NOON = 1777636800.0  # 2026-05-01T12:00:00Z


@pytest.mark.parametrize(
    "text",
    [
        "time,watts\n1777636799,9\n1777636800,2\n1777636805.5,3\n1777636811,9\n",
        "1777636800,2.0\n1777636805,3.0\n",
        "2026-05-01T12:00:00Z, 2\n2026-05-01T14:00:05+02:00, 3\n\n",
    ],
)
def test_mean_of_the_time_measured(tmp_path: Path, text: str) -> None:
    path = tmp_path / "meter.csv"
    path.write_text(text)
    assert energy.mean(path, Span(NOON, NOON + 10)) == 2.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has no readings"),
        (b"time,watts\n", "has no readings"),
        (b"1777636800,2\n1777636801\n", "line 2: '1777636801' is no time with watts"),
        (b"1777636800,2\nyesterday,3\n", "line 2"),
        (b"1777636800,2\n1777636801,-3\n", "line 2"),
        (b"1777636800,2\n1777636801,nan\n", "line 2"),
        (b"1777630000,2\n", "no reading between 2026-05-01T12:00:00Z and 2026-05-01T12:00:10Z"),
        (b"\xff\xfe", "cannot be read"),
    ],
)
def test_a_file_without_them(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "meter.csv"
    path.write_bytes(content)
    with pytest.raises(MeterError, match=message):
        energy.mean(path, Span(NOON, NOON + 10))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(MeterError, match="cannot be read"):
        energy.load(tmp_path / "none.csv")
