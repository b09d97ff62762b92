"""How far each convolution is unrolled: the folding, kept as JSON beside the overlay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from board_app.files import write_atomically
from host_build.kernels.base import RamStyle
from host_build.kernels.matrix_vector import Style
from host_build.kernels.sliding_window import Form


class FoldingError(Exception):
    """A folding does not fit its network; the message names layer, value and legal ones."""


@dataclass(frozen=True)
class LayerFolding:
    """One convolution: `simd` inputs x `pe` outputs a cycle, and what computes them.

    `form` is how windows come: channel by channel, a column of pixels or a whole window a beat.
    """

    simd: int
    pe: int
    form: Form = "serial"
    style: Style = "DSP2"
    rom: RamStyle = "block"


Folding = Mapping[str, LayerFolding]
"""A LayerFolding for every convolution of a graph, by the node's name."""


def read(path: Path) -> dict[str, LayerFolding]:
    """Read a folding; FoldingError if it is none."""
    try:
        rows = json.loads(path.read_text())
        return {name: LayerFolding(**row) for name, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise FoldingError(f"{path} is no readable folding: {error}") from error


def write(path: Path, folding: Folding) -> None:
    """Write a folding, a layer a line."""
    rows = ",\n".join(f"  {json.dumps(n)}: {json.dumps(asdict(f))}" for n, f in folding.items())
    write_atomically(path, f"{{\n{rows}\n}}\n".encode())
