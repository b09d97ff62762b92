"""What the overlay needs of the Zynq's processing system, which its boot image sets and pynq never.

Registers are only read, and only those that answer always: of the port's FIFO (AFI), some others
stop the processor. Source: Xilinx UG585, appendix B (slcr, axi_hp), and table 4-1 (addresses).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable

from board_app.errors import AcceleratorError

SLCR, FPGA0_CLK_CTRL = 0xF800_0000, 0x170
PLLS = (("IO PLL", 0x108), ("IO PLL", 0x108), ("ARM PLL", 0x100), ("DDR PLL", 0x104))
"""Name and offset of the PLL that each SRCSEL chooses."""
AFI0, AFI_READ_CTRL, AFI_WRITE_CTRL = 0xF800_8000, 0x00, 0x14
MEMORY = range(0x0010_0000, 0x2000_0000)
"""Physical addresses that processors and HP0 both reach: the PYNQ-Z2's 512 MB, but the first one.

By UG585, table 4-1, memory is everybody's from 1 MB on. Below, HP0 gets the on-chip memory up to
256 KB, nothing up to 512 KB, then DDR, and the processors what their address filter says.
"""

CRYSTAL_MHZ, IO_PLL_MHZ = 50, 1000
_TOLERANCE = 1e-4
_BOOT = (
    "The boot image (BOOT.BIN) sets it, and pynq never does: boot the PYNQ-Z2's own image v3.0.1 "
    "or v3.1, not one for another board"
)


Read = Callable[[int], int]
"""The 32-bit word at a physical address."""


@dataclass(frozen=True)
class Fclk0:
    """What makes FCLK0: the register `control`, its source's PLL, and the divisors in it."""

    control: int
    source: int
    pll: str
    times: int
    first: int
    second: int

    @property
    def pll_mhz(self) -> int:
        """The PLL's clock."""
        return CRYSTAL_MHZ * self.times

    @property
    def mhz(self) -> float:
        """FCLK0 itself."""
        return self.pll_mhz / max(self.first * self.second, 1)


def pll_times(read: Read, offset: int) -> int:
    """How many times the crystal's clock the PLL at `offset` has."""
    return read(SLCR + offset) >> 12 & 0x7F


def fclk0(read: Read) -> Fclk0:
    """FCLK0 as the processing system's registers have it."""
    control = read(SLCR + FPGA0_CLK_CTRL)
    source = control >> 4 & 3
    name, offset = PLLS[source]
    first, second = control >> 8 & 0x3F, control >> 20 & 0x3F
    return Fclk0(control, source, name, pll_times(read, offset), first, second)


def check_clock(pynq: Any, wanted_mhz: float) -> float:
    """FCLK0 in MHz; AcceleratorError where it is not `wanted_mhz`, with what makes it."""
    slcr = pynq.MMIO(SLCR, 0x200)
    found = fclk0(lambda address: int(slcr.read(address - SLCR)))
    if abs(found.mhz / wanted_mhz - 1) <= _TOLERANCE:
        return found.mhz
    if found.pll == "IO PLL" and found.pll_mhz == IO_PLL_MHZ:
        advice = (
            "The divisors are those of the .hwh file, or another program has set them since: end "
            "what uses the FPGA, and copy or build the overlay again"
        )
    else:
        advice = f"The overlay needs the IO PLL at {IO_PLL_MHZ} MHz. {_BOOT}"
    raise AcceleratorError(
        f"FCLK0 runs at {found.mhz:g} MHz, the overlay needs {wanted_mhz:g} MHz: its source is the "
        f"{found.pll} (SRCSEL {found.source}) at {CRYSTAL_MHZ} MHz x {found.times} = "
        f"{found.pll_mhz} MHz, its divisors are {found.first} and {found.second} "
        f"(0x{SLCR + FPGA0_CLK_CTRL:08x} is 0x{found.control:08x}). {advice}"
    )


def check_port(pynq: Any) -> None:
    """AcceleratorError where HP0 carries 32 bits a beat and not the 64 that the chip has."""
    afi = pynq.MMIO(AFI0, AFI_WRITE_CTRL + 4)
    for what, offset in (("reads", AFI_READ_CTRL), ("writes", AFI_WRITE_CTRL)):
        value = afi.read(offset)
        if value & 1:
            raise AcceleratorError(
                f"the memory port HP0 {what} 32 bits at a time, the chip needs 64, and half of its "
                f"data would be lost (bit 0 of 0x{AFI0 + offset:08x} is 1, the register "
                f"0x{value:x}). {_BOOT}"
            )


def in_memory(address: int, size: int) -> bool:
    """Whether `size` bytes at the physical `address` lie wholly where HP0 reaches."""
    return MEMORY.start <= address and address + size <= MEMORY.stop
