"""The hardware handoff (.hwh) that pynq reads: addresses, registers, and the clock's divisors.

Vivado would write one for a block design; this chip has none, so it is written here, with no more
in it than pynq 3.0 and 3.1 use. A stand-in for the .bit, for the simulated board, is here too.
"""

from __future__ import annotations

import struct
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from board_app.driver import chip
from host_build.errors import HostError

IO_PLL_MHZ = 1000.0  # the PYNQ-Z2's: a 50 MHz crystal, multiplied by 20
PART = "7z020clg400"
STAND_IN = b"STAND-IN FOR A BITSTREAM: FOR THE SIMULATED BOARD ONLY.\0"
_LARGEST_DIVISOR = 63
_EXACT_MHZ = 0.0005  # 142.857 means 1000/7
_AXI = "xilinx.com:interface:aximm:1.0"


class ClockError(HostError):
    """The PS cannot make the clock; the message names the nearest that it can."""


def clock_divisors(mhz: float) -> tuple[int, int]:
    """The two divisors that make `mhz` MHz of the IO PLL exactly; ClockError if none do."""
    if mhz <= 0:
        raise ClockError(f"a clock of {mhz:g} MHz is none")
    products = _products()
    nearest = min(products, key=lambda product: abs(IO_PLL_MHZ / product - mhz))
    if abs(IO_PLL_MHZ / nearest - mhz) > _EXACT_MHZ:
        slower = [IO_PLL_MHZ / product for product in products if IO_PLL_MHZ / product <= mhz]
        below = f", the nearest below {max(slower):.6g} MHz" if slower else ""
        raise ClockError(
            f"the PS cannot make {mhz:g} MHz of its {IO_PLL_MHZ:g} MHz; the nearest is "
            f"{IO_PLL_MHZ / nearest:.6g} MHz{below}"
        )
    return products[nearest]


def clock_below(mhz: float) -> float:
    """The fastest clock in MHz that the PS makes, of at most `mhz`; ClockError if there is none."""
    slower = clocks_below(mhz)
    if not slower:
        raise ClockError(f"the PS makes no clock of {mhz:g} MHz or less")
    return slower[0]


def clocks_below(mhz: float) -> list[float]:
    """All clocks in MHz that the PS makes, of at most `mhz`, the fastest first."""
    made = (IO_PLL_MHZ / product for product in sorted(_products()))
    return [clock for clock in made if clock <= mhz]


def _products() -> dict[int, tuple[int, int]]:
    """Pairs of divisors by what they divide by; of equal ones the most even, as Vivado chooses."""
    return {
        first * second: (first, second)
        for second in range(1, _LARGEST_DIVISOR + 1)
        for first in range(second, _LARGEST_DIVISOR + 1)
    }


def handoff(build_id: int, clock_mhz: float, name: str = "chip") -> str:
    """The .hwh of a chip with this build id, whose FCLK0 is `clock_mhz`; ClockError if none is."""
    divisors = clock_divisors(clock_mhz)
    root = Element("EDKSYSTEM", EDWVERSION="1.2")
    device = {"ARCH": "zynq", "DEVICE": "7z020", "PACKAGE": "clg400", "SPEEDGRADE": "-1"}
    SubElement(root, "SYSTEMINFO", device, NAME=name)
    SubElement(root, "EXTERNALPORTS")
    SubElement(root, "EXTERNALINTERFACES")
    modules = SubElement(root, "MODULES")
    for ip, (kind, _, registers) in chip.IPS.items():
        _peripheral(modules, ip, kind, registers, build_id)
    _processing_system(modules, divisors)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def simulation_bitstream(build_id: int) -> bytes:
    """What the simulated board loads in the place of a bitstream: a .bit header, and no circuit.

    The header has the build id as UserID, where Vivado puts BITSTREAM.CONFIG.USERID.
    """
    fields = {
        b"a": f"simulation_stand_in;UserID=0X{build_id:08X};Version=none".encode(),
        b"b": PART.encode(),
        b"c": b"2000/01/01",
        b"d": b"00:00:00",
    }
    header = b"\x00\x09\x0f\xf0\x0f\xf0\x0f\xf0\x0f\xf0\x00\x00\x01"
    for key, text in fields.items():
        header += key + struct.pack(">H", len(text) + 1) + text + b"\0"
    data = STAND_IN + struct.pack(">I", build_id)
    return header + b"e" + struct.pack(">I", len(data)) + data


