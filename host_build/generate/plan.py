"""Which kernels a folded graph becomes, and the streams between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from board_app.graph import INPUT, Add, Convolution, DataType, Graph, Pool, Threshold
from host_build.generate.folding import Folding, FoldingError, LayerFolding
from host_build.kernels.add import Add as AddKernel
from host_build.kernels.base import Kernel, Resources
from host_build.kernels.fifo import Fifo
from host_build.kernels.line_buffer import LineBuffer
from host_build.kernels.matrix_vector import MatrixVector
from host_build.kernels.pool import Pool as PoolKernel
from host_build.kernels.row_window import RowWindow
from host_build.kernels.sliding_window import window_chain
from host_build.kernels.stream_fork import StreamFork
from host_build.kernels.thresholds import ThresholdKernel, Thresholds
from host_build.kernels.thresholds_parallel import ThresholdsParallel
from host_build.kernels.width_converter import WidthConverter

LEAST_DEPTH = 3
_THRESHOLDS = {kind.module: kind for kind in (Thresholds, ThresholdsParallel)}


@dataclass(frozen=True)
class Wire:
    """A stream between two instances: `lanes` elements of `bits` bits, `beats` a frame."""

    name: str
    lanes: int
    bits: int
    beats: int

    @property
    def width(self) -> int:
        return self.lanes * self.bits


@dataclass(frozen=True)
class Instance:
    """One kernel of the network: the graph's node it works for, its wires, its cycles a frame."""

    name: str
    layer: str
    kernel: Kernel
    inputs: tuple[Wire, ...]
    outputs: tuple[Wire, ...]
    cycles: int


@dataclass(frozen=True)
class Plan:
    """The whole network; `source` and `sink` are its own streams."""

    instances: tuple[Instance, ...]
    source: Wire
    sink: Wire

    @cached_property
    def fifos(self) -> tuple[Instance, ...]:
        return tuple(i for i in self.instances if isinstance(i.kernel, Fifo))

    @property
    def depths(self) -> dict[str, int]:
        """The FIFOs' depths by name."""
        return {i.name: i.kernel.depth for i in self.instances if isinstance(i.kernel, Fifo)}

    @property
    def interval(self) -> int:
        """Cycles from one frame to the next: those of the slowest kernel."""
        return max(instance.cycles for instance in self.instances)

    @property
    def resources(self) -> Resources:
        return sum((i.kernel.resources() for i in self.instances), Resources())

    def images(self) -> dict[str, str]:
        """Every memory image, text by file name."""
        return {n: text for i in self.instances for n, text in i.kernel.images().items()}

    def by_layer(self) -> dict[str, tuple[int, Resources]]:
        """Cycles of the slowest kernel and resources of all, by the graph's node."""
        rows: dict[str, tuple[int, Resources]] = {}
        for instance in self.instances:
            cycles, cost = rows.get(instance.layer, (0, Resources()))
            cost = cost + instance.kernel.resources()
            rows[instance.layer] = (max(cycles, instance.cycles), cost)
        return rows


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
            channels, height, width, inputs.bits, kernel=node.kernel, stride=node.stride,
            form=fold.form, simd=fold.simd,
        )  # fmt: skip
        unit = MatrixVector(
            weights=matrix, simd=fold.simd, pe=fold.pe, style=fold.style, rom=fold.rom,
            activation_bits=inputs.bits, activation_signed=inputs.signed,
            weight_bits=max(int(np.abs(matrix).max()).bit_length() + 1, 2),
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
        *(_window_cycles(kernel, windows) for kernel in windows),
        0,
    )


