"""Several products in one DSP48E1: how they lie side by side, and the weights made ready for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OPERAND_BITS = 25
# Of the other operand's 18 bits one is the sign.
UNSIGNED_BITS = 17
SUM_BITS = 48


@dataclass(frozen=True)
class Fields:
    """`pack` weights in one DSP block; each product has `bits` to grow in along a chain of `chain`.

    With one pixel, the weights that share an activation lie `bits` apart in the 25-bit operand, and
    their sums lie `bits` apart in the 48-bit sum. Two pixels lie `bits` apart in the 18-bit operand
    and the weights twice as far, so that every product has a field of its own. A sum must stay
    within -2^(bits-1) .. 2^(bits-1) - 1, or it would run into its neighbour.
    """

    pack: int
    bits: int
    chain: int

    @staticmethod
    def widest(pack: int, weight_bits: int, activation_bits: int, pixels: int) -> int:
        """The most bits a field can have."""
        limits = [SUM_BITS // (pack * pixels)]
        if pack > 1:
            limits.append((OPERAND_BITS - weight_bits) // ((pack - 1) * pixels))
        if pixels > 1:
            limits.append(UNSIGNED_BITS - activation_bits)
        return min(limits)


def less_borrow(weights: NDArray[np.int64], pack: int) -> NDArray[np.int64]:
    """Take from every weight what the fields below it in its DSP block borrow.

    The last axis is the PEs, `pack` neighbours of it share a block. Sign-extending each result to
    its field then gives the sum of weight_f * 2^(bits*f).
    """
    stored = weights.copy()
    for field in range(1, pack):
        upper = stored[..., field::pack]
        lower = stored[..., field - 1 :: pack][..., : upper.shape[-1]]
        upper -= lower < 0
    return stored
