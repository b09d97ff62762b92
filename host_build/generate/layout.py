"""A network laid out: kernels, and the streams between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from host_build.kernels.base import Kernel, Resources
from host_build.kernels.fifo import Fifo


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
    """The whole network; `source` and `sink` are its own streams.

    `shape` is a picture's height, width and channels.
    """

    instances: tuple[Instance, ...]
    source: Wire
    sink: Wire
    shape: tuple[int, int, int]

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
