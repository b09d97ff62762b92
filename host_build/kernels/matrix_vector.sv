// y = W x for a stream of vectors x: SIMD inputs and PE outputs of the matrix at a time.
//
// A vector of MW elements arrives in MW/SIMD beats and is replayed MH/PE times; every MW/SIMD
// cycles PE sums of neighbouring output channels leave. A vector takes (MW/SIMD)*(MH/PE) cycles,
// and the next one follows without a gap. The pipeline stands still only while a finished beat
// finds the previous one still waiting at the output.
//
// With PIXELS 2 every beat carries two vectors, element by element, and both are computed at once.
//
// Arithmetic, by PACK: 1, 2 or 3 weights a DSP48E1 (dot_dsp.sv), or none in DSPs (dot_lut.sv);
// two weights and two pixels are four products a DSP48E1.
// Weights come from one memory for every ROM_POSITIONS positions of the arithmetic chain.
`default_nettype none

module matrix_vector #(
  // Columns and rows of the matrix: elements of an input and of an output vector.
  parameter MW = 144,
  parameter MH = 16,
  // Input elements and output elements a cycle; they divide MW and MH.
  parameter SIMD = 16,
  parameter PE = 16,
  // Bits of an activation; 1 where activations are signed.
  parameter A_BITS = 6,
  parameter A_SIGNED = 0,
  // Bits of a weight (signed).
  parameter W_BITS = 6,
  // Bits of an output element (signed).
  parameter ACC_BITS = 20,
  // Weights a DSP block; 0: no DSP block is used.
  parameter PACK = 2,
  // Vectors a beat: 1, or 2 where activations are unsigned and DSP blocks are used.
  parameter PIXELS = 1,
  // Bits of the field of one product sum in a DSP block (unused with PACK 0).
  parameter FIELD = 16,
  // Products summed in one DSP chain before the chains are added in logic: FIELD must hold them.
  parameter CHAIN = 16,
  // Most DSP blocks on one run of dedicated cascade wires: at most 10, a clock region's height.
  parameter CASCADE = 8,
  // Beats in the input buffer: a power of two, more than a vector and than the pipeline is deep.
  parameter DEPTH = 32,
  // 1: it knows a cycle ahead when it must stop, where results do not come every cycle. Results
  // that had to wait cost a cycle more then, so a FIFO should follow.
  parameter AHEAD = 1,
  // Weight memories: 1 in block memory, 0 in look-up tables; positions of the chain sharing one.
  parameter ROM_BLOCK = 1,
  parameter ROM_POSITIONS = 1,
  // Images of the weight memories: IMAGE followed by _00.mem, _01.mem and so on.
  parameter IMAGE = "weights"
) (
  input  wire                          clk_i,
  input  wire                          rst_i,
  // Input vectors, SIMD elements a beat; an element of the first pixel, then of the second.
  input  wire [SIMD*PIXELS*A_BITS-1:0] in_data_i,
  input  wire                          in_valid_i,
  output wire                          in_ready_o,
  // Output vectors, PE sums a beat; all of the first pixel, then all of the second.
  output wire [PE*PIXELS*ACC_BITS-1:0] out_data_o,
  output wire                          out_valid_o,
  input  wire                          out_ready_i
);

  localparam FOLDS = MW / SIMD;
  localparam REPEATS = MH / PE;
  localparam ROM_DEPTH = FOLDS * REPEATS;
  localparam ADDRESS_BITS = ROM_DEPTH > 1 ? $clog2(ROM_DEPTH) : 1;
  localparam ROM_LATENCY = ROM_BLOCK != 0 ? 1 : 0;

  // Chains, lanes at a position, positions; rows of neurons that share the arithmetic.
  localparam USE_DSP = PACK != 0 ? 1 : 0;
  localparam CHAINS = USE_DSP != 0 ? (SIMD + CHAIN - 1) / CHAIN : 1;
  localparam LANES = USE_DSP != 0 ? CHAINS : 2;
  localparam POSITIONS = (SIMD + LANES - 1) / LANES;
  localparam RUN = USE_DSP != 0 ? CASCADE : POSITIONS;
  localparam GROUP = USE_DSP != 0 ? PACK : 1;
  localparam ROWS = (PE + GROUP - 1) / GROUP;

  // From the address of position 0 to a sum that the accumulators take.
  localparam LAST_STAGE = POSITIONS - 1 + (POSITIONS - 1) / RUN;
  localparam TREE_LEVELS = USE_DSP != 0 ? $clog2(CHAINS) : $clog2(A_BITS);
  localparam LATENCY = 1 + LAST_STAGE + ROM_LATENCY + 2 + TREE_LEVELS;

  // What the arithmetic hands over, and what every neuron starts from: less the offsets of its
  // DSP chains, or less what is missing in the negated sums of look-up tables.
  localparam SUM_BITS = USE_DSP != 0 ? FIELD + $clog2(CHAINS)
                                     : W_BITS + $clog2(2 * POSITIONS) + A_BITS;
  localparam [ACC_BITS-1:0] DSP_OFFSET = ACC_BITS'(64'd1 << (FIELD - 1)) * ACC_BITS'(CHAINS);
  localparam [ACC_BITS-1:0] LUT_OFFSET =
      A_SIGNED != 0 ? -{{(ACC_BITS - 1) {1'b0}}, 1'b1} : ACC_BITS'((1 << A_BITS) - 1);
  localparam [ACC_BITS-1:0] START =
      -((USE_DSP != 0 ? DSP_OFFSET : LUT_OFFSET) * ACC_BITS'(FOLDS));

  if (SIMD < 1 || MW % SIMD != 0) begin : gen_bad_simd
    $error("matrix_vector: SIMD must divide MW");
  end
  if (PE < 1 || MH % PE != 0) begin : gen_bad_pe
    $error("matrix_vector: PE must divide MH");
  end
  if (A_BITS < 1 || A_BITS > 16 || (A_SIGNED != 0 && A_BITS < 2)) begin : gen_bad_a_bits
    $error("matrix_vector: A_BITS must be 1 to 16, 2 to 16 for signed activations");
  end
  if (W_BITS < 2 || W_BITS > 8) begin : gen_bad_w_bits
    $error("matrix_vector: W_BITS must be 2 to 8");
  end
  if (PACK < 0 || PACK > 3) begin : gen_bad_pack
    $error("matrix_vector: PACK must be 0, 1, 2 or 3");
  end
  if (PACK > 0 && ((PACK - 1) * PIXELS * FIELD + W_BITS > 25 || PACK * PIXELS * FIELD > 48
                   || (PACK - 1) * FIELD + W_BITS > PACK * FIELD)) begin : gen_bad_field
    $error("matrix_vector: FIELD does not fit the 25-bit operand or the 48-bit sum of a DSP");
  end
  if (PIXELS < 1 || PIXELS > 2) begin : gen_bad_pixels
    $error("matrix_vector: PIXELS must be 1 or 2");
  end
  if (PIXELS > 1 && (PACK == 0 || A_SIGNED != 0 || A_BITS > FIELD || FIELD + A_BITS > 17))
  begin : gen_bad_pair
    $error("matrix_vector: two PIXELS need a DSP's 18-bit operand to hold both, unsigned");
  end
  if (PACK > 0 && (CASCADE < 1 || CASCADE > 10)) begin : gen_bad_cascade
    $error("matrix_vector: CASCADE must be 1 to 10");
  end
  if (PACK > 0 && (CHAIN < 1)) begin : gen_bad_chain
    $error("matrix_vector: CHAIN must be at least 1");
  end
  if (DEPTH != 1 << $clog2(DEPTH) || DEPTH <= FOLDS || DEPTH < LAST_STAGE + 5) begin : gen_bad_depth
    $error("matrix_vector: DEPTH must be a power of two, above MW/SIMD and the chain's delay");
  end
  if (ROM_POSITIONS < 1) begin : gen_bad_rom_positions
    $error("matrix_vector: ROM_POSITIONS must be at least 1");
  end

  reg out_valid_q;
  wire sum_valid, sum_last, enable;

  wire [SIMD*PIXELS*A_BITS-1:0] activations;
  wire [POSITIONS*ADDRESS_BITS-1:0] addresses;
  wire issue, last;

  replay_buffer #(
    .SIMD(SIMD),
    .A_BITS(PIXELS * A_BITS),
    .FOLDS(FOLDS),
    .REPEATS(REPEATS),
    .DEPTH(DEPTH),
    .POSITIONS(POSITIONS),
    .LANES(LANES),
    .CASCADE(RUN),
    .ROM_LATENCY(ROM_LATENCY),
    .ADDRESS_BITS(ADDRESS_BITS)
  ) input_buffer (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .en_i(enable),
    .in_data_i(in_data_i),
    .in_valid_i(in_valid_i),
    .in_ready_o(in_ready_o),
    .a_o(activations),
    .address_o(addresses),
    .issue_o(issue),
    .last_o(last)
  );

  // Weights, each at the time of its position: those of all PEs side by side, lane by lane.
  wire [SIMD*PE*W_BITS-1:0] weights;
  weight_memories #(
    .SIMD(SIMD),
    .LANE_BITS(PE * W_BITS),
    .DEPTH(ROM_DEPTH),
    .ADDRESS_BITS(ADDRESS_BITS),
    .POSITIONS(POSITIONS),
    .LANES(LANES),
    .CASCADE(RUN),
    .BLOCK(ROM_BLOCK),
    .SHARED(ROM_POSITIONS),
    .IMAGE(IMAGE)
  ) weight_store (
    .clk_i(clk_i),
    .en_i(enable),
    .addresses_i(addresses),
    .weights_o(weights)
  );

  // Whether the pipeline holds a beat at each step up to the accumulators, and a vector's last.
  reg [LATENCY-1:0] valids_q, lasts_q;
  wire [LATENCY:0] valids = {valids_q, issue};
  wire [LATENCY:0] lasts = {lasts_q, last};
  always @(posedge clk_i) begin
    if (rst_i) valids_q <= {LATENCY{1'b0}};
    else if (enable) valids_q <= valids[LATENCY-1:0];
    if (enable) lasts_q <= lasts[LATENCY-1:0];
  end
  assign sum_valid = valids[LATENCY];
  assign sum_last = lasts[LATENCY];

  // Results that are finished while those before them still wait stop everything. Where that is
  // known ahead, a register moves the thousands of others.
  wire finishes = sum_valid & sum_last;
  if (AHEAD != 0 && FOLDS > 1) begin : gen_ahead
    wire finishes_next = enable ? valids[LATENCY-1] & lasts[LATENCY-1] : finishes;
    wire waits_next = (enable & finishes) | (out_valid_q & ~out_ready_i);
    reg enable_q;
    always @(posedge clk_i) enable_q <= rst_i | ~(finishes_next & waits_next);
    assign enable = enable_q;
  end else begin : gen_at_once
    assign enable = out_ready_i | ~out_valid_q | ~finishes;
  end

  wire [PE*PIXELS*SUM_BITS-1:0] sums;
  for (genvar r = 0; r < ROWS; r = r + 1) begin : gen_row
    // The last row of an odd number of PEs leaves a part of its DSP blocks idle.
    localparam FIRST = r * GROUP;
    localparam FIELDS = FIRST + GROUP <= PE ? GROUP : PE - FIRST;
    localparam LANE_BITS = FIELDS * W_BITS;
    wire [SIMD*LANE_BITS-1:0] row_weights;
    for (genvar n = 0; n < SIMD; n = n + 1) begin : gen_lane
      assign row_weights[n*LANE_BITS+:LANE_BITS] = weights[(n*PE+FIRST)*W_BITS+:LANE_BITS];
    end

    if (USE_DSP != 0) begin : gen_dsp
      wire [FIELDS*PIXELS*CHAINS*FIELD-1:0] terms;
      dot_dsp #(
        .SIMD(SIMD),
        .FIELDS(FIELDS),
        .PIXELS(PIXELS),
        .FIELD(FIELD),
        .A_BITS(A_BITS),
        .A_SIGNED(A_SIGNED),
        .W_BITS(W_BITS),
        .CHAINS(CHAINS),
        .POSITIONS(POSITIONS),
        .CASCADE(CASCADE)
      ) dot (
        .clk_i(clk_i),
        .en_i(enable),
        .a_i(activations),
        .w_i(row_weights),
        .sum_o(terms)
      );
      for (genvar f = 0; f < FIELDS * PIXELS; f = f + 1) begin : gen_field
        localparam SUM = (f % PIXELS) * PE + FIRST + f / PIXELS;
        adder_tree #(
          .TERMS(CHAINS),
          .TERM_BITS(FIELD)
        ) tree (
          .clk_i(clk_i),
          .en_i(enable),
          .terms_i(terms[f*CHAINS*FIELD+:CHAINS*FIELD]),
          .sum_o(sums[SUM*SUM_BITS+:SUM_BITS])
        );
      end
    end else begin : gen_lut
      dot_lut #(
        .SIMD(SIMD),
        .A_BITS(A_BITS),
        .A_SIGNED(A_SIGNED),
        .W_BITS(W_BITS),
        .POSITIONS(POSITIONS)
      ) dot (
        .clk_i(clk_i),
        .en_i(enable),
        .a_i(activations),
        .w_i(row_weights),
        .sum_o(sums[r*SUM_BITS+:SUM_BITS])
      );
    end
  end

  for (genvar p = 0; p < PE * PIXELS; p = p + 1) begin : gen_pe
    accumulator #(
      .FOLDS(FOLDS),
      .SUM_BITS(SUM_BITS),
      .SUM_SIGNED(1 - USE_DSP),
      .SUBTRACT(1 - USE_DSP),
      .ACC_BITS(ACC_BITS),
      .START(START)
    ) accumulate (
      .clk_i(clk_i),
      .rst_i(rst_i),
      .en_i(enable),
      .sum_i(sums[p*SUM_BITS+:SUM_BITS]),
      .valid_i(sum_valid),
      .last_i(sum_last),
      .result_o(out_data_o[p*ACC_BITS+:ACC_BITS])
    );
  end

  always @(posedge clk_i) begin
    if (rst_i) out_valid_q <= 1'b0;
    else if (enable & finishes) out_valid_q <= 1'b1;
    else if (out_ready_i) out_valid_q <= 1'b0;
  end
  assign out_valid_o = out_valid_q;

endmodule

`default_nettype wire
