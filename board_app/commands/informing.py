"""The command info."""

from __future__ import annotations

import argparse
from typing import Any, Mapping

from board_app.commands.common import OK, pairs
from board_app.driver.backends import BACKENDS
from board_app.measure import report
from board_app.network import overlay
from board_app.system import machine

_BITSTREAM = ("none: for the reference and the simulated board only", "for the board's FPGA")


def run_info(options: argparse.Namespace) -> int:
    """The overlays there are, backends, machine and versions."""
    root = options.overlays or overlay.OVERLAYS
    names = overlay.names(root) if options.overlay is None else [options.overlay]
    print(f"overlays in {root}: {', '.join(overlay.names(root)) or 'none yet'}")
    for name in names:
        found = overlay.find(name, root)
        manifest = found.manifest
        height, width, channels = manifest.shape
        print(f"\n{name}")
        for key, value in (
            ("network", f"{manifest.network}, {manifest.parameters:,} parameters"),
            ("pictures", f"{width}x{height} pixels of {channels} channel{'s' * (channels > 1)}"),
            ("classes", manifest.class_names),
            ("build id", manifest.build_id),
            ("accuracy", pairs(manifest.accuracy)),
            ("made with", pairs(manifest.tools)),
            ("circuit", _circuit(manifest.circuit)),
            ("bitstream", _BITSTREAM[found.has_bitstream]),
            ("files", ", ".join(sorted(manifest.files))),
        ):
            print(f"  {key:<10} {value}")
    print(f"\nbackends: {', '.join(sorted(BACKENDS))}")
    print(f"machine: {pairs(machine.describe())}")
    print(f"versions: {pairs(machine.versions())}")
    return OK


def _circuit(row: Mapping[str, Any]) -> str:
    if not row:
        return "none: reference only"
    return f"{report.circuit(row)}; estimated {pairs(row.get('estimated', {}))}"
