"""Choose the folding: the fastest network a device holds, or the cheapest that is fast enough.

For a given number of cycles a frame, every convolution must take one of its options that are as
fast, and their costs must fit the device together: a multiple-choice knapsack with three resources,
solved exactly as an integer program. The fewest cycles are found by bisection over the cycles that
options have, since what fits in few cycles fits in more.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import get_args

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Convolution, DataType
from host_build.generate.convolution import convolution_cycles, convolution_kernels, stream_types
from host_build.generate.folding import Folding, FoldingError, LayerFolding
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.generate.windowed import fewest_cycles
from host_build.kernels.base import RamStyle, Resources, divisors
from host_build.kernels.matrix_vector_shape import Style
from host_build.kernels.sliding_window import Form, forms

DEVICE = Resources(lut=53_200, ff=106_400, bram36=140, dsp=220)
"""The xc7z020."""
_ROMS: tuple[RamStyle, ...] = ("block", "distributed")
# A skip FIFO waits for the main path's windows: some rows. Sizing finds the exact number later.
_SKIP_ROWS = 4
_PLAIN_DEPTH = 32
# Among solutions of equal largest share the one that is cheaper in all.
_TIE = 0.05


@dataclass(frozen=True)
class Budget:
    """The most of the device's LUTs, DSP blocks and block RAM that may be used, as fractions."""

    lut: float = 0.80
    dsp: float = 0.95
    bram36: float = 0.95

    def resources(self) -> np.ndarray:
        return np.array([
            self.lut * DEVICE.lut, self.dsp * DEVICE.dsp, self.bram36 * DEVICE.bram36
        ])  # fmt: skip


@dataclass(frozen=True)
class Option:
    """One way to fold a convolution, its cycles a frame and its cost."""

    fold: LayerFolding
    cycles: int
    cost: np.ndarray


def fold(graph: Graph, budget: Budget = Budget(), *, cycles: int | None = None) -> Folding:
    """The folding with the fewest cycles a frame within `budget`, or the cheapest within `cycles`.

    FoldingError where nothing fits.
    """
    layers = options(graph)
    slowest = max(fewest_cycles(graph, stream_types(graph)), default=0)
    if cycles is not None:
        if cycles < slowest:
            raise FoldingError(
                f"a pool or a depthwise convolution takes {slowest:,} cycles a frame, at most "
                f"{cycles:,} are asked for"
            )
        found = _cheapest(graph, layers, budget, cycles)
        if found is None:
            raise FoldingError(f"no folding of at most {cycles:,} cycles a frame fits the budget")
        return found
    # The slowest layer decides, so only what some layer can do is worth a try.
    least = max(slowest, *(min(o.cycles for o in layer) for layer in layers.values()))
    goals = sorted(
        {o.cycles for layer in layers.values() for o in layer if o.cycles >= least} | {least}
    )
    best, low, high = None, 0, len(goals) - 1
    while low <= high:
        middle = (low + high) // 2
        found = _cheapest(graph, layers, budget, goals[middle])
        if found is None:
            low = middle + 1
        else:
            best, high = found, middle - 1
    if best is None:
        raise FoldingError("the network does not fit the budget at any folding")
    return best


def options(graph: Graph) -> dict[str, list[Option]]:
    """Every legal folding of each convolution that no other one beats in cycles and all costs."""
    types = stream_types(graph)
    shapes = {INPUT: graph.input_shape, **{n.name: n.shape for n in graph.nodes}}
    return {
        node.name: _layer_options(node, types[node.inputs[0]], shapes[node.inputs[0]])
        for node in graph.nodes
        if isinstance(node, Convolution)
    }


