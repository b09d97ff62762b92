"""The Pareto front of what was trained."""

from __future__ import annotations

from typing import Any

from host_build.explore.candidate import TRAINED

Row = dict[str, Any]
"""A trial as in trials.json."""


def front(found: list[Row]) -> list[Row]:
    """The trained networks that no other one beats in both, the slowest first."""
    kept: list[Row] = []
    done = (row for row in found if row["state"] == TRAINED)
    for row in sorted(done, key=lambda r: (-r["fps"], -r["accuracy"])):
        if not kept or row["accuracy"] > kept[-1]["accuracy"]:
            kept.append(row)
    return kept[::-1]
