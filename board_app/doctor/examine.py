"""All checks in order, safe ones first; one that fails itself is a finding, too."""

from __future__ import annotations

import importlib
import time
from contextlib import closing
from dataclasses import replace
from typing import Any, Callable, Dict, Iterator, List, Optional

from board_app.doctor import chip_checks, looks, registers
from board_app.doctor.finding import FAULT, OK, WARNING, Finding, System
from board_app.driver.chip import Hardware
from board_app.driver.pynq_session import PynqSession
from board_app.errors import AcceleratorError, BackendError
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from board_app.system import machine

FORMAT = 1


def examine(
    overlay: Overlay, system: Optional[System] = None, load_anyway: bool = False
) -> Iterator[Finding]:
    """Findings as they are made. The FPGA is loaded only where nothing before was a fault.

    With `load_anyway` it is loaded even where its memory port is known to be dead.
    """
    system = system or System()
    device = _device()
    simulated = hasattr(device, "now")
    faults = False
    for check in looks.all_of(system, simulated):
        finding = _safely(check)
        faults |= finding.state == FAULT
        yield finding
    if simulated:
        yield Finding("board", OK, "simulated: what a real one's system has was not looked at")
    if not faults:
        for check in registers.all_of(_read):
            finding = _safely(check)
            faults |= finding.state == FAULT
            yield finding
    if faults:
        text = "not loaded, as there are faults before it"
        yield Finding("overlay", WARNING, text, "mend them, then ask again")
    else:
        yield from _chip(overlay, load_anyway)
    if not simulated:
        yield _safely(lambda: looks.messages(system))


def report(overlay: Overlay, findings: List[Finding]) -> Dict[str, Any]:
    """Everything that was found, to be sent."""
    return {
        "format": FORMAT,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "overlay": overlay.folder.name,
        "build_id": overlay.manifest.build_id,
        "circuit": overlay.manifest.circuit,
        "machine": machine.describe(),
        "versions": machine.versions(),
        "findings": [finding.row() for finding in findings],
    }


def _chip(overlay: Overlay, load_anyway: bool) -> Iterator[Finding]:
    name = overlay.folder.name
    if not overlay.has_bitstream:
        text = f"{name} has no bitstream, so the FPGA itself was not looked at"
        yield Finding("overlay", WARNING, text, "build one: python -m host_build bitstream")
        return
    try:
        hardware = Hardware.of_manifest(overlay.manifest)
        session = PynqSession(overlay.folder / f"{name}.bit", hardware, None, load_anyway)
    except BackendError as error:
        yield Finding("overlay", FAULT, str(error), "do what the line above says; then ask again")
        return
    except Exception as error:
        yield _failed("overlay", error)
        return
    with closing(session):
        yield Finding("overlay", OK, f"{name} is loaded, FCLK0 {session.clock_mhz:g} MHz")
        reference = Reference(overlay.graph())
        for what, check in chip_checks.all_of(session, hardware, reference):
            try:
                found = check()
            except AcceleratorError as error:
                found = [chip_checks.failure(what, error)]
            except Exception as error:
                found = [_failed(what, error)]
            yield from found
            if any(finding.state == FAULT for finding in found):
                return


def _safely(check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:
        return replace(_failed("doctor", error), state=WARNING)


def _failed(name: str, error: Exception) -> Finding:
    text = f"{type(error).__name__}: {error}"
    return Finding(name, FAULT, text, "this check itself failed: report it with the JSON")


def _device() -> Any:
    try:
        return importlib.import_module("pynq").Device.active_device
    except Exception:
        return None  # the checks say why


def _read(address: int) -> int:
    """The word at a physical address, by pynq's MMIO."""
    pynq = importlib.import_module("pynq")
    return int(pynq.MMIO(address, 4).read(0))
