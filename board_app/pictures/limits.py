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
# All of a WebP's beside its file, of which there is a copy: its animation decoder's two canvases,
# the frame's planes (a lossy one) or pixels (a lossless one, or one with alpha), and the picture.
_WEBP_LOSSY, _WEBP_OTHER = 16, 20
PREVIEW = 512  # pixels of a preview's longer side
GAP = 3.0  # a picture is first reduced to so many times the preview's size, or more


@dataclass(frozen=True)
class Lane:
    """What a decoding may take: `memory` in bytes with the file's own, `seconds` of CPU, pixels.

    The seconds are those of the machine of `calibration`; slower ones take more.
    """

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
    pixels = image.width * image.height * (stored + copied)
    return pixels + size[0] * size[1] * _decoder(image) + _shrinking(image)


def webp(content: bytes) -> Optional[Tuple[Tuple[int, int], float]]:
    """Width and height in a WebP file's header, and the bytes it takes; None where it is none.

    Pillow allocates a WebP picture's canvas as soon as it opens the file.
    """
    if content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    kind, data = content[12:16], content[20:30]
    each = _WEBP_OTHER
    if kind == b"VP8X":
        size = (_little(data[4:7]) + 1, _little(data[7:10]) + 1)
    elif kind == b"VP8L":
        bits = _little(data[1:5])
        size = ((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    else:
        each = _WEBP_LOSSY
        size = (_little(data[6:8]) & 0x3FFF, _little(data[8:10]) & 0x3FFF)
    return size, size[0] * size[1] * each + len(content) + _passes(size, 4)


def _shrinking(image: Image.Image) -> float:
    """What making the preview takes beside the picture itself."""
    return _passes(image.size, 1 if image.mode in ("1", "L") else 4)


def _passes(size: Tuple[int, int], each: int) -> float:
    """A copy that is reduced by whole factors, one that is as wide as the preview, and that."""
    scale = min(1.0, PREVIEW / max(size))
    width, height = size[0] * scale, size[1] * scale
    factor = max(1, int(1 / (scale * GAP)))
    copied = size[0] / factor * size[1] / factor if factor > 1 else 0.0
    return each * (copied + width * size[1] / factor + width * height)


def _decoder(image: Image.Image) -> float:
    """What the format's decoder holds besides the picture."""
    if image.format == "WEBP":
        return _WEBP_OTHER - 4  # it was refused before it was opened, where it is too large
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
