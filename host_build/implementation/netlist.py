"""A netlist as Verilog files with models of its cells, to be simulated in place of the RTL.

Yosys' own models stand for all cells but the block memories: of those it knows the pins only, and
the folder `models` has what they do.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

from host_build.implementation.yosys import Synthesis, YosysError, cell_models, write_verilog

MODELS = Path(__file__).parent / "models"
BLOCK_RAMS = ("RAMB18E1", "RAMB36E1")

# What Verilator says about Yosys' netlists and models, which were not written for it.
_WARNINGS = (
    "CASEINCOMPLETE", "COMBDLY", "INITIALDLY", "PINMISSING", "SPECIFYIGN", "UNOPTFLAT", "WIDTH",
)  # fmt: skip
_QUIET = "".join(f"/* verilator lint_off {name} */\n" for name in _WARNINGS)


def netlist_sources(synthesis: Synthesis, folder: Path) -> list[Path]:
    """Write the netlist and Yosys' models of its cells to `folder`; every file that it needs.

    The top module has the name and the ports of the one that was synthesised, but no parameters,
    and needs no memory images. Raises YosysError where a cell has no model.
    """
    kinds = cells(synthesis).keys()
    models = folder / "cells.v"
    models.write_text(_QUIET + _yosys_models(sorted(kinds - set(BLOCK_RAMS))))
    netlist = folder / "netlist.v"
    write_verilog(synthesis, netlist)
    netlist.write_text(_QUIET + netlist.read_text())
    own = [kind for kind in BLOCK_RAMS if kind in kinds]
    if own:
        own.append("block_ram")
    return [netlist, models, *(MODELS / f"{name}.sv" for name in own)]


def cells(synthesis: Synthesis) -> Counter[str]:
    """How many cells of each kind the netlist has."""
    modules = json.loads(synthesis.netlist.read_text())["modules"].values()
    kinds = (cell["type"] for module in modules for cell in module["cells"].values())
    return Counter(kind for kind in kinds if not kind.startswith("$"))


def _yosys_models(kinds: list[str]) -> str:
    library = cell_models().read_text()
    found = []
    for kind in kinds:
        model = re.search(rf"^module {kind}\b.*?^endmodule\n", library, re.DOTALL | re.MULTILINE)
        if model is None:
            raise YosysError(f"no model of {kind}, so a netlist with it cannot be simulated")
        found.append(model[0])
    return "\n".join(found)
