"""Instances of kernels and the wires between them, as they are laid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from board_app.network.graph import Graph
from host_build.generate.folding import FoldingError
from host_build.generate.layout import Instance, Wire
from host_build.kernels.base import Kernel
from host_build.kernels.fifo import Fifo
from host_build.kernels.stream_fork import StreamFork
from host_build.kernels.width_converter import WidthConverter

LEAST_DEPTH = 3


class Wiring:
    """`depths` are the FIFOs' by name; without, each holds a whole frame."""

    def __init__(self, graph: Graph, depths: Mapping[str, int] | None) -> None:
        self._graph, self._depths = graph, depths
        self.instances: list[Instance] = []
        # For each tensor the wires that are still to be read, one for each time it is.
        self._wires: dict[str, list[Wire]] = {}

    def give(self, tensor: str, wire: Wire) -> None:
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
        self.put(f"{tensor}_fork", tensor, fork, (wire,), copies, wire.beats)
        self._wires[tensor] = list(copies)

    def take(self, tensor: str) -> Wire:
        """A wire of `tensor` that nobody has taken."""
        return self._wires[tensor].pop(0)

    def has_fifo(self, name: str) -> bool:
        """Whether there is to be one: circuits that were recorded without it have none."""
        return self._depths is None or name in self._depths

    def fifo(self, name: str, layer: str, wire: Wire) -> Wire:
        """`wire` behind a FIFO. FoldingError where its depth is not given."""
        depth = wire.beats if self._depths is None else self._depths.get(name)
        if depth is None:
            raise FoldingError(f"{name}: the circuit has no depth for this FIFO")
        out = replace(wire, name=f"{name}_out")
        kernel = Fifo(wire.width, max(depth, LEAST_DEPTH))
        self.put(name, layer, kernel, (wire,), (out,), wire.beats)
        return out

    def widths(self, name: str, layer: str, wire: Wire, lanes: int) -> Wire:
        """`wire` with `lanes` lanes, by way of single elements where the numbers do not divide."""
        if wire.lanes == lanes:
            return wire
        if max(wire.lanes, lanes) % min(wire.lanes, lanes):
            wire = self.widths(f"{name}_single", layer, wire, np.gcd(wire.lanes, lanes).item())
        out = replace(wire, name=name, lanes=lanes, beats=wire.beats * wire.lanes // lanes)
        kernel = WidthConverter(wire.width, out.width)
        cycles = max(wire.beats, out.beats)
        self.put(f"{name}_width", layer, kernel, (wire,), (out,), cycles)
        return out

    def put(
        self, name: str, layer: str, kernel: Kernel, inputs: tuple[Wire, ...],
        outputs: tuple[Wire, ...], cycles: int,
    ) -> None:  # fmt: skip
        """Lay a kernel between wires."""
        for wires, streams in ((inputs, kernel.inputs), (outputs, kernel.outputs)):
            for wire, stream in zip(wires, streams, strict=True):
                assert wire.width == stream.width, (name, wire, stream)
        self.instances.append(Instance(name, layer, kernel, inputs, outputs, cycles))
