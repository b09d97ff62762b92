"""A circuit as SystemVerilog that simulates in place of the chip it was made from.

The module has the ports of the generated chip_core: the processing system's, by the names that
chip_top connects. Cells are expressions and registers, block RAM and DSP48E1 the modules in
`models`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from host_build.configuration.errors import ReadbackError
from host_build.generate import chip as chips
from host_build.readback.expressions import expression
from host_build.readback.instances import block_ram, dsp
from host_build.readback.model import ONE, ZERO, Cell, Circuit
from host_build.readback.ports import CLOCK, RESET, buffered, of_pin, ports

MODELS = Path(__file__).parent / "models"
_MODELS = ("readback_block_ram.sv", "readback_dsp.sv")
# What Verilator says about circuits that no person wrote.
_QUIET = "".join(
    f"/* verilator lint_off {name} */\n"
    for name in ("UNOPTFLAT", "UNUSEDSIGNAL", "WIDTH", "DECLFILENAME", "BLKSEQ", "SYNCASYNCNET")
)


def sources(circuit: Circuit, folder: Path) -> list[Path]:
    """Write the circuit to `folder`; every file that its simulation needs.

    ReadbackError where it has something that is not modelled.
    """
    path = folder / "readback.sv"
    path.write_text(module(circuit))
    return [path, *(MODELS / name for name in _MODELS)]


def module(circuit: Circuit) -> str:
    """The text of module chip_core."""
    return _Writer(circuit).text()


class _Writer:
    def __init__(self, circuit: Circuit) -> None:
        self._circuit, self._cells = circuit, circuit.cells
        self._aliases = self._clock_tree()

    def text(self) -> str:
        lines = [_QUIET, "`default_nettype none", f"module {chips.CORE} ("]
        told = [
            f"  {'input' if port.input else 'output'} wire "
            f"{f'[{port.width - 1}:0] ' if port.width > 1 else ''}{port.name}"
            for port in ports().values()
        ]
        lines += [",\n".join(told), ");"]
        body = list(self._body())
        return "\n".join([*lines, *body, "endmodule", "`default_nettype wire", ""])

    def _body(self) -> Iterator[str]:
        for cell in self._cells.values():
            for output in cell.outputs:
                net = f"{cell.name}/{output}"
                if net not in self._aliases and cell.kind != "PS7":
                    kind = "reg" if output == "Q" else "wire"
                    yield f"{kind} {identifier(net)};"
        yield from self._processing_system()
        clocked: dict[tuple[str, ...], list[str]] = {}
        for cell in self._cells.values():
            if cell.kind in ("BUFGCTRL", "BUFHCE", "PS7"):
                continue
            if cell.kind in _FLIP_FLOPS:
                yield self._flip_flop(cell, clocked)
                continue
            write = _KINDS.get(cell.kind)
            if write is None:
                raise ReadbackError(f"{cell.name}: a {cell.kind} is not modelled")
            yield from write(self, cell)
        for (clock, reset, enable), changes in clocked.items():
            yield f"always @(posedge {clock}{f' or posedge {reset[1:]}' * (reset[:1] == '!')})"
            yield _guarded(reset.lstrip("!"), enable, changes)

    def _of(self, cell: Cell, pin: str) -> str:
        """What an input is connected to, as an expression."""
        return self._net(cell.inputs[pin])

    def _net(self, net: str) -> str:
        if net in (ZERO, ONE):
            return f"1'b{net}"
        return self._aliases.get(net) or identifier(net)

    def _edge(self, cell: Cell, pin: str, inverted: str) -> str:
        clock = self._of(cell, pin)
        return f"~{clock}" if cell.parameters[inverted] else clock

    def _clock_tree(self) -> dict[str, str]:
        """Nets that are another one: outputs of buffers, and of the processing system."""
        known: dict[str, str] = {}
        for cell in self._circuit.of_kind("PS7"):
            known |= {f"{cell.name}/{pin}": self._given(pin) for pin in cell.outputs}
        for net, source in buffered(self._circuit).items():
            constant = source in (ZERO, ONE)
            known[net] = f"1'b{source}" if constant else known.get(source) or identifier(source)
        return known

    def _given(self, pin: str) -> str:
        """What the processing system drives, from the module's ports."""
        if pin == CLOCK:
            return "clk_i"
        if pin == RESET:
            return "(~rst_i)"
        return self._port(pin, "i") or "1'b0"

    def _port(self, pin: str, way: str) -> str | None:
        found = of_pin(pin, way)
        if found is None:
            return None
        name, bit = found
        return f"{name}[{bit}]" if ports()[name].width > 1 else name

    def _processing_system(self) -> Iterator[str]:
        for cell in self._cells.values():
            if cell.kind == "PS7":
                for pin in cell.inputs:
                    port = self._port(pin, "o")
                    if port is not None:
                        yield f"assign {port} = {self._of(cell, pin)};"

    def _flip_flop(self, cell: Cell, clocked: dict[tuple[str, ...], list[str]]) -> str:
        """Its start; what happens at its clock goes to `clocked`, to those of one control set."""
        name = identifier(f"{cell.name}/Q")
        reset = self._of(cell, "SR")
        value = int(cell.kind in ("FDSE", "FDPE", "LDPE"))
        start = f"initial {name} = 1'b{cell.parameters['INIT']};"
        if cell.kind.startswith("LD"):
            gate = self._edge(cell, "C", "IS_C_INVERTED")
            return start + (
                f"\nalways_latch if ({reset}) {name} = 1'b{value}; "
                f"else if ({gate} & {self._of(cell, 'CE')}) {name} = {self._of(cell, 'D')};"
            )
        clock = self._edge(cell, "C", "IS_C_INVERTED")
        if cell.kind in ("FDCE", "FDPE") and reset != "1'b0":
            reset = f"!{reset}"
        key = (clock, reset, self._of(cell, "CE"))
        clocked.setdefault(key, []).append(f"{name}|{value}|{self._of(cell, 'D')}")
        return start

    def _table(self, cell: Cell) -> Iterator[str]:
        width = int(cell.kind[-1])
        inputs = [cell.inputs.get(f"A{k + 1}", ZERO) for k in range(width)]
        names = [net if net in (ZERO, ONE) else self._net(net) for net in inputs]
        output = identifier(f"{cell.name}/O{width}")
        yield f"assign {output} = {expression(cell.parameters['INIT'], names)};"

    def _multiplexer(self, cell: Cell) -> Iterator[str]:
        select, high, low = (self._of(cell, pin) for pin in ("S", "I1", "I0"))
        yield f"assign {identifier(f'{cell.name}/O')} = {select} ? {high} : {low};"

    def _carry(self, cell: Cell) -> Iterator[str]:
        before = self._of(cell, "CI" if "CI" in cell.inputs else "CYINIT")
        base = identifier(cell.name)
        for k in range(4):
            if f"S{k}" not in cell.inputs:
                return
            select = self._of(cell, f"S{k}")
            if f"O{k}" in cell.outputs:
                yield f"assign {identifier(f'{cell.name}/O{k}')} = {select} ^ {before};"
            if f"DI{k}" not in cell.inputs:
                return
            after = f"{base}_CO{k}"
            if f"CO{k}" not in cell.outputs:
                yield f"wire {after};"
            yield f"assign {after} = {select} ? {before} : {self._of(cell, f'DI{k}')};"
            before = after

    def _memory(self, cell: Cell) -> Iterator[str]:
        width = 6 if cell.kind == "RAMD64E" else 5
        base = identifier(cell.name)
        read, write = (
            ", ".join(self._of(cell, f"{pin}{k}") for k in range(width, 0, -1))
            for pin in ("A", "WA")
        )
        enable = [self._of(cell, "WE")]
        for pin in ("WA7", "WA8"):
            if pin in cell.inputs:
                high = cell.parameters[f"{pin}_IS"]
                enable.append(f"{'' if high else '~'}{self._of(cell, pin)}")
        bits = 1 << width
        yield f"reg [{bits - 1}:0] {base}_m;"
        yield f"initial {base}_m = {bits}'h{cell.parameters['INIT']:x};"
        yield f"always @(posedge {self._edge(cell, 'CLK', 'IS_CLK_INVERTED')})"
        yield f"  if ({' & '.join(enable)}) {base}_m[{{{write}}}] <= {self._of(cell, 'DI')};"
        yield f"assign {base}_{cell.outputs[0]} = {base}_m[{{{read}}}];"

    def _shift(self, cell: Cell) -> Iterator[str]:
        width = 5 if cell.kind == "SRLC32E" else 4
        base, bits = identifier(cell.name), 1 << width
        address = ", ".join(self._of(cell, f"A{k}") for k in reversed(range(width)))
        yield f"reg [{bits - 1}:0] {base}_m;"
        yield f"initial {base}_m = {bits}'h{cell.parameters['INIT']:x};"
        yield f"always @(posedge {self._edge(cell, 'CLK', 'IS_CLK_INVERTED')})"
        yield f"  if ({self._of(cell, 'CE')}) {base}_m <= {{{base}_m[{bits - 2}:0], "
        yield f"    {self._of(cell, 'D')}}};"
        for output in cell.outputs:
            place = f"{bits - 1}" if output == "MC31" else f"{{{address}}}"
            yield f"assign {base}_{output} = {base}_m[{place}];"

    def _block_ram(self, cell: Cell) -> Iterator[str]:
        yield block_ram(cell, identifier(cell.name), self._net)

    def _dsp(self, cell: Cell) -> Iterator[str]:
        yield dsp(cell, identifier(cell.name), self._net)


