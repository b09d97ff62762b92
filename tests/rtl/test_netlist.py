"""What Yosys made of whole networks, cell by cell: equal to the reference and to the RTL's pace."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from board_app.network.graph import INPUT, Graph
from board_app.network.nodes import Convolution
from board_app.network.reference import Reference
from host_build.generate import verilog
from host_build.generate.folding import LayerFolding
from host_build.generate.layout import Plan
from host_build.generate.plan import plan
from host_build.implementation import netlist, yosys
from host_build.kernels.base import FOLDER
from host_build.simulation.network import NetworkSimulation
from host_build.simulation.verilator import (
    LintError,
    Stream,
    build,
    lint,
    pack,
    unpack,
)
from tests.board.networks import Builder, near_zero

pytestmark = pytest.mark.rtl


def residual(levels: int) -> Graph:
    """A stem, a block of stride 2 with a projection, pool and head; `levels` after the block.

    Thresholds of convolutions are where their sums really are, so that no two frames look alike.
    """
    make = Builder(np.random.default_rng(1), (6, 6, 2))
    stem = make.threshold(make.convolution(INPUT, 4, 3, bits=4), 7)
    main = make.convolution(stem, 4, 3, stride=2, bits=5)
    side = make.convolution(stem, 4, 1, stride=2, bits=5)
    main = make.threshold(main, 7, signed=True)
    side = make.threshold(side, 7, signed=True, shared=True)
    joined = make.threshold(make.add(main, side), levels)
    make.convolution(make.pool(joined), 4, 1, bits=4)
    return near_zero(make.graph(), 16)


def layers(graph: Graph, *folds: LayerFolding) -> dict[str, LayerFolding]:
    names = [node.name for node in graph.nodes if isinstance(node, Convolution)]
    return dict(zip(names, folds, strict=True))


def synthesize(layout: Plan, name: str, folder: Path) -> yosys.Synthesis:
    top = folder / f"{name}.sv"
    top.write_text(verilog.top_level(layout, name))
    return yosys.synthesize(name, [top, *verilog.sources(layout)], {}, layout.images())


def check(graph: Graph, layout: Plan, name: str, synthesis: yosys.Synthesis, folder: Path) -> None:
    sources = netlist.netlist_sources(synthesis, folder)
    streams = [Stream("in", layout.source.width)], [Stream("out", verilog.LOGIT_BITS)]
    cells = NetworkSimulation(layout, build(name, sources, {}, *streams))
    rtl = NetworkSimulation.generated(layout, name)
    shape = (40, *graph.input_shape)
    images = np.random.default_rng(2).integers(0, 256, shape, np.uint8)
    expected = Reference(graph).execute(images)
    assert len(np.unique(expected, axis=0)) == len(images)
    for stalls in ((0.0, 0.0), (0.4, 0.4), (0.0, 0.9), (0.9, 0.0)):
        ours, theirs = (
            c.run(images, stall_in=stalls[0], stall_out=stalls[1]) for c in (rtl, cells)
        )
        assert np.array_equal(theirs.logits, expected), stalls
        assert np.array_equal(theirs.started, ours.started), stalls
        assert np.array_equal(theirs.finished, ours.finished), stalls
        if stalls == (0.0, 0.0):
            assert theirs.interval == layout.interval


@pytest.mark.slow
def test_network_without_block_memory(tmp_path):
    graph = residual(7)
    folding = layers(
        graph,
        LayerFolding(6, 2, "column", "DSP2", "distributed"),
        LayerFolding(2, 1, "serial", "LUT", "distributed"),
        LayerFolding(4, 2, "serial", "DSP2", "distributed"),
        LayerFolding(1, 1, "serial", "LUT", "distributed"),
    )
    layout = plan(graph, folding, plan(graph, folding).depths)
    synthesis = synthesize(layout, "net_tables", tmp_path)
    cells = netlist.cells(synthesis)
    assert {"DSP48E1", "CARRY4", "RAM32M", "RAM64M", "SRL16E", "LUT6"} <= cells.keys()
    assert not cells.keys() & set(netlist.BLOCK_RAMS)
    assert synthesis.cascades >= 5
    check(graph, layout, "net_tables", synthesis, tmp_path)


@pytest.mark.slow
def test_network_with_block_memory(tmp_path):
    graph = residual(255)
    folding = layers(
        graph,
        LayerFolding(9, 2, "window", "DSP2", "block"),
        LayerFolding(2, 2, "serial", "DSP2", "block"),
        LayerFolding(1, 1, "serial", "LUT", "distributed"),
        LayerFolding(1, 1, "serial", "DSP1", "block"),
    )
    # The shortcut's FIFO takes a whole RAMB36; the frames go round it more than once.
    depths = {**plan(graph, folding).depths, f"{list(folding)[2]}_fifo": 4200}
    layout = plan(graph, folding, depths)
    synthesis = synthesize(layout, "net_blocks", tmp_path)
    cells = netlist.cells(synthesis)
    # Weights of three layers, the thresholds' last stage.
    assert cells["RAMB18E1"] >= 4
    assert cells["RAMB36E1"] == 1
    assert synthesis.cascades >= 5
    check(graph, layout, "net_blocks", synthesis, tmp_path)


# Bits and words: every width, and one that takes several block memories.
SHAPES = [
    (1, 16384), (2, 8192), (4, 4096), (9, 2048), (18, 1024), (36, 512),
    (9, 4096), (36, 1024), (72, 512), (80, 512),
]  # fmt: skip
WIDTH = sum(bits for bits, _ in SHAPES)


def memories() -> str:
    """A FIFO and a table of each shape: a slice of the beat, and a word at its high bits."""
    lines = [
        f"""module memories (
  input  wire clk_i,
  input  wire rst_i,
  input  wire [{WIDTH - 1}:0] in_data_i,
  input  wire in_valid_i,
  output wire in_ready_o,
  output wire [{2 * WIDTH - 1}:0] out_data_o,
  output wire out_valid_o,
  input  wire out_ready_i
);
  wire [{len(SHAPES) - 1}:0] ready, valid;
  wire [{WIDTH - 1}:0] beat, words;
  reg [{WIDTH - 1}:0] beat_q;
  reg valid_q;
  wire en = ~valid_q | out_ready_i;
  wire push = in_valid_i & in_ready_o;
  wire pop = &valid & en;
  always @(posedge clk_i) begin
    if (en) beat_q <= beat;
    valid_q <= ~rst_i & (pop | ~en);
  end
  assign in_ready_o = &ready;
  assign out_valid_o = valid_q;
  assign out_data_o = {{words, beat_q}};"""
    ]
    low = 0
    for index, (bits, depth) in enumerate(SHAPES):
        part, address = f"[{low}+:{bits}]", (depth - 1).bit_length()
        lines += [
            f"""  fifo #({bits}, {depth}, "block") fifo_{index} (
    clk_i, rst_i, in_data_i{part}, push, ready[{index}], beat{part}, valid[{index}], pop);
  weight_rom #({bits}, {depth}, {address}, 1, "{index}.mem") rom_{index} (
    clk_i, en, beat[{WIDTH - address}+:{address}], words{part});"""
        ]
        low += bits
    return "\n".join([*lines, "endmodule\n"])


@pytest.mark.slow
def test_block_memories_of_all_widths(tmp_path):
    rng = np.random.default_rng(3)
    tables = [rng.integers(0, 2, (depth, bits)) for bits, depth in SHAPES]
    images = {f"{index}.mem": hexadecimal(table) for index, table in enumerate(tables)}
    (tmp_path / "memories.sv").write_text(memories())
    sources = [tmp_path / "memories.sv", FOLDER / "fifo.sv", FOLDER / "weight_rom.sv"]
    synthesis = yosys.synthesize("memories", sources, {}, images)
    blocks = netlist.cells(synthesis)
    assert blocks["RAMB18E1"] >= 12 and blocks["RAMB36E1"] >= 6
    files = netlist.netlist_sources(synthesis, tmp_path)
    streams = [Stream("in", WIDTH)], [Stream("out", 2 * WIDTH)]
    circuit = build("memories", files, {}, *streams)
    beats = rng.integers(0, 2, (20_000, WIDTH))
    data = pack(beats, 1)
    for stall_in, stall_out in ((0.0, 0.0), (0.1, 0.5)):
        result = circuit.run(
            {"in": data}, {"out": len(beats)}, stall_in=stall_in, stall_out=stall_out
        )
        out = unpack(result.outputs["out"], 1, 2 * WIDTH)
        assert np.array_equal(out[:, :WIDTH], beats)
        low = WIDTH
        for table in tables:
            depth, bits = table.shape
            address = (depth - 1).bit_length()
            rows = beats[:, -address:] @ (1 << np.arange(address))
            assert np.array_equal(out[:, low : low + bits], table[rows]), table.shape
            low += bits


def hexadecimal(table: np.ndarray) -> str:
    """A `$readmemh` image of rows of bits, the least significant first."""
    rows = np.packbits(table, axis=1, bitorder="little")[:, ::-1]
    return "".join(f"{row.tobytes().hex()}\n" for row in rows)


@pytest.mark.parametrize("model", netlist.BLOCK_RAMS)
@pytest.mark.parametrize("ports", [
    {"READ_WIDTH_A": 18}, {"READ_WIDTH_A": 4, "WRITE_WIDTH_B": 1, "WRITE_MODE_B": "NO_CHANGE"},
    {"READ_WIDTH_A": 36, "WRITE_WIDTH_B": 36, "RAM_MODE": "SDP", "WRITE_MODE_B": "READ_FIRST"},
    {"READ_WIDTH_A": 9, "WRITE_WIDTH_A": 9, "READ_WIDTH_B": 2, "WRITE_WIDTH_B": 2},
])  # fmt: skip
def test_models_have_no_warnings(model, ports):
    lint(model, [netlist.MODELS / f"{model}.sv", netlist.MODELS / "block_ram.sv"], ports)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"DOA_REG": 1}, "output registers"),
        ({"READ_WIDTH_B": 36, "RAM_MODE": "SDP"}, "port A reads"),
        ({"READ_WIDTH_A": 9, "WRITE_WIDTH_A": 18}, "the same width"),
    ],
)
def test_models_refuse_what_they_do_not_do(parameters, message):
    with pytest.raises(LintError, match=message):
        lint(
            "RAMB18E1", [netlist.MODELS / f"{n}.sv" for n in ("RAMB18E1", "block_ram")], parameters
        )


def test_cell_without_a_model_is_told(tmp_path):
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {"cells": {"a": {"type": "BUFMRCE"}}}}}))
    strange = yosys.Synthesis(carry4=0, cascades=0, netlist=path)
    with pytest.raises(yosys.YosysError, match="no model of BUFMRCE"):
        netlist.netlist_sources(strange, tmp_path)
