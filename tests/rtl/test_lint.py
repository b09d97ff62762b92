"""Every module: no lint warning, read by both of Yosys's front ends, illegal parameters refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from host_build.kernels.add import Add
from host_build.kernels.axi_registers import AxiRegisters
from host_build.kernels.base import FOLDER, Kernel
from host_build.kernels.batch_counters import BatchCounters
from host_build.kernels.depthwise import Depthwise
from host_build.kernels.fifo import Fifo
from host_build.kernels.frame_fit import FrameFit
from host_build.kernels.input_dma import InputDma
from host_build.kernels.line_buffer import LineBuffer
from host_build.kernels.matrix_vector import MatrixVector
from host_build.kernels.output_dma import OutputDma
from host_build.kernels.pool import Pool
from host_build.kernels.row_window import RowWindow
from host_build.kernels.sliding_window import SlidingWindow
from host_build.kernels.stream_fork import StreamFork
from host_build.kernels.subsample import Subsample
from host_build.kernels.thresholds import Thresholds
from host_build.kernels.thresholds_parallel import ThresholdsParallel
from host_build.kernels.vector_pair import VectorPair
from host_build.kernels.vector_unpair import VectorUnpair
from host_build.kernels.width_converter import WidthConverter
from host_build.simulation.verilator import LintError, lint

pytestmark = pytest.mark.rtl

FEW = np.array([[-3, 0, 5]])
MANY = np.arange(-200, 200, 5)[None].repeat(16, axis=0)
KERNELS: list[Kernel] = [
    Add(4, 6, 5, True, False), Add(1, 1, 1, False, False),
    AxiRegisters(0x12345678), BatchCounters(), InputDma(384), OutputDma(5),
    Depthwise(4, MANY[:, :9].clip(-8, 7), 4, name="f"), Depthwise(1, FEW, 8, True, name="g"),
    Depthwise(1, MANY, 8, name="h"),
    Fifo(8, 3), Fifo(96, 65), Fifo(36, 600), FrameFit(32, 2, 3), FrameFit(24, 3, 1),
    LineBuffer(8, 8, 24), LineBuffer(5, 7, 6, 2),
    MatrixVector(np.eye(8, 18, dtype=int), simd=6, pe=4),
    MatrixVector(np.eye(4, 6, dtype=int), simd=3, pe=2, style="LUT", rom="distributed", name="lut"),
    Pool(4, 16, 16, 6), Pool(4, 4, 2, 1, in_signed=True), Pool(2, 8, 9, 4, True, largest=True),
    RowWindow(8, 24), RowWindow(7, 6, 2),
    SlidingWindow(16, 16, 1, 96), SlidingWindow(8, 8, 4, 24, stride=(2, 2), style="block"),
    SlidingWindow(4, 4, 1, 18, kernel=(1, 3), stride=(1, 2), ring=32),
    SlidingWindow(1, 1, 1, 4, kernel=(1, 1)),
    SlidingWindow(6, 5, 2, 8, (5, 2), (3, 4), (4, 0, 0, 1)),
    SlidingWindow(28, 28, 1, 24, kernel=(7, 7), level=-4, level_bits=3),
    StreamFork(8), StreamFork(1, 3),
    Subsample(8, 8, 4, 6), Subsample(1, 1, 1, 1),
    Subsample(8, 8, 4, 6, (3, 3)), Subsample(2, 2, 1, 1, (4, 1)),
    Thresholds(1, 16, MANY, 14, 7, name="a"), Thresholds(2, 2, FEW, 8, 2, name="b"),
    Thresholds(4, 16, FEW, 8, 4, -2, name="c"),
    ThresholdsParallel(4, 16, FEW, 10, 2, name="d"),
    ThresholdsParallel(2, 16, MANY, 10, 8, -9, name="e"),
    MatrixVector(np.eye(4, 6, dtype=int), simd=3, pe=2, style="DSP4", activation_bits=4,
                 weight_bits=4, vectors=4, name="pairs"),
    VectorPair(3, 4, 2), VectorPair(1, 1, 1),
    VectorUnpair(20, 3, 2), VectorUnpair(1, 1, 1),
    WidthConverter(6, 24), WidthConverter(24, 6),
]  # fmt: skip
ILLEGAL: list[tuple[type[Kernel], dict[str, int | str]]] = [
    (Add, {"OUT_BITS": 8}),
    (Depthwise, {"PIXELS": 1}), (Depthwise, {"LANES": 0}), (Depthwise, {"OUT_BITS": 14}),
    (Depthwise, {"OUT_BITS": 1}), (Fifo, {"DEPTH": 2}),
    (LineBuffer, {"WIDTH": 1}), (LineBuffer, {"STRIDE": 3}),
    (Pool, {"LANES": 3}), (Pool, {"PIXELS": 1}), (Pool, {"OUT_BITS": 9}),
    (Pool, {"OUT_BITS": 5, "LARGEST": 1}),
    (RowWindow, {"WIDTH": 1}), (RowWindow, {"STRIDE": 3}),
    (SlidingWindow, {"KERNEL_X": 8}), (SlidingWindow, {"STRIDE_Y": 5}),
    (SlidingWindow, {"PAD_LEFT": 3}), (SlidingWindow, {"DEPTH": 18}),
    (SlidingWindow, {"PAD_TOP": 0, "PAD_BOTTOM": 0, "HEIGHT": 2}),
    (SlidingWindow, {"LEVEL_BITS": 3}),
    (StreamFork, {"COPIES": 1}), (Subsample, {"GROUPS": 0}),
    (Subsample, {"STRIDE_X": 5}),
    (Thresholds, {"LANES": 3}), (Thresholds, {"COUNT": 256, "OUT_BITS": 9}),
    (Thresholds, {"OUT_BITS": 5}), (Thresholds, {"BIAS": -31}),
    (ThresholdsParallel, {"LANES": 3}), (ThresholdsParallel, {"COUNT": 256, "OUT_BITS": 9}),
    (ThresholdsParallel, {"BIAS": -3}),
    (VectorPair, {"BEATS": 0}), (VectorUnpair, {"SECOND_DEPTH": 2}), (VectorUnpair, {"BEATS": 0}),
    (WidthConverter, {"OUT_WIDTH": 8}), (WidthConverter, {"OUT_WIDTH": 12}),
]  # fmt: skip

# A run of Yosys ends the process when it fails, so it has its own.
YOSYS = """
import sys
from pyosys import libyosys
design = libyosys.Design()
for command in sys.argv[1:]:
    libyosys.run_pass(command, design)
