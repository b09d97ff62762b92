"""What all tests share: the data that is not part of the project, and where it may be."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from board_app.pictures import cifar10 as data

if TYPE_CHECKING:  # host_build is not for the environments of a board
    from host_build.configuration.database import Database
    from host_build.readback.nodes import Nodes

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"


@pytest.fixture(scope="session")
def cifar10() -> Path:
    """A folder with CIFAR-10: $CIFAR10, the cache, or what lies beside the checkout."""
    if "CIFAR10" in os.environ:
        return Path(os.environ["CIFAR10"])
    if (data.cache_folder() / data.FOLDER).is_dir():
        return data.cache_folder()
    unpack = SHARED / "cifar10" / "unpack.py"
    if not unpack.is_file():
        pytest.skip("CIFAR-10 is not at hand: set CIFAR10 to the folder of its binary version")
    folder = ROOT / ".cache" / "cifar10"
    if not (folder / data.FOLDER / "test_batch.bin").is_file():
        subprocess.run([sys.executable, unpack, folder], check=True)
    return folder


@pytest.fixture(scope="session")
def original() -> Path:
    """The folder with the original project's model, handoff and reports."""
    folder = SHARED / "seed"
    if not folder.is_dir():
        pytest.skip("the original project's files are not beside this checkout")
    return folder


@pytest.fixture(scope="session")
def prjxray() -> Path:
    """Project X-Ray's database of the Zynq-7000, the folder that has zynq7/."""
    folder = ROOT / ".cache" / "prjxray"
    if not (folder / "zynq7").is_dir():
        _unpack(_shared("prjxray", "zynq7.tar.zst"), folder / "zynq7")
    return folder


@pytest.fixture(scope="session")
def nodes_file() -> Path:
    """Which wires of the xc7z020 are one node."""
    packed = _shared("prjxray", "xc7z020-nodes.txt.zst")
    path = ROOT / ".cache" / "prjxray" / packed.stem
    if not path.is_file():
        _unpack(packed, path)
    return path


@pytest.fixture(scope="module")
def database(prjxray: Path) -> Database:
    """What the bits of an xc7z020 mean."""
    from host_build.configuration.database import Database
    from host_build.configuration.part import FAMILY, PART

    return Database(prjxray / FAMILY, PART)


@pytest.fixture(scope="module")
def joined(nodes_file: Path) -> Nodes:
    """Its wires that are one node."""
    from host_build.readback import nodes

    return nodes.load(nodes_file)


@pytest.fixture(scope="session")
def routed() -> Path:
    """A placed and routed chip: lightweight-12288.bit, .fasm and .netlist.json, by nextpnr."""
    folder = ROOT / ".cache" / "routed"
    for kind in ("bit", "fasm", "netlist.json"):
        packed = _shared("inputs", "bitstreams", f"lightweight-12288.{kind}.zst")
        if not (folder / packed.stem).is_file():
            _unpack(packed, folder / packed.stem)
    return folder


def _shared(*path: str) -> Path:
    found = SHARED.joinpath(*path)
    if not found.is_file():
        pytest.skip(f"{found.name} is not beside this checkout")
    if shutil.which("zstd") is None:
        pytest.skip("zstd, which unpacks what lies beside this checkout, is not installed")
    return found


def _unpack(packed: Path, target: Path) -> None:
    """Beside `target` and then renamed, so that what is there is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
        made = Path(temporary) / packed.stem
        subprocess.run(["zstd", "-dq", packed, "-o", made], check=True)
        if made.suffix == ".tar":
            with tarfile.open(made) as archive:
                archive.extractall(temporary, filter="data")
            made = Path(temporary) / target.name
        with contextlib.suppress(OSError):  # another worker was quicker
            made.rename(target)
