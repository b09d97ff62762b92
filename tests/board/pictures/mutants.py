"""Picture files that were damaged at random, and what the demo answers to them.

    python -m tests.board.pictures.mutants [--files N] [--seed N]

N files of every format, valid ones with a few bytes changed, cut, doubled or exchanged with those
of others, go to /api/classify. Each has to get its class or a clear refusal, in less than 100 MB.
"""

from __future__ import annotations

import argparse
import io
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from flask import Flask
from PIL import Image

from board_app.driver.backends import open_backend
from board_app.network.overlay import Overlay
from board_app.pictures import decoder
from board_app.web import create_app

from ..networks import write_overlay

_STATUSES = {200, 415}
_MEMORY = 100_000_000
_TRIES = 100
_KEPT = Path("build/mutants")
_SIZE = (61, 47)
_KINDS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "BMP": [("1", {}), ("L", {}), ("P", {}), ("RGB", {}), ("RGBA", {})],
    "GIF": [("L", {}), ("P", {}), ("P", {"interlace": 0}), ("P", {"transparency": 3})],
    "JPEG": [("L", {}), ("RGB", {}), ("CMYK", {}), ("RGB", {"progressive": True})],
    "PNG": [("1", {}), ("L", {}), ("LA", {}), ("P", {}), ("I;16", {}), ("RGB", {}), ("RGBA", {})],
    "PPM": [("1", {}), ("L", {}), ("RGB", {})],
    "TIFF": [
        ("1", {"compression": "group4"}), ("L", {}), ("RGB", {"compression": "tiff_lzw"}),
        ("RGB", {"compression": "packbits"}), ("RGBA", {"compression": "tiff_adobe_deflate"}),
        ("CMYK", {}), ("RGB", {"compression": "jpeg"}), ("I;16", {}),
    ],
    "WEBP": [("RGB", {}), ("RGBA", {}), ("RGB", {"lossless": True}), ("RGB", {"frames": 3})],
}  # fmt: skip
FORMATS = tuple(_KINDS)


def valid(kind: str) -> list[bytes]:
    """Files of one format, of every mode and way to compress."""
    return [_save(kind, mode, dict(options)) for mode, options in _KINDS[kind]]


def _save(kind: str, mode: str, options: dict[str, Any]) -> bytes:
    rng = np.random.default_rng(len(mode))
    noise = rng.integers(0, 256, (*_SIZE[::-1], 4), dtype=np.uint8)
    smooth = np.linspace(0, 255, noise.size, dtype=np.uint8).reshape(noise.shape)
    pixels = np.where(np.arange(_SIZE[1])[:, None, None] < 20, noise, smooth)
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    else:
        image = Image.fromarray(pixels).convert("RGB").convert(mode)
    frames = options.pop("frames", 1)
    if frames > 1:
        more = [image.rotate(90)] * (frames - 1)
        options |= {"save_all": True, "append_images": more, "duration": 100}
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def mutants(kind: str, rng: np.random.Generator) -> Iterator[bytes]:
    """Damaged files of one format, without end."""
    files = valid(kind)
    while True:
        content = bytearray(files[rng.integers(len(files))])
        for _ in range(rng.geometric(0.4)):
            _damage(content, files, rng)
        yield bytes(content)


def _damage(content: bytearray, files: list[bytes], rng: np.random.Generator) -> None:
    at = int(rng.integers(len(content) + 1))
    if rng.random() < 0.5:
        at = min(at, int(rng.integers(200)))  # where the headers are
    length = int(rng.geometric(0.05))
    part = slice(at, at + length)
    what = rng.integers(7)
    if what == 0 and at < len(content):
        content[at] ^= 1 << int(rng.integers(8))
    elif what == 1:  # a number of 2 or 4 bytes, either way round
        width = int(rng.choice([2, 4]))
        value = int(rng.choice([0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 1 << 24, (1 << 31) - 1, 1 << 31]))
        order = "little" if rng.random() < 0.5 else "big"
        content[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, order)
    elif what == 2:
        content[part] = rng.integers(0, 256, len(content[part]), dtype=np.uint8).tobytes()
    elif what == 3:
        del content[part]
    elif what == 4:
        content[at:at] = content[part] * int(rng.integers(1, 50))
    elif what == 5:
        other = files[rng.integers(len(files))]
        content[at:] = other[at:]
    elif rng.random() < 0.3:
        del content[at:]


@dataclass
class Report:
    """How many got which status, what was neither answered nor refused, and what it cost.

    `seconds` of CPU and `memory` in bytes are of the process that decodes and its forks: the sum,
    and the most that one of them has had since this process began.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[tuple[int, bytes]] = field(default_factory=list)
    seconds: float = 0.0
    memory: int = 0


def run(app: Flask, kind: str, files: int, seed: int) -> Report:
    """Send that many damaged files of one format to `app`."""
    report = Report()
    source = mutants(kind, np.random.default_rng(seed))
    before = resource.getrusage(resource.RUSAGE_CHILDREN)

    def send(content: bytes) -> tuple[int, bytes]:
        for _ in range(_TRIES):
            response = app.test_client().post("/api/classify?windows=1", data=content)
            if response.status_code != 503:
                break
            time.sleep(0.1)  # it is put off, on a machine that has much else to do
        return response.status_code, content

    with ThreadPoolExecutor(2) as pool:
        for start in range(0, files, 100):
            batch = [next(source) or b"empty" for _ in range(min(100, files - start))]
            for status, content in pool.map(send, batch):
                report.statuses[status] += 1
                if status not in _STATUSES:
                    report.wrong.append((status, content))
    decoder.shared.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report.seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    report.memory = after.ru_maxrss * 1024
    return report


def main() -> int:
    """Run all formats, keep what got no good answer; 1 where there is such, or too much memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000, metavar="N")
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    options = parser.parse_args()
    failed = False
    with TemporaryDirectory() as folder:
        overlay: Overlay = write_overlay(Path(folder) / "lightweight")
        app = create_app(overlay, open_backend("reference", overlay))
        for kind in FORMATS:
            began = time.monotonic()
            report = run(app, kind, options.files, options.seed)
            print(
                f"{kind:5} {dict(report.statuses)}, {1e3 * report.seconds / options.files:.1f} ms "
                f"of CPU each, at most {report.memory / 1e6:.0f} MB, "
                f"{time.monotonic() - began:.0f} s",
                flush=True,
            )
            for index, (status, content) in enumerate(report.wrong[:10]):
                _KEPT.mkdir(parents=True, exist_ok=True)
                (_KEPT / f"{kind}-{status}-{index}").write_bytes(content)
            failed |= bool(report.wrong) or report.memory > _MEMORY
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
