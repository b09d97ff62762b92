"""The processing system's registers that the chip depends on, read and never written.

All of them answer always. Source: Xilinx UG585, appendix B (slcr, axi_hp).
"""

from __future__ import annotations

from typing import Callable, List

from board_app.doctor.finding import FAULT, OK, WARNING, Finding
from board_app.driver.processing_system import (
    AFI0,
    AFI_READ_CTRL,
    AFI_WRITE_CTRL,
    CRYSTAL_MHZ,
    IO_PLL_MHZ,
    PLLS,
    SLCR,
    Read,
    fclk0,
    pll_times,
)

FPGA_RESET, LEVEL_SHIFTERS = 0x240, 0x900
_SHIFTERS_ON = 0xF
_BOOT = "the boot image (BOOT.BIN) sets it: boot the PYNQ-Z2's own image v3.0.1 or v3.1"


def plls(read: Read) -> Finding:
    """What the clocks are made of."""
    rows = {name: CRYSTAL_MHZ * pll_times(read, offset) for name, offset in PLLS}
    text = ", ".join(f"{name} {mhz} MHz" for name, mhz in rows.items())
    if rows["IO PLL"] != IO_PLL_MHZ:
        return Finding("PLL", FAULT, text, f"the IO PLL must have {IO_PLL_MHZ} MHz: {_BOOT}")
    return Finding("PLL", OK, text)


def clock(read: Read) -> Finding:
    """FCLK0 by its divisors, before our load sets them."""
    found = fclk0(read)
    source = f"{found.pll} (SRCSEL {found.source})"
    text = f"{found.mhz:g} MHz, {source} by {found.first} and {found.second}"
    if found.source > 1:
        return Finding("FCLK0", FAULT, text, f"its source must be the IO PLL: {_BOOT}")
    return Finding("FCLK0", OK, text)


def reset(read: Read) -> Finding:
    """Whether the FPGA is held in reset, or cut off."""
    held, shifters = read(SLCR + FPGA_RESET) & 1, read(SLCR + LEVEL_SHIFTERS) & _SHIFTERS_ON
    text = f"reset {'on' if held else 'off'}, level shifters 0x{shifters:x}"
    if shifters != _SHIFTERS_ON:
        advice = "the FPGA is cut off, or is being loaded: wait; a read of it would hang the board"
        return Finding("FPGA", WARNING, text, advice)
    if held:
        advice = "the FPGA is held in reset (bit 0 of 0xf8000240): load an overlay, or reboot"
        return Finding("FPGA", WARNING, text, advice)
    return Finding("FPGA", OK, text)


def port(read: Read) -> Finding:
    """How wide the memory port is."""
    bits = [32 if read(AFI0 + at) & 1 else 64 for at in (AFI_READ_CTRL, AFI_WRITE_CTRL)]
    text = f"HP0 reads {bits[0]} bits and writes {bits[1]}"
    if bits != [64, 64]:
        advice = f"the chip needs 64 (bit 0 of 0xf8008000 and 0xf8008014): {_BOOT}"
        return Finding("memory port", FAULT, text, advice)
    return Finding("memory port", OK, text)


def all_of(read: Read) -> List[Callable[[], Finding]]:
    """The checks in order."""
    return [lambda check=check: check(read) for check in (plls, clock, reset, port)]  # type: ignore[misc]
