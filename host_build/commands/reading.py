"""A bitstream back to the circuit that it configures, and that circuit in simulation."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from board_app.network import overlay, vectors
from board_app.system.files import write_atomically, write_json
from host_build.commands.options import (
    BUILD,
    Commands,
    data,
    folder,
    overlays,
    positive,
)
from host_build.commands.pictures import own_data, test_pictures
from host_build.configuration.part import FAMILY, PART
from host_build.errors import HostError

if TYPE_CHECKING:
    from host_build.configuration.database import Database
    from host_build.readback.model import Circuit
    from host_build.readback.nodes import Nodes


def add(commands: Commands) -> None:
    parser = commands.add(
        "readback", readback,
        "read a bitstream, by any tool, back to cells and nets, and simulate it as its overlay's",
        None, data(), own_data(), overlays(), folder("what was read", "NAME/readback"),
    )  # fmt: skip
    add_bitstream(parser)
    parser.add_argument(
        "--fasm", type=Path, metavar="FILE",
        help="features that the bitstream should have: every other one is told, with its cell",
    )  # fmt: skip
    parser.add_argument(
        "--netlist", type=Path, metavar="FILE",
        help="Yosys' JSON that was placed: registers, memories and blocks that are none of its",
    )  # fmt: skip
    parser.add_argument(
        "--overlay", metavar="NAME", help="simulate it on this overlay's self-test vectors"
    )
    parser.add_argument(
        "--images", type=positive, metavar="N", help="and on N test images, with --overlay"
    )
    parser.add_argument(
        "--record", action="store_true",
        help="and put how many were equal into the manifest of the overlay, whose bitstream it is, "
        "and with --netlist which kernel each place is of into kernels.json.gz",
    )  # fmt: skip


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

    if (options.images or options.record) and not options.overlay:
        flag = "--images" if options.images else "--record"
        raise HostError(f"{flag} needs --overlay NAME, which says what the images should give")
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
    if options.netlist:
        right = _named(options, found.circuit, into / "names.json") and right
    if options.overlay:
        right = _simulate(options, found.circuit) and right
    return 0 if right else 1


def _named(options: argparse.Namespace, circuit: Circuit, names: Path) -> bool:
    """Whether everything that keeps a state is in the netlist; their names go to a file."""
    from host_build.implementation import attribution, design
    from host_build.readback import kernels, likeness, netlist

    path = options.netlist
    found = likeness.compare(circuit, netlist.load(path))
    if found.differences:
        print("\n".join(map(str, found.differences)))
        return False
    write_json(names, found.named)
    print(
        f"every register, memory and block is one of {path}: {len(found.named):,} by name "
        f"({names}), {len(found.alike):,} like others"
    )
    if options.record:
        chosen = overlay.find(options.overlay, options.overlays)
        owners = attribution.owners(netlist.module(path), design.of_overlay(chosen))
        places = kernels.by_place(found, owners)
        kernels.record(chosen, options.bitstream, places)
        print(f"the kernels of {len(places):,} places are in {chosen.folder / kernels.FILE}")
    return True


def _simulate(options: argparse.Namespace, circuit: Circuit) -> bool:
    """Whether every logit, and the number of cycles, is as the overlay says."""
    from tqdm import tqdm

    from host_build.readback import equality

    chosen = overlay.find(options.overlay, options.overlays)
    images, count = None, len(vectors.load(chosen))
    if options.images:
        manifest = chosen.manifest
        images = (
            test_pictures(options, manifest.shape, len(manifest.classes), manifest.classes)
            .first(options.images)
            .images
        )
        count += len(images)
    with tqdm(total=count, unit="image", disable=None, leave=False) as bar:
        found = equality.compare(circuit, chosen, images, lambda done: bar.update(done - bar.n))
    print(found)
    if options.record:
        equality.record(chosen, options.bitstream, found)
        print(f"recorded in the manifest of {chosen.folder.name}")
    return found.right
