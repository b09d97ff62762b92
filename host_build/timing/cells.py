"""Delays and checks of the cells that were read back, by their own pins' names.

A file tells a cell by the attributes that matter, DSP48E1_CREG_1_PREG_0, and buses by one name.
Where several entries fit, or an attribute is not read back (USE_MULT), what holds of any of them
holds. The files have no way from a register within a DSP48E1 to the next, so that is not timed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

from host_build.configuration.database import Database
from host_build.configuration.errors import ReadbackError
from host_build.readback.blocks import MODES
from host_build.readback.model import Cell
from host_build.timing import sdf
from host_build.timing.sdf import NONE, Delay, Entry

_CARRY_VARIANTS = ("", "_LFF", "_LBOTH")
_MODES = dict(zip(MODES, ("WF", "RF", "NC"), strict=True))
_DSP_REGISTERS = (
    "AREG", "BREG", "CREG", "DREG", "ADREG", "MREG", "PREG", "ACASCREG", "BCASCREG", "INMODEREG",
    "OPMODEREG", "ALUMODEREG", "CARRYINREG", "CARRYINSELREG",
)  # fmt: skip
_RAM_PINS = {
    "ADDRA": "ADDRARDADDR", "ADDRB": "ADDRBWRADDR", "WEB": "WEBWE", "REGCEA": "REGCEAREGCE",
    "RSTREGA": "RSTREGARSTREG", "RSTRAMA": "RSTRAMARSTRAM",
}  # fmt: skip
_BLOCKS = ("RAMB18E1", "DSP48E1", "BUFGCTRL", "BUFHCE", "PS7")
_SYNCHRONOUS = ("FDRE", "FDSE")
_NOT_TIMED = ("LDCE", "LDPE")


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a pin needs about its clock's edge, in ns at worst."""

    pin: str
    clock: str
    setup: float
    hold: float


@dataclass(frozen=True, slots=True)
class Times:
    """Of one cell: ways by (input, output), and what its inputs need."""

    arcs: Mapping[tuple[str, str], Delay]
    requirements: tuple[Requirement, ...]


class CellTimes:
    """Times of cells on one device; DatabaseError where the files of them are missing."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[object, Times] = {}

    def of(self, cell: Cell) -> Times:
        """ReadbackError for a cell that cannot be timed."""
        if cell.kind in _NOT_TIMED:
            raise ReadbackError(f"{cell.name} is a latch ({cell.kind}), which is not timed here")
        tile, site = self._database.sites[cell.site]
        routed = tuple(pin for pin in cell.inputs if pin.startswith("DI") and pin in cell.site_pins)
        key = (
            tile.type, site.type, cell.name.partition(".")[2], cell.kind, tuple(cell.inputs),
            cell.outputs, routed, tuple(sorted(_attributes(cell).items())),
        )  # fmt: skip
        if key not in self._known:
            self._known[key] = self._times(cell, tile.type, site.type)
        return self._known[key]

    def within(self, site: str, source: str, target: str) -> Delay:
        """Through a slice's own multiplexer, a6lut to aff; none where there is none."""
        return self._multiplexers.get(
            (self._database.sites[site][1].type, source.lower(), target.lower()), NONE
        )

    @cached_property
    def _multiplexers(self) -> dict[tuple[str, str, str], Delay]:
        return {
            (kind, arc.source, arc.target): arc.delay
            for kind in ("SLICEL", "SLICEM") for entry in self._load(kind.lower())
            if entry.type == "ROUTING_BEL" for arc in entry.arcs
        }  # fmt: skip

    @cache  # noqa: B019 - lives as long as the program
    def _load(self, name: str) -> tuple[Entry, ...]:
        return sdf.load(self._database.family / "timings" / f"{name}.sdf")

    def _times(self, cell: Cell, tile: str, site: str) -> Times:
        inputs, outputs = _by_told(cell, tuple(cell.inputs)), _by_told(cell, cell.outputs)
        arcs: dict[tuple[str, str], Delay] = {}
        setup: dict[tuple[str, str], float] = {}
        hold: dict[tuple[str, str], float] = {}
        for entry in _fitting(cell, site, self._load(tile)):
            for arc in entry.arcs:
                if arc.source == "SR" and cell.kind in _SYNCHRONOUS:
                    continue
                for source in inputs.get(arc.source, ()):
                    for target in outputs.get(arc.target, ()):
                        known = arcs.get((source, target), arc.delay)
                        arcs[source, target] = known.either(arc.delay)
            for check in entry.checks:
                into = setup if check.kind in ("SETUP", "RECOVERY") else hold
                for pin in inputs.get(check.pin, ()):
                    for clock in inputs.get(check.clock, ()):
                        value = max(check.least, check.most)
                        into[pin, clock] = max(into.get((pin, clock), value), value)
        return Times(
            arcs,
            tuple(Requirement(*ends, setup[ends], hold[ends]) for ends in setup if ends in hold),
        )


