"""The data set's archive: found, fetched whole or not at all, and refused where it is damaged."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest

from board_app.errors import DatasetError
from board_app.pictures import cifar10
from board_app.pictures.cifar10 import FOLDER, RECORD

COUNT = 4


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of four records, so that an archive takes no time."""
    monkeypatch.setattr(cifar10, "RECORDS_PER_FILE", COUNT)


def batch(seed: int) -> bytes:
    records = np.random.default_rng(seed).integers(0, 256, (COUNT, RECORD)).astype(np.uint8)
    records[:, 0] %= 10
    return records.tobytes()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small archive of the real one's form."""
    return write_archive(tmp_path / "cifar.tar.gz", skip="")


def write_archive(path: Path, skip: str, prefix: str = FOLDER) -> Path:
    names = [name for names in cifar10.FILES.values() for name in names]
    with tarfile.open(path, "w:gz") as tar:
        for seed, name in enumerate([*names, "readme.html"]):
            if name == skip:
                continue
            content = batch(seed)
            info = tarfile.TarInfo(f"{prefix}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def served() -> Iterator[tuple[str, list[bytes]]]:
    """A web server's address, and what it answers: the announced length is always the first's."""
    answers: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not answers:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(answers[0])))
            self.end_headers()
            self.wfile.write(answers[-1])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/cifar.tar.gz", answers
        server.shutdown()
        thread.join()


def test_fetch_then_load(tmp_path: Path, archive: Path, served: tuple[str, list[bytes]]) -> None:
    url, answers = served
    answers.append(archive.read_bytes())
    seen: list[tuple[int, int]] = []
    cifar10.fetch(
        tmp_path / "cache", url=url, md5=md5(archive), progress=lambda *step: seen.append(step)
    )
    assert sum(step for step, _ in seen) == seen[0][1] == archive.stat().st_size
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [FOLDER]
    train = cifar10.load(tmp_path / "cache", "train")
    assert len(train) == 5 * COUNT and train.images.shape == (5 * COUNT, 32, 32, 3)
    record = np.frombuffer(batch(1), np.uint8).reshape(COUNT, RECORD)[2]
    assert train.labels[COUNT + 2] == record[0]
    # red, then green, then blue, each row by row
    np.testing.assert_array_equal(train.images[COUNT + 2, :, :, 1].ravel(), record[1025:2049])


def test_find_downloads_into_the_cache(
    archive: Path, served: tuple[str, list[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, answers = served
    answers.append(archive.read_bytes())
    with pytest.raises(DatasetError, match="give its folder with --cifar10"):
        cifar10.find(None, download=False)
    monkeypatch.setattr(
        cifar10.fetch, "__kwdefaults__", {"url": url, "md5": md5(archive), "progress": None}
    )
    folder = cifar10.find(None)
    answers.clear()
    assert cifar10.find(None) == folder == cifar10.cache_folder()
    assert len(cifar10.load(folder, "test").first(3)) == 3


def test_wrong_md5_leaves_nothing(tmp_path: Path, archive: Path) -> None:
    with pytest.raises(DatasetError, match=r"has md5 .* damaged or incomplete"):
        cifar10.fetch(tmp_path / "cache", url=archive.as_uri(), md5="0" * 32)
    assert list((tmp_path / "cache").iterdir()) == []


def test_connection_cut_leaves_nothing(
    tmp_path: Path, archive: Path, served: tuple[str, list[bytes]]
) -> None:
    url, answers = served
    whole = archive.read_bytes()
    answers.extend([whole, whole[: len(whole) // 2]])
    with pytest.raises(DatasetError):
        cifar10.fetch(tmp_path / "cache", url=url, md5=md5(archive))
    assert list((tmp_path / "cache").iterdir()) == []


def test_no_server_says_what_to_do(tmp_path: Path, served: tuple[str, list[bytes]]) -> None:
    with pytest.raises(DatasetError, match=r"404.*give its folder with --cifar10"):
        cifar10.fetch(tmp_path / "cache", url=served[0])


def test_cache_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="cannot download CIFAR-10 into"):
        cifar10.fetch(tmp_path / "file" / "cache", url="file:///none")


@pytest.mark.parametrize("kept", [0.0, 0.3, 0.9])
def test_truncated_archive(tmp_path: Path, archive: Path, kept: float) -> None:
    content = archive.read_bytes()
    archive.write_bytes(content[: int(len(content) * kept)])
    (tmp_path / "cache").mkdir()
    with pytest.raises(DatasetError, match=r"cifar.tar.gz cannot be unpacked"):
        cifar10.unpack(archive, tmp_path / "cache", md5=md5(archive))
    assert list((tmp_path / "cache").iterdir()) == []


def test_archive_lacks_a_file(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "cifar.tar.gz", skip="data_batch_3.bin")
    (tmp_path / "cache").mkdir()
    with pytest.raises(DatasetError, match=r"data_batch_3.bin is missing"):
        cifar10.unpack(archive, tmp_path / "cache", md5=md5(archive))
    assert list((tmp_path / "cache").iterdir()) == []


def test_archive_cannot_write_elsewhere(tmp_path: Path) -> None:
    archive = write_archive(tmp_path / "cifar.tar.gz", skip="", prefix="../../escaped")
    (tmp_path / "cache").mkdir()
    cifar10.unpack(archive, tmp_path / "cache", md5=md5(archive))
    assert not (tmp_path.parent / "escaped").exists()
    assert [path.name for path in (tmp_path / "cache").iterdir()] == [FOLDER]


@pytest.mark.parametrize(
    "content, message",
    [
        (batch(0)[:-1], "has 12291 bytes instead of 12292: it is truncated"),
        (b"", "has 0 bytes"),
        (b"\xff" * (RECORD * COUNT), "has a label above 9"),
    ],
)
def test_damaged_batch(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "test_batch.bin").write_bytes(content)
    with pytest.raises(DatasetError, match=f"test_batch.bin {message}"):
        cifar10.load(tmp_path, "test")


def test_folder_given_is_none(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is no folder; --cifar10 names"):
        cifar10.find(tmp_path / "none")


def test_the_real_data_set(cifar10: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Known of it whatever the order of its images: classes of equal size, and the mean colour."""
    from board_app.pictures.cifar10 import load

    monkeypatch.setattr("board_app.pictures.cifar10.RECORDS_PER_FILE", 10_000)
    assert np.bincount(load(cifar10, "test").labels).tolist() == [1000] * 10
    train = load(cifar10, "train")
    assert np.bincount(train.labels).tolist() == [5000] * 10
    mean = train.images.mean(axis=(0, 1, 2)) / 255
    np.testing.assert_allclose(mean, (0.4914, 0.4822, 0.4465), atol=1e-4)
    # Neighbours in a picture are alike, as they would not be with rows or channels mixed up.
    some = train.images[:1000].astype(float)
    for one, next_one in ((some[:, 1:], some[:, :-1]), (some[:, :, 1:], some[:, :, :-1])):
        assert np.corrcoef(one.ravel(), next_one.ravel())[0, 1] > 0.9
