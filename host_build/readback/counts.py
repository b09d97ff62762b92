"""How many of each kind of cell a circuit has, in the words of a utilisation report."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass

from host_build.readback.expressions import expression
from host_build.readback.model import ONE, ZERO, Cell, Circuit


@dataclass(frozen=True)
class Counts:
    """`lut` counts places of six inputs, with one table or two in them; `half_luts` the tables.

    `lut_through` are places besides that only pass a signal on, or are constant, which reports do
    not count. `slices` counts those with any cell, `bram36` halves as a half. What nobody heeds is
    not counted but for flip-flops and blocks.
    """

    lut: int
    lut_logic: int
    lut_through: int
    lut_ram: int
    lut_shift: int
    half_luts: int
    ff: int
    latches: int
    carry4: int
    muxf7: int
    muxf8: int
    slices: int
    bram36: float
    dsp: int
    bufg: int

    def __str__(self) -> str:
        rows = {name.replace("_", " "): value for name, value in asdict(self).items()}
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {value:>9,}" for name, value in rows.items())

    def json(self) -> str:
        return json.dumps(asdict(self), indent=2)


def count(circuit: Circuit) -> Counts:
    """Count the cells of a circuit."""
    kinds = Counter(cell.kind for cell in circuit.cells.values())
    places: dict[str, set[str]] = {use: set() for use in ("logic", "ram", "shift", "through")}
    for cell in circuit.cells.values():
        use = _USES.get(cell.kind)
        if use is not None:
            use = "through" if use == "logic" and _passes(cell) else use
            places[use].add(cell.name.replace("5LUT", "6LUT"))
    places["through"] -= places["logic"]
    return Counts(
        lut=sum(len(places[use]) for use in ("logic", "ram", "shift")),
        lut_logic=len(places["logic"]),
        lut_through=len(places["through"]),
        lut_ram=len(places["ram"]),
        lut_shift=len(places["shift"]),
        half_luts=sum(kinds[kind] for kind in _USES),
        ff=sum(kinds[kind] for kind in ("FDRE", "FDSE", "FDCE", "FDPE")),
        latches=kinds["LDCE"] + kinds["LDPE"],
        carry4=kinds["CARRY4"],
        muxf7=kinds["MUXF7"],
        muxf8=kinds["MUXF8"],
        slices=len({c.site for c in circuit.cells.values() if c.site.startswith("SLICE")}),
        bram36=kinds["RAMB18E1"] / 2,
        dsp=kinds["DSP48E1"],
        bufg=kinds["BUFGCTRL"],
    )


def _passes(cell: Cell) -> bool:
    """Whether a table is constant or its only input, not inverted."""
    names = [cell.inputs.get(f"A{k + 1}", ZERO) for k in range(int(cell.kind[-1]))]
    inputs = [net if net in (ZERO, ONE) else "net" for net in names]
    return expression(cell.parameters["INIT"], inputs) in ("1'b0", "1'b1", "net")


_USES = {
    "LUT6": "logic", "LUT5": "logic", "RAMD64E": "ram", "RAMD32": "ram", "SRLC32E": "shift",
    "SRL16E": "shift",
}  # fmt: skip
