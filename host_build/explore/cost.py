"""What a network would cost as a circuit, known before it is trained."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from host_build.compiler.fold import DEVICE, Budget, fold, provisional_depths
from host_build.explore.errors import ExploreError
from host_build.generate.folding import FoldingError
from host_build.generate.plan import plan
from host_build.kernels.base import Resources
from host_build.networks.skeleton import skeleton
from host_build.networks.variants import Variant

BUDGETS = {"pynq-z2": Budget()}
"""The most of the device that a network may take, by the board's name."""

_BRAM36_BITS = 36 * 1024
# A LUT6 as memory.
_LUT_BITS = 64


class Infeasible(Exception):
    """The network does not meet budget or speed; the message says which."""


@dataclass(frozen=True)
class Cost:
    """Of the fastest circuit within the budget: cycles a frame, estimated resources."""

    cycles: int
    resources: Resources

    def fps(self, clock_mhz: float) -> float:
        return clock_mhz * 1e6 / self.cycles

    def dump(self) -> dict[str, Any]:
        return {"cycles": self.cycles, "resources": asdict(self.resources)}

    @classmethod
    def load(cls, row: dict[str, Any]) -> Cost:
        return cls(row["cycles"], Resources(**row["resources"]))


def cost(variant: Variant, budget: Budget, *, most_cycles: int | None = None) -> Cost:
    """The cost of the fastest folding of `variant` within `budget`; seconds, no training.

    Infeasible where none fits or none takes at most `most_cycles` a frame: the cheap reasons are
    looked for first.
    """
    _require_room_for_weights(variant, budget)
    graph = skeleton(variant)
    try:
        if most_cycles is not None:
            # One integer program instead of the dozen that the fewest cycles take.
            fold(graph, budget, cycles=most_cycles)
        chosen = fold(graph, budget)
    except FoldingError as error:
        raise Infeasible(str(error)) from error
    layout = plan(graph, chosen)
    layout = plan(graph, chosen, provisional_depths(layout))
    return Cost(layout.interval, layout.resources)


def board(name: str) -> Budget:
    """The budget of the board `name`; ExploreError lists the known ones."""
    try:
        return BUDGETS[name]
    except KeyError:
        known = ", ".join(BUDGETS)
        raise ExploreError(f"unknown budget {name!r}; known: {known}") from None


def _require_room_for_weights(variant: Variant, budget: Budget) -> None:
    """Not even as memory alone can the device hold more than this."""
    bits = {"stem": variant.stem_bits.weight, "head": variant.head_weight_bits}
    bits |= {f"group{i}": group.bits.weight for i, group in enumerate(variant.groups, 1)}
    needed = sum(count * bits[part] for part, count in variant.parameters.items())
    room = budget.bram36 * DEVICE.bram36 * _BRAM36_BITS + budget.lut * DEVICE.lut * _LUT_BITS
    if needed > room:
        raise Infeasible(
            f"weights of {needed / 1e6:.1f} Mbit; the memories of the budget hold {room / 1e6:.1f}"
        )
