"""Block RAM and DSP48E1: what of them is modelled, and instances of the models in Verilog."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from host_build.configuration.errors import ReadbackError
from host_build.readback.model import ONE, ZERO, Cell

Names = Callable[[str], str]
"""The Verilog of a net."""

RAM_PARAMETERS = (
    "READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B", "SDP_READ_36", "SDP_WRITE_36",
    "WRITE_MODE_A", "WRITE_MODE_B", "DOA_REG", "DOB_REG", "RSTREG_PRIORITY_A", "RSTREG_PRIORITY_B",
)  # fmt: skip
# The model's input of each of the site's, and how many bits it has.
RAM_INPUTS = {
    "CLKARDCLK": ("clk_a_i", 1), "CLKBWRCLK": ("clk_b_i", 1), "ENARDEN": ("en_a_i", 1),
    "ENBWREN": ("en_b_i", 1), "WEA": ("we_a_i", 4), "WEBWE": ("we_b_i", 8),
    "ADDRARDADDR": ("address_a_i", 14), "ADDRBWRADDR": ("address_b_i", 14),
    "DIADI": ("data_a_i", 16), "DIBDI": ("data_b_i", 16), "DIPADIP": ("parity_a_i", 2),
    "DIPBDIP": ("parity_b_i", 2), "RSTRAMARSTRAM": ("rst_a_i", 1), "RSTRAMB": ("rst_b_i", 1),
    "REGCEAREGCE": ("reg_en_a_i", 1), "REGCEB": ("reg_en_b_i", 1),
    "RSTREGARSTREG": ("reg_rst_a_i", 1), "RSTREGB": ("reg_rst_b_i", 1),
    "ADDRATIEHIGH0": ("odd_a_i", 1), "ADDRBTIEHIGH0": ("odd_b_i", 1),
}  # fmt: skip
RAM_OUTPUTS = {
    "DOADO": ("data_a_o", 16), "DOBDO": ("data_b_o", 16), "DOPADOP": ("parity_a_o", 2),
    "DOPBDOP": ("parity_b_o", 2),
}  # fmt: skip
DSP_PARAMETERS = (
    "AREG", "BREG", "ACASCREG", "BCASCREG", "ADREG", "CREG", "DREG", "MREG", "PREG", "INMODEREG",
    "OPMODEREG", "ALUMODEREG", "CARRYINREG", "CARRYINSELREG", "A_CASCADE", "B_CASCADE", "USE_DPORT",
    "SIMD",
)  # fmt: skip
DSP_INPUTS = {
    "CLK": 1, "A": 30, "ACIN": 30, "B": 18, "BCIN": 18, "C": 48, "D": 25, "PCIN": 48, "CARRYIN": 1,
    "CARRYCASCIN": 1, "CARRYINSEL": 3, "INMODE": 5, "OPMODE": 7, "ALUMODE": 4,
} | dict.fromkeys(
    ("CEA1", "CEA2", "CEB1", "CEB2", "CEC", "CED", "CEAD", "CEM", "CEP", "CECTRL", "CEALUMODE",
     "CEINMODE", "CECARRYIN", "RSTA", "RSTB", "RSTC", "RSTD", "RSTM", "RSTP", "RSTCTRL",
     "RSTALUMODE", "RSTINMODE", "RSTALLCARRYIN"), 1,
)  # fmt: skip
DSP_OUTPUTS = {
    "ACOUT": 30, "BCOUT": 18, "P": 48, "PCOUT": 48, "CARRYOUT": 4, "CARRYCASCOUT": 1,
    "PATTERNDETECT": 1, "PATTERNBDETECT": 1,
}  # fmt: skip
TIED_IN_TILE = frozenset([*(f"INMODE{k}" for k in range(5)), "ALUMODE2", "ALUMODE3", "OPMODE6"])
"""Pins of a DSP48E1 whose inverter does not act on what the tile ties them to, or on nothing.

