"""Any picture to a network's input: upright, its middle cropped, RGB or grey."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple, Union

import numpy as np
from PIL import Image

from board_app.errors import PictureError
from board_app.pictures import decoder, decoding
from board_app.pictures.decoding import Decoded, Shape
from board_app.pictures.limits import MAX_BYTES, PREVIEW

__all__ = ["MAX_BYTES", "PREVIEW", "Picture", "Shape", "load", "load_all", "load_file", "of"]


@dataclass(frozen=True)
class Picture:
    """`pixels` uint8 in the network's shape, and an upright RGB preview of at most 512 a side.

    `size` is the upright original's width and height, of which the preview shows everything.
    """

    pixels: np.ndarray
    preview: Image.Image
    size: Tuple[int, int]


def load_file(path: Path, shape: Shape) -> Picture:
    """Read a picture file for a network of `shape`; PictureError names it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PictureError(f"larger than {MAX_BYTES >> 20} MB")
        return load(path.read_bytes(), shape)
    except OSError as error:
        raise PictureError(f"{path}: {error.strerror or error}") from error
    except PictureError as error:
        raise PictureError(f"{path}: {error}") from error


def load(content: bytes, shape: Shape) -> Picture:
    """Decode a picture's bytes, at most 16 MB, in the decoder's process and within its limits.

    `shape` is what the network takes: height and width of at most 512 pixels, 1 channel (grey) or 3
    (RGB). Transparency is laid over white. A picture of just that shape keeps its pixels exactly.
    Of one with several frames the first one counts. Raises PictureError, or Busy where too many
    wait.
    """
    (found,) = load_all([content], shape)
    if isinstance(found, PictureError):
        raise found
    return found


def load_all(contents: Sequence[bytes], shape: Shape) -> List[Union[Picture, PictureError]]:
    """The same for several, each or what is wrong with it; Busy where too many wait."""
    with decoder.shared.admitted(len(contents)):
        return [_load(content, shape) for content in contents]


def _load(content: bytes, shape: Shape) -> Union[Picture, PictureError]:
    if not content:
        return PictureError("the picture is empty (0 bytes)")
    if len(content) > MAX_BYTES:
        return PictureError(f"larger than {MAX_BYTES >> 20} MB")
    try:
        return _picture(decoder.shared.decode(content, shape), shape)
    except PictureError as error:
        return error


def of(image: Image.Image, shape: Shape) -> Picture:
    """The same of an image that is in memory already, 8 bits of RGB."""
    return _picture(decoding.fit(image, image.size, shape), shape)


def _picture(found: Decoded, shape: Shape) -> Picture:
    pixels = np.frombuffer(found.pixels, np.uint8).reshape(shape).copy()
    preview = Image.frombytes("RGB", found.preview_size, found.preview)
    return Picture(pixels, preview, found.size)
