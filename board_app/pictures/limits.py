"""What a picture may cost: bytes of memory and seconds of CPU, known before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Tuple

from PIL import Image

MAX_BYTES = 16 << 20
MAX_SIDE = 20_000  # the filter that shrinks a picture has a table of each side's length
_STRIP_TAG, _BITS_TAG = 278, 258

# What Pillow stores of a pixel; 4 bytes in all other modes.
_STORED: Dict[str, int] = {"1": 1, "L": 1, "P": 1, "I;16": 2, "I;16B": 2}
# What a whole copy in a mode that can be filtered adds: to RGB, RGBA or 32-bit grey, and RGBA
# once more with its colours multiplied by alpha.
_COPIED: Dict[str, int] = {"1": 1, "L": 0, "RGB": 0, "CMYK": 0, "RGBA": 4, "LA": 8, "PA": 8}
_COPIED_OTHER, _COPIED_TRANSPARENT = 4, 8
WEBP = 16  # all of it: its animation decoder's two canvases and the planes of the frame


@dataclass(frozen=True)
class Lane:
    """What a decoding may take: `memory` in bytes with the file's own, `seconds` of CPU, pixels."""

    memory: int
    seconds: float
    pixels: int


# Most pictures, several at once; then the large ones, one at a time. A picture is tried in both
# at most, which is less than 2 s of CPU; with the interpreter the memory stays below 100 MB.
SMALL = Lane(24 << 20, 0.4, 2_000_000)
LARGE = Lane(76 << 20, 1.3, 50_000_000)


def memory(image: Image.Image, size: Tuple[int, int]) -> float:
    """The most bytes that decoding and shrinking `image`, opened and not loaded, take.

    `size` is that in the file, where `draft` made the image smaller.
    """
    mode = image.mode
    stored = _STORED.get(mode, 4)
    copied = _COPIED.get(mode, _COPIED_OTHER)
    if "transparency" in image.info:
        copied = _COPIED_TRANSPARENT
    return image.width * image.height * (stored + copied) + size[0] * size[1] * _decoder(image)


def webp_size(content: bytes) -> Optional[Tuple[int, int]]:
    """Width and height in a WebP file's header; None where it is none.

    Pillow allocates a WebP picture's canvas as soon as it opens the file.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    kind, data = content[12:16], content[20:30]
    if kind == b"VP8X":
        return _little(data[4:7]) + 1, _little(data[7:10]) + 1
    if kind == b"VP8L":
        bits = _little(data[1:5])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return _little(data[6:8]) & 0x3FFF, _little(data[8:10]) & 0x3FFF


def _decoder(image: Image.Image) -> float:
    """What the format's decoder holds besides the picture."""
    if image.format == "WEBP":
        return WEBP - 4
    if image.format == "JPEG" and image.info.get("progressive"):
        # The coefficients of the whole picture, 2 bytes each.
        factors = [(layer[1], layer[2]) for layer in getattr(image, "layer", [])]
        full = max(x for x, _ in factors) * max(y for _, y in factors)
        coefficients: float = sum(x * y for x, y in factors) / full
        return 2 * coefficients
    if image.format == "TIFF":
        tags = getattr(image, "tag_v2", {})
        rows: int = min(tags.get(_STRIP_TAG, image.height), image.height)
        bits: int = sum(tags.get(_BITS_TAG, (1,)))
        return rows / image.height * bits / 8
    return 0


def _little(data: bytes) -> int:
    return int.from_bytes(data, "little")
