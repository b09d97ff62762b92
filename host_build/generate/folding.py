"""How far each convolution is unrolled, and the circuit made so: kept as JSON in the overlay."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from host_build.errors import HostError
from host_build.kernels.base import RamStyle
from host_build.kernels.matrix_vector_shape import Style
from host_build.kernels.sliding_window import Form


class FoldingError(HostError):
    """A folding does not fit its network; the message names layer, value and legal ones."""


@dataclass(frozen=True)
class LayerFolding:
    """One convolution: `simd` inputs x `pe` outputs a cycle, and what computes them.

    `form` is how windows come: channel by channel, a column of pixels or a whole window a beat.
    `rom_positions` is how many positions of the unit share a weight memory; None takes what is
    estimated to cost least.
    """

    simd: int
    pe: int
    form: Form = "serial"
    style: Style = "DSP2"
    rom: RamStyle = "block"
    rom_positions: int | None = None


Folding = Mapping[str, LayerFolding]
"""A LayerFolding for every convolution of a graph, by the node's name."""


@dataclass(frozen=True)
class Circuit:
    """Everything the generator needs beside the graph.

    What was chosen by estimated cost is written down, lest a better estimate change the circuit
    that the FIFOs were sized for: `thresholds` is the kernel of each threshold by the node's name,
    and no folding leaves `rom_positions` open.
    """

    folding: Folding
    thresholds: Mapping[str, str]
    depths: Mapping[str, int]

    def dump(self) -> bytes:
        """As JSON, a layer a line: the same circuit gives the same bytes."""
        layers = {name: asdict(fold) for name, fold in self.folding.items()}
        parts = {"folding": layers, "thresholds": self.thresholds, "fifos": self.depths}
        text = ",\n".join(f"{json.dumps(name)}: {_lines(rows)}" for name, rows in parts.items())
        return f"{{{text}}}\n".encode()


def read(path: Path) -> Circuit:
    """Read what `Circuit.dump` gave; FoldingError if it is something else."""
    try:
        content = json.loads(path.read_text())
        folding = {name: LayerFolding(**row) for name, row in content["folding"].items()}
        depths = {name: int(depth) for name, depth in content["fifos"].items()}
        if "thresholds" not in content:
            raise FoldingError(
                f"{path} is of an older program and leaves open which kernels its thresholds have; "
                f"make it again: python -m host_build generate {path.parent.name}"
            )
        return Circuit(folding, dict(content["thresholds"]), depths)
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise FoldingError(f"{path} is no readable circuit: {error!r}") from error


def _lines(rows: Mapping[str, object]) -> str:
    return "{\n" + ",\n".join(f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in rows.items()) + "}"
