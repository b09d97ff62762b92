"""Sites that are one cell each: block RAM, DSP48E1, clock buffers, the processing system."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from host_build.configuration.database import SitePin
from host_build.readback.draft import Block

_MEMORY = re.compile(r"(INITP?)_([0-9A-F]{2})\[(\d+)\]")
_BIT = re.compile(r"(\w+)\[(\d+)\]")
MODES = ("WRITE_FIRST", "READ_FIRST", "NO_CHANGE")
"""What a port shows that writes; parameters have the index."""
_INVERTIBLE = (
    "CLKARDCLK", "CLKBWRCLK", "ENARDEN", "ENBWREN", "REGCLKARDRCLK", "REGCLKB", "RSTRAMARSTRAM",
    "RSTRAMB", "RSTREGARSTREG", "RSTREGB",
)  # fmt: skip
_REGISTERS = ("AD", "ALUMODE", "C", "CARRYIN", "CARRYINSEL", "D", "INMODE", "M", "OPMODE", "P")


def block_ram(
    name: str, on: Collection[str], tile: Collection[str], pins: Iterable[SitePin]
) -> Block:
    """Half a block RAM. `on` are its features without the prefix, `tile` those of the tile.

    The half of a RAMB36 has half its width: every second bit of its words. Each WE pin is for four
    bits of data. A RAMB36 of 1 or 9 bits has an odd bit (READ_ODD_A, READ_ODD_B), which either half
    may have and the lower one shows; so that one has what is in the other too.
    """
    parameters: dict[str, int] = {}
    for port in "AB":
        for what in ("READ", "WRITE"):
            widths = [
                int(feature.rsplit("_", 1)[1]) for feature in on
                if feature.startswith(f"{what}_WIDTH_{port}_")
            ]  # fmt: skip
            parameters[f"{what}_WIDTH_{port}"] = widths[0] if widths else 1
            odd = f"RAMB36.BRAM36_{what}_WIDTH_{port}_1"
            parameters[f"{what}_ODD_{port}"] = int(odd in tile)
        modes = [mode for mode in MODES if f"WRITE_MODE_{port}_{mode}" in on]
        parameters[f"WRITE_MODE_{port}"] = MODES.index(modes[0]) if modes else 0
        parameters[f"DO{port}_REG"] = int(f"DO{port}_REG" in on)
        parameters[f"RSTREG_PRIORITY_{port}"] = int(f"RSTREG_PRIORITY_{port}_REGCE" in on)
        for value in ("INIT", "SRVAL"):
            zeros = _vector(on, f"Z{value}_{port}")
            parameters[f"{value}_{port}"] = ~zeros & (1 << 18) - 1
    for what in ("READ", "WRITE"):
        parameters[f"SDP_{what}_36"] = int(f"SDP_{what}_WIDTH_36" in on)
    for pin in _INVERTIBLE:
        parameters[f"IS_{pin}_INVERTED"] = int(f"ZINV_{pin}" not in on)
    parameters["FIFO_MODE"] = int("FIFO_MODE" in on)
    parameters["EN_ECC"] = int(bool({"RAMB36.EN_ECC_READ", "RAMB36.EN_ECC_WRITE"} & set(tile)))
    extended = {f"RAMB36.RAM_EXTENSION_{port}_LOWER" for port in "AB"}
    parameters["RAM_EXTENSION"] = int(bool(extended & set(tile)))
    contents = _contents(on)
    if parameters["READ_ODD_A"] or parameters["READ_ODD_B"]:
        upper = "RAMB18_Y1."
        other = _contents(f.removeprefix(upper) for f in tile if f.startswith(upper))
        contents |= {f"OTHER_{key}": value for key, value in other.items()}
    # The pins of the two halves have different names, and their wires the same but for a prefix.
    names = {pin.name: re.sub(r"BRAM_(FIFO18|RAMB18)_", "", pin.wire) for pin in pins}
    inputs = {names[pin.name]: pin.name for pin in pins if not pin.output}
    return Block("RAMB18", "RAMB18E1", parameters | contents, inputs, names.__getitem__)


def _contents(on: Iterable[str]) -> dict[str, int]:
    contents = {"INIT": 0, "INITP": 0}
    for feature in on:
        if match := _MEMORY.fullmatch(feature):
            contents[match[1]] |= 1 << (int(match[2], 16) * 256 + int(match[3]))
    return contents


def dsp(on: Collection[str], pins: Iterable[SitePin]) -> Block:
    """A DSP48E1; `on` are its features without the prefix."""
    parameters = {f"{name}REG": int(f"Z{name}REG[0]" not in on) for name in _REGISTERS}
    for port in "AB":
        depth = 0 if f"{port}REG_0" in on else 2 if f"{port}REG_2" in on else 1
        parameters[f"{port}REG"] = depth
        cascade = 1 if depth == 2 and f"Z{port}REG_2_{port}CASCREG_1" not in on else depth
        parameters[f"{port}CASCREG"] = cascade
        parameters[f"{port}_CASCADE"] = int(f"{port}_INPUT[0]" in on)
    parameters["USE_DPORT"] = int("USE_DPORT[0]" in on)
    parameters["SIMD"] = 4 if "USE_SIMD_FOUR12" in on else 2 if "USE_SIMD_FOUR12_TWO24" in on else 1
    for name, bits in (("ALUMODE", 4), ("INMODE", 5), ("OPMODE", 7)):
        straight = _vector(on, f"ZIS_{name}_INVERTED")
        parameters[f"IS_{name}_INVERTED"] = ~straight & (1 << bits) - 1
    for name in ("CARRYIN", "CLK"):
        parameters[f"IS_{name}_INVERTED"] = int(f"ZIS_{name}_INVERTED" not in on)
    for name in ("MASK", "PATTERN"):
        parameters[name] = _vector(on, name)
    for name in (
        "AUTORESET_PATDET_RESET", "AUTORESET_PATDET_RESET_NOT_MATCH", "SEL_MASK_C",
        "SEL_MASK_ROUNDING_MODE1", "SEL_MASK_ROUNDING_MODE2",
    ):  # fmt: skip
        parameters[name] = int(name in on)
    # Cascades are wired to the block below whether or not it is heeded.
    unheeded = ["MULTSIGNIN", *(f"{port}CIN" for port in "AB" if f"{port}_INPUT[0]" not in on)]
    inputs = {
        pin: site_pin for pin, site_pin in _inputs(pins).items()
        if pin.rstrip("0123456789") not in unheeded
    }  # fmt: skip
    return Block("DSP48E1", "DSP48E1", parameters, inputs, str)


def clock_buffer(kind: str, on: Collection[str], pins: Iterable[SitePin]) -> Block:
    """A BUFGCTRL or a BUFHCE; `on` are its features without the prefix."""
    names = ("CE0", "CE1", "S0", "S1") if kind == "BUFGCTRL" else ("CE",)
    parameters = {f"IS_{name}_INVERTED": int(f"ZINV_{name}" not in on) for name in names}
    return Block(kind, kind, parameters, _inputs(pins), str)


def processing_system(pins: Iterable[SitePin]) -> Block:
    """The PS7, which the bitstream only connects."""
    return Block("PS7", "PS7", {}, _inputs(pins), str)


def _inputs(pins: Iterable[SitePin]) -> dict[str, str]:
    return {pin.name: pin.name for pin in pins if not pin.output}


def _vector(on: Collection[str], name: str) -> int:
    value = 0
    for feature in on:
        if (match := _BIT.fullmatch(feature)) and match[1] == name:
            value |= 1 << int(match[2])
    return value
