"""How many words a sliding window's ring needs, from the times at which words come and go."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

_IMAGES = 3


@dataclass(frozen=True)
class Geometry:
    """Windows of `kernel` (y, x) pixels, `stride` (y, x) apart, over `height` x `width` images.

    `pads` are the pixels added above, to the left, below and to the right. A pixel is `groups`
    words; a window is in the order x, y, word.
    """

    height: int
    width: int
    groups: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    pads: tuple[int, int, int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Windows (down, across)."""
        top, left, bottom, right = self.pads
        return (
            (self.height + top + bottom - self.kernel[0]) // self.stride[0] + 1,
            (self.width + left + right - self.kernel[1]) // self.stride[1] + 1,
        )

    @property
    def span(self) -> int:
        """Words from a window's first to its last, both counted."""
        return ((self.kernel[0] - 1) * self.width + self.kernel[1]) * self.groups

    @property
    def window(self) -> int:
        """Words of a window."""
        return self.kernel[0] * self.kernel[1] * self.groups

    @property
    def words_in(self) -> int:
        """Words of an image."""
        return self.height * self.width * self.groups

    @property
    def words_out(self) -> int:
        """Words of an image's windows, padding included."""
        return self.size[0] * self.size[1] * self.window


@cache
def least_ring(geometry: Geometry) -> int:
    """The fewest words of a ring with which the windows of endless images never wait for room.

    The windows leave evenly, an image's in as many cycles as it has words or they have; a slower
    pace needs no more. Words come evenly too, since what gives them may be no faster than it must;
    words that may come sooner need no more either. A word comes in when the ring has room for it
    from the first word of the window that is leaving on, and is there in the next cycle.
    """
    g = geometry
    pace = max(g.words_in, g.words_out)
    image = _first_reads(g)
    # The cycle in which each word is first read, of one image after the other.
    reads = np.concatenate([image * pace // g.words_out + i * pace for i in range(_IMAGES)])
    place = np.arange(len(reads))
    even = place * pace // g.words_in
    # It must come before that, and early enough for the words behind it to come in time.
    latest = even + np.minimum.accumulate((reads - 1 - even)[::-1])[::-1]
    latest = latest[: g.words_in]
    done = -(-latest * g.words_out // pace) // g.window  # windows that have left by then
    room = place[: g.words_in] + 1 - _places(g, done)
    return max(int(room.max()), g.span)


def _first_reads(g: Geometry) -> NDArray[np.int64]:
    """For each word of an image the first output word that is it; a late one if none is."""
    (down, across), (top, left) = g.size, g.pads[:2]
    y, ky, some_y = _first_windows(g.height, g.kernel[0], g.stride[0], top, down)
    x, kx, some_x = _first_windows(g.width, g.kernel[1], g.stride[1], left, across)
    pixel = ((y[:, None] * across + x) * g.kernel[1] + kx) * g.kernel[0] + ky[:, None]
    words = pixel[..., None] * g.groups + np.arange(g.groups)
    words[~(some_y[:, None] & some_x)] = _IMAGES * g.words_out
    return words.reshape(-1)


def _first_windows(
    size: int, kernel: int, stride: int, before: int, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """Along a side, for each pixel: the first window it is in, where, and whether there is one."""
    pixel = np.arange(size) + before
    first = np.maximum(-(-(pixel - kernel + 1) // stride), 0)
    inside = pixel - first * stride
    return first, inside, (first < count) & (inside >= 0)


def _places(g: Geometry, window: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the first words of windows are in the endless row of images."""
    down, across = g.size
    row, x = np.divmod(window, across)
    image, y = np.divmod(row, down)
    line = image * g.height + y * g.stride[0] - g.pads[0]
    places: NDArray[np.int64] = (line * g.width + x * g.stride[1] - g.pads[1]) * g.groups
    return places
