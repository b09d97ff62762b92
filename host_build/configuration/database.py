"""Project X-Ray's database of a device: its tiles, and what a tile of each type is made of.

Files: `<fabric>/tilegrid.json` (tiles, their sites and where their bits are),
`segbits_<type>.db` and `segbits_<type>.block_ram.db` (bits of features), `ppips_<type>.db` (pips
without bits), `tile_type_<TYPE>.json` (wires, pips, pins of sites).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from host_build.configuration.errors import DatabaseError
from host_build.configuration.part import Part

_UNKNOWN_BITS = re.compile(r"[LR]IO[BI]\d*_SING|MONITOR_\w+|CMT_\w+|HCLK_IOI3")
"""Tile types whose bits public databases may not describe; a bit that is set there is refused."""
_SUFFIX = {"CLB_IO_CLK": "", "BLOCK_RAM": ".block_ram"}


@dataclass(frozen=True)
class Bits:
    """Where a tile's bits are: `words` words from `offset` on, in `frames` frames from `base`."""

    base: int
    frames: int
    offset: int
    words: int


@dataclass(frozen=True)
class Site:
    """`place` is its offset in the tile among sites of its kind: (0, 1) of RAMB18_X0Y1."""

    name: str
    type: str
    place: tuple[int, int]

    @property
    def kind(self) -> str:
        """SLICE of SLICE_X0Y0."""
        return self.name.rsplit("_", 1)[0]


@dataclass(frozen=True)
class Tile:
    """A tile; `bits` by configuration bus."""

    name: str
    type: str
    column: int
    row: int
    bits: Mapping[str, Bits]
    sites: tuple[Site, ...]


@dataclass(frozen=True)
class Feature:
    """`name` without the tile; bits as (frame, bit), the bit counted through the tile's words."""

    name: str
    ones: tuple[tuple[int, int], ...]
    zeros: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class SitePin:
    """A pin of a site and the wire of its tile; `output` where the site drives it."""

    name: str
    wire: str
    output: bool


@dataclass(frozen=True)
class TileType:
    """What tiles of a type have in common.

    `pins` by (kind, place) of a site, where the kind is SLICE of SLICE_X0Y0. `always` are sources
    of a wire that is driven without a bit, `default` those in force where no pip drives it.
    """

    name: str
    wires: frozenset[str]
    pins: Mapping[tuple[str, tuple[int, int]], tuple[SitePin, ...]]
    always: Mapping[str, tuple[str, ...]]
    default: Mapping[str, str]


