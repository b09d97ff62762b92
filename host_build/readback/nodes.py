"""Which wires of neighbouring tiles are one node: one piece of metal, one voltage.

The file, one for each device, has these lines:

- `W n`, then n names of wires, by which they are numbered from 0;
- `T row column name type map`, a tile, with the number of its map of connections;
- `H map n`, then n lines `wire other,rowOffset,columnOffset,isPIP ...`: where isPIP is 0, wire
  `other` of the tile at (row - rowOffset, column - columnOffset) is the same node as `wire`.

Reading 250 MB of it takes a while, so what is found is kept in a cache.
"""

from __future__ import annotations

import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from board_app.system.files import write_atomically
from host_build import caches
from host_build.configuration.errors import DatabaseError

CACHE = caches.folder("readback")
_FORMAT = 1
_EDGE = re.compile(rb" (\d+),(-?\d+),(-?\d+),0(?![\d,])")


@dataclass(frozen=True)
class Nodes:
    """Wires are numbered `tile * len(wires) + wire`: a key.

    `keys` are the wires that are joined to others, ascending, and `labels` the node of each: nodes
    are numbered from 0. Every other wire is a node of its own. A node is told by the least of its
    keys, `node(key)`.
    """

    tiles: tuple[str, ...]
    wires: tuple[str, ...]
    keys: NDArray[np.int64]
    labels: NDArray[np.int32]

    @cached_property
    def tile_number(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.tiles)}

    @cached_property
    def wire_number(self) -> dict[str, int]:
        return {name: k for k, name in enumerate(self.wires)}

    @cached_property
    def _members(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The keys, node by node, and where each node's begin."""
        order = np.argsort(self.labels, kind="stable")
        return self.keys[order], np.searchsorted(self.labels[order], np.arange(self.count + 1))

    @cached_property
    def count(self) -> int:
        return int(self.labels.max(initial=-1)) + 1

    def key(self, tile: str, wire: str) -> int:
        """The number of a wire. DatabaseError where the file does not know it."""
        try:
            return self.tile_number[tile] * len(self.wires) + self.wire_number[wire]
        except KeyError:
            raise DatabaseError(
                f"the file of nodes has no wire {tile}/{wire}: it is of another device"
            ) from None

    def name(self, key: int) -> tuple[str, str]:
        """Tile and wire of a key."""
        tile, wire = divmod(key, len(self.wires))
        return self.tiles[tile], self.wires[wire]

    def nodes(self, keys: NDArray[np.int64]) -> NDArray[np.int64]:
        """The node of each wire."""
        if not len(self.keys):
            return keys
        at = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        members, starts = self._members
        return np.where(self.keys[at] == keys, members[starts[self.labels[at]]], keys)

    def node(self, key: int) -> int:
        """The node of one wire."""
        at = int(np.searchsorted(self.keys, key))
        if at == len(self.keys) or self.keys[at] != key:
            return key
        members, starts = self._members
        return int(members[starts[self.labels[at]]])

    def members(self, node: int) -> list[int]:
        """Every wire of a node, ascending."""
        at = int(np.searchsorted(self.keys, node))
        if at == len(self.keys) or self.keys[at] != node:
            return [node]
        members, starts = self._members
        label = self.labels[at]
        return [int(key) for key in members[starts[label] : starts[label + 1]]]


def load(path: Path, cache: Path = CACHE) -> Nodes:
    """The nodes that the file at `path` describes, DatabaseError where it is missing or damaged."""
    try:
        stamp = path.stat()
    except OSError:
        raise DatabaseError(
            f"{path} is missing: it says which wires are one node; give it as --nodes FILE"
        ) from None
    told = f"{_FORMAT} {path.resolve()} {stamp.st_size} {stamp.st_mtime_ns}"
    kept = cache / f"nodes-{hashlib.sha256(told.encode()).hexdigest()[:16]}.npz"
    if not kept.exists():
        found = parse(path)
        buffer = io.BytesIO()
        np.savez(
            buffer, keys=found.keys, labels=found.labels, tiles=np.array("\n".join(found.tiles)),
            wires=np.array("\n".join(found.wires)),
        )  # fmt: skip
        write_atomically(kept, buffer.getvalue())
        return found
    with np.load(kept) as arrays:
        return Nodes(
            tuple(str(arrays["tiles"]).split("\n")), tuple(str(arrays["wires"]).split("\n")),
            arrays["keys"], arrays["labels"],
        )  # fmt: skip


def parse(path: Path) -> Nodes:
    """As `load`, without the cache."""
    try:
        wires, grid, maps = _read(path)
        return _joined(wires, grid, maps)
    except (ValueError, IndexError, KeyError) as error:
        raise DatabaseError(f"{path} is no file of nodes, or is damaged: {error}") from error


_Grid = list[tuple[int, int, str, int]]
_Maps = dict[int, NDArray[np.int64]]


def _read(path: Path) -> tuple[tuple[str, ...], _Grid, _Maps]:
    with path.open("rb") as file:
        wires = _wires(file)
        grid: _Grid = []
        maps: _Maps = {}
        for line in file:
            if line.startswith(b"T "):
                _, row, column, name, _, used = line.split()
                grid.append((int(row), int(column), name.decode(), int(used)))
            elif line.startswith(b"H "):
                number, count = (int(word) for word in line.split()[1:])
                rows = [_edges(file.readline()) for _ in range(count)]
                flat = [edge for row in rows for edge in row]
                maps[number] = np.array(flat, np.int64).reshape(-1, 4)
    if not wires or not grid:
        raise ValueError("it has no wires or no tiles")
    return wires, grid, maps


def _wires(file: io.BufferedReader) -> tuple[str, ...]:
    word, count = file.readline().split()
    if word != b"W":
        raise ValueError("it does not begin with the wires")
    names = tuple(file.readline().rstrip().decode() for _ in range(int(count)))
    if "" in names:
        raise ValueError("it ends among the wires")
    return names


def _edges(line: bytes) -> Iterator[tuple[int, int, int, int]]:
    wire = int(line[: line.index(b" ")])
    for other, rows, columns in _EDGE.findall(line):
        yield wire, int(other), int(rows), int(columns)


def _joined(wires: tuple[str, ...], grid: _Grid, maps: _Maps) -> Nodes:
    height = max(row for row, *_ in grid) + 1
    width = max(column for _, column, *_ in grid) + 1
    at = np.full((height, width), -1, np.int64)
    users: dict[int, list[int]] = {}
    for tile, (row, column, _, number) in enumerate(grid):
        at[row, column] = tile
        users.setdefault(number, []).append(tile)
    place = np.array([(row, column) for row, column, *_ in grid], np.int64)
    left, right = [], []
    for number, tiles in users.items():
        edges = maps[number]
        if not len(edges):
            continue
        rows = place[tiles, 0][:, None] - edges[:, 2]
        columns = place[tiles, 1][:, None] - edges[:, 3]
        if rows.min() < 0 or columns.min() < 0 or rows.max() >= height or columns.max() >= width:
            raise ValueError(f"map {number} leads out of the device")
        other = at[rows, columns]
        if other.min() < 0:
            raise ValueError(f"map {number} leads to no tile")
        own = np.array(tiles, np.int64)[:, None] * len(wires) + edges[:, 0]
        others = other * len(wires) + edges[:, 1]
        low = np.minimum(own, others)
        left.append(low.ravel())
        right.append((own + others - low).ravel())
    names = tuple(name for _, _, name, _ in grid)
    if not left:
        return Nodes(names, wires, np.zeros(0, np.int64), np.zeros(0, np.int32))
    a, b = np.concatenate(left), np.concatenate(right)
    keys = np.unique(np.concatenate([a, b]))
    graph = coo_array(
        (np.ones(len(a), bool), (np.searchsorted(keys, a), np.searchsorted(keys, b))),
        shape=(len(keys), len(keys)),
    )
    _, labels = connected_components(graph, directed=False)
    return Nodes(names, wires, keys, labels.astype(np.int32))
