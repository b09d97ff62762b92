"""Any picture becomes 32x32 RGB, or an error that says why not."""

from __future__ import annotations

import io
import struct
import zlib
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from board_app.errors import PictureError
from board_app.pictures import picture
from board_app.pictures.cifar10 import SHAPE
from board_app.pictures.picture import MAX_BYTES, PREVIEW

load = partial(picture.load, shape=SHAPE)
load_file = partial(picture.load_file, shape=SHAPE)


def save(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    image.save(content, kind, **options)
    return content.getvalue()


def halves(size: tuple[int, int]) -> Image.Image:
    """Red above, blue below."""
    image = Image.new("RGB", size, (255, 0, 0))
    image.paste((0, 0, 255), (0, size[1] // 2, *size))
    return image


def test_small_rgb_passes_exactly() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    found = load(save(Image.fromarray(pixels)))
    np.testing.assert_array_equal(found.pixels, pixels)
    assert found.pixels.dtype == np.uint8 and found.preview.size == (32, 32)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "PPM"])
def test_lossless_formats(kind: str) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (32, 32, 3)).astype(np.uint8)
    np.testing.assert_array_equal(load(save(Image.fromarray(pixels), kind)).pixels, pixels)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF"])
@pytest.mark.parametrize("size", [(1, 1), (7, 900), (33, 32), (1600, 1200)])
def test_colour_survives(kind: str, size: tuple[int, int]) -> None:
    found = load(save(Image.new("RGB", size, (200, 100, 50)), kind))
    assert found.pixels.shape == (32, 32, 3)
    np.testing.assert_allclose(
        found.pixels.reshape(-1, 3), np.full((1024, 3), (200, 100, 50)), atol=6
    )
    assert max(found.preview.size) <= PREVIEW and found.preview.mode == "RGB"


