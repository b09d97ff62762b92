"""Several products in one DSP48E1: how they lie side by side, and the weights made ready for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OPERAND_BITS = 25
SUM_BITS = 48


@dataclass(frozen=True)
class Fields:
    """`pack` products in one DSP block, each with `bits` to grow in along a chain of `chain`.

    The weights that share an activation lie `bits` apart in the 25-bit operand, their sums lie
    `bits` apart in the 48-bit sum. A sum must stay within -2^(bits-1) .. 2^(bits-1) - 1, or it
    would run into its neighbour.
    """

    pack: int
    bits: int
    chain: int

    @staticmethod
    def widest(pack: int, weight_bits: int) -> int:
        """The most bits a field can have."""
        sums = SUM_BITS // pack
        return sums if pack == 1 else min(sums, (OPERAND_BITS - weight_bits) // (pack - 1))

    @staticmethod
    def needed(low: int, high: int) -> int:
        """The bits that hold every sum in low .. high."""
        return 1 + max(high, -low - 1, 0).bit_length()


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
