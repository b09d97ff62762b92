"""A circuit as lists of numbers that netlist.h runs: what is computed each cycle, in which order.

Every net has a number: 0 and 1 are the constants, from 2 on come the flip-flops' outputs. All state
changes at once at the one clock's rising edge.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from host_build.configuration.errors import ReadbackError
from host_build.readback import block_rows
from host_build.readback.clock import Clock
from host_build.readback.logic import Logic
from host_build.readback.lut_memories import NONE, LutMemories
from host_build.readback.model import Cell, Circuit
from host_build.readback.ports import CLOCK, RESET, of_pin, ports

_FLIP_FLOPS = {"FDRE": 0, "FDSE": 1, "FDCE": 0, "FDPE": 1}
"""What a reset makes them."""
_Rows = Sequence[Sequence[int]] | NDArray[np.int64]
_ELSEWHERE = (*_FLIP_FLOPS, "PS7", "BUFGCTRL", "BUFHCE", "DSP48E1")


def program(circuit: Circuit) -> NDArray[np.uint32]:
    """The lists, one after another. ReadbackError where something is not modelled.

    Modelled is one clock, the processing system's first, at its rising edge; no latches.
    """
    logic, clock = Logic(circuit), Clock(circuit)
    memories = LutMemories(logic, clock)
    flip_flops = sorted(circuit.of_kind(*_FLIP_FLOPS), key=lambda cell: _FLIP_FLOPS[cell.kind])
    logic.known([logic.net(f"{cell.name}/Q") for cell in flip_flops])
    told = _ports(circuit, logic)
    registers = [_register(cell, logic, clock) for cell in flip_flops]
    rams = []
    for cell in circuit.cells.values():
        if cell.kind == "RAMB18E1":
            rams.append(block_rows.block_ram(cell, logic, clock))
        elif not (logic.cell(cell) or memories.cell(cell) or cell.kind in _ELSEWHERE):
            raise ReadbackError(f"{cell.name}: a {cell.kind} is not modelled")
    dsps = list(circuit.of_kind("DSP48E1"))
    numbers = {cell.name: k for k, cell in enumerate(dsps)}
    made = [block_rows.dsp(cell, logic, clock, numbers) for cell in dsps]
    order = logic.ordered(memories.reads, [block for _, block in made])
    asynchronous = [
        [k] for k, cell in enumerate(flip_flops)
        if cell.kind in ("FDCE", "FDPE") and registers[k][3]
    ]  # fmt: skip
    ones = sum(_FLIP_FLOPS[cell.kind] == 0 for cell in flip_flops)
    lists: list[_Rows] = [
        told, registers, asynchronous, order.choices, order.differences, memories.memories,
        order.reads, memories.writes, memories.shifts, rams, [row for row, _ in made], order.runs,
    ]  # fmt: skip
    return np.concatenate([np.array([logic.count, ones], np.uint32), *map(_listed, lists)])


def _listed(rows: _Rows) -> NDArray[np.uint32]:
    """How many rows, and their numbers."""
    numbers = np.array([n for row in rows for n in row], np.int64)
    return np.concatenate([[len(rows)], numbers]).astype(np.uint32)


def _ports(circuit: Circuit, logic: Logic) -> list[list[int]]:
    """Of each port of chip_core whether it is an input, its width, and its nets."""
    given: dict[tuple[str, int], int] = {}
    for cell in circuit.of_kind("PS7"):
        for pin in cell.outputs:
            if pin == CLOCK:
                continue
            net = f"{cell.name}/{pin}"
            place = ("rst_i", 0) if pin == RESET else of_pin(pin, "i")
            if place is None:
                logic.name(net, 0)
                continue
            number = given[place] = logic.new()
            logic.known([number])
            logic.name(net, number if pin != RESET else logic.difference(number, 1))
        for pin in cell.inputs:
            if place := of_pin(pin, "o"):
                given[place] = logic.of(cell, pin)
    return [
        [int(port.input), port.width] + [given.get((port.name, k), NONE) for k in range(port.width)]
        for port in ports().values()
    ]


def _register(cell: Cell, logic: Logic, clock: Clock) -> list[int]:
    """Its value at the start, data, enable, reset."""
    start = cell.parameters["INIT"]
    if not clock.runs(cell, "C", "IS_C_INVERTED"):
        return [start, 0, 0, 0]
    return [start, *(logic.of(cell, pin) for pin in ("D", "CE", "SR"))]
