"""The chip of an overlay as tools take it: its files, its clock, and which instance is whose."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from board_app.network.overlay import Overlay
from board_app.system.files import write_atomically
from host_build.generate import chip as chips
from host_build.generate import circuit
from host_build.generate.chip import Chip
from host_build.generate.handoff import clock_divisors
from host_build.generate.layout import Plan
from host_build.kernels.base import Resources

"""The PYNQ-Z2's."""
TOP = chips.TOP
CLOCK_PIN = "i_processing_system/FCLKCLK[0]"
"""FCLK0 where it leaves the processing system, in chip_top."""
CLOCK_NET = "clk"
"""The same clock after its buffer."""

_NETWORK = ("i_core", "i_network")
# The instances of chip_core that are not the network's, by the first match.
_AROUND = (
    (r"i_input|i_to_pixels_\d+", "input DMA"), (r"i_output|i_to_logits_\d+", "output DMA"),
    (r"i_registers", "registers"), (r"i_counters", "counters"),
)  # fmt: skip
# The wires between them, and out of the core, by who drives them.
_WIRES = (
    (r"gp_\w+|i_core\.(stop|rst|start|address|frames)", "registers"),
    (r"hp_ar\w+|hp_rready|i_core\.pixels_\d+_(data|valid)", "input DMA"),
    (r"hp_aw\w+|hp_w\w+|hp_bready|i_core\.logits_(\d+_ready|(?!32_)\d+_\w+)", "output DMA"),
    (r"i_core\.(cycles|first|starved|blocked|held)", "counters"),
)
REST = "rest"
"""What is of no layer's instance: the reset's flip-flops, wires between kernels."""


@dataclass(frozen=True)
class Design:
    """A chip's files, text by name, and what its instances are for.

    `owners` is the layer of each instance of the network, `drivers` of each wire between them,
    `estimates` the twins' cost of each layer, the chip's own parts among them.
    """

    name: str
    build_id: int
    clock_mhz: float
    files: Mapping[str, str]
    owners: Mapping[str, str]
    drivers: Mapping[str, str]
    estimates: Mapping[str, Resources]

    @property
    def sources(self) -> list[str]:
        """Names of the SystemVerilog files, in a fixed order."""
        return [name for name in self.files if name.endswith(".sv")]

    @property
    def images(self) -> list[str]:
        """Names of the `$readmemh` files."""
        return [name for name in self.files if not name.endswith(".sv")]

    @property
    def estimate(self) -> Resources:
        return sum(self.estimates.values(), Resources())

    @property
    def layers(self) -> list[str]:
        """Every layer, those of the network first, in the order of the data."""
        return [*self.estimates, REST]

    def layer(self, path: Sequence[str]) -> str | None:
        """The layer of what lies in the instance `path`, from the top; None above all layers."""
        if tuple(path[:2]) == _NETWORK:
            return self.owners.get(path[2]) if len(path) > 2 else None
        if len(path) > 1 and path[0] == _NETWORK[0]:
            return next((layer for name, layer in _AROUND if re.fullmatch(name, path[1])), None)
        return None

    def wire(self, name: str) -> str | None:
        """The layer that drives a wire between two kernels, by its whole name; None for others."""
        *path, last = name.split(".")
        if tuple(path) == _NETWORK:
            return self.drivers.get(last)
        return next((layer for names, layer in _WIRES if re.fullmatch(names, name)), None)

    def write(self, folder: Path) -> None:
        """Write every file into `folder`, side by side, as `$readmemh` wants them."""
        for name, text in self.files.items():
            write_atomically(folder / name, text.encode())


def of_overlay(chosen: Overlay, clock_mhz: float | None = None) -> Design:
    """The chip of the circuit that `chosen` has, at its clock or another.

    HostError where it has none, ClockError where the PS cannot make the clock.
    """
    plan, manifest = circuit.layout(chosen), chosen.manifest
    clock = float(manifest.circuit["clock_mhz"]) if clock_mhz is None else clock_mhz
    clock_divisors(clock)
    return of_plan(plan, chosen.folder.name, manifest.build_id, clock)


def of_plan(plan: Plan, name: str, build_id: str, clock_mhz: float) -> Design:
    """The chip around `plan`; `build_id` is the manifest's, eight hexadecimal digits."""
    module = circuit.module_name(name)
    made = chips.chip(plan, module, build_id)
    estimates = {layer: cost for layer, (_, cost) in plan.by_layer().items()}
    return Design(
        name=name,
        build_id=made.build_id,
        clock_mhz=clock_mhz,
        files=chips.files(plan, module, build_id),
        owners={instance.name: instance.layer for instance in plan.instances},
        drivers=_drivers(plan),
        estimates={**estimates, **_around(made)},
    )


def _drivers(plan: Plan) -> dict[str, str]:
    found: dict[str, str] = {}
    for instance in plan.instances:
        for wire in instance.outputs:
            found |= {f"{wire.name}_{part}": instance.layer for part in ("data", "valid")}
        for wire in instance.inputs:
            found[f"{wire.name}_ready"] = instance.layer
    return found


def _around(made: Chip) -> dict[str, Resources]:
    registers, *_, counters = made.kernels
    ways = {
        "input DMA": made.input_way,
        "output DMA": made.output_way,
        "registers": (registers,), "counters": (counters,),
    }  # fmt: skip
    return {
        name: sum((kernel.resources() for kernel in kernels), Resources())
        for name, kernels in ways.items()
    }
