// stream_fork with a port for each consumer's stream.
`default_nettype none

module stream_fork_bench #(
  // Bits of a beat.
  parameter WIDTH = 8
) (
  input  wire             clk_i,
  input  wire             rst_i,
  // Beats in.
  input  wire [WIDTH-1:0] in_data_i,
  input  wire             in_valid_i,
  output wire             in_ready_o,
  // Three consumers.
  output wire [WIDTH-1:0] out_0_data_o,
  output wire             out_0_valid_o,
  input  wire             out_0_ready_i,
  output wire [WIDTH-1:0] out_1_data_o,
  output wire             out_1_valid_o,
  input  wire             out_1_ready_i,
  output wire [WIDTH-1:0] out_2_data_o,
  output wire             out_2_valid_o,
  input  wire             out_2_ready_i
);

  stream_fork #(
    .WIDTH (WIDTH),
    .COPIES(3)
  ) i_fork (
    .clk_i      (clk_i),
    .rst_i      (rst_i),
    .in_data_i  (in_data_i),
    .in_valid_i (in_valid_i),
    .in_ready_o (in_ready_o),
    .out_data_o (out_0_data_o),
    .out_valid_o({out_2_valid_o, out_1_valid_o, out_0_valid_o}),
    .out_ready_i({out_2_ready_i, out_1_ready_i, out_0_ready_i})
  );

  assign out_1_data_o = out_0_data_o;
  assign out_2_data_o = out_0_data_o;

endmodule

`default_nettype wire
