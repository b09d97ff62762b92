"""Runs on the armv7l machine: images as .npy on stdin; logits, and what made them, as JSON."""

import io
import json
import sys
import time
from pathlib import Path

import numpy as np

from board_app.driver.backends import open_backend
from board_app.network import overlay
from board_app.system import machine

images = np.load(io.BytesIO(sys.stdin.buffer.read()))
backend = open_backend("reference", overlay.find("lightweight"))
start = time.perf_counter()
logits = backend.execute(images)
seconds = time.perf_counter() - start
maps = Path("/proc/self/maps").read_text().splitlines()
libraries = {line.split()[-1] for line in maps if "libblas.so" in line}
result = {
    "logits": logits.tolist(),
    "seconds": seconds,
    "blas": sorted(libraries),
    "versions": machine.versions(),
}
print(json.dumps(result))
