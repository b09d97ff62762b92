"""Pictures of strangers cost no more than their limits, whatever is in them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from board_app.errors import PictureError
from board_app.pictures.cifar10 import SHAPE
from board_app.pictures.decoder import Decoder
from tests.conftest import ROOT, SHARED

from .test_picture import bomb, save

MEASURE = """
import io, resource, sys
from pathlib import Path
import psutil
from PIL import Image
from board_app.errors import PictureError
from board_app.pictures import decoder
from board_app.pictures.calibration import slowness
tiny = io.BytesIO()
Image.new("L", (1, 1)).save(tiny, "PNG")
decoder.shared.decode(tiny.getvalue(), (32, 32, 3))
started = sum(psutil.Process().children()[0].cpu_times()[:4])
slow = slowness()
try:
    said = str(decoder.shared.decode(Path(sys.argv[1]).read_bytes(), (32, 32, 3)).preview_size)
except PictureError as error:
    said = str(error)
slow = max(slow, slowness())
decoder.shared.close()
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print((used.ru_utime + used.ru_stime - started) / slow, used.ru_maxrss * 1024, said)
"""
"""Prints a picture's seconds of CPU, without the decoder's start, on the machine of `calibration`,
the most bytes of memory, and the answer."""


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    made = Decoder()
    yield made
    made.close()


def progressive() -> bytes:
    return save(Image.new("CMYK", (4500, 4500)), "JPEG", progressive=True)


def many_scans() -> bytes:
    """A progressive JPEG whose last scan comes 5000 times."""
    content = save(Image.new("RGB", (3000, 3000), "red"), "JPEG", progressive=True)
    last = content.rindex(b"\xff\xda")
    return content[:-2] + content[last:-2] * 5000 + content[-2:]


def comments() -> bytes:
    """A GIF with a million bytes of comments, one byte each."""
    content = save(Image.new("P", (9, 9)), "GIF")
    image = content.rindex(b"\x2c\0\0\0\0")
    return content[:image] + b"\x21\xfe" + b"\1x" * 1_000_000 + b"\0" + content[image:]


def webp() -> bytes:
    return save(Image.new("RGB", (5000, 5000)), "WEBP", method=0)


def large_tile() -> bytes:
    """A small TIFF whose strip says that it has two thousand million rows."""
    content = save(Image.new("RGB", (60, 60)), "TIFF", compression="tiff_lzw")
    rows = content.index((278).to_bytes(2, "little")) + 8
    return content[:rows] + (2**31 - 1).to_bytes(4, "little") + content[rows + 4 :]


KINDS = {
    "long PNG": lambda: bomb(1, 50_000_000),
    "progressive CMYK": progressive,
    "JPEG of 5000 scans": many_scans,
    "GIF of comments": comments,
    "WebP": webp,
    "TIFF of one strip": large_tile,
}


def assert_bounded(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    seconds, memory, said = done.stdout.split(" ", 2)
    assert float(seconds) < 2, said
    assert int(memory) < 100_000_000, said


@pytest.mark.parametrize("kind", KINDS)
def test_bounded(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "picture"
    path.write_bytes(KINDS[kind]())
    assert_bounded(path)


def test_bounded_as_seen() -> None:
    folder = SHARED / "inputs" / "pictures"
    if not folder.is_dir():
        pytest.skip("the pictures that took the demo down are not beside this checkout")
    for path in folder.iterdir():
        assert_bounded(path)


def test_endless_work_is_told(decoder: Decoder) -> None:
    with pytest.raises(PictureError, match="takes too long to decode"):
        decoder.decode(many_scans(), SHAPE)


def test_small_pictures_do_not_wait_for_large_ones(decoder: Decoder) -> None:
    large = save(Image.new("RGB", (3000, 2000)))
    small = save(Image.new("RGB", (40, 40), "red"))
    found = []
    with decoder._large.turn():
        waiting = [
            threading.Thread(target=lambda: found.append(decoder.decode(large, SHAPE)))
            for _ in range(9)
        ]
        for thread in waiting:
            thread.start()
        for _ in range(20):
            assert decoder.decode(small, SHAPE).preview_size == (40, 40)
        assert not found
    for thread in waiting:
        thread.join()
    assert [x.preview_size for x in found] == [(512, 341)] * 9


def test_a_dead_process_is_started_again(decoder: Decoder) -> None:
    content = save(Image.new("RGB", (32, 32), "red"))
    decoder.start()
    for _ in range(2):
        assert decoder._process is not None
        os.kill(decoder._process.pid, signal.SIGKILL)
        assert decoder.decode(content, SHAPE).pixels[:3] == b"\xff\0\0"


def waiting(decoder: Decoder) -> psutil.Process:
    """The fork that waits for the next picture, once it is alone."""
    assert decoder._process is not None
    process = psutil.Process(decoder._process.pid)
    end = time.monotonic() + 20
    while len(forks := process.children()) != 1:
        assert time.monotonic() < end, forks
        time.sleep(0.01)
    return forks[0]


def test_each_picture_has_a_fork_of_its_own_that_waited(decoder: Decoder) -> None:
    content = save(Image.new("RGB", (32, 32), "red"))
    decoder.decode(content, SHAPE)
    first = waiting(decoder)
    decoder.decode(content, SHAPE)
    first.wait(20)
    assert waiting(decoder) != first


def test_the_fork_that_waits_may_die(decoder: Decoder) -> None:
    content = save(Image.new("RGB", (32, 32), "red"))
    for _ in range(2):
        decoder.decode(content, SHAPE)
        fork = waiting(decoder)
        fork.kill()
        end = time.monotonic() + 20
        while fork.status() != psutil.STATUS_ZOMBIE:
            assert time.monotonic() < end, fork.status()
            time.sleep(0.01)
    assert decoder.decode(content, SHAPE).pixels[:3] == b"\xff\0\0"


def test_the_time_is_for_decoding() -> None:
    """Not for writing: an answer that is cut off in its middle could not be read."""
    script = """
