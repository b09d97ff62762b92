"""Any picture to the network's input: 32x32 RGB, upright, cropped to its middle square."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Tuple

import numpy as np
from PIL import Image, UnidentifiedImageError

from board_app.errors import PictureError

SIDE = 32
MAX_BYTES = 16 << 20
MAX_PIXELS = 50_000_000
# All of a picture of another mode is copied, in up to four times the bytes, on a board of 512 MB.
_RESIZED_FIRST = ("L", "RGB", "CMYK")
_SHARE_COPIED = 4
PREVIEW = 512

# Not every format that Pillow can open: EPS, for one, starts Ghostscript on the upload.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_ORIENTATION = 0x0112
_TURN = getattr(Image, "Transpose", Image)  # Pillow before 9.1 has the constants in the module
_UPRIGHT = {
    2: _TURN.FLIP_LEFT_RIGHT,
    3: _TURN.ROTATE_180,
    4: _TURN.FLIP_TOP_BOTTOM,
    5: _TURN.TRANSPOSE,
    6: _TURN.ROTATE_270,
    7: _TURN.TRANSVERSE,
    8: _TURN.ROTATE_90,
}
_LANCZOS = getattr(Image, "Resampling", Image).LANCZOS


@dataclass(frozen=True)
class Picture:
    """`pixels` (32, 32, 3) uint8 RGB, and an upright preview of at most 512 pixels a side."""

    pixels: np.ndarray
    preview: Image.Image


def load_file(path: Path) -> Picture:
    """Read a picture file; PictureError names it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PictureError(f"larger than {MAX_BYTES >> 20} MB")
        return load(path.read_bytes())
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from error
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def load(content: bytes) -> Picture:
    """Decode a picture's bytes, at most 16 MB and 50 megapixels.

    Of pictures that are neither plain grey nor plain colours at most a quarter. Transparency is
    laid over white. A 32x32 RGB picture keeps its pixels exactly. Of a picture with several frames
    the first one counts.
    """
    if not content:
        raise PictureError("the picture is empty (0 bytes)")
    if len(content) > MAX_BYTES:
        raise PictureError(f"larger than {MAX_BYTES >> 20} MB")
    try:
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            most = _most_pixels(image)
            if image.width * image.height > most:
                raise PictureError(_too_many_pixels(f"{image.width}x{image.height}", most))
            # A JPEG decodes at 1/2, 1/4 or 1/8 of its size at no loss here: less time and memory.
            image.draft("RGB", (PREVIEW, PREVIEW))
            image.load()
            return _fit(image)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"not a picture that can be read ({', '.join(_FORMATS)})") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise PictureError(_too_many_pixels("far more", MAX_PIXELS)) from None
    except MemoryError:
        raise PictureError("too large for this machine's memory") from None
    except Exception as error:  # a decoder raises whatever its parsing of a damaged file ran into
        raise PictureError(f"the picture is damaged: {error}") from error


def _fit(image: Image.Image) -> Picture:
    orientation = image.getexif().get(_ORIENTATION)
    image = _eight_bit(image)
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    # Resized before anything else is done, so that no step copies all of a large picture.
    square = _resize(image, (SIDE, SIDE), (left, top, left + side, top + side))
    scale = min(1.0, PREVIEW / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    preview = _resize(image, size, (0, 0, width, height))
    if orientation in _UPRIGHT:
        square, preview = (x.transpose(_UPRIGHT[orientation]) for x in (square, preview))
    return Picture(np.array(square), preview)


def _resize(
    image: Image.Image, size: Tuple[int, int], box: Tuple[int, int, int, int]
) -> Image.Image:
    return _opaque(image.resize(size, _LANCZOS, box=box, reducing_gap=3.0))


def _eight_bit(image: Image.Image) -> Image.Image:
    """The same picture in a mode of 8 bits a channel that can be filtered."""
    if image.mode.startswith("I"):  # 16-bit greyscale, which Pillow would clip at 255
        values = np.asarray(image).clip(0, 0xFFFF)
        return Image.fromarray((values >> 8).astype(np.uint8))
    if image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode not in ("L", "RGB", "RGBA", "CMYK"):
        return image.convert("RGB")
    return image


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _most_pixels(image: Image.Image) -> int:
    plain = image.mode in _RESIZED_FIRST and "transparency" not in image.info
    return MAX_PIXELS if plain else MAX_PIXELS // _SHARE_COPIED


def _too_many_pixels(found: str, most: int) -> str:
    return f"the picture has too many pixels ({found}; {most / 1e6:g} megapixels at most)"
