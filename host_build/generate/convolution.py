"""Which kernels a folded convolution becomes, what they take in, and how long they take."""

from __future__ import annotations

import numpy as np

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Add, Convolution, DataType, Pool, Windowed
from host_build.generate.folding import FoldingError, LayerFolding
from host_build.generate.windowed import windowed_type
from host_build.kernels.add import Add as AddKernel
from host_build.kernels.base import Kernel
from host_build.kernels.line_buffer import LineBuffer
from host_build.kernels.matrix_vector import MatrixVector
from host_build.kernels.pool import Pool as PoolKernel
from host_build.kernels.row_window import RowWindow
from host_build.kernels.sliding_window import window_chain


def stream_types(graph: Graph) -> dict[str, DataType]:
    """The type of each tensor's elements in hardware: what its kernel gives, by exact bounds."""
    types = {INPUT: graph.input_dtype}
    shapes = {INPUT: graph.input_shape}
    for node in graph.nodes:
        first, last = (types[node.inputs[index]] for index in (0, -1))
        if isinstance(node, Convolution):
            serial = LayerFolding(1, 1, style="LUT")
            _, unit = convolution_kernels(node, first, shapes[node.inputs[0]], serial)
            types[node.name] = DataType(unit.output_bits, signed=True)
        elif isinstance(node, Add):
            adder = AddKernel(1, first.bits, last.bits, first.signed, last.signed)
            types[node.name] = DataType(adder.sum_bits, adder.signed)
        elif isinstance(node, Pool):
            height, width, _ = shapes[node.inputs[0]]
            bits = PoolKernel(1, 1, height * width, first.bits, first.signed).out_bits
            types[node.name] = DataType(bits, first.signed)
        elif isinstance(node, Windowed):
            types[node.name] = windowed_type(node, first)
        else:
            types[node.name] = node.dtype
        shapes[node.name] = node.shape
    return types


def convolution_kernels(
    node: Convolution, inputs: DataType, shape: tuple[int, int, int], fold: LayerFolding
) -> tuple[tuple[Kernel, ...], MatrixVector]:
    """The window kernels and the matrix-vector unit of a convolution on `shape` images.

    FoldingError names the layer, what is wrong with its folding, and the legal values.
    """
    height, width, channels = shape
    outputs = node.weights.shape[0]
    # In the order in which the windows bring their elements: x, y, channel.
    matrix = node.weights.transpose(0, 2, 1, 3).reshape(outputs, -1)
    try:
        windows = window_chain(
            channels, height, width, inputs.bits, kernel=node.kernel, stride=node.strides,
            pads=node.pads, form=fold.form, simd=fold.simd,
        )  # fmt: skip
        unit = MatrixVector(
            weights=matrix, simd=fold.simd, pe=fold.pe, style=fold.style, rom=fold.rom,
            activation_bits=inputs.bits, activation_signed=inputs.signed,
            # -128 has 8 bits, but cannot lend to a neighbour: styles that pack products refuse it.
            weight_bits=min(max(int(np.abs(matrix.astype(int)).max()).bit_length() + 1, 2), 8),
            rom_positions=fold.rom_positions, vectors=node.shape[0] * node.shape[1],
            name=f"{node.name}_matrix",
        )  # fmt: skip
        given = windows[-1].outputs[0].width if windows else fold.simd * inputs.bits
        if max(given, fold.simd * inputs.bits) % min(given, fold.simd * inputs.bits):
            raise ValueError(f"simd is {fold.simd}; legal: a divisor of the {fold.form}'s elements")
    except ValueError as error:
        raise FoldingError(f"{node.name}: {error}") from error
    return windows, unit


def convolution_cycles(windows: tuple[Kernel, ...], unit: MatrixVector) -> int:
    """Cycles a frame of a convolution: those of its slowest kernel."""
    adapters = unit.adapters or ()
    return max(
        unit.cycles,
        *(kernel.cycles for kernel in adapters),
        *(window_cycles(kernel, windows) for kernel in windows),
        0,
    )


def window_cycles(kernel: Kernel, windows: tuple[Kernel, ...]) -> int:
    """Cycles a frame; the row window's own are for a row."""
    if isinstance(kernel, RowWindow):
        lines = windows[0]
        assert isinstance(lines, LineBuffer)
        return kernel.cycles * lines.rows
    return kernel.cycles
