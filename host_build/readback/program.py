"""A circuit as lists of numbers that netlist.h runs: what is computed each cycle, in which order.

Every net has a number: 0 and 1 are the constants, from 2 on come the flip-flops' outputs. Tables
become choices (`a ? b : c`) and differences (`a ^ b`), which stand in an order in which each comes
after what it needs. All state changes at once at the one clock's rising edge.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from host_build.configuration.errors import ReadbackError
from host_build.readback import instances
from host_build.readback.expressions import Choice, Tree, reduced
from host_build.readback.model import ONE, ZERO, Cell, Circuit
from host_build.readback.ports import CLOCK, RESET, buffered, of_pin, ports

NONE = 0xFFFF_FFFF
"""The number of a net that is not there."""
_CHOICE, _DIFFERENCE, _READ, _DSP = range(4)
_FLIP_FLOPS = {"FDRE": 0, "FDSE": 1, "FDCE": 0, "FDPE": 1}
_RAM_CLOCKS = {"CLKARDCLK", "CLKBWRCLK"}
_CASCADES = {"ACIN": "ACOUT", "BCIN": "BCOUT", "PCIN": "PCOUT", "CARRYCASCIN": "CARRYCASCOUT"}


def program(circuit: Circuit) -> NDArray[np.uint32]:
    """The lists, one after another. ReadbackError where something is not modelled.

    Modelled is one clock, the processing system's first, at its rising edge; no latches.
    """
    return Builder(circuit).program()


def _registered(parameters: Mapping[str, int], output: str) -> bool:
    """Whether an output of a DSP48E1 only changes with the clock."""
    for port in "AB":
        if output.startswith(f"{port}COUT"):
            return parameters[f"{port}REG"] > 0
    return parameters["PREG"] > 0


def _words(data: int, parity: int) -> list[int]:
    """The words of half a block RAM, parity above data."""
    return [data >> 16 * k & 0xFFFF | (parity >> 2 * k & 3) << 16 for k in range(1024)]


class Builder:
    def __init__(self, circuit: Circuit) -> None:
        self._circuit = circuit
        self._buffered = buffered(circuit)
        self._numbers = {ZERO: 0, ONE: 1}
        self._count = 2
        self._inputs: set[int] = {0, 1}
        self._choices: list[tuple[int, ...]] = []  # select, high, low, output
        self._differences: list[tuple[int, ...]] = []
        self._memories: list[tuple[int, ...]] = []  # words, initial contents
        self._reads: list[tuple[int, ...]] = []  # six addresses, memory, output
        self._writes: list[tuple[int, ...]] = []  # six addresses, memory, enable, data
        self._shifts: list[tuple[int, ...]] = []  # memory, enable, data, last bit
        # All, what is needed for outputs that have no register, and those.
        self._dsps: list[tuple[list[int], list[int], list[int]]] = []
        self._rams: list[list[int]] = []
        self._running = {f"{cell.name}/{CLOCK}" for cell in circuit.of_kind("PS7")}

    def program(self) -> NDArray[np.uint32]:
        flip_flops = sorted(
            self._circuit.of_kind(*_FLIP_FLOPS), key=lambda cell: _FLIP_FLOPS[cell.kind]
        )
        for cell in flip_flops:
            self._inputs.add(self._net(f"{cell.name}/Q"))
        told = self._ports()
        rows = [self._flip_flop(cell) for cell in flip_flops]
        write = {
            "LUT5": self._table, "LUT6": self._table, "MUXF7": self._multiplexer,
            "MUXF8": self._multiplexer, "CARRY4": self._carry, "RAMD64E": self._memory,
            "RAMD32": self._memory, "SRLC32E": self._shift, "SRL16E": self._shift,
            "RAMB18E1": self._block_ram,
        }  # fmt: skip
        for cell in self._circuit.cells.values():
            if cell.kind in write:
                write[cell.kind](cell)
            elif cell.kind not in (*_FLIP_FLOPS, "PS7", "BUFGCTRL", "BUFHCE", "DSP48E1"):
                raise ReadbackError(f"{cell.name}: a {cell.kind} is not modelled")
        blocks = list(self._circuit.of_kind("DSP48E1"))
        for cell in blocks:
            self._dsp(cell, {other.name: k for k, other in enumerate(blocks)})
        runs, tables = self._ordered()
        asynchronous = [
            k for k, cell in enumerate(flip_flops) if cell.kind in ("FDCE", "FDPE") and rows[k][3]
        ]
        ones = sum(_FLIP_FLOPS[cell.kind] == 0 for cell in flip_flops)
        lists: list[Sequence[Sequence[int]] | NDArray[np.int64]] = [
            told, rows, [[k] for k in asynchronous], *tables[:2], self._memories, tables[2],
            self._writes, self._shifts, self._rams, [row for row, *_ in self._dsps], runs,
        ]  # fmt: skip
        numbers = [np.array([self._count, ones], np.uint32)]
        for rows_of in lists:
            numbers.append(np.array([len(rows_of)], np.uint32))
            numbers.append(np.array([n for row in rows_of for n in row], np.int64).astype("u4"))
        return np.concatenate(numbers)

    def _new(self) -> int:
        self._count += 1
        return self._count - 1

    def _net(self, net: str) -> int:
        """Its number; what a clock buffer passes on is its input's, be it a clock or an enable."""
        net = self._buffered.get(net, net)
        if net not in self._numbers:
            self._numbers[net] = self._new()
        return self._numbers[net]

    def _of(self, cell: Cell, pin: str) -> int:
        return self._net(cell.inputs[pin])

    def _choice(self, select: int, high: int, low: int, output: int | None = None) -> int:
        if output is None:
            if (high, low) == (1, 0):
                return select
            output = self._new()
        self._choices.append((select, high, low, output))
        return output

    def _difference(self, left: int, right: int, output: int | None = None) -> int:
        output = self._new() if output is None else output
        self._differences.append((left, right, output))
        return output

    def _tree(self, tree: Tree, inputs: Sequence[int], output: int | None = None) -> int:
        if isinstance(tree, bool):
            return int(tree) if output is None else self._difference(int(tree), 0, output)
        if isinstance(tree, Choice):
            high, low = self._tree(tree.high, inputs), self._tree(tree.low, inputs)
            return self._choice(inputs[tree.place], high, low, output)
        return self._difference(inputs[tree.place], self._tree(tree.rest, inputs), output)

    def _clocked(self, cell: Cell, pin: str, inverted: str) -> bool:
        """Whether the clock at a pin runs; ReadbackError where it is another than the one."""
        net = cell.inputs.get(pin, ONE)
        net = self._buffered.get(net, net)
        if net in (ZERO, ONE):
            return False
        if net not in self._running:
            raise ReadbackError(f"{cell.name} has another clock than {CLOCK}: {net}")
        if cell.parameters.get(inverted):
            raise ReadbackError(f"{cell.name} has its clock inverted, which is not modelled")
        return True

    def _ports(self) -> list[list[int]]:
        """Of each port of chip_core whether it is an input, its width, and its nets."""
        given: dict[tuple[str, int], int] = {}
        for cell in self._circuit.of_kind("PS7"):
            for pin in cell.outputs:
                if pin == CLOCK:
                    continue
                net = f"{cell.name}/{pin}"
                place = ("rst_i", 0) if pin == RESET else of_pin(pin, "i")
                if place is None:
                    self._numbers[net] = 0
                    continue
                number = given[place] = self._new()
                self._inputs.add(number)
                self._numbers[net] = number if pin != RESET else self._difference(number, 1)
            for pin in cell.inputs:
                if place := of_pin(pin, "o"):
                    given[place] = self._of(cell, pin)
        return [
            [int(port.input), port.width]
            + [given.get((port.name, k), NONE) for k in range(port.width)]
            for port in ports().values()
        ]

    def _flip_flop(self, cell: Cell) -> list[int]:
        """Its value at the start, data, enable, reset."""
        start = cell.parameters["INIT"]
        if not self._clocked(cell, "C", "IS_C_INVERTED"):
            return [start, 0, 0, 0]
        return [start, *(self._of(cell, pin) for pin in ("D", "CE", "SR"))]

    def _table(self, cell: Cell) -> None:
        width = int(cell.kind[-1])
        inputs = [cell.inputs.get(f"A{k + 1}", ZERO) for k in range(width)]
        tree, names = reduced(cell.parameters["INIT"], inputs)
        self._tree(tree, [self._net(name) for name in names], self._net(f"{cell.name}/O{width}"))

    def _multiplexer(self, cell: Cell) -> None:
        select, high, low = (self._of(cell, pin) for pin in ("S", "I1", "I0"))
        self._choice(select, high, low, self._net(f"{cell.name}/O"))

    def _carry(self, cell: Cell) -> None:
        before = self._of(cell, "CI" if "CI" in cell.inputs else "CYINIT")
        for k in range(4):
            if f"S{k}" not in cell.inputs:
                return
            select = self._of(cell, f"S{k}")
            if f"O{k}" in cell.outputs:
                self._difference(select, before, self._net(f"{cell.name}/O{k}"))
            if f"DI{k}" not in cell.inputs:
                return
            after = self._net(f"{cell.name}/CO{k}")
            before = self._choice(select, before, self._of(cell, f"DI{k}"), after)

    def _memory(self, cell: Cell) -> None:
        width = 6 if cell.kind == "RAMD64E" else 5
        number = self._contents(cell, 1 << width)
        read, write = (
            self._address([cell.inputs[f"{pin}{k + 1}"] for k in range(width)])
            for pin in ("A", "WA")
        )
        self._reads.append((*read, number, self._net(f"{cell.name}/{cell.outputs[0]}")))
        if self._clocked(cell, "CLK", "IS_CLK_INVERTED"):
            enable = self._of(cell, "WE")
            for pin in ("WA7", "WA8"):
                if pin in cell.inputs:
                    high = (enable, 0) if cell.parameters[f"{pin}_IS"] else (0, enable)
                    enable = self._choice(self._of(cell, pin), *high)
            self._writes.append((*write, number, enable, self._of(cell, "DI")))

    def _shift(self, cell: Cell) -> None:
        width = 5 if cell.kind == "SRLC32E" else 4
        number = self._contents(cell, 1 << width)
        address = self._address([cell.inputs[f"A{k}"] for k in range(width)])
        last = NONE
        for output in cell.outputs:
            net = self._net(f"{cell.name}/{output}")
            if output == "MC31":
                last = net
                self._inputs.add(net)
            else:
                self._reads.append((*address, number, net))
        running = self._clocked(cell, "CLK", "IS_CLK_INVERTED")
        enable = self._of(cell, "CE") if running else 0
        self._shifts.append((number, enable, self._of(cell, "D"), last))

    def _contents(self, cell: Cell, words: int) -> int:
        start = cell.parameters["INIT"]
        self._memories.append((words, start & NONE, start >> 32))
        return len(self._memories) - 1

    def _address(self, nets: Iterable[str]) -> list[int]:
        found = [self._net(net) for net in nets]
        return found + [0] * (6 - len(found))

    def _pins(
        self, found: Iterator[tuple[str, bool]]
    ) -> Iterator[int]:  # fmt: skip
        for net, inverted in found:
            number = self._net(net)
            yield (
                number ^ 1
                if inverted and number < 2
                else (self._difference(number, 1) if inverted else number)
            )

    def _block_ram(self, cell: Cell) -> None:
        instances.check(cell)
        told = cell.parameters
        row = [told[name] for name in instances.RAM_PARAMETERS]
        row += [told[name] for name in ("INIT_A", "INIT_B", "SRVAL_A", "SRVAL_B")]
        row += [instances.upper(cell), *instances.odd(cell)]
        running = {
            port: self._clocked(cell, pin, f"IS_{pin}_INVERTED")
            for port, pin in (("a", "CLKARDCLK"), ("b", "CLKBWRCLK"))
        }
        for pin, (port, width) in instances.RAM_INPUTS.items():
            if pin not in _RAM_CLOCKS:
                nets = list(self._pins(instances.ram_pin(cell, pin, k) for k in range(width)))
                # A port whose clock stands still does nothing.
                on = running["b" if "_b_" in port else "a"]
                row += nets if on else [0] * width
        row += self._given(cell, {pin: width for pin, (_, width) in instances.RAM_OUTPUTS.items()})
        row += _words(told["INIT"], told["INITP"])
        if any(instances.odd(cell)):
            row += _words(told["OTHER_INIT"], told["OTHER_INITP"])
        self._rams.append(row)

    def _dsp(self, cell: Cell, blocks: dict[str, int]) -> None:
        instances.check(cell)
        told = cell.parameters
        if not self._clocked(cell, "CLK", "IS_CLK_INVERTED"):
            raise ReadbackError(f"{cell.name} has no clock")
        row = [told[name] for name in instances.DSP_PARAMETERS]
        for name in ("MASK", "PATTERN"):
            row += [told[name] & NONE, told[name] >> 32]
        for pin, driver in _CASCADES.items():
            row.append(self._cascade(cell, pin, driver, blocks))
        needed = []
        for pin, width in instances.DSP_INPUTS.items():
            if pin == "CLK" or pin in _CASCADES:
                continue
            nets = list(self._pins(instances.dsp_pin(cell, pin, k) for k in range(width)))
            needed += nets
            row += nets
        row += self._given(cell, instances.DSP_OUTPUTS)
        needed += [
            self._net(net) for pin, net in cell.inputs.items()
            if pin.rstrip("0123456789") in _CASCADES and net not in (ZERO, ONE)
        ]  # fmt: skip
        at_once = [
            self._net(f"{cell.name}/{pin}") for pin in cell.outputs if not _registered(told, pin)
        ]
        self._inputs -= set(at_once)
        self._dsps.append((row, needed, at_once))

    def _cascade(self, cell: Cell, pin: str, driver: str, blocks: dict[str, int]) -> int:
        """The number of the block that a cascade comes from."""
        width = instances.DSP_INPUTS[pin]
        names = [(str(k) if width > 1 else "") for k in range(width)]
        nets = [cell.inputs.get(pin + name, ONE) for name in names]
        source = nets[0].partition("/")[0]
        if all(net == ONE for net in nets):
            return NONE
        if nets != [f"{source}/{driver}{name}" for name in names]:
            raise ReadbackError(f"{cell.name}: {pin} does not come from one block as a whole")
        return blocks[source]

    def _given(self, cell: Cell, widths: dict[str, int]) -> Iterator[int]:
        for pin, width in widths.items():
            for k in range(width):
                name = pin + (str(k) if width > 1 else "")
                net = self._net(f"{cell.name}/{name}") if name in cell.outputs else NONE
                if net != NONE:
                    self._inputs.add(net)
                yield net

    def _ordered(self) -> tuple[list[list[int]], list[NDArray[np.int64]]]:
        """Runs of the same kind, each after what it needs, and the lists in the order of the runs.

        ReadbackError where something needs its own output.
        """
        lists = [
            np.array(rows, np.int64).reshape(-1, width)
            for rows, width in ((self._choices, 4), (self._differences, 3), (self._reads, 8))
        ]
        needs = [lists[0][:, :3], lists[1][:, :2], lists[2][:, :6]]
        left: list[NDArray[np.int64]] = [np.arange(len(rows)) for rows in lists]
        blocks = {k for k, (_, _, at_once) in enumerate(self._dsps) if at_once}
        known = np.zeros(self._count, bool)
        known[list(self._inputs)] = True
        runs: list[list[int]] = []
        order: list[list[NDArray[np.int64]]] = [[], [], []]
        while blocks or any(len(rows) for rows in left):
            ready = [known[needs[k][left[k]]].all(axis=1) for k in range(3)]
            some = [k for k in sorted(blocks) if known[self._dsps[k][1]].all()]
            if not some and not any(rows.any() for rows in ready):
                raise ReadbackError(f"{self._loop(known)} depends on itself")
            for k in range(3):
                now = left[k][ready[k]]
                if len(now):
                    runs.append([k, sum(map(len, order[k])), len(now)])
                    order[k].append(now)
                    left[k] = left[k][~ready[k]]
                    known[lists[k][now, -1]] = True
            for k in some:
                blocks.remove(k)
                runs.append([_DSP, k, 1])
                known[self._dsps[k][2]] = True
        return runs, [
            rows[np.concatenate(found)] if found else rows
            for rows, found in zip(lists, order, strict=True)
        ]

    def _loop(self, known: NDArray[np.bool_]) -> str:
        return next(name for name, number in self._numbers.items() if not known[number])