def provisional_depths(layout: Plan) -> dict[str, int]:
    """Depths to cost FIFOs with before they are sized."""
    depths = {}
    for instance in layout.fifos:
        beats = instance.inputs[0].beats
        skip = "_fifo_" in instance.name
        depths[instance.name] = max(_PLAIN_DEPTH, beats * _SKIP_ROWS // 32 if skip else 0)
    return depths


def _cheapest(
    graph: Graph, layers: dict[str, list[Option]], budget: Budget, cycles: int
) -> dict[str, LayerFolding] | None:
    """The cheapest folding of at most `cycles` a frame, None if none fits.

    What lies between the convolutions depends on the choice. It is estimated for one that leaves no
    room for it; where the whole is found to be too large, the choice is made again with so much
    less.
    """
    rooms = budget.resources()
    usable = {name: [o for o in layer if o.cycles <= cycles] for name, layer in layers.items()}
    if not all(usable.values()):
        return None
    folding = _solve(usable, rooms)
    if folding is None:
        return None
    left = rooms - _between(graph, folding, cycles)
    for _ in range(4):
        folding = _solve(usable, left)
        if folding is None:
            return None
        excess = _whole(graph, folding, cycles) - rooms
        if (excess <= 0).all():
            return folding
        left = left - excess.clip(0)
    return None


def _solve(usable: dict[str, list[Option]], room: np.ndarray) -> dict[str, LayerFolding] | None:
    """One option of each layer, None if none fit `room` together.

    Of those that fit it takes the one whose scarcest resource is the least used, so that the DSP
    blocks of a network that could do without them still save LUTs, which routing is short of.
    """
    if (room < 0).any():
        return None
    layers = list(usable.values())
    costs = np.concatenate([[o.cost for o in layer] for layer in layers])
    owner = np.repeat(np.arange(len(layers)), [len(layer) for layer in layers])
    count = len(owner)
    one_each = np.zeros((len(layers), count + 1))
    one_each[owner, np.arange(count)] = 1
    # The last variable is the share that no resource's use exceeds.
    used = np.hstack([costs.T, np.zeros((len(room), 1))])
    below_share = np.hstack([(costs / room).T, np.full((len(room), 1), -1.0)])
    result = milp(
        np.append((costs / room).sum(axis=1) * _TIE, 1.0),
        constraints=[
            LinearConstraint(one_each, 1, 1),
            LinearConstraint(used, -np.inf, room),
            LinearConstraint(below_share, -np.inf, 0),
        ],
        integrality=np.append(np.ones(count), 0),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-3},
    )
    if result.x is None:
        return None
    taken = np.flatnonzero(result.x[:count] > 0.5)
    chosen = taken - np.searchsorted(owner, np.arange(len(layers)))
    return {name: usable[name][i].fold for name, i in zip(usable, chosen, strict=True)}


def _layer_options(node: Convolution, dtype: DataType, shape: tuple[int, int, int]) -> list[Option]:
    outputs, down, across, channels = node.weights.shape
    elements = {"serial": 1, "column": down, "window": down * across}
    parts: list[tuple[Form, int]] = []
    for form in forms(*shape[:2], node.kernel, node.strides, node.pads):
        smaller = max((simd for _, simd in parts), default=0)
        legal = divisors(channels * elements[form])
        parts += [(form, simd) for simd in legal if simd > smaller]
    found = []
    styles = get_args(Style)
    for (form, simd), pe, style, rom in product(parts, divisors(outputs), styles, _ROMS):
        choice = LayerFolding(simd, pe, form, style, rom)
        try:
            windows, unit = convolution_kernels(node, dtype, shape, choice)
        except FoldingError:
            continue  # the products do not fit this style
        beside = (*windows, *(unit.adapters or ()))
        cost = sum((k.resources() for k in beside), unit.resources())
        found.append(Option(choice, convolution_cycles(windows, unit), _vector(cost)))
    return _undominated(found)


def _undominated(found: list[Option]) -> list[Option]:
    rows = np.array([[o.cycles, *o.cost] for o in found])
    keep = []
    for index, row in enumerate(rows):
        no_worse = (rows <= row).all(axis=1)
        better = no_worse & (rows < row).any(axis=1)
        earlier_equal = no_worse[:index] & (rows[:index] == row).all(axis=1)
        if not better.any() and not earlier_equal.any():
            keep.append(found[index])
    return keep


def _between(graph: Graph, folding: Folding, cycles: int) -> np.ndarray:
    """The cost of all but the convolutions' own kernels."""
    layout = plan(graph, folding, interval=cycles)
    layout = plan(graph, folding, provisional_depths(layout), interval=cycles)
    names = {node.name for node in graph.nodes if isinstance(node, Convolution)}
    rest = (i for i in layout.instances if i.layer not in names)
    return _vector(sum((i.kernel.resources() for i in rest), Resources()))


def _whole(graph: Graph, folding: Folding, cycles: int) -> np.ndarray:
    layout = plan(graph, folding, interval=cycles)
    return _vector(plan(graph, folding, provisional_depths(layout), interval=cycles).resources)


def _vector(cost: Resources) -> np.ndarray:
    return np.array([cost.lut, cost.dsp, cost.bram36])
