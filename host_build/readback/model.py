"""What a bitstream configures, as data: cells, their pins, and nets with the way each one takes.

A net begins at a cell's output pin. It may leave the site of that cell by several of the site's
pins (O6 of a LUT by A and by AMUX): each is a branch without parent. From there it goes from node
to node by pips; each branch is one node, entered by one pip from its parent. A sink is a cell's
input pin, with the branch at whose node it enters the site, or None where the net stays within the
site (from a LUT to the flip-flop behind it, along a carry chain within one CARRY4).

Nodes are numbers of `nodes.Nodes`: `nodes.members(branch.node)` are the wires of one, `nodes.name`
tells tile and wire, from which Project X-Ray's tile types have resistance and capacitance.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

ZERO, ONE = "0", "1"
"""The nets of constants: they have no driver and no route."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A pin of a cell, A3 of SLICE_X0Y0.A6LUT."""

    cell: str
    name: str

    def __str__(self) -> str:
        return f"{self.cell}/{self.name}"


@dataclass(frozen=True, slots=True)
class Pip:
    """A switch that is on, from one wire of a tile to another; `key` of both in `nodes`."""

    source: int
    target: int


@dataclass(frozen=True, slots=True)
class Branch:
    """One node of a net's tree. The first ones have no pip: there the net leaves `site_pin`.

    `parent` is an index of the net's branches, -1 for the first ones; a parent comes before its
    children.
    """

    node: int
    parent: int
    pip: Pip | None
    site_pin: str | None = None


@dataclass(frozen=True, slots=True)
class Sink:
    """`site_pin` of the sink's site is at the node of `branch`; both None within a site."""

    pin: Pin
    branch: int | None
    site_pin: str | None


@dataclass(frozen=True, slots=True)
class Net:
    """`name` is that of the driver, SLICE_X0Y0.AFF/Q."""

    name: str
    driver: Pin
    branches: tuple[Branch, ...]
    sinks: tuple[Sink, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """One element of a site in use.

    `kind` is the vendor's name of the primitive, or of what it is part of: LUT6 (output O6), LUT5
    (O5), MUXF7, MUXF8, CARRY4 (S0 to S3, DI0 to DI3, CYINIT or CI; O0 to O3, CO0 to CO3), FDRE,
    FDSE, FDCE, FDPE, LDCE, LDPE (D, C, CE, SR; Q), RAMD64E, RAMD32, SRLC32E, SRL16E, RAMB18E1 (a
    RAMB36 is two of them), DSP48E1, BUFGCTRL, BUFHCE, PS7. `inputs` is the net of each input that
    matters, ZERO and ONE among them; `site_pins` the site's pin that it comes by.
    """

    name: str
    kind: str
    site: str
    tile: str
    parameters: Mapping[str, int]
    inputs: Mapping[str, str]
    outputs: tuple[str, ...]
    site_pins: Mapping[str, str]


@dataclass(frozen=True)
class Circuit:
    """Every cell in use and every net between them, by name."""

    part: str
    cells: Mapping[str, Cell]
    nets: Mapping[str, Net]

    def of_kind(self, *kinds: str) -> Iterator[Cell]:
        """The cells of these kinds."""
        return (cell for cell in self.cells.values() if cell.kind in kinds)

    @cached_property
    def clocks(self) -> frozenset[str]:
        """Nets that clock something."""
        pins = ("C", "CLK", "CLKARDCLK", "CLKBWRCLK")
        found = (cell.inputs.get(pin) for cell in self.cells.values() for pin in pins)
        return frozenset(net for net in found if net is not None and net not in (ZERO, ONE))
