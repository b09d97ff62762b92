"""Block RAM and DSP48E1 as instances of their models."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from host_build.configuration.errors import ReadbackError
from host_build.readback.model import ONE, ZERO, Cell

Names = Callable[[str], str]
"""The Verilog of a net."""

_RAM_PARAMETERS = (
    "READ_WIDTH_A", "READ_WIDTH_B", "WRITE_WIDTH_A", "WRITE_WIDTH_B", "SDP_READ_36", "SDP_WRITE_36",
    "WRITE_MODE_A", "WRITE_MODE_B", "DOA_REG", "DOB_REG", "RSTREG_PRIORITY_A", "RSTREG_PRIORITY_B",
)  # fmt: skip
# The model's input of each of the site's, and how many bits it has.
_RAM_INPUTS = {
    "CLKARDCLK": ("clk_a_i", 1), "CLKBWRCLK": ("clk_b_i", 1), "ENARDEN": ("en_a_i", 1),
    "ENBWREN": ("en_b_i", 1), "WEA": ("we_a_i", 4), "WEBWE": ("we_b_i", 8),
    "ADDRARDADDR": ("address_a_i", 14), "ADDRBWRADDR": ("address_b_i", 14),
    "DIADI": ("data_a_i", 16), "DIBDI": ("data_b_i", 16), "DIPADIP": ("parity_a_i", 2),
    "DIPBDIP": ("parity_b_i", 2), "RSTRAMARSTRAM": ("rst_a_i", 1), "RSTRAMB": ("rst_b_i", 1),
    "REGCEAREGCE": ("reg_en_a_i", 1), "REGCEB": ("reg_en_b_i", 1),
    "RSTREGARSTREG": ("reg_rst_a_i", 1), "RSTREGB": ("reg_rst_b_i", 1),
}  # fmt: skip
_RAM_OUTPUTS = {
    "DOADO": ("data_a_o", 16), "DOBDO": ("data_b_o", 16), "DOPADOP": ("parity_a_o", 2),
    "DOPBDOP": ("parity_b_o", 2),
}  # fmt: skip
_DSP_PARAMETERS = (
    "AREG", "BREG", "ACASCREG", "BCASCREG", "ADREG", "CREG", "DREG", "MREG", "PREG", "INMODEREG",
    "OPMODEREG", "ALUMODEREG", "CARRYINREG", "CARRYINSELREG", "A_CASCADE", "B_CASCADE", "USE_DPORT",
    "SIMD",
)  # fmt: skip
_DSP_INPUTS = {
    "CLK": 1, "A": 30, "ACIN": 30, "B": 18, "BCIN": 18, "C": 48, "D": 25, "PCIN": 48, "CARRYIN": 1,
    "CARRYCASCIN": 1, "CARRYINSEL": 3, "INMODE": 5, "OPMODE": 7, "ALUMODE": 4,
} | dict.fromkeys(
    ("CEA1", "CEA2", "CEB1", "CEB2", "CEC", "CED", "CEAD", "CEM", "CEP", "CECTRL", "CEALUMODE",
     "CEINMODE", "CECARRYIN", "RSTA", "RSTB", "RSTC", "RSTD", "RSTM", "RSTP", "RSTCTRL",
     "RSTALUMODE", "RSTINMODE", "RSTALLCARRYIN"), 1,
)  # fmt: skip
_DSP_OUTPUTS = {
    "ACOUT": 30, "BCOUT": 18, "P": 48, "PCOUT": 48, "CARRYOUT": 4, "CARRYCASCOUT": 1,
    "PATTERNDETECT": 1, "PATTERNBDETECT": 1,
}  # fmt: skip
TIED_IN_TILE = frozenset([*(f"INMODE{k}" for k in range(5)), "ALUMODE2", "ALUMODE3", "OPMODE6"])
"""Pins of a DSP48E1 whose inverter does not act on what the tile ties them to, or on nothing.

Blocks whose INMODE is not tied, with the inverter on, were measured to ignore A (nextpnr-xilinx's
pull request 159); Vivado ties with the inverter off and refuses one that is on.
"""


def block_ram(cell: Cell, name: str, names: Names) -> str:
    """Half a block RAM. ReadbackError where it is used in a way that is not modelled."""
    told = cell.parameters
    for refused in ("FIFO_MODE", "EN_ECC", "BIT_WIDE_36"):
        if told[refused]:
            raise ReadbackError(f"{cell.name}: {refused} is not modelled")
    parameters = {key: str(told[key]) for key in _RAM_PARAMETERS}
    for key, bits in (
        ("INIT_A", 18), ("INIT_B", 18), ("SRVAL_A", 18), ("SRVAL_B", 18), ("INIT", 16384),
        ("INITP", 2048),
    ):  # fmt: skip
        parameters[key] = f"{bits}'h{told[key]:x}"
    parameters["UPPER"] = str(int(cell.site.rsplit("Y", 1)[1]) % 2)

    def given(pin: str, bit: str) -> str:
        value = names(cell.inputs.get(pin + bit, ONE))
        return f"~{value}" if told.get(f"IS_{pin}_INVERTED") else value

    ports = {port: _bits(pin, width, given) for pin, (port, width) in _RAM_INPUTS.items()}
    return _instance("readback_block_ram", name, parameters, ports, {
        port: (pin, width) for pin, (port, width) in _RAM_OUTPUTS.items()
    }, cell)  # fmt: skip


def dsp(cell: Cell, name: str, names: Names) -> str:
    """A DSP48E1. ReadbackError where it is used in a way that is not modelled."""
    told = cell.parameters
    for refused in (
        "AUTORESET_PATDET_RESET", "AUTORESET_PATDET_RESET_NOT_MATCH", "SEL_MASK_C",
        "SEL_MASK_ROUNDING_MODE1", "SEL_MASK_ROUNDING_MODE2",
    ):  # fmt: skip
        if told[refused]:
            raise ReadbackError(f"{cell.name}: {refused} is not modelled")
    parameters = {key: str(told[key]) for key in _DSP_PARAMETERS}
    parameters |= {key: f"48'h{told[key]:x}" for key in ("MASK", "PATTERN")}

    def given(pin: str, bit: str) -> str:
        net = cell.inputs.get(pin + bit, ONE)
        inverted = told.get(f"IS_{pin}_INVERTED", 0) >> int(bit or 0) & 1
        if net in (ZERO, ONE) and pin + bit in TIED_IN_TILE:
            inverted = 0
        return f"~{names(net)}" if inverted else names(net)

    ports = {pin: _bits(pin, width, given) for pin, width in _DSP_INPUTS.items()}
    outputs = {pin: (pin, width) for pin, width in _DSP_OUTPUTS.items()}
    return _instance("readback_dsp", name, parameters, ports, outputs, cell)


def _bits(pin: str, width: int, given: Callable[[str, str], str]) -> str:
    if width == 1:
        return given(pin, "")
    return f"{{{', '.join(given(pin, str(k)) for k in reversed(range(width)))}}}"


def _instance(
    model: str, name: str, parameters: Mapping[str, str], inputs: Mapping[str, str],
    outputs: Mapping[str, tuple[str, int]], cell: Cell,
) -> str:  # fmt: skip
    """An instance; every output is a vector first, whose used bits are the nets."""
    known = {pin + (str(k) if width > 1 else "") for pin, width in outputs.values()
             for k in range(width)}  # fmt: skip
    strange = sorted(set(cell.outputs) - known)
    if strange:
        raise ReadbackError(f"{cell.name}: the output {strange[0]} is used, but not modelled")
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
