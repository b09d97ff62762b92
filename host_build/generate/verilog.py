"""A plan as one SystemVerilog top level: the same plan gives the same bytes."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from host_build.generate.layout import Instance, Plan, Wire
from host_build.kernels.base import Stream
from host_build.text import templates

HERE = Path(__file__).parent
METERS = [HERE.parent / "simulation" / f"{name}.sv" for name in ("meter", "fifo_meter")]
LOGIT_BITS = 32


def top_level(plan: Plan, name: str, *, metered: bool = False) -> str:
    """The text of module `name`; `metered` is the form that FIFO sizing simulates."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is no module name: lower-case letters, digits and _ only")
    wires = [plan.source, *(wire for instance in plan.instances for wire in instance.outputs)]
    layers = [(key, list(group)) for key, group in groupby(plan.instances, lambda i: i.layer)]
    return templates.render(
        HERE / "network.sv.j2",
        {
            "plan": plan, "name": name, "metered": metered, "wires": wires, "layers": layers,
            "fifos": plan.fifos,
        },
        {"literal": literal, "ports": _ports, "sign_extended": _sign_extended},
    )  # fmt: skip


def sources(plan: Plan, *, metered: bool = False) -> list[Path]:
    """The kernels' files, each once, in a fixed order."""
    files = {path for instance in plan.instances for path in instance.kernel.sources()}
    return sorted(files) + (METERS if metered else [])


def files(plan: Plan, name: str) -> dict[str, str]:
    """The top level, the kernels it uses and the memory images, text by file name."""
    found = {f"{name}.sv": top_level(plan, name), **plan.images()}
    found |= {path.name: path.read_text() for path in sources(plan)}
    return dict(sorted(found.items()))


def literal(value: int | str) -> str:
    """A parameter's value as SystemVerilog."""
    return f'"{value}"' if isinstance(value, str) else str(value)


def _ports(instance: Instance, side: str) -> list[tuple[Stream, Wire]]:
    return list(zip(getattr(instance.kernel, side), getattr(instance, side), strict=True))


def _sign_extended(wire: str, bits: int) -> str:
    data = f"{wire}_data"
    if bits == LOGIT_BITS:
        return data
    return f"{{{{{LOGIT_BITS - bits}{{{data}[{bits - 1}]}}}}, {data}}}"
