"""What several commands need: exit codes, the overlay asked for, what is told how."""

from __future__ import annotations

import argparse
import sys
from typing import Mapping

from board_app.driver.backends import open_backend
from board_app.network import overlay
from board_app.network.backend import Backend
from board_app.network.overlay import Overlay

OK, DIFFERENT, ERROR, INTERRUPTED, TERMINATED = 0, 1, 2, 130, 143


def chosen_overlay(options: argparse.Namespace) -> Overlay:
    """The overlay that --overlay and --overlays name; OverlayError where it is none."""
    return overlay.find(options.overlay, options.overlays or overlay.OVERLAYS)


def chosen_backend(options: argparse.Namespace, chosen: Overlay) -> Backend:
    """What --backend names, opened for `chosen`; BackendError where it cannot be."""
    return open_backend(options.backend, chosen, load_anyway=options.load_anyway)


def pairs(row: Mapping[str, object]) -> str:
    """Names and values in one line."""
    return ", ".join(f"{name} {value}" for name, value in row.items())


def complain(text: str) -> None:
    """One line on standard error."""
    print(f"board_app: {text}", file=sys.stderr)
