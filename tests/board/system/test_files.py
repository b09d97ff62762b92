"""Files are complete or absent; damaged arrays are refused."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest

from board_app.system.files import read_arrays, write_atomically, write_json


def test_write_replaces_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


def test_a_pipe_is_written_to_and_stays_one(tmp_path: Path) -> None:
    """A device in its place would be gone for everybody: root may replace /dev/null."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    write_json(path, [1, 2])
    assert json.loads(os.read(reader, 100)) == [1, 2]
    os.close(reader)
    assert path.is_fifo() and list(tmp_path.iterdir()) == [path]


def test_disk_full_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_json_is_for_people_and_programs(tmp_path: Path) -> None:
    path = tmp_path / "row.json"
    row = {"network": "tiny", "accuracy": [0.5, None]}
    write_json(path, row)
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(path, {"network": tmp_path})
    assert json.loads(path.read_text()) == row
    assert path.read_text().splitlines()[1] == '  "network": "tiny",'
    assert path.read_bytes().endswith(b"}\n")


def test_arrays_round_trip(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.arange(5))
    assert read_arrays(tmp_path / "a.npz")["x"].tolist() == [0, 1, 2, 3, 4]


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_arrays(tmp_path / "none.npz")


@pytest.mark.parametrize("kept", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_truncated_arrays(tmp_path: Path, kept: float) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.random.default_rng(0).integers(0, 9, 5000))
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ValueError):
        read_arrays(path)


def test_flipped_bytes_are_never_another_kind_of_error(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez_compressed(path, x=np.arange(300))
    content = path.read_bytes()
    rng = np.random.default_rng(1)
    for position in rng.integers(0, len(content), 200):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            read_arrays(path)
        except ValueError:
            continue  # what it promises; a byte that nobody reads may also change nothing


def test_pickles_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, x=np.array([{}], dtype=object))
    with pytest.raises(ValueError):
        read_arrays(path)
