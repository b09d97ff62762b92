"""The chip after our own load: who it is, how fast it runs, and whether it computes what it should.

In the order of what may go wrong: a check that fails leaves those after it out.
"""

from __future__ import annotations

from typing import Callable, List, Tuple

import numpy as np

from board_app.doctor import patterns
from board_app.doctor.finding import FAULT, OK, WARNING, Finding
from board_app.driver import chip
from board_app.driver.accelerator import Accelerator
from board_app.driver.chip import Hardware
from board_app.driver.engine import Engine
from board_app.driver.processing_system import in_memory
from board_app.driver.session import Session
from board_app.errors import AcceleratorError
from board_app.network.backend import Backend

BATCH = 128
_SECONDS, _SIMULATED_SECONDS = 1.0, 200e-6
_TOLERANCE = 0.01


def identity(session: Session, hardware: Hardware) -> Finding:
    """Whether it is our chip, of this build."""
    session.check()
    control = session.ips["control0"]
    magic, build = control.read(chip.MAGIC), control.read(chip.BUILD_ID)
    text = f"magic {magic:08x}, build {build:08x}"
    if magic != chip.MAGIC_VALUE:
        advice = "another circuit answers, or none: is the .bit the overlay's own? Deploy again"
        return Finding("chip", FAULT, text, advice)
    if build != hardware.build_id:
        advice = f"the overlay is of build {hardware.build_id:08x}: deploy it again"
        return Finding("chip", FAULT, text, advice)
    return Finding("chip", OK, text)


def true_clock(session: Session, hardware: Hardware) -> Finding:
    """How many cycles it counts in a second."""
    session.check()
    control = session.ips["control0"]
    first, began = control.read(chip.UPTIME), session.now()
    session.sleep(_SIMULATED_SECONDS if session.simulated else _SECONDS)
    cycles = (control.read(chip.UPTIME) - first) % (1 << 32)
    mhz = cycles / (session.now() - began) / 1e6
    text = f"{mhz:.2f} MHz by its own counter"
    if cycles == 0:
        return Finding("true clock", FAULT, text, "the chip has no clock: reboot the board")
    if abs(mhz / hardware.clock_mhz - 1) > _TOLERANCE:
        advice = (
            f"the overlay is made for {hardware.clock_mhz:g} MHz: another program has set FCLK0, "
            "or the boot image another PLL; end what uses the FPGA, and deploy again"
        )
        return Finding("true clock", FAULT, text, advice)
    return Finding("true clock", OK, text)


def buffer(session: Session, hardware: Hardware) -> Finding:
    """Whether memory can be had where the chip reaches it."""
    memory = session.allocate(BATCH * hardware.frames.in_bytes, "u1")
    try:
        address, size = memory.device_address, memory.array.nbytes
    finally:
        memory.free()
    text = f"{size:,} bytes at 0x{address:x}"
    if not in_memory(address, size) or address % chip.ALIGNMENT:
        advice = "beyond the board's 512 MB: pynq 3.1.0 gives such addresses; use v3.0.1 or 3.1.1"
        return Finding("buffer", FAULT, text, advice)
    return Finding("buffer", OK, text)


def soft_reset(session: Session, hardware: Hardware) -> Finding:
    """Whether the chip comes to its initial state, with nothing under way to memory."""
    Engine(session, hardware)  # it resets
    return Finding("soft reset", OK, "it ends")


def frames(session: Session, hardware: Hardware, reference: Backend) -> List[Finding]:
    """One frame, many, and the one again, against the reference."""
    rng = np.random.default_rng(1)
    found: List[Finding] = []
    before = rng.integers(0, 256, (BATCH, *hardware.shape), dtype=np.uint8)
    # Not closed, as the session is the caller's; the buffers end with this process.
    driver = Accelerator(session, hardware)
    first = rng.integers(0, 256, (1, *hardware.shape), dtype=np.uint8)
    driver.execute(first)
    retries = _retries(driver)
    for count in (1, BATCH):
        images = rng.integers(0, 256, (count, *hardware.shape), dtype=np.uint8)
        if count > 1:
            driver.execute(before)
        else:
            before = first
        logits = driver.execute(images)
        what, advice = patterns.name(images, logits, before, reference.execute)
        name = f"{count} frame{'s' if count > 1 else ''}"
        retries += _retries(driver)
        if what:
            found.append(Finding(name, FAULT, what, advice))
        elif retries:
            text = f"all logits are the reference's, but {retries} batches at the second try only"
            advice = "batches fail now and then: report it with the JSON"
            found.append(Finding(name, WARNING, text, advice))
        else:
            text = f"all logits are the reference's; {driver.last_cycles:,} cycles"
            found.append(Finding(name, OK, text))
        before = rng.integers(0, 256, (BATCH, *hardware.shape), dtype=np.uint8)
    return found


def _retries(driver: Accelerator) -> int:
    return 0 if driver.last_run is None else driver.last_run.retries


Check = Tuple[str, Callable[[], List[Finding]]]


def all_of(session: Session, hardware: Hardware, reference: Backend) -> List[Check]:
    """Name and check, in order."""
    return [
        *(
            (name, lambda check=check: [check(session, hardware)])
            for name, check in (
                ("chip", identity), ("true clock", true_clock), ("buffer", buffer),
                ("soft reset", soft_reset),
            )
        ),
        ("frames", lambda: frames(session, hardware, reference)),
    ]  # fmt: skip


def failure(name: str, error: AcceleratorError) -> Finding:
    """What the driver said, which has the advice in it."""
    return Finding(name, FAULT, str(error), "do what the line above says; then ask again")
