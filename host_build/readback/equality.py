"""Whether a circuit that was read back computes what its overlay says, on how many images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from board_app.network import overlay, vectors
from board_app.network.overlay import Overlay
from board_app.network.reference import Reference
from host_build.configuration.errors import ReadbackError
from host_build.readback.model import Circuit
from host_build.readback.simulate import run

_SAME_PACE = 1e-3
"""By how much memory's random pauses may change the cycles a frame."""


@dataclass(frozen=True)
class Equality:
    """Of `images` simulated, the chip gave every logit of `equal`.

    A frame takes `cycles`, `expected` by the overlay; one alone takes `alone`.
    """

    images: int
    equal: int
    cycles: float
    expected: int
    alone: int
    seconds: float

    @property
    def right(self) -> bool:
        return self.equal == self.images and abs(self.cycles / self.expected - 1) < _SAME_PACE

    def __str__(self) -> str:
        return (
            f"read back: {self.equal} of {self.images} images have the reference's logits; "
            f"{self.cycles:,.1f} cycles a frame (overlay: {self.expected:,}), one alone takes "
            f"{self.alone:,}; simulated in {self.seconds:.0f} s"
        )


def compare(
    circuit: Circuit, chosen: Overlay, images: NDArray[np.uint8] | None = None,
    progress: Callable[[int], object] = lambda done: None,
) -> Equality:  # fmt: skip
    """Simulate the overlay's self-test vectors, and `images` (N, 32, 32, 3) after them.

    Raises what `simulate.run` does.
    """
    golden = vectors.load(chosen)
    given, wanted = golden.images, golden.logits
    if images is not None and len(images):
        given = np.concatenate([given, images])
        wanted = np.concatenate([wanted, Reference(chosen.graph()).execute(images)])
    expected = int(chosen.manifest.circuit["cycles_per_frame"])
    found = run(
        circuit,
        int(chosen.manifest.build_id, 16),
        given,
        len(chosen.manifest.classes),
        expected,
        progress,
    )
    equal = (found.logits == wanted).all(axis=1)
    return Equality(
        len(given), int(equal.sum()), found.pace, expected, found.alone, found.seconds
    )  # fmt: skip


def record(chosen: Overlay, bitstream: Path, found: Equality) -> Overlay:
    """Put the comparison into the manifest of the overlay that has this bitstream.

    ReadbackError where it has another, or where not all images are equal.
    """
    require_of(chosen, bitstream)
    if not found.right:
        raise ReadbackError(f"not recorded, since it is not equal; {found}")
    circuit = chosen.manifest.circuit
    implemented = {**circuit.get("implemented", {}), "read_back": as_manifest(found)}
    manifest = replace(chosen.manifest, circuit={**circuit, "implemented": implemented})
    files = {file: (chosen.folder / file).read_bytes() for file in chosen.manifest.files}
    return overlay.write(chosen.folder, manifest, files)


def require_of(chosen: Overlay, bitstream: Path) -> None:
    """ReadbackError where the overlay has another bitstream, or none."""
    name = f"{chosen.folder.name}.bit"
    if chosen.manifest.files.get(name) != overlay.sha256(bitstream):
        raise ReadbackError(f"{bitstream} is not the bitstream of the overlay {chosen.folder.name}")


def as_manifest(found: Equality) -> dict[str, float]:
    """What the manifest says of it, under circuit.implemented.read_back."""
    told = asdict(found)
    del told["seconds"], told["expected"]
    return told | {"cycles": round(found.cycles, 1)}