import os, time
from dataclasses import replace
from board_app.pictures import decoder_process
from board_app.pictures.limits import SMALL
write = decoder_process._write
def slowly(*answer):
    while time.process_time() < began + 1:
        pass
    write(*answer)
decoder_process._write = slowly
file = os.memfd_create("picture")
os.write(file, b"P6 1 1 255 rgb")
os.lseek(file, 0, os.SEEK_SET)
began = time.process_time()
decoder_process.respond(replace(SMALL, seconds=0.5), (1, 1, 3), file, 1)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout[-6:]) == (0, b"rgbrgb"), done.stderr


def test_ctrl_c_and_sigterm_leave_it_running(decoder: Decoder) -> None:
    content = save(Image.new("RGB", (32, 32), "red"))
    decoder.decode(content, SHAPE)
    process = decoder._process
    assert process is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(process.pid, number)
    assert decoder.decode(content, SHAPE).preview_size == (32, 32)
    assert decoder._process is process


def test_it_ends_with_its_parent() -> None:
    script = (
        "import os; from board_app.pictures import decoder; decoder.shared.start();"
        "print(decoder.shared._process.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=60)
    assert not done.stderr  # and the pipes are closed: nothing that has them lives


def test_nothing_is_left_open(decoder: Decoder) -> None:
    content = save(Image.new("RGB", (32, 32), "red"))
    decoder.decode(content, SHAPE)
    before = os.listdir("/proc/self/fd")  # noqa: PTH208
    for _ in range(50):
        decoder.decode(content, SHAPE)
        with pytest.raises(PictureError):
            decoder.decode(content[:50], SHAPE)
    assert os.listdir("/proc/self/fd") == before  # noqa: PTH208


def test_at_once(decoder: Decoder) -> None:
    """Each gets the answer for its own picture."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (60, 32, 32, 3)).astype(np.uint8)
    wrong = []

    def check(index: int) -> None:
        content = io.BytesIO()
        Image.fromarray(pixels[index]).save(content, "PNG")
        if decoder.decode(content.getvalue(), SHAPE).pixels != pixels[index].tobytes():
            wrong.append(index)

    threads = [threading.Thread(target=check, args=(index,)) for index in range(len(pixels))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