def _peripheral(
    modules: Element, ip: str, kind: str, registers: tuple[chip.Register, ...], build_id: int
) -> None:
    module = SubElement(
        modules, "MODULE", FULLNAME=f"/{ip}", INSTANCE=ip, MODTYPE=kind.split(":")[2], VLNV=kind
    )
    blocks = SubElement(module, "ADDRESSBLOCKS")
    block = SubElement(
        blocks, "ADDRESSBLOCK", INTERFACE="s_axi_control", NAME="Reg0", USAGE="register"
    )
    table = SubElement(block, "REGISTERS")
    for row in registers:
        register = SubElement(table, "REGISTER", NAME=row.name)
        _properties(
            register, DESCRIPTION=row.description, ACCESS=row.access,
            ADDRESS_OFFSET=f"0x{row.offset:X}", SIZE="32", IS_ENABLED="true",
        )  # fmt: skip
        fields = SubElement(register, "FIELDS")
        for field, lowest, bits in row.fields:
            _properties(
                SubElement(fields, "FIELD", NAME=field),
                DESCRIPTION="", ACCESS=row.access, BIT_OFFSET=str(lowest), BIT_WIDTH=str(bits),
            )  # fmt: skip
    parameters = {"BUILD_ID": f"0x{build_id:08x}"} if ip == "control0" else {}
    _parameters(module, parameters)
    SubElement(module, "PORTS")
    interfaces = SubElement(module, "BUSINTERFACES")
    SubElement(interfaces, "BUSINTERFACE", NAME="s_axi_control", TYPE="SLAVE", VLNV=_AXI)


def _processing_system(modules: Element, divisors: tuple[int, int]) -> None:
    module = SubElement(
        modules, "MODULE", FULLNAME="/zynq_ps", INSTANCE="zynq_ps", IS_PL="FALSE",
        MODTYPE="processing_system7", VLNV="xilinx.com:ip:processing_system7:5.5",
    )  # fmt: skip
    parameters: dict[str, str] = {}
    for clock in range(4):
        first, second = divisors if clock == 0 else (1, 1)
        parameters |= {
            f"PCW_FPGA_FCLK{clock}_ENABLE": str(int(clock == 0)),
            f"PCW_FCLK{clock}_PERIPHERAL_CLKSRC": "IO PLL",
            f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR0": str(first),
            f"PCW_FCLK{clock}_PERIPHERAL_DIVISOR1": str(second),
        }
    _parameters(module, parameters)
    SubElement(module, "PORTS")
    interfaces = SubElement(module, "BUSINTERFACES")
    SubElement(interfaces, "BUSINTERFACE", NAME="M_AXI_GP0", TYPE="MASTER", VLNV=_AXI)
    memory = SubElement(module, "MEMORYMAP")
    for ip, (_, base, _) in chip.IPS.items():
        SubElement(
            memory, "MEMRANGE", ADDRESSBLOCK="Reg0", BASEVALUE=f"0x{base:08X}",
            HIGHVALUE=f"0x{base + chip.WINDOW - 1:08X}", INSTANCE=ip,
            MASTERBUSINTERFACE="M_AXI_GP0", MEMTYPE="REGISTER", SLAVEBUSINTERFACE="s_axi_control",
        )  # fmt: skip


def _parameters(module: Element, values: dict[str, str]) -> None:
    parameters = SubElement(module, "PARAMETERS")
    for name, value in values.items():
        SubElement(parameters, "PARAMETER", NAME=name, VALUE=value)


def _properties(parent: Element, **values: str) -> None:
    for name, value in values.items():
        SubElement(parent, "PROPERTY", NAME=name, VALUE=value)
