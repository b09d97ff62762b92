"""Any picture to the network's input: 32x32 RGB, upright, cropped to its middle square."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import List, Sequence, Tuple, Union

import numpy as np
from PIL import Image

from board_app.errors import PictureError
from board_app.pictures import decoder, decoding
from board_app.pictures.decoding import SIDE, Decoded
from board_app.pictures.limits import MAX_BYTES, PREVIEW

__all__ = ["MAX_BYTES", "PREVIEW", "SIDE", "Picture", "load", "load_all", "load_file", "of"]


@dataclass(frozen=True)
class Picture:
    """`pixels` (32, 32, 3) uint8 RGB, and an upright preview of at most 512 pixels a side.

    `size` is the upright original's width and height, of which the preview shows everything.
    """

    pixels: np.ndarray
    preview: Image.Image
    size: Tuple[int, int]


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
    """Decode a picture's bytes, at most 16 MB, in the decoder's process and within its limits.

    Transparency is laid over white. A 32x32 RGB picture keeps its pixels exactly. Of a picture
    with several frames the first one counts. Raises PictureError, or Busy where too many wait.
    """
    (found,) = load_all([content])
    if isinstance(found, PictureError):
        raise found
    return found


def load_all(contents: Sequence[bytes]) -> List[Union[Picture, PictureError]]:
    """The same for several, each or what is wrong with it; Busy where too many wait."""
    with decoder.shared.admitted(len(contents)):
        return [_load(content) for content in contents]


def _load(content: bytes) -> Union[Picture, PictureError]:
    if not content:
        return PictureError("the picture is empty (0 bytes)")
    if len(content) > MAX_BYTES:
        return PictureError(f"larger than {MAX_BYTES >> 20} MB")
    try:
        return _picture(decoder.shared.decode(content))
    except PictureError as error:
        return error


def of(image: Image.Image) -> Picture:
    """The same of an image that is in memory already, 8 bits of RGB."""
    return _picture(decoding.fit(image, image.size))


def _picture(found: Decoded) -> Picture:
    pixels = np.frombuffer(found.pixels, np.uint8).reshape(SIDE, SIDE, 3).copy()
    preview = Image.frombytes("RGB", found.preview_size, found.preview)
    return Picture(pixels, preview, found.size)
