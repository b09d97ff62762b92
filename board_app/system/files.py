"""Files that are either complete or absent, and arrays that are either whole or refused."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Dict, List, Tuple

import numpy as np


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside `path`, then rename over it; on any error `path` keeps its old content."""
    write_together({path: content})


def write_together(files: Dict[Path, bytes]) -> None:
    """Write all of them beside their paths before the first is renamed over its own.

    They are renamed in order. Where there is no room for all, every path keeps its old content.
    What is a device or a pipe, such as /dev/null, is written to, and stays what it is.
    """
    special = {path for path in files if path.exists() and not (path.is_file() or path.is_dir())}
    written: List[Tuple[Path, Path]] = []
    try:
        for path, content in files.items():
            if path in special:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
            written.append((Path(name), path))
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(0o644)
        for scratch, path in written:
            scratch.replace(path)
        for path in special:
            with path.open("wb") as file:
                file.write(files[path])
    except BaseException:
        for scratch, _ in written:
            scratch.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: object) -> None:
    """Write `value` as JSON for people and programs; complete or absent, as above."""
    write_atomically(path, as_json(value))


def as_json(value: object) -> bytes:
    """The content of such a file."""
    return (json.dumps(value, indent=2) + "\n").encode()


def read_arrays(path: Path) -> Dict[str, np.ndarray]:
    """The arrays of an .npz file; ValueError for a damaged one, FileNotFoundError for none."""
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                raise ValueError("it is no .npz file, or truncated")
            file.seek(0)
            with np.load(file, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise ValueError(f"it is damaged: {error}") from error
