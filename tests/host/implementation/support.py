"""Small overlays with a circuit, .bit files that configure nothing, and reports as Vivado's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from board_app.network import overlay
from board_app.network.graph import Graph
from board_app.network.overlay import Overlay
from host_build.compiler.fold import fold, provisional_depths
from host_build.generate import circuit
from host_build.generate.folding import Folding
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.implementation import design as designs
from host_build.implementation.design import Design
from tests.bit_files import BUILD_ID
from tests.board.networks import residual, write_files


def small_graph() -> Graph:
    """One residual block: every kind of kernel."""
    return residual(5, (8, 8, 3), 3)


def layout_of(graph: Graph, folding: Folding) -> Plan:
    return plan(graph, folding, provisional_depths(plan(graph, folding)))


def small_design() -> Design:
    graph = small_graph()
    return designs.of_plan(layout_of(graph, fold(graph, cycles=3000)), "tiny", BUILD_ID, 100.0)


def overlay_with(folder: Path, graph: Graph, folding: Folding) -> Overlay:
    """An overlay of `graph` with the circuit of `folding`, FIFOs as deep as they will about be."""
    layout = layout_of(graph, folding)
    files = {
        "tiny.npz": graph.dump(),
        "circuit.json": circuit.record(folding, layout).dump(),
    }
    made = write_files(folder, files)
    told = {"clock_mhz": 100.0, "cycles_per_frame": layout.interval}
    manifest = replace(made.manifest, circuit=told, shape=graph.input_shape)
    return overlay.write(folder, manifest, files)


def small_overlay(folder: Path) -> Overlay:
    graph = small_graph()
    return overlay_with(folder / "tiny", graph, fold(graph, cycles=3000))


HEAD = """\
Copyright 1986-2022 Xilinx, Inc. All Rights Reserved.
-----------------------------------------------------------------------
| Tool Version : Vivado v.2022.1 (lin64) Build 3526262 Mon Apr 18 15:47:01 MDT 2022
| Design       : chip_top
-----------------------------------------------------------------------

"""


def timing_report(
    wns: float = 0.412, whs: float = 0.051, period: float = 10.0, unclocked: int = 0,
    clock: str = "fclk0",
) -> str:  # fmt: skip
    """What report_timing_summary says, without the paths."""
    tns, failing = (0.0, 0) if wns >= 0 else (12 * wns, 31)
    ths = 0.0 if whs >= 0 else 3 * whs
    names = "".join(f"{name:>12}" for name in ("WNS(ns)", "TNS(ns)"))
    names += "  TNS Failing Endpoints  TNS Total Endpoints      WHS(ns)      THS(ns)"
    names += "  THS Failing Endpoints  THS Total Endpoints"
    dashes = " ".join(["    -------      -------  ---------------------  -------------------"] * 2)
    values = f"{wns:11.3f}  {tns:11.3f}  {failing:21}  {40321:19}  {whs:11.3f}  {ths:11.3f}"
    values += f"  {0:21}  {40321:19}"
    return f"""{HEAD}Timing Summary Report

check_timing report

Table of Contents
-----------------
1. checking no_clock ({unclocked})
2. checking constant_clock (0)

1. checking no_clock ({unclocked})
------------------------
 There are {unclocked} register/latch pins with no clock.


------------------------------------------------------------------------------------------------
| Design Timing Summary
| ---------------------
------------------------------------------------------------------------------------------------

{names}
{dashes}
{values}


------------------------------------------------------------------------------------------------
| Clock Summary
| -------------
------------------------------------------------------------------------------------------------

Clock  Waveform(ns)         Period(ns)      Frequency(MHz)
-----  ------------         ----------      --------------
{clock}  {{0.000 {period / 2:.3f}}}        {period:.3f}          {1e3 / period:.3f}
"""


UTILISATION = (
    HEAD
    + """\
| Site Type                  |  Used | Fixed | Prohibited | Available | Util% |
| Slice LUTs                 |   180 |     0 |          0 |     53200 |  0.34 |
|   LUT as Logic             |   150 |     0 |          0 |     53200 |  0.28 |
|   LUT as Memory            |    30 |     0 |          0 |     17400 |  0.17 |
|     LUT as Distributed RAM |    20 |     0 |            |           |       |
|     LUT as Shift Register  |    10 |     0 |            |           |       |
| Slice Registers            |   400 |     0 |          0 |    106400 |  0.38 |
| Block RAM Tile             |   1.5 |     0 |          0 |       140 |  1.07 |
| DSPs                       |     3 |     0 |          0 |       220 |  1.36 |
"""
)

HIERARCHY = (
    HEAD
    + """\
+---------------------+----------+------------+------------+---------+------+-----+--------+--------+------------+
|       Instance      |  Module  | Total LUTs | Logic LUTs | LUTRAMs | SRLs | FFs | RAMB36 | RAMB18 | DSP Blocks |
+---------------------+----------+------------+------------+---------+------+-----+--------+--------+------------+
| chip_top            |    (top) |        180 |        150 |      20 |   10 | 400 |      1 |      1 |          3 |
|   (chip_top)        |    (top) |          1 |          1 |       0 |    0 |   3 |      0 |      0 |          0 |
|   i_core            |     core |        179 |        149 |      20 |   10 | 397 |      1 |      1 |          3 |
|     i_registers     |     regs |         40 |         40 |       0 |    0 | 120 |      0 |      0 |          0 |
|       i_slave       |    slave |         10 |         10 |       0 |    0 |  20 |      0 |      0 |          0 |
|     i_to_pixels_24  |    width |          5 |          5 |       0 |    0 |  30 |      0 |      0 |          0 |
|     i_network       |  network |        130 |        100 |      20 |   10 | 240 |      1 |      1 |          3 |
|       (i_network)   |  network |          2 |          2 |       0 |    0 |   0 |      0 |      0 |          0 |
|       node0_fifo    |     fifo |         28 |          8 |      20 |    0 |  40 |      0 |      0 |          0 |
|       node0_matrix  |   matrix |        100 |         90 |       0 |   10 | 200 |      1 |      1 |          3 |
|         input_buffer|   replay |         30 |         30 |       0 |    0 |  50 |      0 |      0 |          0 |
+---------------------+----------+------------+------------+---------+------+-----+--------+--------+------------+
"""  # noqa: E501 - as Vivado draws it
)

DRC = (
    HEAD
    + """\
| Rule     | Severity         | Description          | Violations |
| DPIP-1   | Warning          | Input pipelining     | 10         |
| REQP-123 | Critical Warning | Something is missing | 2          |
"""
)
