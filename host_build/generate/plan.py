"""Which kernels a folded graph becomes, and the streams between them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Add, Convolution, Depthwise, Pool, Threshold, Windowed
from host_build.generate.convolution import (
    convolution_cycles,
    convolution_kernels,
    stream_types,
    window_cycles,
)
from host_build.generate.folding import Folding, FoldingError
from host_build.generate.layout import Plan, Wire
from host_build.generate.windowed import (
    WindowedNode,
    fewest_cycles,
    windowed_kernels,
    windowed_lanes,
)
from host_build.generate.wiring import Wiring
from host_build.kernels.add import Add as AddKernel
from host_build.kernels.base import Kernel
from host_build.kernels.matrix_vector import MatrixVector
from host_build.kernels.pool import Pool as PoolKernel
from host_build.kernels.subsample import Subsample
from host_build.kernels.thresholds import ThresholdKernel, Thresholds
from host_build.kernels.thresholds_parallel import ThresholdsParallel

_THRESHOLDS = {kind.module: kind for kind in (Thresholds, ThresholdsParallel)}


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
    less. Thresholds, adds, pools of windows, depthwise convolutions and the input get as many lanes
    as `interval` cycles a frame need; without it, those of the slowest convolution.
    """
    return _Planner(graph, folding, depths, thresholds, interval).run()


