// Replaces each value by BIAS plus the number of its channel's thresholds that it reaches, found by
// binary search: one beat a cycle, one stage a bit. The thresholds of a channel do not decrease.
`default_nettype none

module thresholds #(
  // Channels a beat and in all; LANES divides CHANNELS.
  parameter LANES    = 4,
  parameter CHANNELS = 16,
  // Thresholds of a channel, 1 to 255, and whether all channels have the same (1).
  parameter COUNT  = 63,
  parameter SHARED = 0,
  // Bits of an input value, whether it is signed (1) or not (0), and bits of a threshold (signed).
  parameter IN_BITS        = 16,
  parameter IN_SIGNED      = 1,
  parameter THRESHOLD_BITS = 17,
  // Bits of an output value, which is BIAS for no threshold; signed if BIAS is negative.
  parameter OUT_BITS = 6,
  parameter BIAS     = 0,
  // Memories of this many words and more are block memories.
  parameter BLOCK_WORDS = 512,
  // The images are IMAGE_<lane, two digits>_<stage>.mem.
  parameter IMAGE = "thresholds"
) (
  input  wire                      clk_i,
  input  wire                      rst_i,
  // Values, channels innermost.
  input  wire [LANES*IN_BITS-1:0]  in_data_i,
  input  wire                      in_valid_i,
  output wire                      in_ready_o,
  // Levels, in the same order.
  output wire [LANES*OUT_BITS-1:0] out_data_o,
  output wire                      out_valid_o,
  input  wire                      out_ready_i
);

  localparam STEPS      = $clog2(COUNT + 1);
  localparam GROUPS     = CHANNELS / LANES;
  localparam SETS       = SHARED != 0 ? 1 : GROUPS;
  localparam GROUP_BITS = SETS > 1 ? $clog2(SETS) : 1;
  localparam LOWEST     = BIAS < 0 ? -(1 << (OUT_BITS - 1)) : 0;
  localparam HIGHEST    = BIAS < 0 ? (1 << (OUT_BITS - 1)) - 1 : (1 << OUT_BITS) - 1;

  generate
    if (LANES * GROUPS != CHANNELS || LANES > 99) begin : gen_bad_lanes
      $error("thresholds: LANES must divide CHANNELS and be at most 99");
    end
    if (COUNT < 1 || COUNT > 255) begin : gen_bad_count
      $error("thresholds: COUNT must be 1 to 255");
    end
    if (BIAS < LOWEST || BIAS + COUNT > HIGHEST) begin : gen_bad_out_bits
      $error("thresholds: OUT_BITS is too small for BIAS and COUNT");
    end
  endgenerate

  // The pipeline moves as a whole: the search of a beat is as long as it is deep.
  reg  [STEPS:0] valid_q;
  wire step = ~valid_q[STEPS] | out_ready_i;

  assign in_ready_o  = step;
  assign out_valid_o = valid_q[STEPS];

  // The group of thresholds for the beat at the input, and those for the beats in the stages.
  reg  [GROUP_BITS-1:0] group_q;
  reg  [STEPS*GROUP_BITS-1:0] groups_q;
  wire [(STEPS+1)*GROUP_BITS-1:0] groups = {groups_q, group_q};

  always @(posedge clk_i) begin
    if (step) groups_q <= groups[STEPS*GROUP_BITS-1:0];
    if (rst_i) begin
      valid_q <= 0;
      group_q <= 0;
    end else if (step) begin
      valid_q <= {valid_q[STEPS-1:0], in_valid_i};
      if (in_valid_i) group_q <= group_q == GROUP_BITS'(SETS - 1) ? 0 : group_q + 1'b1;
    end
  end

  // The last of the groups is that of a beat that needs it no more.
  wire unused = &{1'b0, groups[STEPS*GROUP_BITS +: GROUP_BITS]};

  genvar lane, stage;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [(STEPS+1)*IN_BITS-1:0] values;
      wire [(STEPS+1)*STEPS-1:0]   indices;
      reg  [STEPS-1:0]             level_q;

      assign values[IN_BITS-1:0] = in_data_i[lane*IN_BITS +: IN_BITS];
      assign indices[STEPS-1:0]  = 0;

      for (stage = 0; stage < STEPS; stage = stage + 1) begin : gen_stage
        threshold_stage #(
          .IN_BITS       (IN_BITS),
          .IN_SIGNED     (IN_SIGNED),
          .THRESHOLD_BITS(THRESHOLD_BITS),
          .STEPS         (STEPS),
          .STAGE         (stage),
          .GROUPS        (SETS),
          .GROUP_BITS    (GROUP_BITS),
          .BLOCK         ((SETS << stage) >= BLOCK_WORDS ? 1 : 0),
          .IMAGE         ({IMAGE, "_", 8'(48 + lane / 10), 8'(48 + lane % 10),
                           "_", 8'(48 + stage), ".mem"})
        ) i_stage (
          .clk_i  (clk_i),
          .en_i   (step),
          .value_i(values[stage*IN_BITS +: IN_BITS]),
          .index_i(indices[stage*STEPS +: STEPS]),
          .group_i(groups[stage*GROUP_BITS +: GROUP_BITS]),
          .value_o(values[(stage+1)*IN_BITS +: IN_BITS]),
          .index_o(indices[(stage+1)*STEPS +: STEPS])
        );
      end

      wire value_unused = &{1'b0, values[STEPS*IN_BITS +: IN_BITS]};

      always @(posedge clk_i) begin
        if (step) level_q <= indices[STEPS*STEPS +: STEPS];
      end
      assign out_data_o[lane*OUT_BITS +: OUT_BITS] = OUT_BITS'(level_q) + OUT_BITS'(BIAS);
    end
  endgenerate

endmodule

`default_nettype wire
