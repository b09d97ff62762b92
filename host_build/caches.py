"""Where what can be made again is kept: in the checkout, or elsewhere if that cannot be written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]


def folder(name: str, checkout: Path = CHECKOUT) -> Path:
    """The cache called `name`; it need not exist yet."""
    inside = checkout / ".cache"
    if os.access(inside if inside.exists() else checkout, os.W_OK):
        return inside / name
    elsewhere = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return elsewhere / "resnet8-pynq" / name


def digest(content: Any) -> str:
    """A name for what is made from `content`, of what JSON knows."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:20]


def filled(folder: Path, make: Callable[[Path], None]) -> Path:
    """`folder`, filled by `make` if it is not there. It appears whole or not at all.

    What `make` leaves beside the folder that it is given, in the same parent, is removed.
    """
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=folder.parent) as building:
        whole = Path(building) / "whole"
        whole.mkdir()
        make(whole)
        try:
            whole.rename(folder)
        except OSError:  # another process was quicker, with the same content
            if not folder.is_dir():
                raise
    return folder
