"""Where what can be made again is kept: in the checkout, or elsewhere if that cannot be written."""

from __future__ import annotations

import os
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]


def folder(name: str, checkout: Path = CHECKOUT) -> Path:
    """The cache called `name`; it need not exist yet."""
    inside = checkout / ".cache"
    if os.access(inside if inside.exists() else checkout, os.W_OK):
        return inside / name
    elsewhere = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return elsewhere / "resnet8-pynq" / name
