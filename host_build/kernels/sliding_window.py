"""Twin of sliding_window.sv, and the chain of kernels that makes the windows of a convolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel, RamStyle, Resources, Stream, ram
from host_build.kernels.limits import SMALLEST_WIDE, WINDOW_SIDES, WINDOW_STEPS
from host_build.kernels.line_buffer import LineBuffer
from host_build.kernels.row_window import RowWindow
from host_build.kernels.window_ring import Geometry, least_ring

Form = Literal["serial", "column", "window"]
Sides = tuple[int, int]
Pads = tuple[int, int, int, int]


@dataclass(frozen=True)
class SlidingWindow(Kernel):
    """Windows of `kernel` (y, x) pixels, `stride` (y, x) apart, a word of a pixel each beat.

    An image is `height` x `width` pixels of `groups` words of `bits` bits. `pads` pixels are added
    above, to the left, below and to the right, by default half of the kernel; they are elements of
    `level_bits` bits, each `level`. The ring has `ring` words, by default as many as let the output
    never wait for room.
    """

    height: int
    width: int
    groups: int
    bits: int
    kernel: Sides = (3, 3)
    stride: Sides = (1, 1)
    pads: Pads | None = None
    level: int = 0
    level_bits: int = 1
    ring: int | None = None
    style: RamStyle | None = None

    module = "sliding_window"
    # The first window of an image may begin with padding, which is offered before any input; each
    # other word is offered this many cycles after it came in.
    latency = 2
    _DISTRIBUTED_BITS = 9_000

    def __post_init__(self) -> None:
        for name in ("height", "width", "groups", "bits"):
            self._require(getattr(self, name) >= 1, name, "at least 1")
        self._require(all(k in WINDOW_SIDES for k in self.kernel), "kernel", "1 to 7 each way")
        self._require(all(s in WINDOW_STEPS for s in self.stride), "stride", "1 to 4 each way")
        sides = (*self.kernel, *self.kernel)
        legal = all(0 <= pad < side for pad, side in zip(self.padding, sides, strict=True))
        self._require(legal, "pads", "fewer than the kernel has on that side")
        self._require(min(self.size) >= 1, "kernel", "at most the padded image")
        fits = self.bits % self.level_bits == 0 and abs(self.level) < 1 << self.level_bits
        self._require(fits, "level", "of level_bits bits, which divide bits")
        span = self._geometry.span
        self._require(self.ring is None or self.ring >= span, "ring", f"at least {span}")
        self._require(self.style in (None, "distributed", "block"), "style", "distributed, block")

    @property
    def padding(self) -> Pads:
        """Pixels added above, to the left, below and to the right."""
        return self._halves if self.pads is None else self.pads

    @property
    def _halves(self) -> Pads:
        down, across = self.kernel[0] // 2, self.kernel[1] // 2
        return (down, across, down, across)

    @property
    def _geometry(self) -> Geometry:
        return Geometry(
            self.height, self.width, self.groups, self.kernel, self.stride, self.padding
        )

    @property
    def size(self) -> tuple[int, int]:
        """Windows (down, across)."""
        return self._geometry.size

    @property
    def _is_usual(self) -> bool:
        """Whether it is padded by half of 3 pixels, as nearly all are."""
        return max(self.kernel) == 3 and max(self.stride) <= 2 and self.padding == self._halves

    @property
    def depth(self) -> int:
        """Words of the ring."""
        if self.ring is not None:
            return self.ring
        if self._is_usual:
            # A few more than the least with stride 2, but the circuits that are shipped have them.
            return self._geometry.span + (self.stride[0] - 1) * self.width * self.groups
        return least_ring(self._geometry)

    @property
    def ram_style(self) -> RamStyle:
        if self.style is not None:
            return self.style
        small = self.depth <= 64 or self.depth * self.bits <= self._DISTRIBUTED_BITS
        return "distributed" if small else "block"

    @property
    def cycles(self) -> int:
        """One output beat every cycle (or, for few windows far apart, one input beat).

        True for the default ring, whatever the padding; a smaller one makes the output wait.
        """
        return max(self._geometry.words_in, self._geometry.words_out)

    @property
    def inputs(self) -> tuple[Stream, ...]:
        return (Stream("in", self.bits),)

    @property
    def outputs(self) -> tuple[Stream, ...]:
        return (Stream("out", self.bits),)

    def parameters(self) -> dict[str, int | str]:
        top, left, bottom, right = self.padding
        return {
            "HEIGHT": self.height, "WIDTH": self.width, "GROUPS": self.groups, "BITS": self.bits,
            "KERNEL_Y": self.kernel[0], "KERNEL_X": self.kernel[1],
            "STRIDE_Y": self.stride[0], "STRIDE_X": self.stride[1],
            "PAD_TOP": top, "PAD_LEFT": left, "PAD_BOTTOM": bottom, "PAD_RIGHT": right,
            "LEVEL": self.level, "LEVEL_BITS": self.level_bits,
            "DEPTH": self.depth, "RAM_STYLE": self.ram_style,
        }  # fmt: skip

    def golden(self, images: NDArray[np.int64]) -> NDArray[np.int64]:
        """(N, height, width, elements) to (N, windows down, across, x, y, elements)."""
        top, left, bottom, right = self.padding
        pads = ((0, 0), (top, bottom), (left, right), (0, 0))
        windows = np.lib.stride_tricks.sliding_window_view(
            np.pad(images, pads, constant_values=self.level), self.kernel, axis=(1, 2)
        )
        return windows[:, :: self.stride[0], :: self.stride[1]].transpose(0, 1, 2, 5, 4, 3)

    def resources(self) -> Resources:
        place = (4 * self._geometry.span).bit_length()
        output = 0 if self.ram_style == "block" else self.bits
        # Other windows have more borders, and more kinds of moves from one to the next.
        more = 0 if self._is_usual or min(self.kernel) == 1 else 30
        control = Resources(lut=20 + more + 4.5 * place, ff=12 + 3.5 * place + output)
        return control + ram(self.ram_style, self.bits, self.depth)


def forms(
    height: int, width: int, kernel: Sides, stride: Sides, pads: Pads
) -> tuple[Form, ...]:  # fmt: skip
    """The forms in which the windows of a convolution can come."""
    wide = (
        kernel == (3, 3) and pads == (1, 1, 1, 1) and stride in ((1, 1), (2, 2))
        and min(height, width) >= SMALLEST_WIDE
    )  # fmt: skip
    return ("serial", "column", "window") if wide else ("serial",)


def window_chain(
    channels: int, height: int, width: int, bits: int, *, kernel: Sides, stride: Sides, pads: Pads,
    form: Form, simd: int | None = None,
) -> tuple[Kernel, ...]:  # fmt: skip
    """The kernels, one after the other, that make the windows of a convolution.

    `kernel` and `stride` are (down, across), `pads` above, to the left, below and to the right.
    Form "serial" takes and gives `simd` channels a beat; "column" and "window" take a pixel of all
    channels, and give a column of a window, or the whole window, a beat. A window is in the order
    x, y, channel. `bits` is an element's. The windows of a 1 x 1 kernel are the pixels themselves,
    after `Subsample` if it has a stride: its chain is empty.
    """
    legal = forms(height, width, kernel, stride, pads)
    if form not in legal:
        raise ValueError(f"window_chain: form is {form}; legal for these: {', '.join(legal)}")
    lanes = channels if simd is None or form != "serial" else simd
    if channels % lanes:
        raise ValueError(f"window_chain: simd is {simd}; legal: a divisor of {channels} channels")
    groups, beat = channels // lanes, lanes * bits
    if kernel == (1, 1) and not any(pads):
        return ()
    if form == "serial":
        return (SlidingWindow(height, width, groups, beat, kernel, stride, pads),)
    lines = LineBuffer(height, width, beat, stride[0])
    if form == "window":
        return (lines, RowWindow(width, 3 * beat, stride[1]))
    # The ring of LUTRAM is 32 deep in any case; with stride 2 columns come in bursts of a row.
    ring = max(32, 3 + width // 3)
    columns = SlidingWindow(
        lines.rows, width, 1, 3 * beat, kernel=(1, 3), stride=(1, stride[1]), ring=ring,
        style="distributed",
    )  # fmt: skip
    return (lines, columns)
