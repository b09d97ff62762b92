"""Twin of `matrix_vector.sv`: y = W x for a stream of vectors, with a fixed matrix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from host_build.kernels import matrix_vector_memory
from host_build.kernels.base import Kernel, Resources, Stream
from host_build.kernels.dsp_fields import Fields
from host_build.kernels.matrix_vector_cost import estimate, sharing_cost
from host_build.kernels.matrix_vector_shape import Shape
from host_build.kernels.vector_pair import VectorPair
from host_build.kernels.vector_unpair import VectorUnpair

MOST_SHARING = 3


@dataclass(frozen=True, eq=False)
class MatrixVector(Shape, Kernel):
    """One matrix-vector unit.

    `weights` is (MH, MW), columns in the order of the input stream. `style` is how many products
    share a DSP block, or "LUT" for none in DSP blocks. Each of the (MW/simd)*(MH/pe) cycles of a
    vector multiplies simd x pe weights. DSP4 computes two vectors at once: a beat of its streams
    has an element of the first vector beside the same one of the second, and all sums of the first
    vector before those of the second (`VectorPair` and `VectorUnpair` make and undo that).

    `chain` is how many products are summed in a DSP chain before chains are added in LUTs; by
    default as many as surely fit whatever the weights are, and at most simd. A longer chain is
    accepted if these very weights allow it. `ahead`: a stop is known a cycle ahead, which a
    FIFO behind the unit must make up for. `vectors` is how many vectors make a frame, `name` is
    what errors and memory images are called by.

    Raises ValueError, with the name of the layer, for anything the hardware could not compute
    exactly.
    """

    module = "matrix_vector"
    submodules = (
        "replay_buffer", "weight_memories", "weight_rom", "dot_dsp", "dot_lut", "adder_tree",
        "accumulator",
    )  # fmt: skip

    @cached_property
    def shared_positions(self) -> int:
        """Positions that share a weight memory: as given, else what costs least."""
        if self.rom_positions is not None:
            return self.rom_positions
        if self.rom == "distributed":
            return 1
        counts = range(1, min(MOST_SHARING, self.positions) + 1)
        return min(counts, key=lambda shared: sharing_cost(self, shared))

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.simd * self.pixels * self.activation_bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.pe * self.pixels * self.output_bits),)

    def parameters(self) -> dict[str, int | str]:
        """The parameters of the module."""
        fields = self.fields if self.pack else Fields(0, 16, 1)
        return {
            "MW": self.mw, "MH": self.mh, "SIMD": self.simd, "PE": self.pe,
            "A_BITS": self.activation_bits, "A_SIGNED": int(self.activation_signed),
            "W_BITS": self.weight_bits, "ACC_BITS": self.output_bits,
            "PACK": self.pack, "PIXELS": self.pixels, "FIELD": fields.bits,
            "CHAIN": fields.chain, "CASCADE": self.run,
            "DEPTH": self.depth, "AHEAD": int(self.ahead), "ROM_BLOCK": int(self.rom == "block"),
            "ROM_POSITIONS": self.shared_positions, "IMAGE": self.name,
        }  # fmt: skip

    def images(self) -> dict[str, str]:
        """The `$readmemh` files of the weight memories, text by file name."""
        return matrix_vector_memory.images(self, self.shared_positions)

    @property
    def cycles(self) -> int:
        """Clock cycles for the `vectors` of a frame, if neither side makes the unit wait."""
        return self.vectors // self.pixels * self.cycles_a_vector

    @property
    def latency(self) -> int:
        """Cycles from the last beat of a vector to its first results, in an idle unit."""
        return self.last_stage + (self.rom == "block") + self.tree_levels + 5

    def golden(self, vectors: NDArray[np.integer]) -> NDArray[np.int64]:
        """(N, MW) activations to (N, MH) sums."""
        low, high = self.activation_range
        if vectors.size and (vectors.min() < low or vectors.max() > high):
            found = f"{vectors.min()}..{vectors.max()}"
            raise self.wrong("activations", found, f"{low}..{high}")
        return vectors.astype(np.int64) @ self.weights.astype(np.int64).T

    def resources(self) -> Resources:
        return estimate(self, self.shared_positions)

    @property
    def adapters(self) -> tuple[VectorPair, VectorUnpair] | None:
        """What goes before and behind a unit that computes two vectors at once."""
        if self.pixels == 1:
            return None
        return (
            VectorPair(self.simd, self.activation_bits, self.folds, self.vectors),
            VectorUnpair(self.pe * self.output_bits, self.repeats, self.folds, self.vectors),
        )
