"""FASM to configuration frames, by Project X-Ray's bits; equal to fasm2frames, and quicker.

fasm2frames takes minutes with the parser that PyPI's `fasm` has. A feature that the database does
not know, two that contradict each other, a wire that two pips drive, and a vector that is given two
values are errors here, since what they would make is another circuit.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from host_build.configuration.database import Database, Tile
from host_build.errors import HostError

WORDS = 101
"""32-bit words of a frame."""
_BITS = 32 * WORDS
_MOST_TOLD = 5
# Tiles that are pips only: each wire in them is driven once.
_ROUTING = ("INT_L", "INT_R")
_UNSET, _ONE, _ZERO = 0, 1, 2


class FasmError(HostError):
    """FASM that stands for no configuration; the message gives the lines."""


@dataclass(frozen=True)
class Frames:
    """Every frame of the device: `words` is uint32 (frames, 101), `addresses` of the same order."""

    addresses: tuple[int, ...]
    words: np.ndarray

    def dump(self) -> bytes:
        """As xc7frames2bit reads them."""
        rows = (
            f"0x{address:08X} " + ",".join(f"0x{word:08X}" for word in row)
            for address, row in zip(self.addresses, self.words.tolist(), strict=True)
        )
        return ("\n".join(rows) + "\n").encode()


class _Meaning(NamedTuple):
    """Which bits of a tile's part on a bus a feature wants to be 1, and which 0."""

    bus: str
    ones: tuple[int, ...]
    zeros: tuple[int, ...]


_NO_BITS = _Meaning("", (), ())


def assemble(fasm: Sequence[str], database: Database) -> Frames:
    """The frames of `fasm`, line by line, and of what the part always needs. Raises FasmError."""
    return _Assembly(fasm, database).run()


class _Assembly:
    def __init__(self, fasm: Sequence[str], database: Database) -> None:
        self._fasm = [*fasm, *_required(database)]
        self._database = database
        self._addresses = tuple(sorted({
            bits.base + frame
            for tile in database.tiles.values() for bits in tile.bits.values()
            for frame in range(bits.frames)
        }))  # fmt: skip
        self._row = {address: row for row, address in enumerate(self._addresses)}
        self._state = bytearray(len(self._addresses) * _BITS)
        self._places: dict[str, tuple[Tile, dict[str, int]]] = {}
        self._sources: dict[str, str] = {}
        self._vectors: dict[str, str] = {}
        self._meanings: dict[str, dict[tuple[str, int], _Meaning]] = {}

    def run(self) -> Frames:
        unknown = []
        for number, line in enumerate(tqdm(self._fasm, "frames", unit=" lines", disable=None), 1):
            text = line.partition("#")[0].strip()
            if not text:
                continue
            try:
                self._add(text)
            except KeyError:
                unknown.append(f"line {number}: {text[:120]}")
            except _Conflict as error:
                raise FasmError(f"FASM, line {number}: {text[:120]} {error}") from None
            except ValueError:
                raise FasmError(f"line {number} is no FASM: {text[:120]}") from None
        if unknown:
            told = "\n".join(f"  {line}" for line in unknown[:_MOST_TOLD])
            raise FasmError(
                f"the database knows {len(unknown):,} features of the FASM not, the first are\n"
                f"{told}"
            )
        state = np.frombuffer(self._state, np.uint8) == _ONE
        bits = state.reshape(len(self._addresses), WORDS, 32)
        packed = np.packbits(bits, axis=2, bitorder="little")
        return Frames(self._addresses, packed.view("<u4").reshape(-1, WORDS))

    def _add(self, text: str) -> None:
        name, _, value = text.partition("=")
        tile_name, _, feature = name.strip().partition(".")
        tile, starts = self._place(tile_name)
        if tile.type in _ROUTING:
            target, _, source = feature.partition(".")
            known = self._sources.setdefault(f"{tile_name}.{target}", source)
            if known != source:
                raise _Conflict(f"drives a wire that {known} drives too")
        meanings = self._meanings_of(tile)
        for base, index in self._set(feature, value.strip(), tile_name):
            bus, ones, zeros = meanings[base, index]
            if not bus:
                continue
            start, state = starts[bus], self._state
            for bit in ones:
                if state[start + bit] == _ZERO:
                    raise self._conflict(start + bit)
                state[start + bit] = _ONE
            for bit in zeros:
                if state[start + bit] == _ONE:
                    raise self._conflict(start + bit)
                state[start + bit] = _ZERO

    def _set(self, feature: str, value: str, tile: str) -> Iterator[tuple[str, int]]:
        """Name and index of what a line sets: of a vector, each bit that is 1."""
        base, bracket, range_ = feature.partition("[")
        if not bracket:
            if value not in ("", "1"):
                raise ValueError(value)
            yield feature, 0
            return
        high, _, low = range_.removesuffix("]").partition(":")
        if not low:
            if value not in ("", "1"):
                raise ValueError(value)
            yield base, int(high)
            return
        if self._vectors.setdefault(f"{tile}.{feature}", value) != value:
            raise _Conflict("has another value than an earlier line gives it")
        width, _, digits = value.partition("'b")
        digits = digits.replace("_", "")
        if int(width) != len(digits) or len(digits) > int(high) - int(low) + 1:
            raise ValueError(value)
        for place, digit in enumerate(reversed(digits)):
            if digit == "1":
                yield base, int(low) + place
            elif digit != "0":
                raise ValueError(value)

    def _place(self, name: str) -> tuple[Tile, dict[str, int]]:
        """A tile, and where its bits begin on each bus; KeyError where there is none."""
        found = self._places.get(name)
        if found is None:
            tile = self._database.tiles[name]
            starts = {
                bus: self._row[bits.base] * _BITS + 32 * bits.offset
                for bus, bits in tile.bits.items()
            }
            found = self._places[name] = tile, starts
        return found

    def _meanings_of(self, tile: Tile) -> dict[tuple[str, int], _Meaning]:
        """By name and index; a feature that is no part of a vector has index 0."""
        known = self._meanings.get(tile.type)
        if known is None:
            known = {(name, 0): _NO_BITS for name in _without_bits(self._database, tile.type)}
            for bus in tile.bits:
                for feature in self._database.features(tile.type, bus):
                    ones, zeros = (
                        tuple(_BITS * frame + bit for frame, bit in bits)
                        for bits in (feature.ones, feature.zeros)
                    )
                    known[_indexed(feature.name)] = _Meaning(bus, ones, zeros)
            self._meanings[tile.type] = known
        return known

    def _conflict(self, bit: int) -> _Conflict:
        row, place = divmod(bit, _BITS)
        return _Conflict(
            f"wants bit {place % 32} of word {place // 32} in frame "
            f"0x{self._addresses[row]:08X} otherwise than an earlier line"
        )


class _Conflict(Exception):
    """Two lines of FASM that cannot both be."""


def _indexed(name: str) -> tuple[str, int]:
    base, bracket, index = name.partition("[")
    return (base, int(index.removesuffix("]"))) if bracket else (name, 0)


def _without_bits(database: Database, kind: str) -> list[str]:
    """Pips of a tile type that no bit makes."""
    path = database.family / f"ppips_{kind.lower()}.db"
    lines = path.read_text().splitlines() if path.is_file() else []
    return [line.split()[0].split(".", 1)[1] for line in lines if line.strip()]


def _required(database: Database) -> list[str]:
    path = database.family / database.part.name / "required_features.fasm"
    return path.read_text().splitlines() if path.is_file() else []
