"""Twin of add.sv: the exact sum of two streams, lane by lane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, Resources, Stream


@dataclass(frozen=True)
class Add(Kernel):
    """`lanes` sums a beat; `out_bits` None takes the fewest that hold every sum.

    The sum is signed if one summand is.
    """

    lanes: int
    a_bits: int
    b_bits: int
    a_signed: bool
    b_signed: bool
    out_bits: int | None = None

    module = "add"
    latency = 1
    cycles = 1

    def __post_init__(self) -> None:
        for name in ("lanes", "a_bits", "b_bits"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        least = self.least_bits
        self._require(self.sum_bits >= least, "out_bits", f"at least {least}, or None")

    @property
    def signed(self) -> bool:
        return self.a_signed or self.b_signed

    @property
    def least_bits(self) -> int:
        """Bits for every sum; an unsigned summand beside a signed one counts with a sign bit."""
        a = self.a_bits + (self.signed and not self.a_signed)
        b = self.b_bits + (self.signed and not self.b_signed)
        return max(a, b) + 1

    @property
    def sum_bits(self) -> int:
        return self.least_bits if self.out_bits is None else self.out_bits

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("a", self.lanes * self.a_bits), Stream("b", self.lanes * self.b_bits))

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.lanes * self.sum_bits),)

    def parameters(self) -> dict[str, int | str]:
        return {
            "LANES": self.lanes,
            "A_BITS": self.a_bits, "A_SIGNED": int(self.a_signed),
            "B_BITS": self.b_bits, "B_SIGNED": int(self.b_signed),
            "OUT_BITS": self.sum_bits,
        }  # fmt: skip

    def golden(self, a: NDArray[np.int64], b: NDArray[np.int64]) -> NDArray[np.int64]:
        return a + b

    def resources(self) -> Resources:
        narrow, wide = sorted(((self.a_bits, self.a_signed), (self.b_bits, self.b_signed)))
        # Above an unsigned summand there is only a carry; a sign is added to every bit.
        bits = wide[0] if narrow[1] else narrow[0]
        return Resources(lut=4 + self.lanes * bits, ff=1 + self.lanes * self.sum_bits)
