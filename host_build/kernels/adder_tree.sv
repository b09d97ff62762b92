// Sum of unsigned terms in a binary tree with a register after every adder.
//
// Latency: $clog2(TERMS) enabled cycles; none for one term.
`default_nettype none

module adder_tree #(
  // Number of terms.
  parameter TERMS = 4,
  // Bits of a term.
  parameter TERM_BITS = 10,
  // Derived: leave at its default.
  parameter SUM_BITS = TERM_BITS + $clog2(TERMS)
) (
  input  wire                       clk_i,
  input  wire                       en_i,
  // The terms, term 0 in the low bits.
  input  wire [TERMS*TERM_BITS-1:0] terms_i,
  output wire [SUM_BITS-1:0]        sum_o
);

  localparam LEVELS = $clog2(TERMS);

  // Level l holds ceil(TERMS / 2^l) sums of TERM_BITS + l bits, each in a slot of SUM_BITS.
  for (genvar l = 0; l <= LEVELS; l = l + 1) begin : gen_level
    localparam COUNT = (TERMS + (1 << l) - 1) >> l;
    localparam BITS = TERM_BITS + l;
    wire [COUNT*BITS-1:0] sums;
    if (l == 0) begin : gen_terms
      assign sums = terms_i;
    end else begin : gen_sums
      localparam BELOW = (TERMS + (1 << (l - 1)) - 1) >> (l - 1);
      reg [COUNT*BITS-1:0] sums_q;
      for (genvar i = 0; i < COUNT; i = i + 1) begin : gen_sum
        wire [BITS-2:0] left = gen_level[l-1].sums[2*i*(BITS-1)+:BITS-1];
        if (2 * i + 1 < BELOW) begin : gen_pair
          wire [BITS-2:0] right = gen_level[l-1].sums[(2*i+1)*(BITS-1)+:BITS-1];
          always @(posedge clk_i) if (en_i) sums_q[i*BITS+:BITS] <= {1'b0, left} + {1'b0, right};
        end else begin : gen_single
          always @(posedge clk_i) if (en_i) sums_q[i*BITS+:BITS] <= {1'b0, left};
        end
      end
      assign sums = sums_q;
    end
  end

  assign sum_o = gen_level[LEVELS].sums;
  if (LEVELS == 0) begin : gen_wire
    wire unused = &{1'b0, clk_i, en_i};
  end

endmodule

`default_nettype wire