def _by_told(cell: Cell, pins: tuple[str, ...]) -> dict[str, list[str]]:
    """The cell's pins by each name that a file may have for them."""
    found: dict[str, list[str]] = {}
    for pin in pins:
        for told in _names(cell, pin):
            found.setdefault(told, []).append(pin)
    return found


def _names(cell: Cell, pin: str) -> tuple[str, ...]:
    kind, bus = cell.kind, pin.rstrip("0123456789")
    if kind.startswith("FD"):
        return ({"C": "CLK", "D": "DIN"}.get(pin, pin),)
    if kind.startswith("MUXF"):
        return ({"I0": "0", "I1": "1", "S": "S0", "O": "OUT"}[pin],)
    if kind == "CARRY4":
        return ("CIN" if pin == "CI" else pin,)
    if kind.startswith(("RAMD", "SRL")) and pin == "DI":
        return "DI1", "DI2"
    if kind.startswith("SRL") and bus == "A":
        return (f"A{int(pin[1:]) + 2}",)
    if kind == "RAMB18E1":
        told = {mine: name for name, mine in _RAM_PINS.items()}.get(bus, bus)
        return f"{told}U", f"{told}L"
    if kind.startswith(("LUT", "RAMD", "SRL")) or bus == pin:
        return (pin,)
    return pin, bus


def _fitting(cell: Cell, site: str, entries: tuple[Entry, ...]) -> Iterator[Entry]:
    """The entries that are of this cell."""
    kind, place = cell.kind, cell.name.partition(".")[2]
    if kind not in _BLOCKS:
        types = _slice_types(cell, place)
        for entry in entries:
            if entry.type in types and entry.instance in (site, f"{site}/{place}"):
                yield entry
        return
    whole = "RAMBFIFO36E1" if kind == "RAMB18E1" else kind
    attributes = _attributes(cell)
    for entry in entries:
        if entry.type.startswith(whole):
            rest = entry.type.removeprefix(whole)
            if "FIFO18" not in rest and _agree(rest, attributes):
                yield entry


def _slice_types(cell: Cell, place: str) -> set[str]:
    if cell.kind.startswith("LUT"):
        return {cell.kind, f"LUT_OR_MEM{cell.kind[3]}LRAM"}
    if cell.kind.startswith("RAMD"):
        return {f"LUT_OR_MEM{place[1]}LRAM"}
    if cell.kind.startswith("SRL"):
        return {f"LUT_OR_MEM{place[1]}SHFREG", f"LUT_OR_MEM{place[1]}LRAM"}
    if cell.kind.startswith("MUXF"):
        return {"SELMUX2_1"}
    if cell.kind == "CARRY4":
        bypassed = [f"_{row}X" for k, row in enumerate("ABCD") if f"DI{k}" in cell.site_pins]
        ends = ["", *bypassed, *(["_O5"] if len(bypassed) < len("ABCD") else [])]
        return {f"CARRY4{end}{variant}" for end in ends for variant in _CARRY_VARIANTS}
    base = "FF_INIT" if place[1] == "5" else "REG_INIT_FF"
    return {base, f"{base}_QH", f"{base}_QL"}


def _attributes(cell: Cell) -> dict[str, str]:
    """Values by the names that entries have; each a pattern."""
    told = cell.parameters
    if cell.kind == "DSP48E1":
        registers = {name: str(told[name]) for name in _DSP_REGISTERS}
        return registers | {
            "A_INPUT": "CASCADE" if told["A_CASCADE"] else "DIRECT",
            "B_INPUT": "CASCADE" if told["B_CASCADE"] else "DIRECT",
            "USE_DPORT": "TRUE" if told["USE_DPORT"] else "FALSE",
            "USE_PATTERN_DETECT": "PATDET" if "PATTERNDETECT" in cell.outputs else "NO_PATDET",
        }
    if cell.kind == "RAMB18E1":
        modes = {_MODES[MODES[told[f"WRITE_MODE_{port}"]]] for port in "AB"}
        return {
            "DOA_REG_U": str(told["DOA_REG"]), "DOB_REG_U": str(told["DOB_REG"]),
            "DOA_REG_L": str(told["DOA_REG"]), "DOB_REG_L": str(told["DOB_REG"]),
            "WRITE_MODE_U": "|".join(sorted(modes)), "ISFIFO": "FALSE",
        }  # fmt: skip
    return {}


def _agree(told: str, attributes: Mapping[str, str]) -> bool:
    """Whether no attribute that is in an entry's type has another value."""
    for name, value in attributes.items():
        for match in re.finditer(rf"(?:^|_){name}_", told):
            if not re.match(rf"(?:{value})(?:_|$)", told[match.end() :]):
                return False
    return True
