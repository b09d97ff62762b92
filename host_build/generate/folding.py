"""How far each convolution is unrolled: the folding, kept as JSON beside the overlay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from host_build.errors import HostError
from host_build.kernels.base import RamStyle
from host_build.kernels.matrix_vector import Style
from host_build.kernels.sliding_window import Form


class FoldingError(HostError):
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


@dataclass(frozen=True)
class Circuit:
    """Everything the generator needs beside the graph: the folding and the FIFOs' depths."""

    folding: Folding
    depths: Mapping[str, int]

    def dump(self) -> bytes:
        """As JSON, a layer a line: the same circuit gives the same bytes."""
        layers = {name: asdict(fold) for name, fold in self.folding.items()}
        return f'{{"folding": {_lines(layers)},\n"fifos": {_lines(self.depths)}}}\n'.encode()


def read(path: Path) -> Circuit:
    """Read what `Circuit.dump` gave; FoldingError if it is something else."""
    try:
        content = json.loads(path.read_text())
        folding = {name: LayerFolding(**row) for name, row in content["folding"].items()}
        return Circuit(folding, {name: int(depth) for name, depth in content["fifos"].items()})
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FoldingError(f"{path} is no readable circuit: {error!r}") from error


def _lines(rows: Mapping[str, object]) -> str:
    return "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items()) + "}"
