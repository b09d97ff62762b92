"""Resistance, capacitance and delay of wires, switches and sites' pins: what tile types tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from host_build.configuration.database import Database
from host_build.configuration.errors import DatabaseError
from host_build.timing.sdf import NONE, Delay


@dataclass(frozen=True, slots=True)
class Wire:
    """In ohm and fF; most wires have none of their own."""

    resistance: float
    capacitance: float


@dataclass(frozen=True, slots=True)
class Switch:
    """A pip. One that `passes` is a transistor, else it is a buffer, which parts the loads.

    `resistance` (ohm) drives what follows, `capacitance` (fF) loads what comes before.
    """

    delay: Delay
    resistance: float
    capacitance: float
    passes: bool


@dataclass(frozen=True, slots=True)
class SitePin:
    """An output has a `resistance`, ohm, an input a `capacitance`, fF."""

    delay: Delay
    resistance: float
    capacitance: float


@dataclass(frozen=True)
class TileType:
    """`switches` by (source wire, target wire), `pins` by (kind and place of the site, pin)."""

    wires: Mapping[str, Wire]
    switches: Mapping[tuple[str, str], Switch]
    pins: Mapping[tuple[str, str, str], SitePin]


_NO_WIRE = Wire(0.0, 0.0)


class Electrical:
    """The tile types of a database, each read when it is asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def wire(self, tile: str, wire: str) -> Wire:
        return self._type(tile).wires.get(wire, _NO_WIRE)

    def switch(self, tile: str, source: str, target: str) -> Switch:
        """DatabaseError where the tile has no such pip."""
        try:
            return self._type(tile).switches[source, target]
        except KeyError:
            raise DatabaseError(f"{tile} has no pip from {source} to {target}") from None

    def pin(self, site: str, pin: str) -> SitePin:
        """A pin of a site; DatabaseError where it has none of that name."""
        tile, found = self._database.sites[site]
        place = f"X{found.place[0]}Y{found.place[1]}"
        try:
            return self._type(tile.name).pins[found.kind, place, pin]
        except KeyError:
            raise DatabaseError(f"{site} has no pin {pin} in the database") from None

    def _type(self, tile: str) -> TileType:
        return self._load(self._database.tiles[tile].type)

    @cache  # noqa: B019 - lives as long as the program
    def _load(self, kind: str) -> TileType:
        path = self._database.family / f"tile_type_{kind}.json"
        try:
            return tile_type(json.loads(path.read_text()))
        except FileNotFoundError:
            raise DatabaseError(f"{path} is missing: the database is not whole") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatabaseError(f"{path} is damaged: {error!r}") from error


def tile_type(told: Mapping[str, Any]) -> TileType:
    """A tile type of its JSON."""
    wires = {
        name: Wire(_number(wire["res"]), _number(wire["cap"]))
        for name, wire in told["wires"].items() if wire is not None
    }  # fmt: skip
    switches = {}
    for pip in told["pips"].values():
        ends = pip["src_wire"], pip["dst_wire"]
        passes = bool(int(pip.get("is_pass_transistor", 0)))
        switches[ends] = _switch(pip.get("src_to_dst"), passes)
        if not int(pip["is_directional"]):
            switches[ends[1], ends[0]] = _switch(pip.get("dst_to_src"), passes)
    pins = {
        (site["prefix"], site["name"], name): SitePin(
            _delay(pin.get("delay")), _number(pin.get("res")), _number(pin.get("cap"))
        )
        for site in told["sites"] for name, pin in site["site_pins"].items() if pin is not None
    }  # fmt: skip
    return TileType(wires, switches, pins)


def _switch(told: Mapping[str, Any] | None, passes: bool) -> Switch:
    if told is None:
        return Switch(NONE, 0.0, 0.0, passes)
    return Switch(_delay(told["delay"]), _number(told["res"]), _number(told["in_cap"]), passes)


def _delay(told: list[str] | None) -> Delay:
    return NONE if told is None else Delay(*map(float, told))


def _number(told: str | None) -> float:
    return 0.0 if told is None else float(told)
