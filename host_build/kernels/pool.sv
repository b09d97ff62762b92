// Sums each channel over all pixels of a frame, or keeps its largest value. The results leave while
// the last pixel comes in, so that frames follow each other without a gap. A frame is an image, or
// one of the windows that sliding_window makes.
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
  // What leaves: the largest value (1) or the sum (0).
  parameter LARGEST = 0,
  // Bits of a result: at least IN_BITS for the largest, IN_BITS + clog2(PIXELS) for a sum.
  parameter OUT_BITS = 10
) (
  input  wire                      clk_i,
  input  wire                      rst_i,
  // Pixels, channels innermost.
  input  wire [LANES*IN_BITS-1:0]  in_data_i,
  input  wire                      in_valid_i,
  output wire                      in_ready_o,
  // Results, CHANNELS / LANES beats a frame.
  output wire [LANES*OUT_BITS-1:0] out_data_o,
  output wire                      out_valid_o,
  input  wire                      out_ready_i
);

  localparam GROUPS     = CHANNELS / LANES;
  localparam GROUP_BITS = GROUPS <= 1 ? 1 : $clog2(GROUPS);
  localparam PIXEL_BITS = PIXELS <= 1 ? 1 : $clog2(PIXELS);
  localparam LEAST_BITS = IN_BITS + (LARGEST != 0 ? 0 : $clog2(PIXELS));
  localparam [GROUP_BITS-1:0] LAST_GROUP = GROUP_BITS'(GROUPS - 1);
  localparam [PIXEL_BITS-1:0] LAST_PIXEL = PIXEL_BITS'(PIXELS - 1);

  // The position of the next beat.
  reg [GROUP_BITS-1:0] group_q;
  reg [PIXEL_BITS-1:0] pixel_q;
  reg first_q, last_q;

  // The results so far, a word a group of channels, and those that leave.
  reg  [LANES*OUT_BITS-1:0] results [0:GROUPS-1];
  wire [LANES*OUT_BITS-1:0] result;
  reg  [LANES*OUT_BITS-1:0] out_q;
  reg  valid_q;

  wire space = ~valid_q | out_ready_i;
  wire push  = in_valid_i & in_ready_o;

  assign in_ready_o  = ~last_q | space;
  assign out_data_o  = out_q;
  assign out_valid_o = valid_q;

  always @(posedge clk_i) begin
    if (push) results[group_q] <= result;
    if (space) out_q <= result;
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
    if (OUT_BITS < LEAST_BITS) begin : gen_bad_out_bits
      $error("pool: OUT_BITS is too small for the result");
    end else begin : gen_lanes
      wire [LANES*OUT_BITS-1:0] earlier = results[group_q];
      for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
        wire [IN_BITS-1:0] value = in_data_i[lane*IN_BITS +: IN_BITS];
        // A bit more than a result, so that there is always a sign to extend by.
        wire sign = IN_SIGNED != 0 ? value[IN_BITS-1] : 1'b0;
        wire [OUT_BITS:0] wide = {{(OUT_BITS+1-IN_BITS){sign}}, value};
        wire [OUT_BITS-1:0] past = earlier[lane*OUT_BITS +: OUT_BITS];
        wire [OUT_BITS-1:0] next;
        if (LARGEST == 0) begin : gen_sum
          assign next = (first_q ? 0 : past) + wide[OUT_BITS-1:0];
          wire unused = wide[OUT_BITS];
        end else begin : gen_largest
          wire past_sign = IN_SIGNED != 0 ? past[OUT_BITS-1] : 1'b0;
          wire larger = $signed(wide) > $signed({past_sign, past});
          assign next = first_q | larger ? wide[OUT_BITS-1:0] : past;
        end
        assign result[lane*OUT_BITS +: OUT_BITS] = next;
      end
    end
  endgenerate

endmodule

`default_nettype wire
