"""What the tests of all kernels share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from host_build.kernels.base import Kernel
from host_build.simulation.network import NetworkSimulation
from host_build.simulation.verilator import Circuit, Result, build

STALLS = ((0.0, 0.0), (0.5, 0.0), (0.0, 0.5), (0.3, 0.3), (0.7, 0.7))
"""Probabilities of a pause at the input and at the output."""


def check_network(
    circuit: NetworkSimulation, images: NDArray[np.uint8], expected: NDArray[np.integer],
    interval: int, stalls: Sequence[tuple[float, float]], seed: int = 1,
) -> None:  # fmt: skip
    """The logits are those expected, at the pace predicted, and with any of the pauses."""
    run = circuit.run(images)
    assert np.array_equal(run.logits, expected)
    assert run.interval == interval
    for stall_in, stall_out in stalls:
        stalled = circuit.run(images, stall_in=stall_in, stall_out=stall_out, seed=seed)
        assert np.array_equal(stalled.logits, expected), (stall_in, stall_out)


def build_kernel(kernel: Kernel) -> Circuit:
    return build(
        kernel.module, kernel.sources(), kernel.parameters(), kernel.inputs, kernel.outputs,
        images=kernel.images(),
    )  # fmt: skip


def random_integers(
    rng: np.random.Generator, shape: tuple[int, ...], bits: int, signed: bool
) -> NDArray[np.int64]:
    """Values of the whole range, its ends more often than others."""
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    values = rng.integers(low, high, shape, endpoint=True)
    return np.where(rng.random(shape) < 0.2, rng.choice([low, high], shape), values)


def frame_cycles(result: Result, stream: str, frames: int) -> int:
    """Cycles between the last beats of the last two of `frames` frames at `stream`."""
    ends = result.cycles[stream].reshape(frames, -1)[:, -1]
    return int(ends[-1] - ends[-2])


def build_chain(kernels: tuple[Kernel, ...], folder: Path) -> Circuit:
    """The kernels one after the other, as one circuit; its source goes to `folder`."""
    lines = ["module chain (", "  input  wire clk_i,", "  input  wire rst_i,"]
    first, last = kernels[0].inputs[0], kernels[-1].outputs[0]
    lines += [
        f"  input  wire [{first.width - 1}:0] in_data_i,",
        "  input  wire in_valid_i,",
        "  output wire in_ready_o,",
        f"  output wire [{last.width - 1}:0] out_data_o,",
        "  output wire out_valid_o,",
        "  input  wire out_ready_i);",
    ]
    link = ("in_data_i", "in_valid_i", "in_ready_o")
    for index, kernel in enumerate(kernels):
        after = ("out_data_o", "out_valid_o", "out_ready_i")
        if kernel is not kernels[-1]:
            after = (f"data_{index}", f"valid_{index}", f"ready_{index}")
            width = kernel.outputs[0].width
            lines += [f"wire [{width - 1}:0] {after[0]}; wire {after[1]}; wire {after[2]};"]
        values = ", ".join(
            f'.{name}("{value}")' if isinstance(value, str) else f".{name}({value})"
            for name, value in kernel.parameters().items()
        )
        lines += [
            f"{kernel.module} #({values}) i_{index} (.clk_i(clk_i), .rst_i(rst_i),",
            f".in_data_i({link[0]}), .in_valid_i({link[1]}), .in_ready_o({link[2]}),",
            f".out_data_o({after[0]}), .out_valid_o({after[1]}), .out_ready_i({after[2]}));",
        ]
        link = after
    source = folder / "chain.sv"
    source.write_text("\n".join([*lines, "endmodule", ""]))
    sources = dict.fromkeys(path for kernel in kernels for path in kernel.sources())
    images = {name: text for kernel in kernels for name, text in kernel.images().items()}
    return build(
        "chain", [source, *sources], {}, kernels[0].inputs, kernels[-1].outputs, images=images
    )
