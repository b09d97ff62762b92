// Input side of the matrix-vector unit: keeps a vector and plays it once for every neuron fold.
//
// The buffer is a ring of DEPTH beats in LUT memory. The beats of the next vector are taken in
// while the present one is replayed, so an unbroken source leaves no gap between vectors.
//
// Each position of the arithmetic chain reads its lanes from a memory of its own, at an address
// that travels from position to position with the partial sum; the weight address travels
// alongside. Lanes are dealt to positions LANES at a time, position 0 taking what is left over.
`default_nettype none

module replay_buffer #(
  // Lanes of a beat and bits of a lane.
  parameter SIMD = 16,
  parameter A_BITS = 6,
  // Beats of a vector and how often a vector is played.
  parameter FOLDS = 9,
  parameter REPEATS = 1,
  // Beats in the ring: a power of two.
  parameter DEPTH = 32,
  // Positions of the chain and lanes at each.
  parameter POSITIONS = 16,
  parameter LANES = 1,
  // A position that is a multiple of CASCADE is one cycle later than it would be otherwise.
  parameter CASCADE = 8,
  // Cycles from a weight address to its word: activations come so much later than addresses.
  parameter ROM_LATENCY = 1,
  // Bits of a weight address.
  parameter ADDRESS_BITS = 4
) (
  input  wire                              clk_i,
  input  wire                              rst_i,
  // Moves the whole arithmetic pipeline by one step.
  input  wire                              en_i,
  // Input stream, lane 0 in the low bits.
  input  wire [SIMD*A_BITS-1:0]            in_data_i,
  input  wire                              in_valid_i,
  output wire                              in_ready_o,
  // Activations, each at the time of its position.
  output wire [SIMD*A_BITS-1:0]            a_o,
  // Weight address of every position, position 0 in the low bits.
  output wire [POSITIONS*ADDRESS_BITS-1:0] address_o,
  // One cycle before the address of position 0: whether a beat enters the pipeline, and whether
  // it is the last one of its vector.
  output wire                              issue_o,
  output wire                              last_o
);

  localparam BEAT_BITS = $clog2(DEPTH);
  localparam PAD = LANES * POSITIONS - SIMD;
  localparam LAST_STAGE = POSITIONS - 1 + (POSITIONS - 1) / CASCADE;
  localparam STAGES = LAST_STAGE + 1 + ROM_LATENCY;
  localparam FOLD_BITS = FOLDS > 1 ? $clog2(FOLDS) : 1;
  localparam REPEAT_BITS = REPEATS > 1 ? $clog2(REPEATS) : 1;

  // Ring: where the next beat is written and read, where the present vector starts, and how many
  // beats are held. One place stays empty, so that equal pointers mean an empty ring.
  reg [BEAT_BITS-1:0] write_q, read_q, start_q, used_q;
  // Whether there is a place for one more.
  reg ready_q;
  // Which beat of the vector and which replay comes next, and its weight address.
  reg [FOLD_BITS-1:0] fold_q;
  reg [REPEAT_BITS-1:0] repeat_q;
  reg [ADDRESS_BITS-1:0] address_q;

  wire take = in_valid_i & in_ready_o;
  wire last_fold = fold_q == FOLD_BITS'(FOLDS - 1);
  wire first_repeat = repeat_q == {REPEAT_BITS{1'b0}};
  wire last_repeat = repeat_q == REPEAT_BITS'(REPEATS - 1);
  wire issue = (read_q != write_q) | ~first_repeat;

  assign in_ready_o = ready_q;
  assign issue_o = issue;
  assign last_o = last_fold;

  // Addresses on their way along the chain, stage 0 in the low bits, and with them whether the
  // beat is read for the last time.
  reg [STAGES*BEAT_BITS-1:0] beats_q;
  reg [(LAST_STAGE+1)*ADDRESS_BITS-1:0] addresses_q;
  reg [STAGES-1:0] frees_q;
  wire free = en_i & frees_q[STAGES-1];

  always @(posedge clk_i) begin
    if (rst_i) begin
      write_q <= {BEAT_BITS{1'b0}};
      used_q  <= {BEAT_BITS{1'b0}};
      ready_q <= 1'b1;
    end else begin
      if (take) write_q <= write_q + 1'b1;
      if (take & ~free) begin
        used_q  <= used_q + 1'b1;
        ready_q <= used_q != {{(BEAT_BITS - 1) {1'b1}}, 1'b0};
      end else if (free & ~take) begin
        used_q  <= used_q - 1'b1;
        ready_q <= 1'b1;
      end
    end
  end

  always @(posedge clk_i) begin
    if (rst_i) begin
      read_q    <= {BEAT_BITS{1'b0}};
      start_q   <= {BEAT_BITS{1'b0}};
      fold_q    <= {FOLD_BITS{1'b0}};
      repeat_q  <= {REPEAT_BITS{1'b0}};
      address_q <= {ADDRESS_BITS{1'b0}};
    end else if (en_i & issue) begin
      read_q    <= read_q + 1'b1;
      address_q <= address_q + 1'b1;
      fold_q    <= fold_q + 1'b1;
      if (last_fold) begin
        fold_q   <= {FOLD_BITS{1'b0}};
        repeat_q <= repeat_q + 1'b1;
        if (last_repeat) begin
          repeat_q  <= {REPEAT_BITS{1'b0}};
          address_q <= {ADDRESS_BITS{1'b0}};
          start_q   <= read_q + 1'b1;
        end else begin
          read_q <= start_q;
        end
      end
    end
  end

  wire [(STAGES+1)*BEAT_BITS-1:0] beats = {beats_q, read_q};
  wire [(LAST_STAGE+2)*ADDRESS_BITS-1:0] addresses = {addresses_q, address_q};
  wire [STAGES:0] frees = {frees_q, issue & last_repeat};
  always @(posedge clk_i) begin
    if (rst_i) frees_q <= {STAGES{1'b0}};
    else if (en_i) frees_q <= frees[STAGES-1:0];
    if (en_i) begin
      beats_q <= beats[STAGES*BEAT_BITS-1:0];
      addresses_q <= addresses[(LAST_STAGE+1)*ADDRESS_BITS-1:0];
    end
  end

  wire unused = &{
      1'b0, beats[STAGES*BEAT_BITS+:BEAT_BITS],
      addresses[(LAST_STAGE+1)*ADDRESS_BITS+:ADDRESS_BITS], frees[STAGES]};

  for (genvar k = 0; k < POSITIONS; k = k + 1) begin : gen_position
    localparam STAGE = k + k / CASCADE;
    localparam FIRST = k == 0 ? 0 : k * LANES - PAD;
    localparam BITS = ((k + 1) * LANES - PAD - FIRST) * A_BITS;
    (* ram_style = "distributed" *) reg [BITS-1:0] memory [0:DEPTH-1];
    wire [BEAT_BITS-1:0] beat = beats_q[(STAGE+ROM_LATENCY)*BEAT_BITS+:BEAT_BITS];
    always @(posedge clk_i) if (take) memory[write_q] <= in_data_i[FIRST*A_BITS+:BITS];
    assign a_o[FIRST*A_BITS+:BITS] = memory[beat];
    assign address_o[k*ADDRESS_BITS+:ADDRESS_BITS] = addresses_q[STAGE*ADDRESS_BITS+:ADDRESS_BITS];
  end

endmodule

`default_nettype wire
