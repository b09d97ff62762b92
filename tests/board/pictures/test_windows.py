"""Windows cover a picture, say where they are, and are what a crop of it would be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from board_app.pictures.picture import PREVIEW, Picture
from board_app.pictures.windows import cut


def picture(pixels: np.ndarray) -> Picture:
    """As the decoder would give it."""
    image = Image.fromarray(pixels)
    preview = image.copy()
    preview.thumbnail((PREVIEW, PREVIEW))
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    middle = image.resize((32, 32), box=(left, top, left + side, top + side))
    return Picture(np.asarray(middle), preview, image.size)


def noise(width: int, height: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_32_pixels_are_taken_as_they_are() -> None:
    pixels = noise(32, 32)
    found = cut(picture(pixels), 500)
    np.testing.assert_array_equal(found.pixels, pixels[np.newaxis])
    assert found.boxes.tolist() == [[0, 0, 32, 32]]


def test_one_window_is_the_middle_square() -> None:
    found = cut(picture(noise(400, 300)), 1)
    assert found.boxes.tolist() == [[50, 0, 350, 300]]
    assert found.pixels.shape == (1, 32, 32, 3)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 900), st.integers(1, 900), st.integers(1, 400))
def test_windows_are_squares_in_the_picture_and_cover_it(
    width: int, height: int, most: int
) -> None:
    found = cut(picture(np.zeros((height, width, 3), np.uint8)), most)
    assert 1 <= len(found) <= most and found.pixels.shape == (len(found), 32, 32, 3)
    left, top, right, bottom = found.boxes.T
    slack = 1e-6
    assert (left >= 0).all() and (top >= 0).all() and (right > left).all()
    assert (right <= width + slack).all() and (bottom <= height + slack).all()
    if len(found) > 1:
        rest = found.boxes[1:]
        assert rest[:, :2].min(axis=0).tolist() == [0, 0]
        assert rest[:, 2:].max(axis=0) == pytest.approx([width, height])
        assert (right - left) == pytest.approx(bottom - top, rel=0.1)


def test_the_window_of_a_box_is_what_lies_in_it() -> None:
    """Each window's mean colour is that of its box in the original, twice the preview's size."""
    rows, columns = np.mgrid[0:768, 0:1024]
    pixels = np.stack([columns / 4, rows / 3, np.zeros_like(rows)], axis=2).astype(np.uint8)
    found = cut(picture(pixels), 400)
    assert len(found) > 100
    for window, box in zip(found.pixels, found.boxes, strict=True):
        left, top, right, bottom = box
        expected = [(left + right) / 8, (top + bottom) / 6, 0]
        np.testing.assert_allclose(window.mean(axis=(0, 1)), expected, atol=2)
