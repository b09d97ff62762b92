// Dot products of up to three neurons with one or two activation vectors, in DSP48E1 blocks.
//
// FIELDS weights that meet the same activation share one multiplier operand, PIXELS activations
// that meet the same weight share the other. Every product has a field of FIELD bits in the sum;
// products are summed along a chain of multipliers inside the same fields, so the sums need no
// separation logic:
//
// - the weight image stores field f less the borrow of the fields below it; sign-extending each
//   field then gives exactly sum(weight_f * 2^(PIXELS*FIELD*f)), by wiring alone (this is why
//   weights must not be -2^(W_BITS-1));
// - a second activation lies FIELD bits above the first, which is why two must be unsigned;
// - the first multiplier of a chain adds 2^(FIELD-1) to every field: no sum is negative, none
//   borrows from its neighbour. The offset is taken away again in the accumulator.
//
// Lanes are dealt to the chains in turn: with PAD = CHAINS*POSITIONS - SIMD, lane n sits in chain
// (n + PAD) % CHAINS at position (n + PAD) / CHAINS. Position k sees its operands k cycles later
// than position 0, plus one cycle for every multiple of CASCADE up to k: there the chain leaves
// the dedicated cascade wires through an extra register.
//
// Latency from the operands of the last position to the sums: 2 enabled cycles.
`default_nettype none

(* use_dsp = "yes" *)
module dot_dsp #(
  // Lanes: activations a cycle.
  parameter SIMD = 16,
  // Neurons in this row, 1 to 3, activation vectors, 1 or 2, and the bits of a product's field.
  parameter FIELDS = 2,
  parameter PIXELS = 1,
  parameter FIELD = 16,
  // Bits of an activation and of a weight; 1 where activations are signed.
  parameter A_BITS = 6,
  parameter A_SIGNED = 0,
  parameter W_BITS = 6,
  // Number of chains and multipliers in each (the first PAD chains have one less).
  parameter CHAINS = 1,
  parameter POSITIONS = 16,
  // Most multipliers on one run of dedicated cascade wires.
  parameter CASCADE = 8
) (
  input  wire                                  clk_i,
  input  wire                                  en_i,
  // Activations: PIXELS of a lane side by side, lane 0 in the low bits, at its position's time.
  input  wire [SIMD*PIXELS*A_BITS-1:0]         a_i,
  // Weights: FIELDS of a lane side by side, lane 0 in the low bits, at the same times.
  input  wire [SIMD*FIELDS*W_BITS-1:0]         w_i,
  // Sums plus 2^(FIELD-1), unsigned: field f, pixel p, chain c at (f*PIXELS + p)*CHAINS + c.
  output wire [FIELDS*PIXELS*CHAINS*FIELD-1:0] sum_o
);

  localparam PAD = CHAINS * POSITIONS - SIMD;
  // The multiplier operands and the sum.
  localparam SPACING = PIXELS * FIELD;
  localparam WEIGHT_BITS = (FIELDS - 1) * SPACING + W_BITS;
  localparam UNSIGNED_BITS = (PIXELS - 1) * FIELD + A_BITS;
  localparam ACTIVATION_BITS = A_SIGNED != 0 ? UNSIGNED_BITS : UNSIGNED_BITS + 1;
  localparam SUM_BITS = FIELDS * SPACING;
  localparam [FIELD-1:0] HALF = {1'b1, {(FIELD - 1) {1'b0}}};
  localparam [SUM_BITS-1:0] OFFSET = {(FIELDS * PIXELS) {HALF}};

  for (genvar c = 0; c < CHAINS; c = c + 1) begin : gen_chain
    localparam FIRST = c < PAD ? 1 : 0;

    for (genvar k = FIRST; k < POSITIONS; k = k + 1) begin : gen_position
      localparam LANE = k * CHAINS + c - PAD;
      wire [FIELDS*W_BITS-1:0] fields = w_i[LANE*FIELDS*W_BITS+:FIELDS*W_BITS];

      // Sign extension before the register: a DSP block's register holds the whole operand.
      wire [WEIGHT_BITS-1:0] w_operand;
      for (genvar f = 0; f < FIELDS; f = f + 1) begin : gen_field
        localparam BITS = f == FIELDS - 1 ? W_BITS : SPACING;
        wire [W_BITS-1:0] weight = fields[f*W_BITS+:W_BITS];
        assign w_operand[f*SPACING+:BITS] =
            {{(BITS - W_BITS + 1) {weight[W_BITS-1]}}, weight[W_BITS-2:0]};
      end

      wire [UNSIGNED_BITS-1:0] activation;
      for (genvar p = 0; p < PIXELS; p = p + 1) begin : gen_pixel
        localparam BITS = p == PIXELS - 1 ? A_BITS : FIELD;
        assign activation[p*FIELD+:BITS] = BITS'(a_i[(LANE*PIXELS+p)*A_BITS+:A_BITS]);
      end

      reg [WEIGHT_BITS-1:0] w_q;
      reg [UNSIGNED_BITS-1:0] a_q;
      always @(posedge clk_i) begin
        if (en_i) begin
          w_q <= w_operand;
          a_q <= activation;
        end
      end

      wire [ACTIVATION_BITS-1:0] a_operand;
      if (A_SIGNED != 0) begin : gen_signed
        assign a_operand = a_q;
      end else begin : gen_unsigned
        assign a_operand = {1'b0, a_q};
      end

      wire signed [SUM_BITS-1:0] product =
          $signed({{(SUM_BITS - WEIGHT_BITS) {w_q[WEIGHT_BITS-1]}}, w_q})
          * $signed({{(SUM_BITS - ACTIVATION_BITS) {a_operand[ACTIVATION_BITS-1]}}, a_operand});

      wire signed [SUM_BITS-1:0] above;
      if (k == FIRST) begin : gen_first
        assign above = $signed(OFFSET);
      end else if (k % CASCADE == 0) begin : gen_break
        reg signed [SUM_BITS-1:0] above_q;
        always @(posedge clk_i) if (en_i) above_q <= gen_position[k-1].sum_q;
        assign above = above_q;
      end else begin : gen_cascade
        assign above = gen_position[k-1].sum_q;
      end

      reg signed [SUM_BITS-1:0] sum_q;
      always @(posedge clk_i) if (en_i) sum_q <= above + product;
    end

    for (genvar f = 0; f < FIELDS * PIXELS; f = f + 1) begin : gen_sum
      assign sum_o[(f*CHAINS+c)*FIELD+:FIELD] = gen_position[POSITIONS-1].sum_q[f*FIELD+:FIELD];
    end
  end

endmodule

`default_nettype wire
