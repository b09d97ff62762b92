"""How many of its main primitives Vivado's synthesis may have made of a chip, by Yosys' count.

The two share little but the source: where they differ by half, one of them has lost or invented
something, such as weights whose file it could not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from host_build.implementation import yosys
from host_build.implementation.utilisation import Utilisation

_LEAST, _MOST = 2 / 3, 3 / 2
_FEW = 8
"""So many more of a kind are no fault, however few there should be."""


@dataclass(frozen=True)
class Count:
    """`least` to `most` of what counts as `primitives`, each with its weight."""

    what: str
    primitives: Mapping[str, int]
    least: int
    most: int


def plausible(counted: Utilisation) -> list[Count]:
    """What is plausible where Yosys counted so: the processing system is one, whoever counts."""
    halves = {name: round(2 * blocks) for name, blocks in yosys.BLOCK_RAMS.items()}
    return [
        Count("processing systems (PS7)", {"PS7": 1}, 1, 1),
        _about("halves of block RAM", halves, round(2 * counted.bram36)),
        _about("DSP blocks", {"DSP48E1": 1}, counted.dsp),
        _about("flip-flops", yosys.FLIP_FLOPS, counted.ff),
    ]


def _about(what: str, primitives: Mapping[str, int], number: int) -> Count:
    most = max(round(_MOST * number), number + _FEW)
    return Count(what, primitives, round(_LEAST * number), most)
