"""Twin of axi_registers.sv: the chip's registers; the map is in that file."""

from __future__ import annotations

from dataclasses import dataclass

from host_build.kernels.base import Kernel, Resources, Stream


@dataclass(frozen=True)
class AxiRegisters(Kernel):
    """The registers of a chip with this `build_id`; it has no streams."""

    build_id: int

    module = "axi_registers"
    submodules = ("axi_slave", "axi_beats")
    cycles = 1
    latency = 0

    def __post_init__(self) -> None:
        self._require(0 <= self.build_id < 1 << 32, "build_id", "32 bits")

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return ()

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return ()

    def parameters(self) -> dict[str, int | str]:
        return {"BUILD_ID": self.build_id}

    def resources(self) -> Resources:
        return Resources(lut=410, ff=381)
