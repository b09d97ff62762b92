"""Twin of fifo.sv: a buffer of exactly `depth` beats."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Kernel, RamStyle, Resources, Stream, ram


@dataclass(frozen=True)
class Fifo(Kernel):
    """`depth` beats of `width` bits, at full rate; `style` None takes what is cheaper."""

    width: int
    depth: int
    style: RamStyle | None = None

    module = "fifo"
    latency = 2
    cycles = 1
    # Deeper memories than this are cheaper in block RAM: a BRAM18 stands for some 300 LUTs.
    _DISTRIBUTED_BITS = 9_000

    def __post_init__(self) -> None:
        self._require(self.width >= 1, "width", "at least 1")
        self._require(self.depth >= 3, "depth", "at least 3 (fewer cannot keep the full rate)")
        self._require(self.style in (None, "distributed", "block"), "style", "distributed, block")

    @property
    def ram_style(self) -> RamStyle:
        if self.style is not None:
            return self.style
        small = self.depth <= 65 or self.width * self.depth <= self._DISTRIBUTED_BITS
        return "distributed" if small else "block"

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.width),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.width),)

    def parameters(self) -> dict[str, int | str]:
        return {"WIDTH": self.width, "DEPTH": self.depth, "RAM_STYLE": self.ram_style}

    def resources(self) -> Resources:
        words = self.depth - 1
        address = (words - 1).bit_length()
        output = 0 if self.ram_style == "block" else self.width
        # Two addresses that do not wrap around by themselves are compared with the last one.
        wrap = 0 if words == 1 << address else 2 * address
        control = Resources(lut=7 + address + wrap, ff=3 + 3 * address + output)
        return control + ram(self.ram_style, self.width, words)