class _Planner:
    def __init__(
        self, graph: Graph, folding: Folding, depths: Mapping[str, int] | None,
        thresholds: Mapping[str, str] | None, interval: int | None,
    ) -> None:  # fmt: skip
        self._graph, self._folding = graph, folding
        self._wiring = Wiring(graph, depths)
        self._thresholds = thresholds
        self._types = stream_types(graph)
        self._shapes = {INPUT: graph.input_shape, **{n.name: n.shape for n in graph.nodes}}
        self._interval = interval or 0

    def run(self) -> Plan:
        convolutions = [n for n in self._graph.nodes if isinstance(n, Convolution)]
        names = {node.name for node in convolutions}
        if names != set(self._folding):
            odd = ", ".join(sorted(names ^ set(self._folding)))
            raise FoldingError(f"the folding is for another network: {odd}")
        units = {n.name: self._convolution_kernels(n) for n in convolutions}
        self._interval = self._interval or max(
            *(convolution_cycles(windows, unit) for windows, unit in units.values()),
            *fewest_cycles(self._graph, self._types),
        )
        source = self._source()
        for node in self._graph.nodes:
            if isinstance(node, Convolution):
                self._convolution(node, *units[node.name])
            elif isinstance(node, Threshold):
                self._threshold(node)
            elif isinstance(node, Add):
                self._add(node)
            elif isinstance(node, Windowed):
                self._windowed(node)
            else:
                self._pool(node)
        output = self._graph.output.name
        sink = self._wiring.widths("logits", output, self._wiring.take(output), 1)
        return Plan(tuple(self._wiring.instances), source, sink, self._graph.input_shape)

    def _convolution_kernels(self, node: Convolution) -> tuple[tuple[Kernel, ...], MatrixVector]:
        tensor = node.inputs[0]
        fold = self._folding[node.name]
        windows, unit = convolution_kernels(
            node, self._types[tensor], self._shapes[tensor], fold
        )  # fmt: skip
        readers = self._graph.consumers(node.name)
        ahead = all(self._is_registered(n) for n in readers if isinstance(n, Threshold))
        return windows, replace(unit, ahead=ahead)

    def _source(self) -> Wire:
        height, width, channels = self._graph.input_shape
        lanes = lanes_for(channels, height * width, self._interval)
        beats = height * width * channels // lanes
        wire = Wire("pixels", lanes, self._graph.input_dtype.bits, beats)
        self._wiring.give(INPUT, wire)
        return wire

    def _convolution(
        self, node: Convolution, windows: tuple[Kernel, ...], unit: MatrixVector
    ) -> None:
        name, tensor = node.name, node.inputs[0]
        bits = self._types[tensor].bits
        first = windows[0] if windows else unit
        wire = self._wiring.take(tensor)
        if not windows and node.strides != (1, 1):
            wire = self._subsample(node, wire, self._shapes[tensor])
        wire = self._wiring.fifo(f"{name}_fifo", name, wire)
        wire = self._wiring.widths(f"{name}_input", name, wire, first.inputs[0].width // bits)
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
            self._wiring.put(
                out.name, name, kernel, (wire,), (out,), window_cycles(kernel, windows)
            )
            wire = out
        wire = self._wiring.widths(f"{name}_window_width", name, wire, unit.simd)
        out = Wire(f"{name}_matrix", unit.pe, unit.output_bits, pixels * unit.repeats)
        if unit.adapters is None:
            self._wiring.put(out.name, name, unit, (wire,), (out,), unit.cycles)
        else:
            out = self._two_at_once(name, unit, wire, out)
        self._wiring.give(name, out)

    def _subsample(self, node: Convolution, wire: Wire, shape: tuple[int, int, int]) -> Wire:
        """What a 1 x 1 kernel keeps of `wire`: before the FIFO, lest the unit wait for the rest."""
        height, width, channels = shape
        kernel = Subsample(height, width, channels // wire.lanes, wire.width, node.strides)
        beats = node.shape[0] * node.shape[1] * kernel.groups
        out = replace(wire, name=f"{node.name}_{kernel.module}", beats=beats)
        self._wiring.put(out.name, node.name, kernel, (wire,), (out,), kernel.cycles)
        return out

    def _two_at_once(self, name: str, unit: MatrixVector, wire: Wire, single: Wire) -> Wire:
        """The unit between what makes pairs of vectors and what takes them apart again."""
        assert unit.adapters is not None
        pair, unpair = unit.adapters
        both = Wire(f"{name}_pair", 2 * wire.lanes, wire.bits, wire.beats // 2)
        self._wiring.put(both.name, name, pair, (wire,), (both,), pair.cycles)
        sums = replace(single, lanes=2 * single.lanes, beats=single.beats // 2)
        self._wiring.put(sums.name, name, unit, (both,), (sums,), unit.cycles)
        out = replace(single, name=f"{name}_unpair")
        self._wiring.put(out.name, name, unpair, (sums,), (out,), unpair.cycles)
        return out

    def _threshold(self, node: Threshold) -> None:
        tensor = node.inputs[0]
        height, width, channels = node.shape
        lanes = lanes_for(channels, height * width, self._interval)
        wire = self._registered(node, self._wiring.take(tensor))
        wire = self._wiring.widths(f"{node.name}_input", node.name, wire, lanes)
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
        self._wiring.put(node.name, node.name, kernel, (wire,), (out,), beats)
        self._wiring.give(node.name, out)

    def _registered(self, node: Threshold, wire: Wire) -> Wire:
        """A FIFO behind what multiplies, lest a stall reach from the thresholds through it."""
        multiply = {n.name for n in self._graph.nodes if isinstance(n, (Convolution, Depthwise))}
        if node.inputs[0] not in multiply or not self._is_registered(node):
            return wire
        return self._wiring.fifo(f"{node.name}_fifo", node.name, wire)

    def _is_registered(self, node: Threshold) -> bool:
        return self._wiring.has_fifo(f"{node.name}_fifo")

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
            wire = self._wiring.fifo(
                f"{node.name}_fifo_{port}", node.name, self._wiring.take(tensor)
            )
            wires.append(self._wiring.widths(f"{node.name}_{port}", node.name, wire, lanes))
        a, b = (self._types[tensor] for tensor in node.inputs)
        kernel = AddKernel(lanes, a.bits, b.bits, a.signed, b.signed)
        beats = height * width * channels // lanes
        out = Wire(f"{node.name}_sum", lanes, kernel.sum_bits, beats)
        self._wiring.put(node.name, node.name, kernel, tuple(wires), (out,), beats)
        self._wiring.give(node.name, out)

    def _pool(self, node: Pool) -> None:
        tensor = node.inputs[0]
        height, width, channels = self._shapes[tensor]
        source = self._types[tensor]
        wire = self._wiring.take(tensor)
        lanes = wire.lanes
        kernel = PoolKernel(lanes, channels, height * width, source.bits, source.signed)
        out = Wire(f"{node.name}_sums", lanes, kernel.out_bits, channels // lanes)
        self._wiring.put(node.name, node.name, kernel, (wire,), (out,), kernel.cycles)
        self._wiring.give(node.name, out)

    def _windowed(self, node: WindowedNode) -> None:
        name, tensor = node.name, node.inputs[0]
        source, shape = self._types[tensor], self._shapes[tensor]
        lanes = windowed_lanes(node, source, shape, self._interval)
        windows, join = windowed_kernels(node, source, shape, lanes)
        wire = self._wiring.fifo(f"{name}_fifo", name, self._wiring.take(tensor))
        wire = self._wiring.widths(f"{name}_input", name, wire, lanes)
        pixels = node.shape[0] * node.shape[1]
        parts = Wire(f"{name}_windows", lanes, source.bits, pixels * join.cycles)
        self._wiring.put(parts.name, name, windows, (wire,), (parts,), windows.cycles)
        out = Wire(f"{name}_joined", lanes, join.out_bits, pixels * join.groups)
        self._wiring.put(out.name, name, join, (parts,), (out,), parts.beats)
        self._wiring.give(name, out)


def _area(kernel: ThresholdKernel) -> float:
    """A BRAM18 stands for some 300 LUTs."""
    cost = kernel.resources()
    return cost.lut + 600 * cost.bram36
