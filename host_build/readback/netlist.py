"""The netlist that place and route was given, as a circuit of the cells that a device has.

Yosys' JSON has whole memories and block RAMs of 36 Kbit; here they are what they become: a row of
RAM32M is two RAMD32, a RAMB36E1 two halves with every second bit of its words.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from host_build.configuration.errors import ReadbackError
from host_build.readback.model import ONE, ZERO, Cell, Circuit

_CONSTANTS = {"0": ZERO, "1": ONE, "x": ZERO, "z": ONE}
_SIMD = {"ONE48": 1, "TWO24": 2, "FOUR12": 4}

Bit = int | str
Made = tuple[str, str, dict[str, int], dict[str, Bit], dict[str, Bit]]
"""Name and kind of a cell, its parameters, and the bits at its inputs and outputs."""


def load(path: Path) -> Circuit:
    """The one module of Yosys' JSON. ReadbackError where it has a cell that is not known here."""
    made = [cell for name, row in module(path)["cells"].items() for cell in _made(name, row)]
    drivers = {bit: f"{name}/{pin}" for name, *_, outputs in made for pin, bit in outputs.items()}
    heeded = {bit for *_, inputs, _ in made for bit in inputs.values()}

    def net(bit: Bit) -> str:
        return _CONSTANTS[bit] if isinstance(bit, str) else drivers.get(bit, ONE)

    cells = {}
    for name, kind, told, inputs, outputs in made:
        used = tuple(pin for pin, bit in outputs.items() if bit in heeded)
        if used or kind not in ("RAMD32", "RAMD64E"):
            nets = {pin: net(bit) for pin, bit in inputs.items()}
            cells[name] = Cell(name, kind, name, "", told, nets, used, {})
    return Circuit("netlist", cells, {})


def module(path: Path) -> Mapping[str, Any]:
    """The one module as the file tells it. ReadbackError where that is no such file."""
    try:
        (told,) = json.loads(path.read_text())["modules"].values()
    except (OSError, ValueError, KeyError) as error:
        raise ReadbackError(f"{path} is no netlist of one module by Yosys: {error}") from None
    found: Mapping[str, Any] = told
    return found


def _made(name: str, row: Mapping[str, Any]) -> Iterator[Made]:
    kind, pins = row["type"], row["connections"]
    told: Mapping[str, Any] = row["parameters"]
    if kind in ("PS7", "BUFG"):
        given = [pin for pin in pins if row["port_directions"][pin] == "output"]
        taken = [pin for pin in pins if pin not in given]
        yield name, kind, {}, _spread(pins, taken), _spread(pins, given)
        return
    make = _MAKERS.get(kind)
    if make is None:
        raise ReadbackError(f"the netlist's {name}: a {kind} is not known here")
    yield from make(name, told, pins)


def _number(told: Mapping[str, Any], key: str, default: int = 0) -> int:
    value = told.get(key, default)
    return int(value.replace("x", "0"), 2) if isinstance(value, str) else int(value)


def _table(name: str, told: Mapping[str, Any], pins: Mapping[str, list[Bit]]) -> Iterator[Made]:
    inputs = {f"A{k + 1}": pins[f"I{k}"][0] for k in range(6) if f"I{k}" in pins}
    table = _number(told, "INIT")
    if "I" in pins:
        inputs, table = {"A1": pins["I"][0]}, 1
    for k in range(len(inputs), 6):
        table |= table << (1 << k)  # inputs that are not there do not matter
    yield name, "LUT6", {"INIT": table}, inputs, {"O6": pins["O"][0]}


def _flip_flop(kind: str) -> Callable[..., Iterator[Made]]:
    def make(name: str, told: Mapping[str, Any], pins: Mapping[str, list[Bit]]) -> Iterator[Made]:
        reset = {"FDRE": "R", "FDSE": "S", "FDCE": "CLR", "FDPE": "PRE"}[kind]
        inputs = {"D": pins["D"][0], "CE": pins["CE"][0], "SR": pins[reset][0], "C": pins["C"][0]}
        known = {"INIT": _number(told, "INIT"), "IS_C_INVERTED": _number(told, "IS_C_INVERTED")}
        yield name, kind, known, inputs, {"Q": pins["Q"][0]}

    return make


def _multiplexer(kind: str) -> Callable[..., Iterator[Made]]:
    def make(name: str, told: Mapping[str, Any], pins: Mapping[str, list[Bit]]) -> Iterator[Made]:
        yield name, kind, {}, {pin: pins[pin][0] for pin in ("S", "I0", "I1")}, {"O": pins["O"][0]}

    return make


def _carry(name: str, told: Mapping[str, Any], pins: Mapping[str, list[Bit]]) -> Iterator[Made]:
    inputs = {f"{pin}{k}": pins[pin][k] for pin in ("S", "DI") for k in range(4)}
    first = pins["CI"][0]
    inputs |= {"CYINIT": pins["CYINIT"][0]} if first in ("0", "x") else {"CI": first}
    yield name, "CARRY4", {}, inputs, _spread(pins, ("O", "CO"))


