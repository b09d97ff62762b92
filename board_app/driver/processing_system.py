"""What the overlay needs of the Zynq's processing system, which its boot image sets and pynq never.

Registers are only read, and only those that answer always: of the port's FIFO (AFI), some others
stop the processor. Source: Xilinx UG585, appendix B (slcr, axi_hp), and table 4-1 (addresses).
"""

from __future__ import annotations

from typing import Any

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

_CRYSTAL_MHZ = 50
_IO_PLL_MHZ = 1000
_TOLERANCE = 1e-4
_BOOT = (
    "The boot image (BOOT.BIN) sets it, and pynq never does: boot the PYNQ-Z2's own image v3.0.1 "
    "or v3.1, not one for another board"
)


def check_clock(pynq: Any, wanted_mhz: float) -> float:
    """FCLK0 in MHz; AcceleratorError where it is not `wanted_mhz`, with what makes it."""
    slcr = pynq.MMIO(SLCR, 0x200)
    control = int(slcr.read(FPGA0_CLK_CTRL))
    source, first, second = control >> 4 & 3, control >> 8 & 0x3F, control >> 20 & 0x3F
    name, offset = PLLS[source]
    times = int(slcr.read(offset)) >> 12 & 0x7F
    pll = _CRYSTAL_MHZ * times
    clock = pll / max(first * second, 1)
    if abs(clock / wanted_mhz - 1) <= _TOLERANCE:
        return clock
    if name == "IO PLL" and pll == _IO_PLL_MHZ:
        advice = (
            "The divisors are those of the .hwh file, or another program has set them since: end "
            "what uses the FPGA, and copy or build the overlay again"
        )
    else:
        advice = f"The overlay needs the IO PLL at {_IO_PLL_MHZ} MHz. {_BOOT}"
    raise AcceleratorError(
        f"FCLK0 runs at {clock:g} MHz, the overlay needs {wanted_mhz:g} MHz: its source is the "
        f"{name} (SRCSEL {source}) at {_CRYSTAL_MHZ} MHz x {times} = {pll} MHz, its divisors are "
        f"{first} and {second} (0x{SLCR + FPGA0_CLK_CTRL:08x} is 0x{control:08x}). {advice}"
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
