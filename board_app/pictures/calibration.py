"""How slow this machine decodes, beside the one that the lanes' seconds were measured on.

The board's processor takes many times as long for the same picture: it is to be refused there for
what it is, not for the machine.
"""

from __future__ import annotations

import io
import time
from typing import List

from PIL import Image

_SIDE = 640
_ROUNDS = 3
_REFERENCE = 0.024  # seconds; one core of an AMD EPYC takes 0.016 with Pillow 13, 0.019 with 9.0
_MOST = 24.0  # a limit that grows with the machine's slowness has to have one itself


def slowness() -> float:
    """1 on a machine like that one and on faster ones; 4 where the same takes 4 times as long."""
    picture = Image.effect_noise((_SIDE, _SIDE), 60)
    contents = []
    for kind, mode in (("JPEG", "RGB"), ("PNG", "L"), ("GIF", "P")):
        file = io.BytesIO()
        picture.convert(mode).save(file, kind)
        contents.append(file.getvalue())
    taken = min(_decoding(contents) for _ in range(_ROUNDS))
    return min(max(1.0, taken / _REFERENCE), _MOST)


def _decoding(contents: List[bytes]) -> float:
    start = time.process_time()
    for content in contents:
        with Image.open(io.BytesIO(content)) as image:
            image.load()
            image.resize((_SIDE // 4, _SIDE // 4))
    return time.process_time() - start
