// Adds two streams lane by lane, exactly. One beat a cycle, latency 1.
`default_nettype none

module add #(
  // Lanes of a beat.
  parameter LANES = 4,
  // Bits of a lane of each input, and whether it is signed (1) or not (0).
  parameter A_BITS   = 8,
  parameter A_SIGNED = 1,
  parameter B_BITS   = 8,
  parameter B_SIGNED = 1,
  // Bits of a lane of the sum: enough for every sum. It is signed if one input is.
  parameter OUT_BITS = 9
) (
  input  wire                      clk_i,
  input  wire                      rst_i,
  // The summands.
  input  wire [LANES*A_BITS-1:0]   a_data_i,
  input  wire                      a_valid_i,
  output wire                      a_ready_o,
  input  wire [LANES*B_BITS-1:0]   b_data_i,
  input  wire                      b_valid_i,
  output wire                      b_ready_o,
  // The sums.
  output wire [LANES*OUT_BITS-1:0] out_data_o,
  output wire                      out_valid_o,
  input  wire                      out_ready_i
);

  // An unsigned summand beside a signed one counts with its sign bit.
  localparam ANY_SIGNED = A_SIGNED != 0 || B_SIGNED != 0;
  localparam A_NEED = ANY_SIGNED && A_SIGNED == 0 ? A_BITS + 1 : A_BITS;
  localparam B_NEED = ANY_SIGNED && B_SIGNED == 0 ? B_BITS + 1 : B_BITS;
  localparam NEED   = (A_NEED > B_NEED ? A_NEED : B_NEED) + 1;

  reg  [LANES*OUT_BITS-1:0] sum_q;
  reg                       valid_q;
  wire                      space = ~valid_q | out_ready_i;

  assign a_ready_o   = space & b_valid_i;
  assign b_ready_o   = space & a_valid_i;
  assign out_data_o  = sum_q;
  assign out_valid_o = valid_q;

  always @(posedge clk_i) begin
    if (rst_i) valid_q <= 1'b0;
    else if (space) valid_q <= a_valid_i & b_valid_i;
  end

  genvar lane;
  generate
    if (OUT_BITS < NEED) begin : gen_bad_out_bits
      $error("add: OUT_BITS is too small for the sum");
    end else begin : gen_lanes
      for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
        wire [A_BITS-1:0] a = a_data_i[lane*A_BITS +: A_BITS];
        wire [B_BITS-1:0] b = b_data_i[lane*B_BITS +: B_BITS];
        wire a_sign = A_SIGNED != 0 ? a[A_BITS-1] : 1'b0;
        wire b_sign = B_SIGNED != 0 ? b[B_BITS-1] : 1'b0;
        wire [OUT_BITS-1:0] a_wide = {{(OUT_BITS-A_BITS){a_sign}}, a};
        wire [OUT_BITS-1:0] b_wide = {{(OUT_BITS-B_BITS){b_sign}}, b};
        always @(posedge clk_i) begin
          if (space) sum_q[lane*OUT_BITS +: OUT_BITS] <= a_wide + b_wide;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
