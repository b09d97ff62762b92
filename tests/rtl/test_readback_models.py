"""The models of blocks that were read back, beside others that were written apart from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from host_build.implementation import netlist
from host_build.readback.verilog import MODELS
from host_build.simulation.verilator import Stream, build, unpack

pytestmark = pytest.mark.rtl

HEAD = """module bench (
  input  wire clk_i,
  input  wire rst_i,
  input  wire [{width}:0] in_data_i,
  input  wire in_valid_i,
  output wire in_ready_o,
  output wire [{count}:0] out_data_o,
  output wire out_valid_o,
  input  wire out_ready_i
);
  assign in_ready_o = out_ready_i;
  assign out_valid_o = in_valid_i;
  wire fire = in_valid_i && out_ready_i;
  wire unused = rst_i;
"""


def equal(folder: Path, text: str, sources: list[Path], width: int, count: int, seed: int) -> None:
    """No bit of the bench's output, one a pair of models, is ever 1, whatever it is given."""
    path = folder / "bench.sv"
    quiet = "".join(
        f"/* verilator lint_off {name} */\n"
        for name in ("WIDTH", "PINMISSING", "UNUSEDSIGNAL", "COMBDLY", "SPECIFYIGN", "INITIALDLY",
                     "CASEINCOMPLETE", "UNOPTFLAT", "LATCH")
    )  # fmt: skip
    head = HEAD.format(width=width - 1, count=count - 1)
    path.write_text(f"{quiet}{head}{text}endmodule\n")
    circuit = build("bench", [path, *sources], {}, [Stream("in", width)], [Stream("out", count)])
    rng = np.random.default_rng(seed)
    beats = rng.integers(0, 1 << 32, (20_000, -(-width // 32)), np.uint32)
    beats[:, -1] &= (1 << (width % 32)) - 1 if width % 32 else 0xFFFF_FFFF
    result = circuit.run({"in": beats}, {"out": len(beats)}, stall_in=0.1, stall_out=0.1)
    different = unpack(result.outputs["out"], 1, count)
    assert not different.any(), np.argwhere(different)[0]


# Registers in the way of A, B, C, D, AD, M, P and the modes; adder before the multiplier; words.
DSP = [
    (1, 1, 1, 1, 1, 1, 1, 1, False, 1), (2, 2, 1, 1, 1, 1, 1, 0, True, 1),
    (1, 0, 0, 0, 0, 0, 1, 0, False, 1), (2, 1, 1, 1, 1, 0, 1, 1, True, 1),
    (1, 1, 1, 1, 1, 1, 1, 0, False, 4), (1, 1, 1, 1, 1, 1, 1, 0, False, 2),
]  # fmt: skip
# X and Y are the product together or apart; nothing that Yosys' model does not do.
OPMODES = (0b0000101, 0b0010101, 0b0100101, 0b0110101, 0b0110011, 0b0101111, 0b1010101, 0b1100101)
WORDS_OPMODES = (
    0b0110011,
    0b0100011,
    0b0010011,
    0b0011100,
    0b0001111,
    0b0110010,
    0b0101100,
    0b1110,
)


@pytest.mark.slow
def test_dsp_equals_yosys_model(tmp_path: Path) -> None:
    text = ""
    ports = (
        ".A(in_data_i[0+:30]), .ACIN(in_data_i[30+:30]), .B(in_data_i[60+:18]), "
        ".BCIN(in_data_i[78+:18]), .C(in_data_i[96+:48]), .D(in_data_i[144+:25]), "
        ".PCIN(in_data_i[169+:48]), .CARRYIN(in_data_i[217]), .CARRYCASCIN(1'b0), "
        ".CARRYINSEL(3'b0), .INMODE(in_data_i[218+:5]), .CLK(clk_i), "
    )
    enables = [
        f".{name}(fire & in_data_i[{223 + k}])" for k, name in enumerate((
            "CEA1", "CEA2", "CEB1", "CEB2", "CEC", "CED", "CEAD", "CEM", "CEP", "CECARRYIN",
        ))
    ]  # fmt: skip
    enables += [f".{name}(fire)" for name in ("CECTRL", "CEALUMODE", "CEINMODE")]
    resets = [
        f".{name}(fire & &in_data_i[{233 + k}+:4])" for k, name in enumerate((
            "RSTA", "RSTB", "RSTC", "RSTD", "RSTM", "RSTP", "RSTALLCARRYIN",
        ))
    ]  # fmt: skip
    resets += [f".{name}(1'b0)" for name in ("RSTCTRL", "RSTALUMODE", "RSTINMODE")]
    ports += ", ".join([*enables, *resets])
    for k, (a, b, c, d, ad, m, p, modes, dport, words) in enumerate(DSP):
        values = OPMODES if words == 1 else WORDS_OPMODES
        table = ", ".join(f"7'd{value}" for value in reversed(values))
        common = (
            f".AREG({a}), .BREG({b}), .ACASCREG({min(a, 1)}), .BCASCREG({min(b, 1)}), .CREG({c}), "
            f".DREG({d}), .ADREG({ad}), .MREG({m}), .PREG({p}), .INMODEREG({modes}), "
            f".OPMODEREG({modes}), .ALUMODEREG({modes}), .CARRYINREG({c}), .CARRYINSELREG({modes})"
        )
        text += f"""
  wire [55:0] table_{k} = {{{table}}};
  wire [6:0] opmode_{k} = table_{k}[7*in_data_i[243+:3]+:7];
  wire [3:0] alumode_{k} = {{2'b0, in_data_i[246+:2]}};
  wire [47:0] p_{k}, q_{k};
  wire [29:0] ac_{k}, ad_{k};
  wire [17:0] bc_{k}, bd_{k};
  readback_dsp #({common}, .USE_DPORT({int(dport)}), .SIMD({words})) i_ours_{k} (
    {ports}, .OPMODE(opmode_{k}), .ALUMODE(alumode_{k}), .P(p_{k}), .ACOUT(ac_{k}), .BCOUT(bc_{k}));
  DSP48E1 #({common}, .USE_DPORT("{str(dport).upper()}"),
    .USE_SIMD("{ {1: "ONE48", 2: "TWO24", 4: "FOUR12"}[words] }")) i_theirs_{k} (
    {ports}, .OPMODE(opmode_{k}), .ALUMODE(alumode_{k}), .P(q_{k}), .ACOUT(ad_{k}), .BCOUT(bd_{k}));
  assign out_data_o[{k}] = p_{k} != q_{k} || ac_{k} != ad_{k} || bc_{k} != bd_{k};
"""
    theirs = tmp_path / "theirs.v"
    theirs.write_text(netlist._QUIET + netlist._yosys_models(["DSP48E1"]))
    equal(tmp_path, text, [theirs, MODELS / "readback_dsp.sv"], 248, len(DSP), 1)


# Width of port A's reads and writes, and of port B's; whether both ports make one wide one.
RAM = [(18, 18, 0), (9, 18, 0), (4, 1, 0), (1, 9, 0), (2, 4, 0), (36, 36, 1)]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["READ_FIRST", "WRITE_FIRST", "NO_CHANGE"])
def test_block_ram_equals_the_netlists_model(tmp_path: Path, mode: str) -> None:
    rng = np.random.default_rng(7)
    contents = int.from_bytes(rng.bytes(2048), "little")
    parity = int.from_bytes(rng.bytes(256), "little")
    parts = ", ".join(
        f".INIT_{k:02X}(256'h{contents >> 256 * k & (1 << 256) - 1:x})" for k in range(64)
    )
    parts += "".join(
        f", .INITP_{k:02X}(256'h{parity >> 256 * k & (1 << 256) - 1:x})" for k in range(8)
    )
    number = ("WRITE_FIRST", "READ_FIRST", "NO_CHANGE").index(mode)
    # Only in one mode is it defined what a port reads that the other writes: else far from it.
    high = "in_data_i[27]" if mode == "READ_FIRST" else "~in_data_i[13]"
    text = ""
    for k, (a, b, wide) in enumerate(RAM):
        theirs = (
            f'.RAM_MODE("SDP"), .READ_WIDTH_A({a}), .WRITE_WIDTH_B({b})' if wide else
            f".READ_WIDTH_A({a}), .WRITE_WIDTH_A({a}), .READ_WIDTH_B({b}), .WRITE_WIDTH_B({b})"
        )  # fmt: skip
        # Tools leave the width of a wide read at nothing in some halves.
        a, b = (1, 18) if wide else (a, b)
        text += f"""
  wire [35:0] p_{k}, q_{k};
  wire [1:0] wea_{k} = in_data_i[64+:2] & 2'd{0 if wide else 3 if a == 18 else 1};
  wire [13:0] b_{k} = {{{high}, in_data_i[14+:13]}};
  // What becomes of a word that both ports write is not defined.
  wire apart_{k} = ~|wea_{k} | ~in_data_i[70] | in_data_i[5+:9] != b_{k}[13:5];
  wire [3:0] web_{k} =
      in_data_i[66+:4] & 4'd{15 if wide else 3 if b == 18 else 1} & {{4{{apart_{k}}}}};
  readback_block_ram #(.READ_WIDTH_A({a}), .WRITE_WIDTH_A({a}), .READ_WIDTH_B({b}),
    .WRITE_WIDTH_B({b}), .SDP_READ_36({wide}), .SDP_WRITE_36({wide}), .WRITE_MODE_A({number}),
    .WRITE_MODE_B({number}), .INIT(16384'h{contents:x}), .INITP(2048'h{parity:x})) i_ours_{k} (
    .clk_a_i(clk_i), .clk_b_i(clk_i), .en_a_i(fire & in_data_i[70]), .en_b_i(fire & in_data_i[71]),
    .we_a_i({{{{2{{wea_{k}[{int(a == 18)}]}}}}, {{2{{wea_{k}[0]}}}}}}),
    .we_b_i({{{{2{{web_{k}[3]}}}}, {{2{{web_{k}[2]}}}},
              {{2{{web_{k}[{int(b == 18)}]}}}}, {{2{{web_{k}[0]}}}}}}),
    .address_a_i(in_data_i[0+:14]), .address_b_i(b_{k}), .data_a_i(in_data_i[28+:16]),
    .data_b_i(in_data_i[44+:16]), .parity_a_i(in_data_i[60+:2]), .parity_b_i(in_data_i[62+:2]),
    .rst_a_i(1'b0), .rst_b_i(1'b0), .reg_en_a_i(1'b0), .reg_en_b_i(1'b0), .reg_rst_a_i(1'b0),
    .reg_rst_b_i(1'b0), .data_a_o(p_{k}[15:0]), .data_b_o(p_{k}[31:16]),
    .parity_a_o(p_{k}[33:32]), .parity_b_o(p_{k}[35:34]));
  RAMB18E1 #({parts}, {theirs}, .WRITE_MODE_A("{mode}"), .WRITE_MODE_B("{mode}")) i_theirs_{k} (
    .CLKARDCLK(clk_i), .CLKBWRCLK(clk_i), .ENARDEN(fire & in_data_i[70]),
    .ENBWREN(fire & in_data_i[71]), .REGCEAREGCE(1'b0), .REGCEB(1'b0), .RSTRAMARSTRAM(1'b0),
    .RSTRAMB(1'b0), .RSTREGARSTREG(1'b0), .RSTREGB(1'b0), .ADDRARDADDR(in_data_i[0+:14]),
    .ADDRBWRADDR(b_{k}), .DIADI(in_data_i[28+:16]), .DIBDI(in_data_i[44+:16]),
    .DIPADIP(in_data_i[60+:2]), .DIPBDIP(in_data_i[62+:2]), .WEA(wea_{k}), .WEBWE(web_{k}),
    .DOADO(q_{k}[15:0]), .DOBDO(q_{k}[31:16]), .DOPADOP(q_{k}[33:32]), .DOPBDOP(q_{k}[35:34]));
  // The outputs start with anything in one of them: compared once each port has been enabled.
  reg [1:0] begun_{k} = 0;
  always @(posedge clk_i) begin
    if (fire) begun_{k} <= begun_{k} | {{in_data_i[71] & ~|web_{k}, in_data_i[70] & ~|wea_{k}}};
  end
  assign out_data_o[{k}] = &begun_{k} && p_{k} != q_{k};
"""
    sources = [netlist.MODELS / name for name in ("RAMB18E1.sv", "block_ram.sv")]
    equal(tmp_path, text, [*sources, MODELS / "readback_block_ram.sv"], 72, len(RAM), 2)
