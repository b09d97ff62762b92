"""CIFAR-10 from its binary archive: find it, or download it, check it, load it with numpy.

Layout (from the data set's page): a record is 1 label byte and 3,072 pixel bytes, 1,024 red, then
green, then blue, row-major; data_batch_1..5.bin and test_batch.bin hold 10,000 records each.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import tarfile
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Callable, Iterator, Optional, Sequence, Tuple

import numpy as np

from board_app.errors import DatasetError

CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SHAPE = (32, 32, 3)
URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
FOLDER = "cifar-10-batches-bin"
FILES = {
    "train": tuple(f"data_batch_{i}.bin" for i in range(1, 6)),
    "test": ("test_batch.bin",),
}
RECORD = 1 + 32 * 32 * 3
RECORDS_PER_FILE = 10_000

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Dataset:
    """`images` (N, 32, 32, 3) uint8 RGB, `labels` (N,) uint8 in 0..9, and where they are from."""

    images: np.ndarray
    labels: np.ndarray
    source: str

    def __len__(self) -> int:
        return len(self.labels)

    def first(self, count: Optional[int]) -> Dataset:
        """The first `count` images; all of them for None."""
        return self if count is None else Dataset(
            self.images[:count], self.labels[:count], self.source
        )  # fmt: skip


def misfit(shape: Tuple[int, int, int], classes: Sequence[str]) -> Optional[str]:
    """Why these images are none for a network of `shape` and `classes`; None where they are."""
    if shape == SHAPE and tuple(classes) == CLASSES:
        return None
    height, width, channels = shape
    return (
        "CIFAR-10's images are not for this network, which takes pictures of "
        f"{width}x{height} pixels of {channels} channel{'s' * (channels > 1)} and knows "
        f"{len(classes):,} classes of its own"
    )


def cache_folder() -> Path:
    """Where a downloaded copy is kept."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "cifar10"


def load(folder: Path, split: str) -> Dataset:
    """Read `split` ("train" or "test") of the unpacked archive in `folder` or one level below."""
    inner = folder / FOLDER
    where = inner if inner.is_dir() else folder
    parts = [_read(where / name) for name in FILES[split]]
    records = np.concatenate(parts)
    images = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    return Dataset(np.ascontiguousarray(images), records[:, 0].copy(), str(where))


def find(
    folder: Optional[Path], *, download: bool = True, progress: Optional[Progress] = None
) -> Path:
    """Return a folder that `load` reads: `folder` if given, else the cache, else a download.

    Raises DatasetError where none of these is to be had.
    """
    if folder is not None:
        if not folder.is_dir():
            raise DatasetError(
                f"{folder} is no folder; --cifar10 names the one with {FOLDER}/ in it"
            )
        return folder
    cache = cache_folder()
    if (cache / FOLDER).is_dir():
        return cache
    if not download:
        raise DatasetError(f"CIFAR-10 is not in {cache}; give its folder with --cifar10")
    fetch(cache, progress=progress)
    return cache


def fetch(
    folder: Path, *, url: str = URL, md5: str = MD5, progress: Optional[Progress] = None
) -> None:
    """Download and unpack the archive into `folder`; nothing stays there unless all is right."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = tempfile.TemporaryDirectory(dir=folder, prefix=".download-")
    except OSError as error:
        raise DatasetError(f"cannot download CIFAR-10 into {folder}: {error}") from error
    with scratch:
        archive = Path(scratch.name) / "archive.tar.gz"
        try:
            with urllib.request.urlopen(url, timeout=30) as response, archive.open("wb") as file:
                total = int(response.headers.get("Content-Length") or 0)
                for block in _blocks(response):
                    file.write(block)
                    if progress is not None:
                        progress(len(block), total)
        except (OSError, http.client.HTTPException) as error:
            raise DatasetError(
                f"could not download CIFAR-10 from {url}: {error}; "
                "fetch it by other means, unpack it and give its folder with --cifar10"
            ) from error
        unpack(archive, folder, md5=md5)


def unpack(archive: Path, folder: Path, *, md5: str = MD5) -> None:
    """Check the archive's md5 and unpack it into `folder`, all or nothing."""
    digest = hashlib.md5()
    with archive.open("rb") as file:
        for block in _blocks(file):
            digest.update(block)
    if digest.hexdigest() != md5:
        raise DatasetError(
            f"{archive.name} has md5 {digest.hexdigest()}, expected {md5}: "
            "the download is damaged or incomplete; delete it and download again"
        )
    wanted = {name for names in FILES.values() for name in names}
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unpack-") as scratch:
        whole = Path(scratch) / FOLDER
        whole.mkdir()
        try:
            with tarfile.open(archive) as tar:
                for member in tar:
                    name = Path(member.name).name
                    source = tar.extractfile(member) if name in wanted else None
                    if source is not None:
                        with source, (whole / name).open("wb") as target:
                            shutil.copyfileobj(source, target)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise DatasetError(f"{archive.name} cannot be unpacked: {error}") from error
        for name in sorted(wanted):
            _read(whole / name)
        whole.replace(folder / FOLDER)


def _read(path: Path) -> np.ndarray:
    """One file's records, (10000, 3073) uint8."""
    try:
        content = np.fromfile(path, dtype=np.uint8)
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing; CIFAR-10's binary version has it") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error}") from error
    expected = RECORD * RECORDS_PER_FILE
    if content.size != expected:
        raise DatasetError(
            f"{path} has {content.size} bytes instead of {expected}: "
            "it is truncated or not CIFAR-10"
        )
    records = content.reshape(RECORDS_PER_FILE, RECORD)
    if records[:, 0].max() >= len(CLASSES):
        raise DatasetError(f"{path} has a label above 9: it is not CIFAR-10's binary version")
    return records


def _blocks(file: IO[bytes], size: int = 1 << 20) -> Iterator[bytes]:
    while block := file.read(size):
        yield block