_FLIP_FLOPS = ("FDRE", "FDSE", "FDCE", "FDPE", "LDCE", "LDPE")
_KINDS = {
    "LUT5": _Writer._table, "LUT6": _Writer._table, "MUXF7": _Writer._multiplexer,
    "MUXF8": _Writer._multiplexer, "CARRY4": _Writer._carry, "RAMD64E": _Writer._memory,
    "RAMD32": _Writer._memory, "SRLC32E": _Writer._shift, "SRL16E": _Writer._shift,
    "RAMB18E1": _Writer._block_ram, "DSP48E1": _Writer._dsp,
}  # fmt: skip


def identifier(name: str) -> str:
    """A net or cell by a name that Verilog takes: SLICE_X0Y0_AFF_Q."""
    return re.sub(r"\W", "_", name)


def _guarded(reset: str, enable: str, changes: list[str]) -> str:
    """The body of a clocked block: what a reset and what an enabled clock does."""
    rows = [change.split("|") for change in changes]
    # Verilator takes 40,000 tokens a line at most, and an enable may reach thousands.
    data = "\n".join(f"{name} <= {source};" for name, _, source in rows)
    body = data if enable == "1'b1" else f"if ({enable}) begin {data} end"
    if reset == "1'b0":
        return f"  begin {body} end"
    values = "\n".join(f"{name} <= 1'b{value};" for name, value, _ in rows)
    return f"  if ({reset}) begin {values} end else begin {body} end"
