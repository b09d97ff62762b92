"""The kernels that the cost estimates are checked on: the shapes that the networks use.

Contents matter to a table in LUTs, so weights and thresholds are made as training makes them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.add import Add
from host_build.kernels.base import Kernel, RamStyle
from host_build.kernels.depthwise import Depthwise
from host_build.kernels.fifo import Fifo
from host_build.kernels.matrix_vector import MatrixVector
from host_build.kernels.matrix_vector_shape import Style
from host_build.kernels.pool import Pool
from host_build.kernels.sliding_window import SlidingWindow, window_chain
from host_build.kernels.stream_fork import StreamFork
from host_build.kernels.subsample import Subsample
from host_build.kernels.thresholds import Thresholds
from host_build.kernels.thresholds_parallel import ThresholdsParallel
from host_build.kernels.vector_pair import VectorPair
from host_build.kernels.vector_unpair import VectorUnpair
from host_build.kernels.width_converter import WidthConverter

# Style, bits, MW, MH, SIMD, PE, memory.
_UNITS: tuple[tuple[Style, int, int, int, int, int, RamStyle], ...] = (
    ("DSP1", 6, 27, 16, 3, 2, "block"), ("DSP1", 6, 144, 16, 8, 4, "distributed"),
    ("DSP1", 6, 288, 32, 16, 4, "block"), ("DSP1", 5, 16, 32, 4, 2, "distributed"),
    ("DSP1", 5, 64, 10, 1, 1, "block"), ("DSP1", 5, 144, 32, 12, 2, "distributed"),
    ("DSP2", 6, 27, 16, 9, 8, "block"), ("DSP2", 6, 144, 16, 24, 4, "block"),
    ("DSP2", 6, 16, 16, 16, 16, "distributed"), ("DSP2", 6, 64, 10, 4, 5, "distributed"),
    ("DSP2", 6, 576, 64, 16, 16, "block"), ("DSP2", 5, 27, 32, 27, 8, "distributed"),
    ("DSP2", 5, 288, 32, 9, 4, "distributed"), ("DSP2", 4, 144, 16, 48, 8, "block"),
    ("DSP2", 4, 64, 128, 16, 8, "distributed"),
    ("DSP3", 4, 27, 32, 27, 16, "distributed"), ("DSP3", 4, 144, 16, 12, 4, "block"),
    ("DSP3", 4, 288, 32, 24, 8, "block"), ("DSP3", 4, 64, 128, 16, 16, "distributed"),
    ("DSP3", 4, 64, 10, 8, 5, "distributed"), ("DSP3", 5, 144, 32, 9, 8, "block"),
    ("DSP4", 4, 27, 32, 27, 16, "distributed"), ("DSP4", 4, 144, 16, 12, 4, "block"),
    ("DSP4", 4, 288, 32, 24, 8, "block"), ("DSP4", 4, 64, 128, 16, 16, "distributed"),
    ("DSP4", 5, 144, 32, 9, 8, "block"), ("DSP4", 4, 16, 32, 4, 4, "distributed"),
    ("LUT", 6, 16, 16, 16, 1, "block"), ("LUT", 6, 16, 32, 8, 1, "distributed"),
    ("LUT", 6, 144, 16, 24, 4, "block"), ("LUT", 6, 288, 64, 16, 4, "block"),
    ("LUT", 6, 27, 16, 9, 4, "distributed"), ("LUT", 5, 27, 32, 9, 8, "distributed"),
    ("LUT", 5, 144, 32, 16, 4, "block"), ("LUT", 5, 64, 10, 4, 2, "distributed"),
    ("LUT", 4, 27, 32, 27, 8, "distributed"), ("LUT", 4, 144, 32, 24, 8, "block"),
    ("LUT", 4, 576, 64, 48, 2, "block"), ("LUT", 4, 64, 128, 8, 4, "distributed"),
    ("LUT", 4, 64, 10, 2, 1, "distributed"),
)  # fmt: skip
# Steps, channels, lanes, bits in, whether the channels share them.
_SEARCHES = (
    (63, 3, 1, 8, False), (63, 16, 4, 15, False), (63, 32, 2, 17, False), (63, 64, 1, 18, False),
    (63, 64, 8, 7, True), (63, 16, 1, 7, True), (31, 32, 8, 14, False), (31, 128, 2, 16, False),
    (31, 32, 4, 6, True), (15, 32, 8, 11, False), (15, 64, 2, 14, False), (15, 32, 1, 13, False),
    (15, 64, 8, 5, True),
)  # fmt: skip
_COMPARISONS = (
    (1, 16, 4, 8, False), (3, 16, 1, 10, False), (3, 32, 8, 11, False), (3, 64, 8, 4, True),
    (7, 16, 1, 6, True), (7, 32, 2, 12, False), (7, 64, 8, 12, False), (15, 32, 8, 5, True),
    (15, 16, 2, 12, False), (15, 64, 4, 13, False), (15, 4, 4, 11, False), (15, 8, 1, 11, False),
    (63, 16, 1, 7, True), (31, 32, 4, 6, True), (63, 64, 2, 7, True),
)  # fmt: skip


def points() -> dict[str, list[Kernel]]:
    """The kernels of the sweep by module."""
    serial: list[Kernel] = [
        SlidingWindow(height, height, groups, bits, stride=(stride, stride))
        for height, groups, bits, stride in (
            (32, 3, 6, 1), (32, 16, 4, 1), (32, 4, 24, 2), (32, 8, 20, 1), (16, 2, 48, 2),
            (16, 16, 6, 1), (8, 2, 96, 2), (8, 32, 5, 1), (8, 64, 4, 2), (4, 4, 96, 1),
        )
    ]  # fmt: skip
    serial += [
        SlidingWindow(32, 32, 1, 24, (5, 5)), SlidingWindow(28, 28, 4, 6, (7, 7), (2, 2)),
        SlidingWindow(32, 32, 3, 6, pads=(0,) * 4), SlidingWindow(32, 32, 3, 6, stride=(3, 3)),
        SlidingWindow(16, 16, 8, 8, (3, 3), (4, 4), (0,) * 4),
        SlidingWindow(14, 14, 16, 4, (5, 5), (1, 1), (0,) * 4),
    ]  # fmt: skip
    columns = [
        window_chain(
            channels, size, size, bits, kernel=(3, 3), stride=(stride, stride), pads=(1, 1, 1, 1),
            form="column",
        )
        for channels, size, bits, stride in (
            (3, 32, 6, 1), (16, 32, 6, 2), (32, 32, 4, 1), (16, 16, 5, 2), (32, 8, 6, 1),
        )
    ]  # fmt: skip
    windows = [
        window_chain(
            channels, size, size, bits, kernel=(3, 3), stride=(stride, stride), pads=(1, 1, 1, 1),
            form="window",
        )
        for channels, size, bits, stride in (
            (3, 32, 6, 1), (16, 32, 4, 2), (32, 16, 4, 1), (32, 8, 5, 2),
        )
    ]  # fmt: skip
    found: list[Kernel] = [
        *(matrix_vector(*unit) for unit in _UNITS),
        *(Thresholds(*_thresholds(*search)) for search in _SEARCHES),
        *(ThresholdsParallel(*_thresholds(*comparison)) for comparison in _COMPARISONS),
        *serial, *(chain[1] for chain in columns),
        *(chain[0] for chain in (*columns, *windows)), *(chain[1] for chain in windows),
        *(
            Fifo(width, depth)
            for width, depth in (
                (4, 3), (96, 3), (8, 17), (128, 33), (16, 65), (6, 97), (6, 168), (24, 300),
                (4, 1024), (16, 600), (64, 512), (128, 1024), (96, 200),
            )
        ),
        *(
            WidthConverter(narrow, wide)
            for narrow, wide in (
                (6, 18), (24, 96), (6, 192), (4, 128), (288, 144), (68, 17), (152, 19), (120, 60),
                (96, 6),
            )
        ),
        *(
            Pool(lanes, channels, pixels, bits)
            for lanes, channels, pixels, bits in (
                (1, 64, 16, 6), (4, 64, 64, 5), (16, 16, 64, 4), (2, 128, 16, 4), (1, 144, 64, 4),
            )
        ),
        *(
            Pool(lanes, channels, pixels, bits, largest=True)
            for lanes, channels, pixels, bits in (
                (1, 64, 4, 6), (4, 64, 4, 5), (16, 16, 9, 4), (2, 128, 9, 4), (4, 144, 4, 8),
            )
        ),
        *(
            Depthwise(lanes, _weights(weight_bits, channels, pixels), bits)
            for lanes, channels, pixels, bits, weight_bits in (
                (1, 32, 9, 4, 4), (4, 32, 9, 4, 4), (2, 96, 9, 4, 4), (12, 96, 9, 4, 4),
                (16, 16, 9, 4, 4), (1, 64, 9, 6, 6), (8, 64, 9, 6, 6), (6, 6, 9, 8, 8),
                (4, 192, 9, 5, 5), (2, 144, 9, 8, 8), (1, 96, 25, 8, 8), (2, 16, 9, 3, 4),
            )
        ),
        VectorPair(27, 4, 1), VectorPair(12, 4, 12), VectorPair(9, 5, 64), VectorPair(1, 4, 144),
        VectorUnpair(4 * 13, 4, 12), VectorUnpair(16 * 12, 2, 1), VectorUnpair(13, 64, 9),
        VectorUnpair(2 * 14, 16, 3),
        Add(1, 6, 6, True, True), Add(4, 6, 6, True, False), Add(8, 4, 4, False, False),
        Add(2, 12, 14, True, True), Add(8, 6, 16, False, True),
        StreamFork(6), StreamFork(96, 3),
        Subsample(32, 32, 1, 96), Subsample(16, 16, 2, 48), Subsample(8, 8, 16, 6),
        Subsample(32, 32, 8, 12),
    ]  # fmt: skip
    modules = dict.fromkeys(kernel.module for kernel in found)
    # The forms of windows have line buffers in common.
    return {module: [k for k in dict.fromkeys(found) if k.module == module] for module in modules}


def matrix_vector(
    style: Style, bits: int, mw: int, mh: int, simd: int, pe: int, rom: RamStyle
) -> MatrixVector:
    return MatrixVector(
        _weights(bits, mh, mw), simd, pe, style, bits, weight_bits=bits, rom=rom, vectors=2
    )


def _weights(bits: int, rows: int, columns: int) -> NDArray[np.int64]:
    highest = (1 << (bits - 1)) - 1
    rng = np.random.default_rng([bits, columns, rows])
    weights = np.clip(rng.normal(0, highest / 3, (rows, columns)).round(), -highest, highest)
    return weights.astype(np.int64)


def _thresholds(
    count: int, channels: int, lanes: int, bits: int, shared: bool
) -> tuple[int, int, NDArray[np.int64], int, int]:
    """Evenly spaced as a uniform quantiser's are, a little different in every channel."""
    rng = np.random.default_rng([count, channels, bits])
    rows = 1 if shared else channels
    step = (1 << bits) / 3 / count * np.exp(rng.normal(0, 0 if shared else 0.4, (rows, 1)))
    middle = rng.normal(0, 0 if shared else (1 << bits) / 20, (rows, 1))
    values = np.floor(middle + step * (np.arange(count) - count / 2)).astype(np.int64)
    return lanes, channels, values, bits, count.bit_length()