"""


def named(value: object) -> str:
    return value.__name__ if isinstance(value, type) else str(value)


def literal(value: int | str) -> str:
    """A parameter's value as both front ends take it: chparam knows no minus sign."""
    if isinstance(value, str):
        return f'"{value}"'
    return str(value) if value >= 0 else f"32'sb{value & 0xFFFFFFFF:032b}"


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_lint(kernel: Kernel) -> None:
    lint(kernel.module, kernel.sources(), kernel.parameters())


@pytest.mark.parametrize(("kernel", "parameters"), ILLEGAL, ids=named)
def test_illegal_parameters_fail_with_a_message(
    kernel: type[Kernel], parameters: dict[str, int | str]
) -> None:
    with pytest.raises(LintError, match=rf"{kernel.module}: .*(must|small|image)"):
        lint(kernel.module, kernel.sources(), parameters)


@pytest.mark.parametrize("reader", ["read_verilog", "read_slang"])
def test_yosys(reader: str, tmp_path: Path) -> None:
    commands = []
    for kernel in KERNELS:
        for name, text in kernel.images().items():
            (tmp_path / name).write_text(text)
        sources = " ".join(map(str, kernel.sources()))
        literals = {name: literal(value) for name, value in kernel.parameters().items()}
        if reader == "read_verilog":
            values = " ".join(f"-set {name} {value}" for name, value in literals.items())
            read = [
                f"read_verilog -sv -defer {sources}", f"chparam {values} {kernel.module}",
                f"hierarchy -check -top {kernel.module}",
            ]  # fmt: skip
        else:
            values = " ".join(f"-G {name}={value}" for name, value in literals.items())
            read = [f"read_slang --top {kernel.module} {values} {sources}"]
        commands += ["design -reset", *read, "proc", "flatten", "check -assert"]
    done = subprocess.run(
        [sys.executable, "-c", YOSYS, *commands], cwd=tmp_path, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
    said = [line for line in (done.stdout + done.stderr).splitlines() if "Warning" in line]
    assert not said


def test_style() -> None:
    """Line lengths, the net type, a description: what no tool above looks at."""
    for path in FOLDER.glob("*.sv"):
        text = path.read_text()
        lines = text.splitlines()
        assert lines[0].startswith("// "), path
        assert "`default_nettype none" in lines and lines[-1] == "`default_nettype wire", path
        assert max(map(len, lines)) <= 100 and "\t" not in text, path
        assert f"module {path.stem} #(" in lines, path


def test_every_module_is_here() -> None:
    tested = {path.name for kernel in KERNELS for path in kernel.sources()}
    assert {path.name for path in FOLDER.glob("*.sv")} == tested
