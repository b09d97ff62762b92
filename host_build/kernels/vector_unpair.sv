// Beats that carry results of two vectors to all results of the first, then all of the second:
// the other end of what vector_pair.sv begins.
`default_nettype none

module vector_unpair #(
  // Bits of one vector's part of a beat.
  parameter WIDTH = 64,
  // Beats of a vector.
  parameter BEATS = 4,
  // Beats of the first and of the second vector that can wait; the second needs BEATS or more.
  parameter FIRST_DEPTH  = 4,
  parameter SECOND_DEPTH = 8
) (
  input  wire               clk_i,
  input  wire               rst_i,
  // The first vector's part of a beat in the low bits, the second's above it.
  input  wire [2*WIDTH-1:0] in_data_i,
  input  wire               in_valid_i,
  output wire               in_ready_o,
  // The same vectors, one after the other.
  output wire [WIDTH-1:0]   out_data_o,
  output wire               out_valid_o,
  input  wire               out_ready_i
);

  localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;

  generate
    if (BEATS < 1 || SECOND_DEPTH < BEATS) begin : gen_bad_depth
      $error("vector_unpair: SECOND_DEPTH must be at least BEATS, and BEATS at least 1");
    end
  endgenerate

  // The next beat out, and whether it is one of the second vector.
  reg [BEAT_BITS-1:0] beat_q;
  reg second_q;
  wire last = beat_q == BEAT_BITS'(BEATS - 1);

  wire first_ready, second_ready, first_valid, second_valid;
  wire [WIDTH-1:0] first_data, second_data;
  assign in_ready_o = first_ready & second_ready;

  fifo #(
    .WIDTH(WIDTH),
    .DEPTH(FIRST_DEPTH)
  ) first (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(in_data_i[WIDTH-1:0]),
    .in_valid_i(in_valid_i & second_ready),
    .in_ready_o(first_ready),
    .out_data_o(first_data),
    .out_valid_o(first_valid),
    .out_ready_i(out_ready_i & ~second_q)
  );

  fifo #(
    .WIDTH(WIDTH),
    .DEPTH(SECOND_DEPTH)
  ) second (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(in_data_i[2*WIDTH-1:WIDTH]),
    .in_valid_i(in_valid_i & first_ready),
    .in_ready_o(second_ready),
    .out_data_o(second_data),
    .out_valid_o(second_valid),
    .out_ready_i(out_ready_i & second_q)
  );

  assign out_data_o  = second_q ? second_data : first_data;
  assign out_valid_o = second_q ? second_valid : first_valid;

  always @(posedge clk_i) begin
    if (rst_i) begin
      beat_q   <= 0;
      second_q <= 1'b0;
    end else if (out_valid_o & out_ready_i) begin
      beat_q <= last ? 0 : beat_q + 1'b1;
      if (last) second_q <= ~second_q;
    end
  end

endmodule

`default_nettype wire
