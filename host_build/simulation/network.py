"""A whole network in simulation: frames in, logits and cycles out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host_build.generate import verilog
from host_build.generate.layout import Plan
from host_build.generate.wiring import LEAST_DEPTH
from host_build.kernels.base import Stream
from host_build.simulation import toolchain
from host_build.simulation.beats import pack
from host_build.simulation.verilator import Circuit, Result, build

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Run:
    """`logits` (N, classes) int32; the cycle of each frame's first input and last output beat."""

    logits: NDArray[np.int32]
    started: NDArray[np.int64]
    finished: NDArray[np.int64]

    @classmethod
    def of_result(cls, result: Result, plan: Plan) -> Run:
        """What the streams "in" and "out" of the network of `plan` carried."""
        words = np.asarray(result.outputs["out"], np.uint32)
        started, finished = (result.cycles[name].astype(np.int64) for name in ("in", "out"))
        last = plan.sink.beats - 1
        return cls(
            words.astype(np.int32).reshape(-1, plan.sink.beats),
            started[:: plan.source.beats],
            finished[last :: plan.sink.beats],
        )

    @property
    def spacings(self) -> NDArray[np.int64]:
        """Cycles from last logit to last logit in the second half of the frames.

        While the first ones come the circuit fills, and may be faster than it stays. There are none
        for fewer than three frames.
        """
        return np.diff(self.finished[len(self.finished) // 2 :])

    @property
    def interval(self) -> float:
        """Cycles from frame to frame in steady state: the mean of `spacings`."""
        return float(self.spacings.mean())

    @property
    def latency(self) -> int:
        """Cycles from the first pixel to the last logit of the first frame."""
        return int(self.finished[0] - self.started[0])


class NetworkSimulation:
    """The circuit of a plan, frame by frame."""

    def __init__(self, plan: Plan, circuit: Circuit) -> None:
        """`circuit` is any form of the plan's network, such as its netlist."""
        self._plan, self._circuit = plan, circuit

    @classmethod
    def generated(cls, plan: Plan, name: str, *, traced: bool = False) -> NetworkSimulation:
        """Of the generated SystemVerilog, built once and cached."""
        return cls(plan, _build(plan, name, metered=False, traced=traced))

    def run(
        self, images: NDArray[np.uint8], *, stall_in: float = 0.0, stall_out: float = 0.0,
        seed: int = 0, on_frame: Progress | None = None, trace: Path | None = None,
        window: tuple[int, int] | None = None,
    ) -> Run:  # fmt: skip
        """Classify `images` (N, height, width, channels), with back-pressure where asked for.

        `on_frame` is told the frames done so far; `trace` writes a VCD of the cycles in `window`.
        ValueError where the images are not of the network's size.
        """
        beats = _pixels(self._plan, images)
        outputs = self._plan.sink.beats
        report = None if on_frame is None else lambda _, done: on_frame(done["out"] // outputs)
        result = self._circuit.run(
            {"in": beats}, {"out": len(images) * outputs}, stall_in=stall_in, stall_out=stall_out,
            seed=seed, patience=_patience(self._plan), on_progress=report, trace=trace,
            window=window or (0, 2**64 - 1),
        )  # fmt: skip
        return Run.of_result(result, self._plan)


class FifoSizing:
    """The network with FIFOs whose depths can be set from run to run, to find the least."""

    def __init__(self, plan: Plan, name: str) -> None:
        """`plan` has the largest depths that can be tried."""
        self._plan = plan
        self._circuit = _build(plan, f"{name}_metered", metered=True, traced=False)

    def run(
        self, depths: Mapping[str, int], images: NDArray[np.uint8], *, interval: int
    ) -> tuple[Run, dict[str, int]]:
        """Send frames in at one per `interval` cycles; the run and the most each FIFO held."""
        self._circuit.reset()
        names = [instance.name for instance in self._plan.fifos]
        limits = [interval, len(images), *(max(depths[name], LEAST_DEPTH) for name in names)]
        result = self._circuit.run(
            {"limits": np.array([limits], np.uint32), "in": _pixels(self._plan, images)},
            {"out": len(images) * self._plan.sink.beats, "peaks": 1},
            patience=max(4 * interval, 10_000),
        )
        peaks = np.asarray(result.outputs["peaks"]).reshape(-1)
        run = Run.of_result(result, self._plan)
        return run, dict(zip(names, map(int, peaks), strict=True))


def _patience(plan: Plan) -> int:
    """Cycles without a beat after which none can come any more.

    Once all of a frame is in, each kernel in turn is done with it after its own cycles, which
    back-pressure may double.
    """
    return 100_000 + 2 * sum(instance.cycles for instance in plan.instances)


def _build(plan: Plan, name: str, *, metered: bool, traced: bool) -> Circuit:
    top = verilog.top_level(plan, name, metered=metered)
    # By its content: another process may build another circuit of the same name.
    file = toolchain.image_folder({f"{name}.sv": top}, toolchain.CACHE) / f"{name}.sv"
    inputs = [Stream("in", plan.source.width)]
    outputs = [Stream("out", verilog.LOGIT_BITS)]
    if metered:
        words = len(plan.fifos)
        inputs.insert(0, Stream("limits", 32 * (words + 2)))
        outputs.append(Stream("peaks", 32 * words))
    return build(
        name, [file, *verilog.sources(plan, metered=metered)], {}, inputs, outputs,
        images=plan.images(), traced=traced,
    )  # fmt: skip


def _pixels(plan: Plan, images: NDArray[np.uint8]) -> NDArray[np.integer]:
    elements = plan.source.beats * plan.source.lanes
    if images.dtype != np.uint8 or images.ndim != 4 or images[0].size != elements:
        raise ValueError(
            f"expected uint8 frames of {elements} values, got {images.dtype} {images.shape}"
        )
    return pack(images.reshape(-1, plan.source.lanes), plan.source.bits)