def lanes_for(channels: int, pixels: int, interval: int) -> int:
    """The fewest lanes with which `pixels` of `channels` pass in `interval` cycles."""
    return next(
        lanes
        for lanes in range(1, channels + 1)
        if (channels % lanes == 0 and pixels * channels // lanes <= interval) or lanes == channels
    )


def plan(
    graph: Graph,
    folding: Folding,
    depths: Mapping[str, int] | None = None,
    *,
    thresholds: Mapping[str, str] | None = None,
    interval: int | None = None,
) -> Plan:
    """Lay out `graph`. `depths` are the FIFOs' by name; without, each holds a whole frame.

    `thresholds` are their kernels' modules by node; without, each has what is estimated to cost
    less. Thresholds, adds and the input get as many lanes as `interval` cycles a frame need;
    without it, those of the slowest convolution.
    """
    return _Planner(graph, folding, depths, thresholds, interval).run()


class _Planner:
    def __init__(
        self, graph: Graph, folding: Folding, depths: Mapping[str, int] | None,
        thresholds: Mapping[str, str] | None, interval: int | None,
    ) -> None:  # fmt: skip
        self._graph, self._folding, self._depths = graph, folding, depths
        self._thresholds = thresholds
        self._types = stream_types(graph)
        self._shapes = {INPUT: graph.input_shape, **{n.name: n.shape for n in graph.nodes}}
        self._interval = interval or 0
        self._instances: list[Instance] = []
        # For each tensor the wires that are still to be read, one for each time it is.
        self._wires: dict[str, list[Wire]] = {}

    def run(self) -> Plan:
        convolutions = [n for n in self._graph.nodes if isinstance(n, Convolution)]
        names = {node.name for node in convolutions}
        if names != set(self._folding):
            odd = ", ".join(sorted(names ^ set(self._folding)))
            raise FoldingError(f"the folding is for another network: {odd}")
        units = {n.name: self._convolution_kernels(n) for n in convolutions}
        self._interval = self._interval or max(
            convolution_cycles(windows, unit) for windows, unit in units.values()
        )
        source = self._source()
        for node in self._graph.nodes:
            if isinstance(node, Convolution):
                self._convolution(node, *units[node.name])
            elif isinstance(node, Threshold):
                self._threshold(node)
            elif isinstance(node, Add):
                self._add(node)
            else:
                self._pool(node)
        (last,) = self._wires[self._graph.output.name]
        sink = self._widths("logits", self._graph.output.name, last, 1)
        return Plan(tuple(self._instances), source, sink)

    def _convolution_kernels(self, node: Convolution) -> tuple[tuple[Kernel, ...], MatrixVector]:
        tensor = node.inputs[0]
        fold = self._folding[node.name]
        return convolution_kernels(node, self._types[tensor], self._shapes[tensor], fold)

    def _source(self) -> Wire:
        height, width, channels = self._graph.input_shape
        lanes = lanes_for(channels, height * width, self._interval)
        beats = height * width * channels // lanes
        wire = Wire("pixels", lanes, self._graph.input_dtype.bits, beats)
        self._give(INPUT, wire)
        return wire

    def _convolution(
        self, node: Convolution, windows: tuple[Kernel, ...], unit: MatrixVector
    ) -> None:
        name, tensor = node.name, node.inputs[0]
        bits = self._types[tensor].bits
        first = windows[0] if windows else unit
        wire = self._fifo(f"{name}_fifo", name, self._take(tensor))
        wire = self._widths(f"{name}_input", name, wire, first.inputs[0].width // bits)
        pixels = node.shape[0] * node.shape[1]
        for index, kernel in enumerate(windows):
            lanes = kernel.outputs[0].width // bits
            given = lanes
            if index + 1 < len(windows):  # the line buffer gives rows of columns
                across = self._shapes[tensor][1]
                beats = node.shape[0] * across
            else:
                beats = pixels * unit.mw // given
            out = Wire(f"{name}_{kernel.module}", lanes, bits, beats)
            self._put(out.name, name, kernel, (wire,), (out,), _window_cycles(kernel, windows))
            wire = out
        wire = self._widths(f"{name}_window_width", name, wire, unit.simd)
        out = Wire(f"{name}_matrix", unit.pe, unit.output_bits, pixels * unit.repeats)
        if unit.adapters is None:
            self._put(out.name, name, unit, (wire,), (out,), unit.cycles)
        else:
            out = self._two_at_once(name, unit, wire, out)
        self._give(name, out)

    def _two_at_once(self, name: str, unit: MatrixVector, wire: Wire, single: Wire) -> Wire:
        """The unit between what makes pairs of vectors and what takes them apart again."""
        assert unit.adapters is not None
        pair, unpair = unit.adapters
        both = Wire(f"{name}_pair", 2 * wire.lanes, wire.bits, wire.beats // 2)
        self._put(both.name, name, pair, (wire,), (both,), pair.cycles)
        sums = replace(single, lanes=2 * single.lanes, beats=single.beats // 2)
        self._put(sums.name, name, unit, (both,), (sums,), unit.cycles)
        out = replace(single, name=f"{name}_unpair")
        self._put(out.name, name, unpair, (sums,), (out,), unpair.cycles)
        return out

    def _threshold(self, node: Threshold) -> None:
        tensor = node.inputs[0]
        height, width, channels = node.shape
        lanes = lanes_for(channels, height * width, self._interval)
        wire = self._widths(f"{node.name}_input", node.name, self._take(tensor), lanes)
        source = self._types[tensor]
        kernels = (
            kind(
                lanes=lanes, channels=channels, values=node.thresholds.astype(np.int64),
                in_bits=source.bits, in_signed=source.signed, out_bits=node.dtype.bits,
                bias=node.bias, name=node.name,
            )
            for kind in self._threshold_kinds(node.name)
        )  # fmt: skip
        kernel = min(kernels, key=_area)
        beats = height * width * channels // lanes
        out = Wire(f"{node.name}_levels", lanes, node.dtype.bits, beats)
        self._put(node.name, node.name, kernel, (wire,), (out,), beats)
        self._give(node.name, out)

    def _threshold_kinds(self, name: str) -> Collection[type[ThresholdKernel]]:
        if self._thresholds is None:
            return _THRESHOLDS.values()
        chosen = self._thresholds.get(name)
        if chosen not in _THRESHOLDS:
            legal = " or ".join(_THRESHOLDS)
            raise FoldingError(f"{name}: the kernel is {chosen}, but must be {legal}")
        return [_THRESHOLDS[chosen]]

    def _add(self, node: Add) -> None:
        height, width, channels = node.shape
        lanes = lanes_for(channels, height * width, self._interval)
        wires = []
        for port, tensor in zip("ab", node.inputs, strict=True):
            wire = self._fifo(f"{node.name}_fifo_{port}", node.name, self._take(tensor))
            wires.append(self._widths(f"{node.name}_{port}", node.name, wire, lanes))
        a, b = (self._types[tensor] for tensor in node.inputs)
        kernel = AddKernel(lanes, a.bits, b.bits, a.signed, b.signed)
        beats = height * width * channels // lanes
        out = Wire(f"{node.name}_sum", lanes, kernel.sum_bits, beats)
        self._put(node.name, node.name, kernel, tuple(wires), (out,), beats)
        self._give(node.name, out)

    def _pool(self, node: Pool) -> None:
        tensor = node.inputs[0]
        height, width, channels = self._shapes[tensor]
        source = self._types[tensor]
        wire = self._take(tensor)
        lanes = wire.lanes
        kernel = PoolKernel(lanes, channels, height * width, source.bits, source.signed)
        out = Wire(f"{node.name}_sums", lanes, kernel.out_bits, channels // lanes)
        self._put(node.name, node.name, kernel, (wire,), (out,), kernel.cycles)
        self._give(node.name, out)

    def _give(self, tensor: str, wire: Wire) -> None:
        """Offer `wire` to the readers of `tensor`, through a fork if they are several."""
        readers = self._graph.consumers(tensor)
        if len(readers) < 2:
            self._wires[tensor] = [wire]
            return
        copies = tuple(
            replace(wire, name=f"{tensor}_to_{reader.name}_{index}")
            for index, reader in enumerate(readers)
        )
        fork = StreamFork(wire.width, len(copies))
        self._put(f"{tensor}_fork", tensor, fork, (wire,), copies, wire.beats)
        self._wires[tensor] = list(copies)

    def _take(self, tensor: str) -> Wire:
        return self._wires[tensor].pop(0)

    def _fifo(self, name: str, layer: str, wire: Wire) -> Wire:
        depth = wire.beats if self._depths is None else self._depths.get(name)
        if depth is None:
            raise FoldingError(f"{name}: the circuit has no depth for this FIFO")
        out = replace(wire, name=f"{name}_out")
        kernel = Fifo(wire.width, max(depth, LEAST_DEPTH))
        self._put(name, layer, kernel, (wire,), (out,), wire.beats)
        return out

    def _widths(self, name: str, layer: str, wire: Wire, lanes: int) -> Wire:
        """`wire` with `lanes` lanes, by way of single elements where the numbers do not divide."""
        if wire.lanes == lanes:
            return wire
        if max(wire.lanes, lanes) % min(wire.lanes, lanes):
            wire = self._widths(f"{name}_single", layer, wire, np.gcd(wire.lanes, lanes).item())
        out = replace(wire, name=name, lanes=lanes, beats=wire.beats * wire.lanes // lanes)
        kernel = WidthConverter(wire.width, out.width)
        cycles = max(wire.beats, out.beats)
        self._put(f"{name}_width", layer, kernel, (wire,), (out,), cycles)
        return out

    def _put(
        self, name: str, layer: str, kernel: Kernel, inputs: tuple[Wire, ...],
        outputs: tuple[Wire, ...], cycles: int,
    ) -> None:  # fmt: skip
        for wires, streams in ((inputs, kernel.inputs), (outputs, kernel.outputs)):
            for wire, stream in zip(wires, streams, strict=True):
                assert wire.width == stream.width, (name, wire, stream)
        self._instances.append(Instance(name, layer, kernel, inputs, outputs, cycles))


def _window_cycles(kernel: Kernel, windows: tuple[Kernel, ...]) -> int:
    """Cycles a frame; the row window's own are for a row."""
    if isinstance(kernel, RowWindow):
        lines = windows[0]
        assert isinstance(lines, LineBuffer)
        return kernel.cycles * lines.rows
    return kernel.cycles


def _area(kernel: ThresholdKernel) -> float:
    """A BRAM18 stands for some 300 LUTs."""
    cost = kernel.resources()
    return cost.lut + 600 * cost.bram36
