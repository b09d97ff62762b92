"""A picture file's bytes to a network's input and a preview, in a process that may die of it.

Without numpy, so that this process is small and quick to fork.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Optional, Tuple

from PIL import Image, UnidentifiedImageError

from board_app.errors import PictureError
from board_app.pictures.limits import GAP, MAX_SIDE, PREVIEW, Lane, memory, webp

Shape = Tuple[int, int, int]  # what a network takes: height, width and channels

# Not every format that Pillow can open: EPS, for one, starts Ghostscript on the upload.
_FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_ORIENTATION, _BITS_TAG = 0x0112, 258
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
_ON_ITS_SIDE = (5, 6, 7, 8)
_LANCZOS = getattr(Image, "Resampling", Image).LANCZOS


class TooLarge(PictureError):
    """The picture costs more than its lane allows; another may take it."""


@dataclass(frozen=True)
class Decoded:
    """`pixels` as the network takes them, and an upright preview of `preview_size`, RGB.

    Both have a byte a channel; `size` is the original's, upright.
    """

    size: Tuple[int, int]
    pixels: bytes
    preview_size: Tuple[int, int]
    preview: bytes


def decode(content: bytes, lane: Lane, shape: Shape) -> Decoded:
    """Decode a picture for a network of `shape`.

    PictureError where it cannot be, TooLarge where it may not be here.
    """
    try:
        canvas = webp(content)
        if canvas is not None:
            _check(*canvas, len(content), lane)
        with Image.open(io.BytesIO(content), formats=_FORMATS) as image:
            size = image.size  # before a JPEG is decoded at a part of it
            orientation = _load(image, len(content), lane)
            return fit(image, size, shape, orientation)
    except PictureError:
        raise
    except UnidentifiedImageError:
        raise PictureError(f"not a picture that can be read ({', '.join(_FORMATS)})") from None
    except MemoryError:
        raise TooLarge("the picture needs too much memory to decode") from None
    except Exception as error:  # a decoder raises whatever its parsing of a damaged file ran into
        raise PictureError(f"the picture is damaged: {error}") from error


def _load(image: Image.Image, length: int, lane: Lane) -> Optional[int]:
    """Load the pixels of `image` and return its orientation, an EXIF number."""
    if image.mode == "F" or (image.format == "TIFF" and 32 in _bits(image)):
        raise PictureError("a picture of 32 bits a channel does not say what is white: save 8 bits")
    size = image.size
    # A JPEG decodes at 1/2, 1/4 or 1/8 of its size at no loss here: less time and memory.
    image.draft("RGB", (PREVIEW, PREVIEW))
    _check(size, memory(image, size), length, lane)
    # Before the pixels: Pillow 9.0 closes a TIFF with them.
    orientation: Optional[int] = image.getexif().get(_ORIENTATION)
    image.load()
    return orientation


def _check(size: Tuple[int, int], memory: float, length: int, lane: Lane) -> None:
    """Refuse a picture of `length` bytes that takes `memory` more, where that is over a limit."""
    if max(size) > MAX_SIDE:
        raise PictureError(
            f"the picture is too long ({size[0]}x{size[1]}; {MAX_SIDE} pixels a side at most)"
        )
    pixels = size[0] * size[1]
    most = min(lane.pixels, int(pixels * (lane.memory - length) / memory)) if pixels else 0
    if pixels > most:
        raise TooLarge(
            f"the picture has too many pixels ({size[0]}x{size[1]}; "
            f"{most / 1e6:.3g} megapixels at most of its kind)"
        )


def fit(
    image: Image.Image, original: Tuple[int, int], shape: Shape, orientation: Optional[int] = None
) -> Decoded:
    """An image, whose `original` is larger if need be, for a network of `shape`; and its preview.

    The network gets the middle of it, as wide or high as the image.
    """
    image = _filterable(image)
    width, height = image.size
    on_its_side = orientation in _ON_ITS_SIDE
    target = (shape[0], shape[1]) if on_its_side else (shape[1], shape[0])
    # Resized before anything else is done, so that no step copies all of a large picture.
    middle = _resize(image, target, middle_of(image.size, target))
    if shape[2] == 1:
        middle = middle.convert("L")
    scale = min(1.0, PREVIEW / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    preview = _resize(image, size, (0, 0, width, height))
    if orientation in _UPRIGHT:
        middle, preview = (x.transpose(_UPRIGHT[orientation]) for x in (middle, preview))
        if on_its_side:
            original = (original[1], original[0])
    return Decoded(original, middle.tobytes(), preview.size, preview.tobytes())


def middle_of(size: Tuple[int, int], target: Tuple[int, int]) -> Tuple[int, int, int, int]:
    """The largest box of the proportions of `target` in the middle of `size`.

    Both sizes are width and height; a box is left, top, right and bottom.
    """
    width, height = size
    if width * target[1] > height * target[0]:
        width = max(1, height * target[0] // target[1])
    else:
        height = max(1, width * target[1] // target[0])
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return left, top, left + width, top + height


def _resize(
    image: Image.Image, size: Tuple[int, int], box: Tuple[int, int, int, int]
) -> Image.Image:
    return _opaque(image.resize(size, _LANCZOS, box=box, reducing_gap=GAP))


def _filterable(image: Image.Image) -> Image.Image:
    """The same picture in a mode that can be filtered."""
    if image.mode.startswith("I"):  # 16-bit greyscale
        return image.convert("I")
    if image.mode in ("LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode == "1":
        return image.convert("L")
    if image.mode not in ("L", "RGB", "RGBA", "CMYK"):
        return image.convert("RGB")
    return image


def _opaque(image: Image.Image) -> Image.Image:
    """8 bits of RGB, transparency laid over white."""
    if image.mode == "I":
        image = image.point(lambda value: value * (1 / 256)).convert("L")
    if image.mode != "RGBA":
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")


def _bits(image: Image.Image) -> Tuple[int, ...]:
    return tuple(getattr(image, "tag_v2", {}).get(_BITS_TAG, ()))
