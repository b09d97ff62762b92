"""How deep each FIFO must be, found in simulation of the circuit itself.

Frames enter at exactly the pace of the slowest kernel. With FIFOs that never fill, the most a FIFO
holds is a depth that leaves this very schedule possible. Beats that arrive earlier, or a consumer
that waits, change when things happen but not what can happen: a network of streams that keeps up
with some schedule never deadlocks, and is no slower if its input comes earlier. That no FIFO ever
fills is seen from more frames needing no more room. The deeper FIFOs are then shrunk one by one to
the least depth that still keeps the pace.
"""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from host_build.generate.layout import Plan
from host_build.generate.wiring import LEAST_DEPTH
from host_build.simulation.network import FifoSizing
from host_build.simulation.verilator import Deadlock, SimulationError

# Up to this depth a FIFO's memory costs the same.
_FREE_DEPTH = 33
SIZING_FRAMES = 6
# A full FIFO takes no beat in the cycle that frees a slot, so what was in use may just not do.
_MOST_SPARE = 2
# A kernel that is a little too slow shows only when what waits for it has become much.
_MANY_FRAMES = 60


def size_fifos(layout: Plan, name: str) -> dict[str, int]:
    """The least depths, by FIFO, with which `layout` takes a frame every `interval` cycles.

    `layout` has the largest depths to try. SimulationError where even those do not keep the pace,
    which would mean that a kernel's twin promises too much.
    """
    sizing = FifoSizing(layout, name)
    values = layout.source.beats * layout.source.lanes
    random = np.random.default_rng(0)
    frames = random.integers(0, 256, (_MANY_FRAMES, 1, 1, values), np.uint8)

    def keeps_pace(depths: dict[str, int], count: int) -> dict[str, int] | None:
        try:
            run, peaks = sizing.run(depths, frames[:count], interval=layout.interval)
        except Deadlock:
            return None
        return peaks if run.interval <= layout.interval else None

    peaks = keeps_pace(layout.depths, _MANY_FRAMES)
    if peaks is None or peaks != keeps_pace(layout.depths, _MANY_FRAMES // 2):
        raise SimulationError(f"{name}: no FIFO depths keep {layout.interval:,} cycles a frame")
    for spare in range(_MOST_SPARE + 1):
        depths = {fifo: max(peak + spare, LEAST_DEPTH) for fifo, peak in peaks.items()}
        if keeps_pace(depths, _MANY_FRAMES) is not None:
            break
    else:
        raise SimulationError(f"{name}: {_MOST_SPARE} slots more than were in use are not enough")
    in_use = dict(depths)
    for fifo in tqdm([f for f, d in depths.items() if d > _FREE_DEPTH], desc="FIFOs", leave=False):
        low, high = LEAST_DEPTH, depths[fifo]
        while low < high:
            middle = (low + high) // 2
            if keeps_pace({**depths, fifo: middle}, SIZING_FRAMES) is None:
                low = middle + 1
            else:
                high = middle
        depths[fifo] = high
    return in_use if keeps_pace(depths, _MANY_FRAMES) is None else depths
