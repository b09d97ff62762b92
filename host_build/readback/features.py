"""Frames to features: every bit that is set must belong to a feature of some tile."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.configuration.database import Bits, Database, Tile
from host_build.configuration.errors import ReadbackError
from host_build.configuration.packets import Configuration
from host_build.configuration.part import WORDS

_ECC_WORD, _ECC_MASK = 50, 0x1FFF
"""The bits of each frame that hold its own check sum."""
_TOLD = 5


@dataclass(frozen=True)
class Features:
    """What a bitstream turns on: `of` the features of each tile, those of its segbits file.

    Features that are encoded in zeros alone are in `implied`, apart: every unused tile has them.
    """

    of: Mapping[str, frozenset[str]]
    implied: Mapping[str, frozenset[str]]

    @property
    def count(self) -> int:
        return sum(len(names) for names in self.of.values())


def decode(configuration: Configuration, database: Database) -> Features:
    """The features of every tile. ReadbackError where a set bit has no meaning."""
    unpacked = _unpack(configuration.frames)
    covered = np.zeros_like(unpacked)
    covered[:, _ECC_WORD * 32 : _ECC_WORD * 32 + 13] = True
    row = {int(address): k for k, address in enumerate(configuration.addresses)}
    found: dict[str, set[str]] = {}
    implied: dict[str, set[str]] = {}
    for (kind, bus), tiles in _groups(database.tiles.values()).items():
        at = [_window(tile, tile.bits[bus], row) for tile in tiles]
        shape = tiles[0].bits[bus]
        bits = np.stack([unpacked[f : f + shape.frames, b : b + shape.words * 32] for f, b in at])
        seen = np.zeros_like(bits)
        for feature in database.features(kind, bus):
            on = np.ones(len(tiles), bool)
            try:
                for place in feature.ones:
                    on &= bits[:, *place]
                for place in feature.zeros:
                    on &= ~bits[:, *place]
                if feature.ones:
                    for place in feature.ones:
                        seen[:, *place] |= on
            except IndexError:
                continue  # a tile that is cut off by the edge of the device
            into = found if feature.ones else implied
            for k in np.flatnonzero(on):
                into.setdefault(tiles[k].name, set()).add(feature.name)
        for (frame, bit), marks in zip(at, seen, strict=True):
            covered[frame : frame + shape.frames, bit : bit + shape.words * 32] |= marks
    _refuse_unknown(unpacked & ~covered, configuration, database)
    return Features(
        {tile: frozenset(names) for tile, names in found.items()},
        {tile: frozenset(names) for tile, names in implied.items()},
    )


def _unpack(frames: NDArray[np.uint32]) -> NDArray[np.bool_]:
    """Bit 0 of word 0 first."""
    little = np.ascontiguousarray(frames.astype("<u4")).view(np.uint8)
    return np.unpackbits(little, axis=1, bitorder="little").astype(bool)


def _groups(tiles: Iterable[Tile]) -> dict[tuple[str, str], list[Tile]]:
    found: dict[tuple[str, str], list[Tile]] = {}
    for tile in tiles:
        for bus in tile.bits:
            found.setdefault((tile.type, bus), []).append(tile)
    return found


def _window(tile: Tile, bits: Bits, row: Mapping[int, int]) -> tuple[int, int]:
    """The first frame and the first bit of a tile."""
    first, last = row.get(bits.base), row.get(bits.base + bits.frames - 1)
    if first is None or last is None or bits.offset + bits.words > WORDS:
        raise ReadbackError(
            f"the database is of another part: it has {tile.name} at {bits.base:#010x}, where the "
            "part has no such frames"
        )
    return first, bits.offset * 32


def _refuse_unknown(
    unknown: NDArray[np.bool_], configuration: Configuration, database: Database
) -> None:
    places = np.argwhere(unknown)
    if not len(places):
        return
    told = []
    for frame, bit in places[:_TOLD]:
        address = int(configuration.addresses[frame])
        near = [
            tile.name
            for tile in database.tiles.values()
            for bits in tile.bits.values()
            if bits.base <= address < bits.base + bits.frames
            and bits.offset <= bit // 32 < bits.offset + bits.words
        ]
        told.append(f"frame {address:#010x} bit {bit} ({', '.join(near) or 'no tile'})")
    raise ReadbackError(
        f"{len(places):,} bits are set whose meaning the database does not know: "
        + "; ".join(told) + ("; ..." if len(places) > _TOLD else "")
    )  # fmt: skip
