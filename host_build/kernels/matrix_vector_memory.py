"""How the weights of a matrix-vector unit lie in its memories."""

from __future__ import annotations

from math import ceil

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.dsp_fields import less_borrow
from host_build.kernels.matrix_vector_shape import Shape


def images(unit: Shape, shared: int) -> dict[str, str]:
    """The `$readmemh` files where `shared` positions share a memory, text by file name."""
    # (repeat, fold, lane, PE): the order of addresses, then of the fields in a word.
    folded = unit.weights.reshape(unit.repeats, unit.pe, unit.folds, unit.simd)
    stored = less_borrow(folded.transpose(0, 2, 3, 1).astype(np.int64), unit.pack)
    made = {}
    for index, (first, last) in enumerate(unit.memory_lanes(shared)):
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
