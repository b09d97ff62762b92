// Replaces each value by BIAS plus the number of its channel's thresholds that it reaches, by
// comparing it with all of them at once: for few thresholds. One beat a cycle, latency 2. Narrow
// values whose thresholds all channels share are looked up in a table.
`default_nettype none

module thresholds_parallel #(
  // Channels a beat and in all; LANES divides CHANNELS.
  parameter LANES    = 4,
  parameter CHANNELS = 16,
  // Thresholds of a channel, 1 to 255, and whether all channels have the same (1).
  parameter COUNT  = 3,
  parameter SHARED = 0,
  // Bits of an input value, whether it is signed (1) or not (0), and bits of a threshold (signed).
  parameter IN_BITS        = 16,
  parameter IN_SIGNED      = 1,
  parameter THRESHOLD_BITS = 17,
  // Bits of an output value, which is BIAS for no threshold; signed if BIAS is negative.
  parameter OUT_BITS = 2,
  parameter BIAS     = 0,
  // The most bits of a value that is looked up, where thresholds are SHARED.
  parameter TABLE_BITS = 8,
  // The image has a word for each group of LANES channels: all thresholds, the first of the first
  // lane in the least significant bits. That of a table has a word for each value: its level less
  // BIAS.
  parameter IMAGE = "thresholds.mem"
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

  localparam GROUPS     = CHANNELS / LANES;
  localparam SETS       = SHARED != 0 ? 1 : GROUPS;
  localparam SET_BITS   = SETS > 1 ? $clog2(SETS) : 1;
  localparam WORD_BITS  = LANES * COUNT * THRESHOLD_BITS;
  localparam COMPARE_BITS = (IN_BITS + 1 > THRESHOLD_BITS ? IN_BITS + 1 : THRESHOLD_BITS);
  localparam LOWEST     = BIAS < 0 ? -(1 << (OUT_BITS - 1)) : 0;
  localparam HIGHEST    = BIAS < 0 ? (1 << (OUT_BITS - 1)) - 1 : (1 << OUT_BITS) - 1;

  generate
    if (LANES * GROUPS != CHANNELS) begin : gen_bad_lanes
      $error("thresholds_parallel: LANES must divide CHANNELS");
    end
    if (COUNT < 1 || COUNT > 255) begin : gen_bad_count
      $error("thresholds_parallel: COUNT must be 1 to 255");
    end
    if (BIAS < LOWEST || BIAS + COUNT > HIGHEST) begin : gen_bad_out_bits
      $error("thresholds_parallel: OUT_BITS is too small for BIAS and COUNT");
    end
  endgenerate

  reg  [1:0] valid_q;
  wire step = ~valid_q[1] | out_ready_i;

  assign in_ready_o  = step;
  assign out_valid_o = valid_q[1];

  reg [LANES*IN_BITS-1:0] values_q;

  always @(posedge clk_i) begin
    if (step) values_q <= in_data_i;
    if (rst_i) valid_q <= 0;
    else if (step) valid_q <= {valid_q[0], in_valid_i};
  end

  genvar lane, item;
  generate
    if (SHARED != 0 && IN_BITS <= TABLE_BITS) begin : gen_table
      reg [OUT_BITS-1:0] memory [0:(1<<IN_BITS)-1];
      initial $readmemh(IMAGE, memory);

      for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
        reg [OUT_BITS-1:0] level_q;
        always @(posedge clk_i) begin
          if (step) level_q <= memory[values_q[lane*IN_BITS +: IN_BITS]] + OUT_BITS'(BIAS);
        end
        assign out_data_o[lane*OUT_BITS +: OUT_BITS] = level_q;
      end
    end else begin : gen_compare
      reg [WORD_BITS-1:0] memory [0:SETS-1];
      initial $readmemh(IMAGE, memory);

      reg [SET_BITS-1:0]  set_q;
      reg [WORD_BITS-1:0] word_q;
      always @(posedge clk_i) begin
        if (step) word_q <= memory[set_q];
        if (rst_i) set_q <= 0;
        else if (step & in_valid_i) set_q <= set_q == SET_BITS'(SETS - 1) ? 0 : set_q + 1'b1;
      end

      for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
        wire sign = IN_SIGNED != 0 ? values_q[(lane+1)*IN_BITS-1] : 1'b0;
        wire signed [COMPARE_BITS-1:0] value =
          {{(COMPARE_BITS-IN_BITS){sign}}, values_q[lane*IN_BITS +: IN_BITS]};
        wire [COUNT-1:0] reached;

        for (item = 0; item < COUNT; item = item + 1) begin : gen_item
          wire [THRESHOLD_BITS-1:0] raw =
            word_q[(lane*COUNT+item)*THRESHOLD_BITS +: THRESHOLD_BITS];
          wire signed [COMPARE_BITS-1:0] threshold =
            {{(COMPARE_BITS-THRESHOLD_BITS){raw[THRESHOLD_BITS-1]}}, raw};
          assign reached[item] = value >= threshold;
        end

        integer i;
        reg [OUT_BITS-1:0] level;
        always @(*) begin
          level = OUT_BITS'(BIAS);
          for (i = 0; i < COUNT; i = i + 1) level = level + OUT_BITS'(reached[i]);
        end

        reg [OUT_BITS-1:0] level_q;
        always @(posedge clk_i) begin
          if (step) level_q <= level;
        end
        assign out_data_o[lane*OUT_BITS +: OUT_BITS] = level_q;
      end
    end
  endgenerate

endmodule

`default_nettype wire