def _memory(width: int) -> Callable[..., Iterator[Made]]:
    """RAM32M, two bits a row, or RAM64M, one."""

    def make(name: str, told: Mapping[str, Any], pins: Mapping[str, list[Bit]]) -> Iterator[Made]:
        step = 2 if width == 5 else 1
        for row in "ABCD":
            for k, bit in enumerate(pins.get(f"DO{row}", [])):
                start = _number(told, f"INIT_{row}")
                known = {
                    "INIT": sum((start >> step * w + k & 1) << w for w in range(1 << width)),
                    "IS_CLK_INVERTED": 0,
                }
                inputs = {f"A{n + 1}": at for n, at in enumerate(pins[f"ADDR{row}"])}
                inputs |= {f"WA{n + 1}": at for n, at in enumerate(pins["ADDRD"])}
                inputs |= {"WE": pins["WE"][0], "DI": pins[f"DI{row}"][k], "CLK": pins["WCLK"][0]}
                kind = "RAMD64E" if width == 6 else "RAMD32"
                yield f"{name}.{row}{k}", kind, known, inputs, {"O6": bit}

    return make


def _block_ram(whole: bool) -> Callable[..., Iterator[Made]]:
    """A RAMB18E1, or the halves of a RAMB36E1."""

    def make(name: str, told: Mapping[str, Any], pins: Mapping[str, list[Bit]]) -> Iterator[Made]:
        data = _contents(told, "INIT_", 128 if whole else 64)
        parity = _contents(told, "INITP_", 16 if whole else 8)
        for half in range(2 if whole else 1):
            step = 2 if whole else 1
            known = {"INIT": _every(data, step, half), "INITP": _every(parity, step, half)}
            inputs: dict[str, Bit] = {}
            outputs: dict[str, Bit] = {}
            for pin, bits in pins.items():
                if pin.startswith("ADDR"):
                    found = bits[1:15] if whole else bits[:14]
                elif pin.startswith(("DI", "DO")):
                    found = bits[half::step]
                elif pin in ("WEA", "WEBWE") and not whole:
                    found = [bit for bit in bits for _ in range(2)]
                else:
                    found = bits
                names = [pin + (str(k) if len(found) > 1 else "") for k in range(len(found))]
                (outputs if pin.startswith("DO") else inputs).update(zip(names, found, strict=True))
            yield name + (".lower", ".upper")[half] * whole, "RAMB18E1", known, inputs, outputs

    return make


def _contents(told: Mapping[str, Any], prefix: str, count: int) -> int:
    return sum(_number(told, f"{prefix}{k:02X}") << 256 * k for k in range(count))


def _every(bits: int, step: int, first: int) -> int:
    """Every `step`-th bit, from `first` on."""
    text = f"{bits:b}"[::-1]
    return int(text[first::step][::-1] or "0", 2)


def _dsp(name: str, told: Mapping[str, Any], pins: Mapping[str, list[Bit]]) -> Iterator[Made]:
    known = {key: _number(told, key, 1) for key in told if key.endswith("REG")}
    for port in "AB":
        known[f"{port}_CASCADE"] = int(told.get(f"{port}_INPUT", "DIRECT") == "CASCADE")
    known["USE_DPORT"] = int(told.get("USE_DPORT", "FALSE") == "TRUE")
    known["SIMD"] = _SIMD[told.get("USE_SIMD", "ONE48")]
    for pin in ("ALUMODE", "INMODE", "OPMODE", "CARRYIN", "CLK"):
        known[f"IS_{pin}_INVERTED"] = _number(told, f"IS_{pin}_INVERTED")
    outputs = ("P", "PCOUT", "ACOUT", "BCOUT", "CARRYOUT", "CARRYCASCOUT")
    inputs = _spread(pins, [pin for pin in pins if pin not in outputs])
    yield name, "DSP48E1", known, inputs, _spread(pins, outputs)


def _spread(pins: Mapping[str, list[Bit]], names: Iterable[str]) -> dict[str, Bit]:
    return {
        name + (str(k) if len(pins[name]) > 1 else ""): bit
        for name in names if name in pins for k, bit in enumerate(pins[name])
    }  # fmt: skip


_MAKERS: Mapping[str, Callable[..., Iterator[Made]]] = {
    **dict.fromkeys(("INV", *(f"LUT{k}" for k in range(1, 7))), _table),
    **{kind: _flip_flop(kind) for kind in ("FDRE", "FDSE", "FDCE", "FDPE")},
    "MUXF7": _multiplexer("MUXF7"), "MUXF8": _multiplexer("MUXF8"), "CARRY4": _carry,
    "RAM32M": _memory(5), "RAM64M": _memory(6), "RAMB18E1": _block_ram(False),
    "RAMB36E1": _block_ram(True), "DSP48E1": _dsp,
}  # fmt: skip
