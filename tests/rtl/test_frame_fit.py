"""frame_fit: frames cut short or filled up, whatever the other sides do."""

from __future__ import annotations

import numpy as np
import pytest

from host_build.kernels.frame_fit import FrameFit
from host_build.simulation.beats import pack, unpack

from .support import STALLS, build_kernel, frame_cycles, random_integers

pytestmark = pytest.mark.rtl

FRAMES = 9


@pytest.mark.parametrize("beats", [(8, 7), (8, 1), (1, 1), (3, 4), (1, 5), (736, 729)], ids=str)
def test_frames(beats: tuple[int, int]) -> None:
    kernel = FrameFit(32 if beats[0] < beats[1] else 24, *beats)
    circuit = build_kernel(kernel)
    rng = np.random.default_rng(sum(beats))
    sent = random_integers(rng, (FRAMES, kernel.in_beats), kernel.width, False)
    packed = pack(sent.reshape(-1, 1), kernel.width)
    for stall_in, stall_out in STALLS:
        result = circuit.run(
            {"in": packed}, {"out": FRAMES * kernel.out_beats}, stall_in=stall_in,
            stall_out=stall_out, seed=1,
        )  # fmt: skip
        found = unpack(result.outputs["out"], kernel.width, 1).reshape(FRAMES, -1)
        assert np.array_equal(found, kernel.golden(sent))
        if (stall_in, stall_out) == (0, 0):
            assert frame_cycles(result, "out", FRAMES) == kernel.cycles
            start, end = result.cycles["in"][0], result.cycles["out"][0]
            assert end - start == kernel.latency
        circuit.reset()
