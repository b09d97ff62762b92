// Sums each channel over all pixels of a frame. The sums leave while the last pixel comes in, so
// that frames follow each other without a gap.
`default_nettype none

module pool #(
  // Channels a beat and a frame; LANES divides CHANNELS.
  parameter LANES    = 4,
  parameter CHANNELS = 16,
  // Pixels of a frame, at least 2.
  parameter PIXELS = 16,
  // Bits of a channel, and whether it is signed (1) or not (0).
  parameter IN_BITS   = 6,
  parameter IN_SIGNED = 0,
  // Bits of a sum: at least IN_BITS + clog2(PIXELS).
  parameter OUT_BITS = 10
) (
  input  wire                      clk_i,
  input  wire                      rst_i,
  // Pixels, channels innermost.
  input  wire [LANES*IN_BITS-1:0]  in_data_i,
  input  wire                      in_valid_i,
  output wire                      in_ready_o,
  // Sums, CHANNELS / LANES beats a frame.
  output wire [LANES*OUT_BITS-1:0] out_data_o,
  output wire                      out_valid_o,
  input  wire                      out_ready_i
);

  localparam GROUPS     = CHANNELS / LANES;
  localparam GROUP_BITS = GROUPS <= 1 ? 1 : $clog2(GROUPS);
  localparam PIXEL_BITS = PIXELS <= 1 ? 1 : $clog2(PIXELS);
  localparam [GROUP_BITS-1:0] LAST_GROUP = GROUP_BITS'(GROUPS - 1);
  localparam [PIXEL_BITS-1:0] LAST_PIXEL = PIXEL_BITS'(PIXELS - 1);

  // The position of the next beat.
  reg [GROUP_BITS-1:0] group_q;
  reg [PIXEL_BITS-1:0] pixel_q;
  reg first_q, last_q;

  // The sums so far, a word a group of channels, and those that leave.
  reg  [LANES*OUT_BITS-1:0] sums [0:GROUPS-1];
  wire [LANES*OUT_BITS-1:0] sum;
  reg  [LANES*OUT_BITS-1:0] out_q;
  reg  valid_q;

  wire space = ~valid_q | out_ready_i;
  wire push  = in_valid_i & in_ready_o;

  assign in_ready_o  = ~last_q | space;
  assign out_data_o  = out_q;
  assign out_valid_o = valid_q;

  always @(posedge clk_i) begin
    if (push) sums[group_q] <= sum;
    if (space) out_q <= sum;
    if (rst_i) valid_q <= 1'b0;
    else if (space) valid_q <= push & last_q;
  end

  always @(posedge clk_i) begin
    if (rst_i) begin
      group_q <= 0;
      pixel_q <= 0;
      first_q <= 1'b1;
      last_q  <= 1'b0;
    end else if (push) begin
      group_q <= group_q == LAST_GROUP ? 0 : group_q + 1'b1;
      if (group_q == LAST_GROUP) begin
        pixel_q <= last_q ? 0 : pixel_q + 1'b1;
        first_q <= last_q;
        last_q  <= pixel_q == LAST_PIXEL - 1'b1;
      end
    end
  end

  genvar lane;
  generate
    if (LANES * GROUPS != CHANNELS) begin : gen_bad_lanes
      $error("pool: LANES must divide CHANNELS");
    end
    if (PIXELS < 2) begin : gen_bad_pixels
      $error("pool: PIXELS must be at least 2");
    end
    if (OUT_BITS < IN_BITS + $clog2(PIXELS)) begin : gen_bad_out_bits
      $error("pool: OUT_BITS is too small for the sum");
    end else begin : gen_lanes
      wire [LANES*OUT_BITS-1:0] earlier = sums[group_q];
      for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
        wire [IN_BITS-1:0] value = in_data_i[lane*IN_BITS +: IN_BITS];
        wire sign = IN_SIGNED != 0 ? value[IN_BITS-1] : 1'b0;
        wire [OUT_BITS-1:0] wide = {{(OUT_BITS-IN_BITS){sign}}, value};
        wire [OUT_BITS-1:0] past = first_q ? 0 : earlier[lane*OUT_BITS +: OUT_BITS];
        assign sum[lane*OUT_BITS +: OUT_BITS] = past + wide;
      end
    end
  endgenerate

endmodule

`default_nettype wire
