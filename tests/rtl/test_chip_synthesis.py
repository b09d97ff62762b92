"""The whole chip through Yosys: every cell is counted once, and for whom it is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from board_app.network.overlay import Overlay
from host_build.cli import main
from host_build.implementation import attribution, chip_synthesis
from host_build.implementation import design as designs
from host_build.implementation.open_limits import broken
from host_build.implementation.openxc7 import handover
from tests.host.implementation.support import small_design, small_overlay

pytestmark = pytest.mark.rtl


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Overlay:
    return small_overlay(tmp_path_factory.mktemp("overlays"))


@pytest.mark.slow
def test_layers_of_a_small_chip(small: Overlay) -> None:
    design = designs.of_overlay(small)
    report, found = chip_synthesis.synthesize(design)
    total = report.total
    assert (total.lut_logic, total.lut_ram, total.lut_shift, total.ff, total.bram36, total.dsp) == (
        found.lut_logic, found.lut_ram, found.lut_shift, found.ff, found.bram36, found.dsp
    )  # fmt: skip
    assert list(report.layers) == [*design.estimates, "rest"]
    assert report.layers["rest"].ff == report.layers["rest"].lut == 0
    # The kernels' twins say the same of each layer, without having seen this netlist.
    for name, cost in design.estimates.items():
        used = report.layers[name]
        assert used.dsp == cost.dsp and used.bram36 == cost.bram36, name
        assert used.lut == pytest.approx(cost.lut, rel=0.3, abs=30), name
        assert used.ff == pytest.approx(cost.ff, rel=0.3, abs=30), name


@pytest.mark.slow
def test_the_open_tools_could_place_it(small: Overlay) -> None:
    _, found = chip_synthesis.synthesize(designs.of_overlay(small), shift_registers=False)
    module, _ = handover(found.netlist)
    assert Counter(cell["type"] for cell in module["cells"].values())["DSP48E1"] == found.dsp > 0
    assert broken(module) == []


@pytest.mark.slow
def test_the_command(small: Overlay, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["chip", "tiny", "--overlays", str(small.folder.parent)]
    arguments += ["--out", str(tmp_path / "build")]
    assert main(arguments) == 0
    printed = capsys.readouterr().out
    assert all(node.name in printed for node in small.graph().nodes)
    assert "registers" in printed and "timing: not analysed" in printed
    told = json.loads((tmp_path / "build" / "chip.json").read_text())
    assert told["total"]["LUT"] == sum(row["LUT"] for row in told["layers"].values())
    assert (tmp_path / "build" / "chip.png").read_bytes().startswith(b"\x89PNG")


def test_attribution() -> None:
    design = small_design()

    def cell(kind: str, given: list[object], out: int) -> dict[str, object]:
        return {
            "type": kind, "connections": {"I": given, "O": [out]},
            "port_directions": {"I": "input", "O": "output"},
        }  # fmt: skip

    nets = {
        "i_core.i_network.node1.level_q": 2, "i_core.i_network.node0_matrix_data": 3,
        "$abc$1": 4, "$abc$2": 5, "$abc$3": 6, "gp_rdata": 7, "unused": 8,
    }  # fmt: skip
    module = {
        "netnames": {name: {"bits": [bit]} for name, bit in nets.items()},
        "cells": {
            "threshold": cell("FDRE", [4], 2),  # its own wire
            "matrix": cell("DSP48E1", ["0", "x"], 3),  # a wire between two kernels
            "inside": cell("LUT6", [5], 4),  # what reads it
            "deeper": cell("LUT2", [3], 5),  # what reads what reads it
            "$flatten\\i_core.\\i_network.\\node2_matrix.$add$1": cell("CARRY4", [2], 6),
            "read": cell("LUT3", [2], 7),  # an output of the core
            "lost": cell("SRL16E", [2], 8),
        },
    }  # fmt: skip
    assert attribution.owners(module, design) == {
        "threshold": "node1", "matrix": "node0", "inside": "node1", "deeper": "node1",
        "$flatten\\i_core.\\i_network.\\node2_matrix.$add$1": "node2", "read": "registers",
    }  # fmt: skip