MODES = {
    "1": (255, (255, 255, 255)),
    "L": (90, (90, 90, 90)),
    "LA": ((90, 0), (255, 255, 255)),
    "P": (0, (0, 0, 0)),
    "RGB": ((9, 99, 199), (9, 99, 199)),
    "RGBA": ((0, 0, 255, 0), (255, 255, 255)),
    "I;16": (0x5A00, (0x5A, 0x5A, 0x5A)),
    "CMYK": ((255, 255, 0, 0), (0, 0, 255)),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("size", [(32, 32), (80, 50)])
def test_modes(mode: str, size: tuple[int, int]) -> None:
    colour, expected = MODES[mode]
    kind = "PNG" if mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16") else "TIFF"
    found = load(save(Image.new(mode, size, colour), kind))
    assert found.pixels.shape == (32, 32, 3)
    assert found.pixels.reshape(-1, 3).tolist() == [list(expected)] * 1024


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bits_a_channel_do_not_say_what_is_white(mode: str) -> None:
    with pytest.raises(PictureError, match="32 bits a channel does not say what is white"):
        load(save(Image.new(mode, (40, 40), 90), "TIFF"))


def test_half_transparent_is_half_white() -> None:
    found = load(save(Image.new("RGBA", (50, 50), (255, 0, 0, 128))))
    np.testing.assert_allclose(found.pixels[16, 16], (255, 127, 127), atol=1)


def test_transparent_palette_colour() -> None:
    image = Image.new("P", (40, 40), 0)
    image.putpalette([0, 255, 0] * 256)
    assert load(save(image, transparency=0)).pixels.min() == 255
    assert load(save(image, "GIF", transparency=0)).pixels.min() == 255


def test_first_frame_counts() -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ("red", "blue")]
    content = save(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert load(content).pixels[5, 5].tolist() == [255, 0, 0]


def test_middle_square_counts() -> None:
    image = Image.new("RGB", (300, 100), "red")
    image.paste("lime", (100, 0, 200, 100))
    for shape in (image, image.transpose(Image.ROTATE_90)):
        # The filter takes in a little from beyond the edge, so the outermost pixels do not count.
        inner = load(save(shape)).pixels[1:-1, 1:-1]
        np.testing.assert_allclose(inner, np.broadcast_to((0, 255, 0), (30, 30, 3)), atol=2)


def test_fine_stripes_average() -> None:
    """Without filtering, 640 one-pixel stripes would come out black or white."""
    stripes = np.zeros((640, 640), np.uint8)
    stripes[:, ::2] = 255
    found = load(save(Image.fromarray(stripes))).pixels
    np.testing.assert_allclose(found, 127.5, atol=2)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_upright(orientation: int, kind: str) -> None:
    """What a viewer shows is red above and blue below, whichever way the pixels are stored."""
    stored = {
        1: (),
        2: (Image.FLIP_LEFT_RIGHT,),
        3: (Image.ROTATE_180,),
        4: (Image.FLIP_TOP_BOTTOM,),
        5: (Image.TRANSPOSE,),
        6: (Image.ROTATE_90,),
        7: (Image.TRANSVERSE,),
        8: (Image.ROTATE_270,),
    }[orientation]
    image = halves((600, 400))
    image.paste((0, 255, 0), (100, 0, 200, 200))  # left of the middle, so that mirroring shows
    for step in stored:
        image = image.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = load(save(image, kind, exif=exif.tobytes()))
    assert found.pixels[8, 30, 0] > 200 and found.pixels[24, 30, 2] > 200
    assert found.pixels[8, 3, 1] > 200
    assert found.preview.size == (512, 341)


def bomb(width: int, height: int, colour_type: int = 2) -> bytes:
    """A PNG of a few bytes that says it has width x height pixels, RGB ones by default."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(999)))


@pytest.mark.parametrize("size", [(8000, 6251), (10_000, 10_000), (19_000, 19_000)])
def test_too_many_pixels(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=r"too many pixels .*1[89](\.\d)? megapixels"):
        load(bomb(*size))


@pytest.mark.parametrize("colour_type", [3, 4, 6], ids=["palette", "grey alpha", "alpha"])
def test_pictures_that_are_copied_as_a_whole_may_have_fewer_pixels(colour_type: int) -> None:
    with pytest.raises(PictureError, match=r"too many pixels \(4500x3600; [\d.]+ megapixels"):
        load(bomb(4500, 3600, colour_type))


@pytest.mark.parametrize("size", [(1, 20_001), (20_001, 1)])
def test_too_long(size: tuple[int, int]) -> None:
    with pytest.raises(PictureError, match=r"too long .*20000 pixels a side"):
        load(bomb(*size))


def test_truncated_at_any_place() -> None:
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        pixels = np.random.default_rng(2).integers(0, 256, (60, 60, 3)).astype(np.uint8)
        content = save(Image.fromarray(pixels), kind)
        for kept in (0.02, 0.2, 0.5, 0.9):
            with pytest.raises(PictureError):
                load(content[: int(len(content) * kept)])


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "is empty"),
        (b"GIF89a", "not a picture|damaged"),
        (b"some text", "not a picture that can be read"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture that can be read"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a picture that can be read"),
        (bytes(MAX_BYTES + 1), "larger than 16 MB"),
    ],
)
def test_no_picture(content: bytes, message: str) -> None:
    with pytest.raises(PictureError, match=message):
        load(content)


def test_random_damage_is_never_another_error() -> None:
    rng = np.random.default_rng(4)
    for kind in ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF"):
        content = save(halves((50, 40)), kind)
        for _ in range(60):
            damaged = bytearray(content)
            for position in rng.integers(0, len(content), 3):
                damaged[position] = rng.integers(0, 256)
            try:
                load(bytes(damaged))
            except PictureError:
                continue  # what it promises; damage in the pixels may also decode


def test_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"none.png: No such file"):
        load_file(tmp_path / "none.png")
    with pytest.raises(PictureError, match="Is a directory"):
        load_file(tmp_path)
    (tmp_path / "text.png").write_text("text")
    with pytest.raises(PictureError, match=r"text.png: not a picture"):
        load_file(tmp_path / "text.png")
    with (tmp_path / "large.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(PictureError, match=r"large.png: larger than 16 MB"):
        load_file(tmp_path / "large.png")
