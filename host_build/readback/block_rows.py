"""Block RAM and DSP48E1 as block_ram.h and dsp.h take them: parameters, pins, contents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from host_build.configuration.errors import ReadbackError
from host_build.readback import instances
from host_build.readback.clock import Clock
from host_build.readback.logic import Block, Logic
from host_build.readback.lut_memories import NONE
from host_build.readback.model import ONE, ZERO, Cell

_RAM_CLOCKS = {"CLKARDCLK", "CLKBWRCLK"}
_CASCADES = {"ACIN": "ACOUT", "BCIN": "BCOUT", "PCIN": "PCOUT", "CARRYCASCIN": "CARRYCASCOUT"}


def block_ram(cell: Cell, logic: Logic, clock: Clock) -> list[int]:
    """The numbers of half a block RAM. ReadbackError where something is not modelled."""
    instances.check(cell)
    told = cell.parameters
    row = [told[name] for name in instances.RAM_PARAMETERS]
    row += [told[name] for name in ("INIT_A", "INIT_B", "SRVAL_A", "SRVAL_B")]
    row += [instances.upper(cell), *instances.odd(cell)]
    running = {
        port: clock.runs(cell, pin, f"IS_{pin}_INVERTED")
        for port, pin in (("a", "CLKARDCLK"), ("b", "CLKBWRCLK"))
    }
    for pin, (port, width) in instances.RAM_INPUTS.items():
        if pin not in _RAM_CLOCKS:
            nets = [logic.wire(*instances.ram_pin(cell, pin, k)) for k in range(width)]
            # A port whose clock stands still does nothing.
            on = running["b" if "_b_" in port else "a"]
            row += nets if on else [0] * width
    row += _given(cell, {pin: width for pin, (_, width) in instances.RAM_OUTPUTS.items()}, logic)
    row += _words(told["INIT"], told["INITP"])
    if any(instances.odd(cell)):
        row += _words(told["OTHER_INIT"], told["OTHER_INITP"])
    return row


def dsp(
    cell: Cell, logic: Logic, clock: Clock, numbers: Mapping[str, int]
) -> tuple[list[int], Block]:
    """The numbers of a DSP48E1, given those of all such blocks, and which outputs follow what.

    ReadbackError where something is not modelled.
    """
    instances.check(cell)
    told = cell.parameters
    if not clock.runs(cell, "CLK", "IS_CLK_INVERTED"):
        raise ReadbackError(f"{cell.name} has no clock")
    row = [told[name] for name in instances.DSP_PARAMETERS]
    for name in ("MASK", "PATTERN"):
        row += [told[name] & NONE, told[name] >> 32]
    for pin, driver in _CASCADES.items():
        row.append(_cascade(cell, pin, driver, numbers))
    needed = []
    for pin, width in instances.DSP_INPUTS.items():
        if pin == "CLK" or pin in _CASCADES:
            continue
        nets = [logic.wire(*instances.dsp_pin(cell, pin, k)) for k in range(width)]
        needed += nets
        row += nets
    row += _given(cell, instances.DSP_OUTPUTS, logic)
    needed += [
        logic.net(net) for pin, net in cell.inputs.items()
        if pin.rstrip("0123456789") in _CASCADES and net not in (ZERO, ONE)
    ]  # fmt: skip
    at_once = [
        logic.net(f"{cell.name}/{pin}") for pin in cell.outputs if not _registered(told, pin)
    ]
    logic.computed(at_once)
    return row, Block(needed, at_once)


def _registered(parameters: Mapping[str, int], output: str) -> bool:
    """Whether an output of a DSP48E1 only changes with the clock."""
    for port in "AB":
        if output.startswith(f"{port}COUT"):
            return parameters[f"{port}REG"] > 0
    return parameters["PREG"] > 0


def _cascade(cell: Cell, pin: str, driver: str, numbers: Mapping[str, int]) -> int:
    """The number of the block that a cascade comes from."""
    width = instances.DSP_INPUTS[pin]
    names = [(str(k) if width > 1 else "") for k in range(width)]
    nets = [cell.inputs.get(pin + name, ONE) for name in names]
    source = nets[0].partition("/")[0]
    if all(net == ONE for net in nets):
        return NONE
    if nets != [f"{source}/{driver}{name}" for name in names]:
        raise ReadbackError(f"{cell.name}: {pin} does not come from one block as a whole")
    return numbers[source]


def _given(cell: Cell, widths: Mapping[str, int], logic: Logic) -> Iterator[int]:
    for pin, width in widths.items():
        for k in range(width):
            name = pin + (str(k) if width > 1 else "")
            if name in cell.outputs:
                net = logic.net(f"{cell.name}/{name}")
                logic.known([net])
                yield net
            else:
                yield NONE


def _words(data: int, parity: int) -> list[int]:
    """The words of half a block RAM, parity above data."""
    return [data >> 16 * k & 0xFFFF | (parity >> 2 * k & 3) << 16 for k in range(1024)]
