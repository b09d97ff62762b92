"""What keeps a state: registers, memories, blocks, and what of their pins matters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from host_build.readback import instances
from host_build.readback.logic import Logic
from host_build.readback.model import ONE, ZERO, Cell
from host_build.readback.ports import RESET, of_pin

_REGISTERS = ("FDRE", "FDSE", "FDCE", "FDPE")


@dataclass(frozen=True)
class Node:
    """A register, memory or block, or a pin of the processing system; pins with their nets."""

    name: str
    cell: Cell
    inputs: Mapping[str, int]
    outputs: Sequence[tuple[str, int]]


def nodes(cell: Cell, logic: Logic) -> Iterator[Node]:
    """What of a cell keeps a state; what it gives is known to the logic then."""
    if cell.kind == "PS7":
        for pin in cell.outputs:
            if pin == RESET or of_pin(pin, "i"):
                yield _node(f"{cell.kind}/{pin}", cell, {}, [pin], logic)
        for pin in cell.inputs:
            if of_pin(pin, "o"):
                yield _node(f"{cell.kind}/{pin}", cell, {pin: logic.of(cell, pin)}, [], logic)
    elif (pins := _inputs(cell, logic)) is not None:
        yield _node(cell.name, cell, pins, cell.outputs, logic)


def _inputs(cell: Cell, logic: Logic) -> dict[str, int] | None:
    if cell.kind in _REGISTERS:
        return {pin: logic.of(cell, pin) for pin in ("D", "CE", "SR")}
    if cell.kind == "DSP48E1":
        return {pin: logic.wire(*instances.dsp_pin(cell, *_split(pin))) for pin in _heeded(cell)}
    if cell.kind == "RAMB18E1":
        return {
            pin: logic.wire(*instances.ram_pin(cell, *_split(pin)))
            for pin in cell.inputs
            if _split(pin)[0] in instances.RAM_INPUTS and not pin.startswith("CLK")
        }
    if cell.kind.startswith(("RAMD", "SRL")):
        return {pin: logic.of(cell, pin) for pin in cell.inputs if pin != "CLK"}
    return None


def _node(
    name: str, cell: Cell, pins: Mapping[str, int], outputs: Sequence[str], logic: Logic
) -> Node:
    # Either half of a table's place may have a memory, and one output.
    given = [
        ("O" if pin in ("O5", "O6") else pin, logic.net(f"{cell.name}/{pin}")) for pin in outputs
    ]
    logic.known(net for _, net in given)
    shown = cell if cell.kind != "PS7" else Cell(name, "PS7", "", "", {}, {}, (), {})
    return Node(name, shown, pins, given)


def _split(pin: str) -> tuple[str, int]:
    """A6 as A and 6."""
    name = pin.rstrip("0123456789")
    if name in instances.RAM_INPUTS or name in instances.DSP_INPUTS:
        return name, int(pin[len(name) :] or 0)
    return pin, 0


def identity(cell: Cell) -> str:
    """What a node is before it is known what comes to it."""
    told = cell.parameters
    if cell.kind == "PS7":
        return cell.name
    if cell.kind == "RAMB18E1":
        return f"{cell.kind} {told['INIT']:x} {told['INITP']:x}"
    if cell.kind == "DSP48E1":
        kept = ("AREG", "BREG", "CREG", "DREG", "ADREG", "MREG", "PREG", "A_CASCADE", "B_CASCADE")
        return " ".join(
            [cell.kind, *(str(told.get(key, 1)) for key in (*kept, "USE_DPORT", "SIMD"))]
        )
    return f"{cell.kind} {told['INIT']:x}"


def _heeded(cell: Cell) -> list[str]:
    """The inputs of a DSP48E1 that matter in the way it is configured."""
    told = cell.parameters
    pins = ["A", "B", "CARRYIN", "CARRYINSEL", "INMODE", "OPMODE", "ALUMODE", "C"]
    pins += ["D"] * told["USE_DPORT"]
    pins += [f"{port}CIN" for port in "AB" if told[f"{port}_CASCADE"]]
    pins += ["CEA2", "RSTA"] if told["AREG"] else []
    pins += ["CEB2", "RSTB"] if told["BREG"] else []
    for register in "CDMP":
        pins += [f"CE{register}", f"RST{register}"] if told[f"{register}REG"] else []
    nets = [instances.dsp_pin(cell, "OPMODE", k) for k in (4, 5)]
    modes = [net != str(int(inverted)) for net, inverted in nets]
    if not all(net in (ZERO, ONE) for net, _ in nets) or modes == [True, False]:
        pins.append("PCIN")
    found = []
    for pin in pins:
        width = instances.DSP_INPUTS[pin]
        width = min(width, 25) if pin == "A" else width
        found += [pin + (str(k) if width > 1 or pin == "A" else "") for k in range(width)]
    return found