class Database:
    """One device of the database in the folder `family` (such as prjxray-db/zynq7).

    Raises DatabaseError where a file is missing or damaged.
    """

    def __init__(self, family: Path, part: str) -> None:
        self.family = family
        self.part = Part.load(family, part)
        match = re.match(r"xc7[a-z]\d+t?", part)
        if match is None:
            raise DatabaseError(f"{part} is no part of the 7 series")
        self.fabric = match[0]

    @cached_property
    def tiles(self) -> Mapping[str, Tile]:
        path = self.family / self.fabric / "tilegrid.json"
        told = _json(path)
        try:
            found = {name: _tile(name, row) for name, row in told.items()}
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DatabaseError(f"{path} is damaged: {error!r}") from error
        if not found:
            raise DatabaseError(f"{path} has no tiles")
        return found

    @cached_property
    def sites(self) -> Mapping[str, tuple[Tile, Site]]:
        """Each site, and the tile that it is in."""
        return {site.name: (tile, site) for tile in self.tiles.values() for site in tile.sites}

    def pins(self, site: str) -> tuple[SitePin, ...]:
        """The pins of a site and their wires in its tile; none where the database has none."""
        tile, found = self.sites[site]
        return self.type(tile.type).pins.get((found.kind, found.place), ())

    @cache  # noqa: B019 - a database lives as long as the program
    def features(self, kind: str, bus: str) -> tuple[Feature, ...]:
        """What the bits of a tile type on one configuration bus mean."""
        path = self.family / f"segbits_{kind.lower()}{_SUFFIX[bus]}.db"
        if _UNKNOWN_BITS.fullmatch(kind) and not path.exists():
            return ()
        found = []
        for number, line in enumerate(_lines(path), 1):
            name, *bits = line.split()
            try:
                found.append(
                    Feature(
                        name.split(".", 1)[1],
                        tuple(_bit(bit) for bit in bits if not bit.startswith("!")),
                        tuple(_bit(bit[1:]) for bit in bits if bit.startswith("!")),
                    )
                )
            except (ValueError, IndexError) as error:
                raise DatabaseError(f"{path}:{number} is damaged: {line}") from error
        return tuple(found)

    @cache  # noqa: B019
    def type(self, kind: str) -> TileType:
        path = self.family / f"tile_type_{kind}.json"
        told = _json(path)
        try:
            pins = {
                (site["prefix"], _place(site["name"])): self._pins(site) for site in told["sites"]
            }
            wires = frozenset(told["wires"])
        except (KeyError, TypeError, ValueError) as error:
            raise DatabaseError(f"{path} is damaged: {error!r}") from error
        always: dict[str, list[str]] = {}
        default: dict[str, str] = {}
        ppips = self.family / f"ppips_{kind.lower()}.db"
        for line in _lines(ppips) if ppips.exists() else ():
            name, how = line.split()
            _, target, source = name.split(".")
            if how == "always":
                always.setdefault(target, []).append(source)
            elif how == "default":
                default[target] = source
        if kind.startswith("DSP"):
            self._routed(kind, told["pips"], default)
        return TileType(
            kind, wires, pins, {wire: tuple(sources) for wire, sources in always.items()}, default
        )

    def _routed(self, kind: str, pips: Mapping[str, Any], default: dict[str, str]) -> None:
        """Where a wire can be tied to ground or supply by a bit, neither bit means: routed."""
        tied = {name.split(".")[0] for f in self.features(kind, "CLB_IO_CLK")
                for name in [f.name] if name.endswith(("DSP_GND_L", "DSP_GND_R"))}  # fmt: skip
        for pip in pips.values():
            target, source = pip["dst_wire"], pip["src_wire"]
            if target in tied and not source.startswith(("DSP_GND", "DSP_VCC")):
                default[target] = source

    def _pins(self, site: Mapping[str, Any]) -> tuple[SitePin, ...]:
        """The pins of a tile type's site; outputs have a resistance, but not all databases say."""
        told = {name: pin for name, pin in site["site_pins"].items() if pin is not None}
        outputs = {name for name, pin in told.items() if "res" in pin}
        if not outputs:
            path = self.family / f"site_type_{site['type']}.json"
            if path.exists():
                known = _json(path)["site_pins"]
                outputs = {name for name in told if known[name]["direction"] == "OUT"}
        return tuple(SitePin(name, pin["wire"], name in outputs) for name, pin in told.items())


def _tile(name: str, told: Mapping[str, Any]) -> Tile:
    bits = {
        bus: Bits(int(row["baseaddr"], 16), row["frames"], row["offset"], row["words"])
        for bus, row in told["bits"].items()
        if bus in _SUFFIX
    }
    return Tile(
        name, told["type"], told["grid_x"], told["grid_y"], bits, tuple(_sites(told["sites"]))
    )


def _sites(told: Mapping[str, str]) -> list[Site]:
    places = {name: (name.rsplit("_", 1)[0], _place(name)) for name in told}
    least: dict[str, tuple[int, int]] = {}
    for kind, (x, y) in places.values():
        left, low = least.get(kind, (x, y))
        least[kind] = min(left, x), min(low, y)
    return [
        Site(name, told[name], (x - least[kind][0], y - least[kind][1]))
        for name, (kind, (x, y)) in places.items()
    ]


def _place(name: str) -> tuple[int, int]:
    match = re.search(r"X(\d+)Y(\d+)$", name)
    if match is None:
        raise ValueError(f"{name} has no place")
    return int(match[1]), int(match[2])


def _bit(text: str) -> tuple[int, int]:
    frame, bit = text.split("_")
    return int(frame), int(bit)


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise DatabaseError(f"{path} is missing: the database is not whole") from None
    except (OSError, ValueError) as error:
        raise DatabaseError(f"{path} is damaged: {error}") from error


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line.strip()]
    except FileNotFoundError:
        raise DatabaseError(f"{path} is missing: the database is not whole") from None
    except (OSError, ValueError) as error:
        raise DatabaseError(f"{path} is damaged: {error}") from error
