// Sum over the synapse folds of a neuron, kept in an output register until the next one is done.
`default_nettype none

module accumulator #(
  // Synapse folds a neuron; with one fold there is nothing to accumulate, only START is added.
  parameter FOLDS = 9,
  // Bits of a partial sum.
  parameter SUM_BITS = 16,
  // 1 where partial sums are signed.
  parameter SUM_SIGNED = 0,
  // 1 where partial sums are subtracted.
  parameter SUBTRACT = 0,
  // Bits of the result; the sum wraps around, so they only have to hold the final value.
  parameter ACC_BITS = 20,
  // What every neuron starts from, modulo 2^ACC_BITS.
  parameter [ACC_BITS-1:0] START = 0
) (
  input  wire                clk_i,
  input  wire                rst_i,
  input  wire                en_i,
  // The partial sum, whether there is one, and whether it is the last of its neuron.
  input  wire [SUM_BITS-1:0] sum_i,
  input  wire                valid_i,
  input  wire                last_i,
  // The finished sum; changes one cycle after an enabled, valid, last partial sum.
  output reg  [ACC_BITS-1:0] result_o
);

  // Extended or truncated to the width of the accumulator.
  wire [ACC_BITS-1:0] addend;
  if (ACC_BITS > SUM_BITS) begin : gen_extend
    wire sign = (SUM_SIGNED != 0) & sum_i[SUM_BITS-1];
    assign addend = {{(ACC_BITS - SUM_BITS) {sign}}, sum_i};
  end else begin : gen_truncate
    assign addend = sum_i[ACC_BITS-1:0];
    if (ACC_BITS < SUM_BITS) begin : gen_unused
      wire unused = &{1'b0, sum_i[SUM_BITS-1:ACC_BITS]};
    end
  end

  wire [ACC_BITS-1:0] next;
  if (FOLDS > 1) begin : gen_accumulate
    reg [ACC_BITS-1:0] acc_q;
    assign next = SUBTRACT != 0 ? acc_q - addend : acc_q + addend;
    // A constant start is a synchronous set or reset of the register: it costs no logic.
    always @(posedge clk_i) begin
      if (rst_i | (en_i & valid_i & last_i)) acc_q <= START;
      else if (en_i & valid_i) acc_q <= next;
    end
  end else begin : gen_single
    assign next = SUBTRACT != 0 ? START - addend : START + addend;
    wire unused = &{1'b0, rst_i};
  end

  always @(posedge clk_i) if (en_i && valid_i && last_i) result_o <= next;

endmodule

`default_nettype wire
