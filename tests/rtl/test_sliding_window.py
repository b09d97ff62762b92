"""The kernels that make windows, alone and in chains, against numpy's sliding windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from host_build.kernels.base import Kernel
from host_build.kernels.line_buffer import LineBuffer
from host_build.kernels.row_window import RowWindow
from host_build.kernels.sliding_window import Form, SlidingWindow, window_chain
from host_build.kernels.subsample import Subsample
from host_build.simulation.verilator import Circuit, pack, unpack
from tests.rtl.support import STALLS, build_chain, build_kernel, frame_cycles

pytestmark = pytest.mark.rtl

BITS = 4  # of an element
KERNELS = [
    SlidingWindow(8, 8, 1, BITS),
    SlidingWindow(5, 7, 3, 2 * BITS, stride=(2, 2), style="block"),
    SlidingWindow(4, 4, 2, BITS, stride=(2, 2)),
    SlidingWindow(2, 3, 2, BITS),
    SlidingWindow(3, 6, 1, 3 * BITS, kernel=(1, 3), stride=(1, 2)),
    SlidingWindow(8, 6, 2, BITS, stride=(2, 2), ring=(2 * 6 + 3) * 2),
    SlidingWindow(9, 7, 2, BITS, pads=(0, 0, 0, 0)),  # "valid"
    SlidingWindow(12, 12, 1, BITS, kernel=(7, 7), stride=(2, 2)),
    SlidingWindow(8, 8, 2, BITS, stride=(2, 2), pads=(0, 0, 1, 1)),  # one-sided
    SlidingWindow(7, 10, 1, BITS, stride=(3, 4)),
    SlidingWindow(8, 8, 3, BITS, kernel=(1, 1), stride=(4, 3), pads=(0,) * 4),
    SlidingWindow(6, 5, 2, BITS, (3, 3), (2, 2), (1,) * 4, level=-3 & 15, level_bits=BITS),
    SlidingWindow(1, 1, 1, BITS, kernel=(1, 1)),
    LineBuffer(4, 4, 2 * BITS), LineBuffer(7, 5, BITS, 2), LineBuffer(6, 2, BITS, 2),
    Subsample(5, 6, 3, BITS), Subsample(7, 8, 2, BITS, (3, 3)), Subsample(6, 9, 1, BITS, (4, 1)),
]  # fmt: skip
CHAINS: list[tuple[int, int, int, int, int, Form]] = [
    # channels, height, width, kernel, stride
    (3, 8, 8, 3, 1, "window"), (2, 7, 9, 3, 2, "window"), (3, 4, 4, 3, 2, "window"),
    (2, 2, 2, 3, 1, "window"), (2, 8, 16, 3, 1, "column"), (1, 9, 32, 3, 2, "column"),
    (3, 8, 4, 3, 2, "column"),
]  # fmt: skip


def check(
    circuit: Circuit, kernel: Kernel, images: np.ndarray, lanes: int, expected: np.ndarray,
    out_lanes: int, cycles: int | None,
) -> None:  # fmt: skip
    """`images` and `expected` have the frames first and the elements in the order of the beats."""
    frames = len(images)
    for stalls in STALLS:
        data = pack(images.reshape(-1, lanes), BITS)
        result = circuit.run(
            {"in": data}, {"out": expected.size // out_lanes},
            stall_in=stalls[0], stall_out=stalls[1], seed=1, patience=1000,
        )  # fmt: skip
        elements = unpack(result.outputs["out"], BITS, out_lanes)
        assert np.array_equal(elements.reshape(expected.shape), expected)
        if stalls == (0, 0) and cycles is not None:
            assert frame_cycles(result, "out", frames) == cycles
        if stalls != (0, 0):  # an idle time of any length between frames, and no reset
            circuit.run({"in": data[:0]}, {"out": 0})


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_kernel(kernel: SlidingWindow | LineBuffer | Subsample) -> None:
    lanes = kernel.bits // BITS
    groups = getattr(kernel, "groups", 1)
    shape = (6, kernel.height, kernel.width, groups * lanes)
    images = np.random.default_rng(0).integers(0, 1 << BITS, shape)
    out_lanes = kernel.outputs[0].width // BITS
    exact = getattr(kernel, "ring", None) is None
    check(
        build_kernel(kernel), kernel, images, lanes, kernel.golden(images), out_lanes,
        kernel.cycles if exact else None,
    )  # fmt: skip


@st.composite
def windows(draw: st.DrawFn) -> SlidingWindow:
    """Any legal geometry of a small image, with any padding of any level."""
    number = lambda least, most: draw(st.integers(least, most))  # noqa: E731
    kernel, stride = (number(1, 7), number(1, 7)), (number(1, 4), number(1, 4))
    pads = tuple(number(0, side - 1) for side in (*kernel, *kernel))
    height = number(max(1, kernel[0] - pads[0] - pads[2]), 11)
    width = number(max(1, kernel[1] - pads[1] - pads[3]), 11)
    return SlidingWindow(
        height, width, number(1, 3), BITS * number(1, 2), kernel, stride, pads,
        level=number(0, 15), level_bits=BITS,
    )  # fmt: skip


# Each geometry is a circuit to build: a few here, as many as one likes with another number.
@settings(max_examples=4, deadline=None, derandomize=True, database=None, phases=[Phase.generate])
@given(windows())
def test_any_window(kernel: SlidingWindow) -> None:
    test_kernel(kernel)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("width", [2, 5, 8])
def test_row_window(width: int, stride: int) -> None:
    kernel = RowWindow(width, 3 * BITS, stride)
    rows = np.random.default_rng(0).integers(0, 1 << BITS, (20, width, 3))
    check(build_kernel(kernel), kernel, rows, 3, kernel.golden(rows), 9, kernel.cycles)


@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_chain(
    chain: tuple[int, int, int, int, int, Form], tmp_path_factory: pytest.TempPathFactory
) -> None:
    channels, height, width, kernel, stride, form = chain
    kernels = window_chain(
        channels, height, width, BITS, kernel=(kernel,) * 2, stride=(stride,) * 2,
        pads=(kernel // 2,) * 4, form=form,
    )  # fmt: skip
    images = np.random.default_rng(0).integers(0, 1 << BITS, (6, height, width, channels))
    whole = SlidingWindow(height, width, 1, channels * BITS, stride=(stride, stride))
    expected = whole.golden(images)
    cycles = max(k.cycles for k in kernels if not isinstance(k, RowWindow))
    check(
        build_chain(kernels, tmp_path_factory.mktemp("chain")), kernels[-1], images, channels,
        expected, kernels[-1].outputs[0].width // BITS, cycles,
    )  # fmt: skip


def test_latency() -> None:
    kernel = SlidingWindow(8, 8, 1, BITS)
    images = np.zeros((64, 1), dtype=int)
    cycles = build_kernel(kernel).run({"in": pack(images, BITS)}, {"out": 64 * 9}).cycles

    # The sixth word of the first window, the pixel below its middle, is the first to wait.
    assert cycles["out"][5] - cycles["in"][8] == kernel.latency


def _chain(
    kernel: tuple[int, int], stride: tuple[int, int], pads: tuple[int, int, int, int], form: Form
) -> tuple[Kernel, ...]:
    return window_chain(4, 8, 8, BITS, kernel=kernel, stride=stride, pads=pads, form=form)


@pytest.mark.parametrize(
    ("kernel", "stride", "pads"),
    [
        ((3, 3), (1, 1), (0, 0, 0, 0)), ((3, 3), (1, 2), (1, 1, 1, 1)),
        ((5, 5), (1, 1), (2, 2, 2, 2)), ((3, 3), (3, 3), (1, 1, 1, 1)),
    ],
)  # fmt: skip
def test_other_windows_than_of_3x3_come_pixel_by_pixel(
    kernel: tuple[int, int], stride: tuple[int, int], pads: tuple[int, int, int, int]
) -> None:
    assert [k.module for k in _chain(kernel, stride, pads, "serial")] == ["sliding_window"]
    with pytest.raises(ValueError, match="form is window; legal for these: serial"):
        _chain(kernel, stride, pads, "window")


def test_chain_of_nothing() -> None:
    assert _chain((1, 1), (1, 1), (0,) * 4, "serial") == ()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"kernel": (5, 8)}, "kernel"), ({"stride": (1, 5)}, "stride"), ({"ring": 18}, "ring"),
        ({"style": "ultra"}, "style"), ({"pads": (0, 0, 3, 0)}, "pads"), ({"level": 2}, "level"),
        ({"kernel": (7, 9)}, "kernel"), ({"level_bits": 3}, "level"),
    ],
)  # fmt: skip
def test_twin_refuses(arguments: dict, field: str) -> None:
    with pytest.raises(ValueError, match=rf"SlidingWindow\.{field} is"):
        SlidingWindow(8, 8, 1, BITS, **arguments)
