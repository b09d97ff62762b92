"""The frames of a device, in the order in which a bitstream writes them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from host_build.configuration.errors import DatabaseError

FAMILY, PART = "zynq7", "xc7z020clg400-1"
"""The PYNQ-Z2's."""
WORDS = 101
"""32-bit words of a frame."""
_BUSES = ("CLB_IO_CLK", "BLOCK_RAM")
_PADS = 2
"""Frames that belong to no column, after each row."""


@dataclass(frozen=True)
class Part:
    """`idcode` as the JTAG port has it; `rows` the number of frames of each column.

    The key of `rows` is (bus, half, row): 0 CLB_IO_CLK or 1 BLOCK_RAM, 0 top or 1 bottom.
    """

    name: str
    idcode: int
    rows: Mapping[tuple[int, int, int], tuple[int, ...]]

    @classmethod
    def load(cls, family: Path, name: str) -> Part:
        """The part `name` of the database in the folder `family`; DatabaseError."""
        path = family / name / "part.json"
        try:
            told = json.loads(path.read_text())
            rows = {}
            for half, side in enumerate(("top", "bottom")):
                for row, buses in (
                    told["global_clock_regions"].get(side, {"rows": {}})["rows"].items()
                ):
                    for bus, columns in buses["configuration_buses"].items():
                        rows[_BUSES.index(bus), half, int(row)] = _frame_counts(columns)
            return cls(name, int(told["idcode"]), dict(sorted(rows.items())))
        except FileNotFoundError:
            raise DatabaseError(
                f"{path} is missing: the database does not know {name}, or is not whole"
            ) from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatabaseError(f"{path} is damaged: {error!r}") from error

    @cached_property
    def sequence(self) -> tuple[int | None, ...]:
        """The address of each frame of a whole bitstream, None for frames that are no column's."""
        return tuple(self._sequence())

    def _sequence(self) -> Iterator[int | None]:
        for (bus, half, row), columns in self.rows.items():
            for column, count in enumerate(columns):
                base = address(bus, half, row, column)
                yield from range(base, base + count)
            yield from (None,) * _PADS


def address(bus: int, half: int, row: int, column: int, minor: int = 0) -> int:
    """The frame address register's value for a frame."""
    return bus << 23 | half << 22 | row << 17 | column << 7 | minor


def _frame_counts(columns: Mapping[str, Any]) -> tuple[int, ...]:
    found = columns["configuration_columns"]
    return tuple(int(found[str(k)]["frame_count"]) for k in range(len(found)))
