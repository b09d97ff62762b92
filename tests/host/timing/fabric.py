"""A device of two tiles: a slice drives wires, switches and another slice, by round numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from host_build.configuration.database import Database
from host_build.readback.nodes import Nodes
from tests.host.readback.bitstreams import PART, write_part

WIRES = ("OUT", "A", "B", "C", "IN_B", "IN_C", "METAL")


def _pip(source: str, target: str, delay: list[str] | None, **more: Any) -> dict[str, Any]:
    told = {"delay": delay, "in_cap": None, "res": None} | {
        name: more.pop(name) for name in ("in_cap", "res") if name in more
    }
    return {
        "src_wire": source, "dst_wire": target, "is_directional": "1", "is_pass_transistor": 0,
        "src_to_dst": told, "dst_to_src": told,
    } | more  # fmt: skip


TILE: dict[str, Any] = {
    "tile_type": "T",
    "wires": {
        "OUT": {"res": "0.000", "cap": "10.0"},
        "A": {"res": "100.0", "cap": "20.0"},
        "B": {"res": "0.0", "cap": "30.0"},
        "C": {"res": "0.0", "cap": "50.0"},
        "IN_B": None, "IN_C": None,
        "METAL": {"res": "100.0", "cap": "40.0"},
    },
    "pips": {
        "buffer": _pip("OUT", "A", ["0.1", "0.2", "0.3", "0.4"], in_cap="5.0", res="1000.0"),
        "left": _pip("A", "B", ["0.01", "0.02", "0.03", "0.04"], in_cap="7.0", res="2000.0"),
        "right": _pip("A", "C", None, res="500.0", is_pass_transistor=1),
    },
    "sites": [
        {
            "prefix": "SLICE", "name": "X0Y0", "type": "SLICEL",
            "site_pins": {
                "AQ": {"wire": "OUT", "res": "1500.0", "delay": ["0.0", "0.0", "0.0", "0.0"]},
                "A1": {"wire": "B", "cap": "1.0", "delay": ["0.2", "0.3", "0.4", "0.5"]},
                "B1": {"wire": "C", "cap": "2.0", "delay": ["0.0", "0.0", "0.0", "0.0"]},
                "C1": None,
            },
        }
    ],
}  # fmt: skip


def database(folder: Path) -> Database:
    """The database, with one tile T_X0Y0 and, beside it, one more; METAL of both is A of one."""
    family = folder / "zynq7"
    write_part(family)
    grid = {
        f"T_X{x}Y0": {
            "type": "T", "grid_x": x, "grid_y": 0, "bits": {}, "sites": {f"SLICE_X{x}Y0": "SLICEL"}
        }
        for x in range(2)
    }  # fmt: skip
    (family / "xc7z020").mkdir()
    (family / "xc7z020" / "tilegrid.json").write_text(json.dumps(grid))
    (family / "tile_type_T.json").write_text(json.dumps(TILE))
    return Database(family, PART)


def joined() -> Nodes:
    """A of the first tile and METAL of the second are one node."""
    keys = np.array([WIRES.index("A"), len(WIRES) + WIRES.index("METAL")], np.int64)
    return Nodes(("T_X0Y0", "T_X1Y0"), WIRES, keys, np.zeros(2, np.int32))
