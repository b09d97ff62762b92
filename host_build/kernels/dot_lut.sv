// Dot product of one neuron with one activation vector, in look-up tables and carry chains only.
//
// Two neighbouring lanes meet at one position of a chain. For bit b of both activations their
// share of the sum is one of 0, w0, w1 and w0 + w1, chosen by two bits; the choice and the
// addition to the sum so far are one function of six inputs, so a position costs one look-up
// table a bit of the running sum. Every bit plane has a chain of its own; the planes are then
// added, each shifted by its place (the sign plane of signed activations is subtracted).
//
// The chains subtract: only so do tools keep the choice off the carry chain's direct input, where
// it would need a second table. They start from ~0 and end at -sum - 1, so what comes out is
// -sum - (2^A_BITS - 1), and -sum + 1 for signed activations; the accumulator takes care of it.
//
// With PAD = 2*POSITIONS - SIMD, lane n sits at position (n + PAD) / 2. Position k sees its
// operands k cycles later than position 0.
//
// Latency from the operands of the last position: 2 + $clog2(A_BITS) enabled cycles.
`default_nettype none

module dot_lut #(
  // Lanes: activations a cycle.
  parameter SIMD = 16,
  // Bits of an activation and of a weight; 1 where activations are signed.
  parameter A_BITS = 4,
  parameter A_SIGNED = 0,
  parameter W_BITS = 4,
  // Pairs of lanes.
  parameter POSITIONS = 8,
  // Derived: leave at its default.
  parameter SUM_BITS = W_BITS + $clog2(2 * POSITIONS) + A_BITS
) (
  input  wire                   clk_i,
  input  wire                   en_i,
  // Activations and weights, lane 0 in the low bits, each at the time of its position.
  input  wire [SIMD*A_BITS-1:0] a_i,
  input  wire [SIMD*W_BITS-1:0] w_i,
  // The sum, signed, negated and displaced.
  output wire [SUM_BITS-1:0]    sum_o
);

  localparam PAD = 2 * POSITIONS - SIMD;
  localparam PLANE_BITS = W_BITS + $clog2(2 * POSITIONS);
  localparam LEVELS = $clog2(A_BITS);
  // The level at which the sign plane, the last one, is a right operand for the first time: one
  // above the lowest bit of its index that is set.
  localparam TOP = A_BITS - 1;
  localparam SIGN_LEVEL = A_SIGNED == 0 ? 0 : $clog2((TOP & -TOP) + 1);

  for (genvar k = 0; k < POSITIONS; k = k + 1) begin : gen_position
    // A lone lane stands at the upper place of position 0.
    localparam LANE = 2 * k - PAD;
    localparam BITS = W_BITS + $clog2(2 * (k + 1));
    wire [A_BITS-1:0] a1 = a_i[(LANE+1)*A_BITS+:A_BITS];
    wire [W_BITS-1:0] w1 = w_i[(LANE+1)*W_BITS+:W_BITS];
    wire [A_BITS-1:0] a0;
    wire [W_BITS-1:0] w0;
    if (LANE < 0) begin : gen_lone
      assign a0 = {A_BITS{1'b0}};
      assign w0 = {W_BITS{1'b0}};
    end else begin : gen_pair
      assign a0 = a_i[LANE*A_BITS+:A_BITS];
      assign w0 = w_i[LANE*W_BITS+:W_BITS];
    end

    reg [A_BITS-1:0] a0_q, a1_q;
    reg [W_BITS-1:0] w0_q, w1_q;
    reg [W_BITS:0] both_q;
    always @(posedge clk_i) begin
      if (en_i) begin
        a0_q <= a0;
        a1_q <= a1;
        w0_q <= w0;
        w1_q <= w1;
        both_q <= {w0[W_BITS-1], w0} + {w1[W_BITS-1], w1};
      end
    end

    for (genvar b = 0; b < A_BITS; b = b + 1) begin : gen_plane
      wire [W_BITS:0] share = a1_q[b] ? (a0_q[b] ? both_q : {w1_q[W_BITS-1], w1_q})
                                      : (a0_q[b] ? {w0_q[W_BITS-1], w0_q} : {(W_BITS + 1) {1'b0}});
      reg [BITS-1:0] sum_q;
      if (k == 0) begin : gen_first
        always @(posedge clk_i) if (en_i) sum_q <= ~share;
      end else begin : gen_add
        localparam ABOVE = W_BITS + $clog2(2 * k);
        wire [ABOVE-1:0] above = gen_position[k-1].gen_plane[b].sum_q;
        always @(posedge clk_i) begin
          if (en_i) begin
            sum_q <= {{(BITS - ABOVE + 1) {above[ABOVE-1]}}, above[ABOVE-2:0]}
                   - {{(BITS - W_BITS) {share[W_BITS]}}, share[W_BITS-1:0]};
          end
        end
      end
    end
  end

  // Level l holds ceil(A_BITS / 2^l) sums of up to 2^l planes.
  for (genvar l = 0; l <= LEVELS; l = l + 1) begin : gen_level
    localparam COUNT = (A_BITS + (1 << l) - 1) >> l;
    localparam BITS = PLANE_BITS + (1 << l);
    for (genvar i = 0; i < COUNT; i = i + 1) begin : gen_sum
      wire [BITS-1:0] sum;
      if (l == 0) begin : gen_plane
        wire [PLANE_BITS-1:0] plane = gen_position[POSITIONS-1].gen_plane[i].sum_q;
        assign sum = {plane[PLANE_BITS-1], plane};
      end else begin : gen_add
        localparam SHIFT = 1 << (l - 1);
        localparam BELOW = (A_BITS + SHIFT - 1) >> (l - 1);
        // Bits of the sums below; the low SHIFT bits of the left one pass by the adder.
        localparam BELOW_BITS = PLANE_BITS + SHIFT;
        wire [BELOW_BITS-1:0] left = gen_level[l-1].gen_sum[2*i].sum;
        wire [BELOW_BITS-1:0] left_high = {{SHIFT{left[BELOW_BITS-1]}}, left[BELOW_BITS-1:SHIFT]};
        reg [BITS-1:0] sum_q;
        if (2 * i + 1 >= BELOW) begin : gen_single
          always @(posedge clk_i) if (en_i) sum_q <= {left_high, left[SHIFT-1:0]};
        end else begin : gen_pair
          wire [BELOW_BITS-1:0] right = gen_level[l-1].gen_sum[2*i+1].sum;
          if (SIGN_LEVEL == l && i == COUNT - 1) begin : gen_subtract
            always @(posedge clk_i) if (en_i) sum_q <= {left_high - right, left[SHIFT-1:0]};
          end else begin : gen_plus
            always @(posedge clk_i) if (en_i) sum_q <= {left_high + right, left[SHIFT-1:0]};
          end
        end
        assign sum = sum_q;
      end
    end
  end

  // With A_BITS no power of two the top level has spare sign bits.
  wire [PLANE_BITS+(1<<LEVELS)-1:0] total = gen_level[LEVELS].gen_sum[0].sum;
  assign sum_o = total[SUM_BITS-1:0];
  wire unused = &{1'b0, total};

endmodule

`default_nettype wire
