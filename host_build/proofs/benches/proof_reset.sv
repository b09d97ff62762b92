// What every bench begins with: any state at all, a reset, and resets at any time after it.
`default_nettype none

module proof_reset (
  input  wire clk_i,
  input  wire rst_i,
  // There has been a reset, and there is none now: what the bench asserts must hold.
  output wire live_o
);

  reg started_q = 1'b0;
  always @(posedge clk_i) started_q <= 1'b1;
  always @* assume (started_q | rst_i);
  assign live_o = started_q & ~rst_i;

endmodule

`default_nettype wire
