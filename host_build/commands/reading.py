"""A bitstream back to the circuit that it configures, and that circuit in simulation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from board_app.network import overlay, vectors
from board_app.pictures import cifar10
from board_app.system.files import write_atomically
from host_build.commands.options import (
    BUILD,
    Commands,
    data,
    data_of,
    folder,
    overlays,
    positive,
)
from host_build.configuration.part import FAMILY, PART
from host_build.errors import HostError

if TYPE_CHECKING:
    from host_build.configuration.database import Database
    from host_build.readback.model import Circuit
    from host_build.readback.nodes import Nodes

_SAME_PACE = 1e-3
"""By how much memory's random pauses may change the cycles a frame."""


def add(commands: Commands) -> None:
    parser = commands.add(
        "readback", readback,
        "read a bitstream, by any tool, back to cells and nets, and simulate it as its overlay's",
        None, data(), overlays(), folder("what was read", "NAME/readback"),
    )  # fmt: skip
    add_bitstream(parser)
    parser.add_argument(
        "--fasm", type=Path, metavar="FILE",
        help="features that the bitstream should have: every other one is told, with its cell",
    )  # fmt: skip
    parser.add_argument(
        "--overlay", metavar="NAME", help="simulate it on this overlay's self-test vectors"
    )
    parser.add_argument(
        "--images", type=positive, metavar="N", help="and on N test images, with --overlay"
    )


def add_bitstream(parser: argparse.ArgumentParser) -> None:
    """Which bitstream to read, and by which database."""
    parser.add_argument("bitstream", type=Path, metavar="NAME.bit", help="the bitstream")
    parser.add_argument(
        "--prjxray-db", type=Path, metavar="DIR", required=True,
        help=f"Project X-Ray's database, the folder with {FAMILY}/ in it",
    )  # fmt: skip
    parser.add_argument(
        "--nodes", type=Path, metavar="FILE",
        help="which wires are one node (default: xc7z020-nodes.txt in the database's folder)",
    )  # fmt: skip
    parser.add_argument("--part", default=PART, help="default: %(default)s")


def database_of(options: argparse.Namespace) -> tuple[Database, Nodes]:
    """The database that a bitstream is read by. Raises DatabaseError."""
    from host_build.configuration.database import Database
    from host_build.readback import nodes

    database = Database(options.prjxray_db / FAMILY, options.part)
    path = options.nodes or options.prjxray_db / f"{database.fabric}-nodes.txt"
    return database, nodes.load(path)


def readback(options: argparse.Namespace) -> int:
    from host_build.readback import verilog
    from host_build.readback.circuit import read
    from host_build.readback.counts import count

    if options.images and not options.overlay:
        raise HostError("--images needs --overlay NAME, which says what the images should give")
    database, joined = database_of(options)
    found = read(options.bitstream, database, joined)
    into = options.out or BUILD / options.bitstream.stem / "readback"
    counts = count(found.circuit)
    write_atomically(into / "readback.sv", verilog.module(found.circuit).encode())
    write_atomically(into / "counts.json", f"{counts.json()}\n".encode())
    checked = "checksum right" if found.configuration.checked else "it has no checksum"
    print(f"{found.features.count:,} features, none unknown; {checked}")
    print(f"{len(found.circuit.cells):,} cells, {len(found.circuit.nets):,} nets")
    print(counts)
    print(into / "readback.sv")
    right = True
    if options.fasm:
        from host_build.readback.differences import differences

        lines = options.fasm.read_text().splitlines()
        told = differences(found, lines, database, joined)
        print("\n".join(told) or f"every feature is that of {options.fasm}")
        right = not told
    if options.overlay:
        right = _simulate(options, found.circuit) and right
    return 0 if right else 1


def _simulate(options: argparse.Namespace, circuit: Circuit) -> bool:
    """Whether every logit, and the number of cycles, is as the overlay says."""
    import numpy as np
    from tqdm import tqdm

    from board_app.network.reference import Reference
    from host_build.readback import simulate

    chosen = overlay.find(options.overlay, options.overlays)
    manifest = chosen.manifest
    golden = vectors.load(chosen)
    images, expected = golden.images, golden.logits
    if options.images:
        test = cifar10.load(data_of(options), "test").first(options.images)
        images = np.concatenate([images, test.images])
        expected = np.concatenate([expected, Reference(chosen.graph()).execute(test.images)])
    cycles = int(manifest.circuit["cycles_per_frame"])
    print("building the simulation: a minute or two, once")
    built = simulate.build(circuit)
    with tqdm(total=len(images), unit="image", disable=None, leave=False) as bar:
        result = simulate.run(
            built, int(manifest.build_id, 16), images, cycles,
            progress=lambda done: bar.update(done - bar.n),
        )  # fmt: skip
    alone = simulate.run(built, int(manifest.build_id, 16), images[:1], cycles)
    equal = (result.logits == expected).all(axis=1)
    spacing = (result.cycles - alone.cycles) / max(1, len(images) - 1)
    print(
        f"{equal.sum()} of {len(images)} images have the reference's logits; "
        f"{spacing:,.1f} cycles a frame (overlay: {cycles:,}), one alone takes "
        f"{alone.cycles:,}; {len(images) / result.seconds:.1f} images/s"
    )
    return bool(equal.all()) and abs(spacing / cycles - 1) < _SAME_PACE
