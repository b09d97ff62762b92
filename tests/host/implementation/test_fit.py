"""What the gate lets through; the original's 90.11% network is not among it."""

from __future__ import annotations

import stat
from pathlib import Path

import numpy as np
import pytest

from board_app.network import overlay
from board_app.network.graph import Graph
from board_app.network.nodes import Convolution
from host_build.cli import main
from host_build.generate.folding import LayerFolding
from host_build.implementation import bitstream, design
from host_build.implementation.fit import Fit
from host_build.kernels.base import Resources
from host_build.networks import variants
from host_build.networks.skeleton import skeleton

from .support import layout_of, overlay_with

ORIGINAL_CYCLES = 2_359_296
"""Cycles a frame of the slowest layer of the original's 90.11% network, from its files."""
FINN_MOST_ROWS = 1024
"""FINN's matrix-vector unit wants SIMD >= MW / 1024, as the original's report notes."""


@pytest.mark.parametrize(
    ("cost", "excess"),
    [
        (Resources(42_560, 106_399, 139.5, 219), []),
        (Resources(42_561), ["80% of the LUT, allowed is at most 80%"]),
        (Resources(ff=106_400), ["100% of the FF, allowed is less than all"]),
        (Resources(bram36=140), ["100% of the BRAM36, allowed is less than all"]),
        (Resources(dsp=220), ["100% of the DSP, allowed is less than all"]),
        (Resources(60_000, 0, 150, 0), ["113% of the LUT, allowed is at most 80%",
                                        "107% of the BRAM36, allowed is less than all"]),
    ],
)  # fmt: skip
def test_limits(cost: Resources, excess: list[str]) -> None:
    half = Resources(cost.lut / 2, cost.ff / 2, cost.bram36 / 2, cost.dsp / 2)
    fit = Fit("net", {"conv0": half, "conv1": half}, "estimated")
    assert fit.excess == excess
    assert fit.fits is not excess and fit.fits == (not excess)
    assert str(fit).endswith("; estimated")
    assert ("does not fit" in str(fit)) is bool(excess)


def test_the_shipped_overlay_fits() -> None:
    assert bitstream.gate(design.of_overlay(overlay.find("lightweight"))).fits


def test_the_original_folding_has_the_original_pace() -> None:
    graph = skeleton(variants.find("high-accuracy-v1"))
    folding = _folding_of_the_original(graph, ORIGINAL_CYCLES)
    assert layout_of(graph, folding).interval == ORIGINAL_CYCLES
    weights = sum(node.weights.size for node in graph.nodes if hasattr(node, "weights"))
    assert weights == variants.find("high-accuracy-v1").total_parameters


@pytest.mark.parametrize("tool", ["vivado", "openxc7"])
def test_the_original_is_refused_before_any_tool_starts(
    tool: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = skeleton(variants.find("high-accuracy-v1"))
    folding = _folding_of_the_original(graph, ORIGINAL_CYCLES)
    before = overlay_with(tmp_path / "tiny", graph, folding)
    started = tmp_path / "started"
    program = tmp_path / "vivado"
    program.write_text(f"#!/bin/sh\ntouch '{started}'\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    arguments = ["bitstream", "tiny", "--with", tool, "--overlays", str(tmp_path)]
    arguments += ["--out", str(tmp_path / "build"), "--vivado", str(program)]
    arguments += ["--chipdb", "none", "--prjxray-db", "none"]
    assert main(arguments) == 1
    printed = capsys.readouterr().out
    assert "tiny does not fit: " in printed and "% of the BRAM36, allowed is less" in printed
    assert all(node.name in printed for node in graph.nodes)
    assert not started.exists()
    assert overlay.find("tiny", tmp_path) == before


def _folding_of_the_original(graph: Graph, slowest: int) -> dict[str, LayerFolding]:
    """The rule behind the original's folding: one PE, no DSP block, and the smallest SIMD with
    which no layer takes more than `slowest` cycles a frame and FINN builds it."""
    folding = {}
    for node in graph.nodes:
        if isinstance(node, Convolution):
            outputs, *window = node.weights.shape
            width, channels = int(np.prod(window)), window[-1]
            pixels = node.shape[0] * node.shape[1]
            simd = next(
                simd
                for simd in range(1, channels + 1)
                if channels % simd == 0
                and simd * FINN_MOST_ROWS >= width
                and pixels * outputs * width // simd <= slowest
            )
            folding[node.name] = LayerFolding(simd, 1, "serial", "LUT", "block")
    return folding
