"""The one clock of a circuit: the processing system's first, at its rising edge."""

from __future__ import annotations

from host_build.configuration.errors import ReadbackError
from host_build.readback.model import ONE, ZERO, Cell, Circuit
from host_build.readback.ports import CLOCK, buffered


class Clock:
    def __init__(self, circuit: Circuit) -> None:
        self._buffered = buffered(circuit)
        self._nets = {f"{cell.name}/{CLOCK}" for cell in circuit.of_kind("PS7")}

    def runs(self, cell: Cell, pin: str, inverted: str) -> bool:
        """Whether the clock at a pin runs; ReadbackError where it is another than the one."""
        net = cell.inputs.get(pin, ONE)
        net = self._buffered.get(net, net)
        if net in (ZERO, ONE):
            return False
        if net not in self._nets:
            raise ReadbackError(f"{cell.name} has another clock than {CLOCK}: {net}")
        if cell.parameters.get(inverted):
            raise ReadbackError(f"{cell.name} has its clock inverted, which is not modelled")
        return True
