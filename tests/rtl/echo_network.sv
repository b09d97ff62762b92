// A network for tests of what is around networks: it gives back what it gets.
`default_nettype none

module echo_network (
  input  wire        clk_i,
  input  wire        rst_i,
  input  wire [31:0] in_data_i,
  input  wire        in_valid_i,
  output wire        in_ready_o,
  output wire [31:0] out_data_o,
  output wire        out_valid_o,
  input  wire        out_ready_i
);

  assign out_data_o  = in_data_i;
  assign out_valid_o = in_valid_i;
  assign in_ready_o  = out_ready_i;

  wire unused = &{1'b0, clk_i, rst_i};

endmodule

`default_nettype wire
