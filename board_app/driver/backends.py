"""The ways to execute an overlay's network, by name."""

from __future__ import annotations

from typing import Callable, Dict

from board_app.errors import BackendError
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from board_app.service import protocol
from board_app.service.client import Client
from board_app.system import boot


def _fpga(overlay: Overlay, load_anyway: bool) -> Backend:
    from board_app.driver.pynq_session import open_overlay

    boot.wait()
    return open_overlay(overlay, load_anyway=load_anyway)


BACKENDS: Dict[str, Callable[[Overlay, bool], Backend]] = {
    "reference": lambda overlay, _: Reference(overlay.graph()),
    "fpga": _fpga,
    "socket": lambda overlay, _: Client(
        protocol.socket_path(), overlay.manifest.build_id, len(overlay.manifest.classes)
    ),
}


def open_backend(name: str, overlay: Overlay, *, load_anyway: bool = False) -> Backend:
    """Open the backend called `name` for `overlay`.

    With `load_anyway` the FPGA is loaded even where its memory port is known to be dead.
    """
    if name not in BACKENDS:
        raise BackendError(f"unknown backend {name!r}; known: {', '.join(sorted(BACKENDS))}")
    return BACKENDS[name](overlay, load_anyway)
