"""How the weights of a matrix-vector unit lie in its memories."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.dsp_fields import less_borrow

if TYPE_CHECKING:
    from host_build.kernels.matrix_vector import MatrixVector


def rom_lanes(unit: MatrixVector, shared: int) -> list[tuple[int, int]]:
    """The lanes [first, last) that each memory serves if `shared` positions share one."""
    padding = unit.lanes * unit.positions - unit.simd
    bounds = [max(k * unit.lanes - padding, 0) for k in range(0, unit.positions, shared)]
    return list(zip(bounds, [*bounds[1:], unit.simd], strict=True))


def rom_widths(unit: MatrixVector, shared: int) -> list[int]:
    """Bits of a word of each memory."""
    lane_bits = unit.pe * unit.weight_bits
    return [(last - first) * lane_bits for first, last in rom_lanes(unit, shared)]


def images(unit: MatrixVector) -> dict[str, str]:
    """The `$readmemh` files, text by file name."""
    # (repeat, fold, lane, PE): the order of addresses, then of the fields in a word.
    folded = unit.weights.reshape(unit.repeats, unit.pe, unit.folds, unit.simd)
    stored = less_borrow(folded.transpose(0, 2, 3, 1).astype(np.int64), unit.pack)
    made = {}
    for index, (first, last) in enumerate(rom_lanes(unit, unit.shared_positions)):
        words = stored[:, :, first:last].reshape(unit.cycles_a_vector, -1)
        made[f"{unit.name}_{index:02d}.mem"] = _hexadecimal(words, unit.weight_bits)
    return made


def _hexadecimal(words: NDArray[np.int64], bits: int) -> str:
    """A `$readmemh` text: (N, E) numbers of `bits` bits, element 0 of a word in its low bits."""
    masked = words & ((1 << bits) - 1)
    columns = (masked[..., None] >> np.arange(bits)) & 1
    digits = ceil(words.shape[1] * bits / 4)
    lines = []
    for row in columns.reshape(len(words), -1):
        value = int("".join(map(str, row[::-1])), 2)
        lines.append(f"{value:0{digits}x}")
    return "\n".join(lines) + "\n"