Blocks whose INMODE is not tied, with the inverter on, were measured to ignore A (nextpnr-xilinx's
pull request 159); Vivado ties with the inverter off and refuses one that is on.
"""

_REFUSED = {
    "RAMB18E1": ("FIFO_MODE", "EN_ECC", "RAM_EXTENSION"),
    "DSP48E1": (
        "AUTORESET_PATDET_RESET", "AUTORESET_PATDET_RESET_NOT_MATCH", "SEL_MASK_C",
        "SEL_MASK_ROUNDING_MODE1", "SEL_MASK_ROUNDING_MODE2",
    ),
}  # fmt: skip


def ram_pin(cell: Cell, pin: str, bit: int) -> tuple[str, bool]:
    """The net at a pin of half a block RAM, and whether what the pin does is its inverse."""
    name = pin + (str(bit) if RAM_INPUTS[pin][1] > 1 else "")
    return cell.inputs.get(name, ONE), bool(cell.parameters.get(f"IS_{pin}_INVERTED"))


def dsp_pin(cell: Cell, pin: str, bit: int) -> tuple[str, bool]:
    """The net at a pin of a DSP48E1, and whether what the pin does is its inverse."""
    name = pin + (str(bit) if DSP_INPUTS[pin] > 1 else "")
    net = cell.inputs.get(name, ONE)
    inverted = bool(cell.parameters.get(f"IS_{pin}_INVERTED", 0) >> bit & 1)
    return net, inverted and not (net in (ZERO, ONE) and name in TIED_IN_TILE)


def upper(cell: Cell) -> int:
    """Which half of a block RAM it is."""
    return int(cell.site.rsplit("Y", 1)[1]) % 2


def odd(cell: Cell) -> list[int]:
    """Whether port A, and B, shows the odd bit of a RAMB36 that is 1 or 9 bits wide."""
    return [0 if upper(cell) else cell.parameters[f"READ_ODD_{port}"] for port in "AB"]


def check(cell: Cell) -> None:
    """ReadbackError where a block is used in a way that is not modelled."""
    widths = DSP_OUTPUTS if cell.kind == "DSP48E1" else {p: w for p, (_, w) in RAM_OUTPUTS.items()}
    known = {
        pin + (str(k) if width > 1 else "") for pin, width in widths.items() for k in range(width)
    }
    for refused in _REFUSED[cell.kind]:
        if cell.parameters[refused]:
            raise ReadbackError(f"{cell.name}: {refused} is not modelled")
    for strange in sorted(set(cell.outputs) - known):
        raise ReadbackError(f"{cell.name}: the output {strange} is used, but not modelled")
    if cell.kind == "RAMB18E1":
        _check_odd(cell)


def _check_odd(cell: Cell) -> None:
    """The odd bit of a RAMB36 is modelled as what is read only, in the lower half."""
    told = cell.parameters
    if not any(told[f"{what}_ODD_{port}"] for what in ("READ", "WRITE") for port in "AB"):
        return
    for port, enable, write in (("A", "ENARDEN", "WEA"), ("B", "ENBWREN", "WEBWE")):
        net, inverted = ram_pin(cell, enable, 0)
        never = net == (ONE if inverted else ZERO)
        writes = {ram_pin(cell, write, k)[0] for k in range(RAM_INPUTS[write][1])}
        if not never and writes != {ZERO}:
            raise ReadbackError(
                f"{cell.name}: a RAMB36 of 1 or 9 bits that is written is not modelled"
            )
        if told[f"READ_ODD_{port}"]:
            width = told[f"READ_WIDTH_{port}"]
            shown = {1: f"DO{port}DO0", 4: f"DOP{port}DOP0"}.get(width)
            if shown is None or (upper(cell) and shown in cell.outputs):
                raise ReadbackError(
                    f"{cell.name}: an odd bit is not modelled at {width} bits of half a RAMB36"
                )


def block_ram(cell: Cell, name: str, names: Names) -> str:
    """Half a block RAM. ReadbackError where it is used in a way that is not modelled."""
    check(cell)
    told = cell.parameters
    parameters = {key: str(told[key]) for key in RAM_PARAMETERS}
    for key, bits in (
        ("INIT_A", 18), ("INIT_B", 18), ("SRVAL_A", 18), ("SRVAL_B", 18), ("INIT", 16384),
        ("INITP", 2048),
    ):  # fmt: skip
        parameters[key] = f"{bits}'h{told[key]:x}"
    parameters["UPPER"] = str(upper(cell))
    for port, has in zip("AB", odd(cell), strict=True):
        parameters[f"READ_ODD_{port}"] = str(has)
    if any(odd(cell)):
        parameters["OTHER_INIT"] = f"16384'h{told['OTHER_INIT']:x}"
        parameters["OTHER_INITP"] = f"2048'h{told['OTHER_INITP']:x}"

    def given(pin: str, bit: int) -> str:
        net, inverted = ram_pin(cell, pin, bit)
        return "~" * inverted + names(net)

    ports = {port: _bits(pin, width, given) for pin, (port, width) in RAM_INPUTS.items()}
    return _instance("readback_block_ram", name, parameters, ports, {
        port: (pin, width) for pin, (port, width) in RAM_OUTPUTS.items()
    }, cell)  # fmt: skip


def dsp(cell: Cell, name: str, names: Names) -> str:
    """A DSP48E1. ReadbackError where it is used in a way that is not modelled."""
    check(cell)
    told = cell.parameters
    parameters = {key: str(told[key]) for key in DSP_PARAMETERS}
    parameters |= {key: f"48'h{told[key]:x}" for key in ("MASK", "PATTERN")}

    def given(pin: str, bit: int) -> str:
        net, inverted = dsp_pin(cell, pin, bit)
        return "~" * inverted + names(net)

    ports = {pin: _bits(pin, width, given) for pin, width in DSP_INPUTS.items()}
    outputs = {pin: (pin, width) for pin, width in DSP_OUTPUTS.items()}
    return _instance("readback_dsp", name, parameters, ports, outputs, cell)


def _bits(pin: str, width: int, given: Callable[[str, int], str]) -> str:
    if width == 1:
        return given(pin, 0)
    return f"{{{', '.join(given(pin, k) for k in reversed(range(width)))}}}"


def _instance(
    model: str, name: str, parameters: Mapping[str, str], inputs: Mapping[str, str],
    outputs: Mapping[str, tuple[str, int]], cell: Cell,
) -> str:  # fmt: skip
    """An instance; every output is a vector first, whose used bits are the nets."""
    lines = []
    ports = dict(inputs)
    for port, (pin, width) in outputs.items():
        lines.append(f"wire [{width - 1}:0] {name}_all_{pin};")
        ports[port] = f"{name}_all_{pin}"
        for k in range(width):
            net = pin + (str(k) if width > 1 else "")
            if net in cell.outputs:
                lines.append(f"assign {name}_{net} = {name}_all_{pin}[{k}];")
    values = ", ".join(f".{key}({value})" for key, value in parameters.items())
    wires = ", ".join(f".{port}({value})" for port, value in ports.items())
    return "\n".join([*lines, f"{model} #({values}) i_{name} ({wires});"])
