"""What an image costs in energy: the board cannot measure it, so a meter's reading must say.

No power rail of a PYNQ-Z2 can be read by software. A person enters what the meter shows while the
benchmark runs, or a meter that logs into a file gives it: two columns with a line for each reading,
the time (seconds since 1970, or ISO 8601) and watts, with or without a heading.
"""

from __future__ import annotations

import csv
import math
from datetime import datetime, timezone
from pathlib import Path
from typing import List, Tuple

from board_app.errors import MeterError
from board_app.measure.benchmark import Span


def mean(path: Path, span: Span) -> float:
    """The mean of the watts that the meter's file has within `span`; MeterError for none."""
    readings = load(path)
    within = [watts for moment, watts in readings if span.began <= moment <= span.ended]
    if not readings:
        raise MeterError(f"{path} has no readings")
    if not within:
        first, last = readings[0][0], readings[-1][0]
        raise MeterError(
            f"{path} has no reading between {_text(span.began)} and {_text(span.ended)}, when it "
            f"was measured, but from {_text(first)} to {_text(last)}: set the meter's clock"
        )
    return sum(within) / len(within)


def load(path: Path) -> List[Tuple[float, float]]:
    """Seconds since 1970 and watts of each reading; MeterError where a line has not both."""
    readings: List[Tuple[float, float]] = []
    try:
        with path.open(newline="") as file:
            for number, row in enumerate(csv.reader(file), start=1):
                if not row or (number == 1 and not _is_number(row[-1])):
                    continue
                try:
                    moment, watts = _seconds(row[0].strip()), float(row[1])
                    if not (math.isfinite(watts) and watts >= 0):
                        raise ValueError
                except (ValueError, IndexError):
                    raise MeterError(
                        f"{path}, line {number}: {','.join(row)!r} is no time with watts "
                        "(2026-05-01T12:00:00Z,2.35)"
                    ) from None
                readings.append((moment, watts))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise MeterError(f"{path} cannot be read: {error}") from error
    return readings


def _seconds(text: str) -> float:
    if _is_number(text):
        return float(text)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return moment.timestamp()  # one without a zone is in the board's own


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _text(moment: float) -> str:
    return datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
