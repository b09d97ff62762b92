"""What is counted of a picture before it is decoded is what it then takes."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.conftest import ROOT

SIDE = 1400
SLACK = 2 << 20  # what a lane's process may have more than is counted

# Decodes in a process of its own, whose memory nothing has used before; without numpy, as there.
MEASURE = """
import io, sys
from pathlib import Path
from PIL import Image
from board_app.pictures import decoding, limits

def kilobytes(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key))

Image.MAX_IMAGE_PIXELS = None
Image.init()
content = Path(sys.argv[1]).read_bytes()
before = kilobytes("VmSize:")
decoding.decode(content, limits.Lane(1 << 33, 100, 10**9), (32, 32, 3))
taken = 1024 * (kilobytes("VmPeak:") - before)
counted = limits.webp(content)
if counted is None:
    with Image.open(io.BytesIO(content)) as image:
        size = image.size
        image.draft("RGB", (limits.PREVIEW,) * 2)
        print(limits.memory(image, size), taken)
else:
    print(counted[1], taken)
"""

KINDS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "16-bit grey PNG": ("PNG", "I;16", {}),
    "alpha PNG": ("PNG", "RGBA", {}),
    "lossless WebP": ("WEBP", "RGB", {"lossless": True, "quality": 0, "method": 0}),
    "lossless alpha WebP": ("WEBP", "RGBA", {"lossless": True, "quality": 0, "method": 0}),
    "WebP": ("WEBP", "RGB", {"method": 0}),
    "alpha WebP": ("WEBP", "RGBA", {"method": 0}),
    "JPEG": ("JPEG", "RGB", {}),
    "progressive JPEG": ("JPEG", "RGB", {"progressive": True}),
    "GIF": ("GIF", "P", {}),
    "TIFF": ("TIFF", "RGB", {"compression": "tiff_lzw"}),
}


def noise(mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.frombytes(mode, (SIDE, SIDE), os.urandom(2 * SIDE * SIDE))
    bands = [Image.effect_noise((SIDE, SIDE), 90) for _ in Image.new(mode, (1, 1)).getbands()]
    return bands[0].convert(mode) if len(bands) == 1 else Image.merge(mode, bands)


@pytest.mark.parametrize("kind", KINDS)
def test_counted_as_taken(kind: str, tmp_path: Path) -> None:
    form, mode, options = KINDS[kind]
    path, file = tmp_path / "picture", io.BytesIO()
    noise(mode).save(file, form, **options)
    path.write_bytes(file.getvalue())
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, path], cwd=ROOT, capture_output=True, text=True, check=True
    )
    counted, taken = map(float, done.stdout.split())
    assert taken < counted + SLACK
    assert taken > 0.7 * counted - SLACK  # nor is a picture refused that could be decoded
