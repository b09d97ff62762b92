"""Which kernel of its circuit each place of a bitstream is of, kept beside the bitstream.

A bitstream has no names: they are found by comparing it with the netlist that was placed, which
takes minutes to make. So the answer is a file of the overlay, of which board and driver know
nothing.
"""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from board_app.network import overlay
from board_app.network.overlay import Overlay
from host_build.configuration.errors import ReadbackError
from host_build.readback.equality import require_of
from host_build.readback.likeness import Likeness

FILE = "kernels.json.gz"


def by_place(found: Likeness, owners: Mapping[str, str]) -> dict[str, str]:
    """The kernel of each register, memory and block that has one by the `owners` of cells.

    A place with several counterparts has one if all these are of the same.
    """
    named = {place: (name,) for place, name in found.named.items()} | found.alike
    kernels = {}
    for place, names in named.items():
        # A memory of the netlist is several cells of the device: name.A0, name.upper.
        whose = {owners.get(name) or owners.get(name.rpartition(".")[0]) for name in names}
        if len(whose) == 1 and (kernel := whose.pop()) is not None:
            kernels[place] = kernel
    return kernels


def load(bitstream: Path) -> dict[str, str]:
    """The kernel of each place, of the file beside a bitstream; empty if there is none of it.

    ReadbackError where the file is damaged.
    """
    path = bitstream.parent / FILE
    if not path.exists():
        return {}
    try:
        told = json.loads(gzip.decompress(path.read_bytes()))
        if told["bitstream"] != overlay.sha256(bitstream):
            return {}
        return {place: kernel for kernel, places in told["kernels"].items() for place in places}
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ReadbackError(f"{path} is damaged: {error!r}") from error


def record(chosen: Overlay, bitstream: Path, kernels: Mapping[str, str]) -> Overlay:
    """Put them into the overlay that has this bitstream; ReadbackError where it has another."""
    require_of(chosen, bitstream)
    places = defaultdict(list)
    for place, kernel in sorted(kernels.items()):
        places[kernel].append(place)
    told = {"bitstream": overlay.sha256(bitstream), "kernels": places}
    files = {file: (chosen.folder / file).read_bytes() for file in chosen.manifest.files}
    files[FILE] = gzip.compress(json.dumps(told).encode(), mtime=0)
    return overlay.write(chosen.folder, chosen.manifest, files)
