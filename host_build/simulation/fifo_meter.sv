// For FIFO sizing: fifo.sv with a depth that is set while it runs, and the most it ever held.
`default_nettype none

module fifo_meter #(
  // Bits of a beat.
  parameter WIDTH = 8,
  // The largest depth that can be set.
  parameter DEPTH = 16
) (
  input  wire             clk_i,
  input  wire             rst_i,
  // Depth in use, at least 3, constant while beats pass; most beats at a time since the reset.
  input  wire [31:0]      limit_i,
  output wire [31:0]      peak_o,
  // Beats in.
  input  wire [WIDTH-1:0] in_data_i,
  input  wire             in_valid_i,
  output wire             in_ready_o,
  // Beats out, in the same order.
  output wire [WIDTH-1:0] out_data_o,
  output wire             out_valid_o,
  input  wire             out_ready_i
);

  // A twin of the real one that never refuses; it decides when there is room.
  reg  [31:0] count_q, peak_q;
  wire        room = count_q < limit_i;
  wire        accepts;
  wire        push = in_valid_i & in_ready_o;
  wire        pop  = out_valid_o & out_ready_i;

  assign in_ready_o = room & accepts;
  assign peak_o     = peak_q;

  fifo #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
  ) beats (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(in_data_i),
    .in_valid_i(in_valid_i & room),
    .in_ready_o(accepts),
    .out_data_o(out_data_o),
    .out_valid_o(out_valid_o),
    .out_ready_i(out_ready_i)
  );

  always @(posedge clk_i) begin
    if (rst_i) begin
      count_q <= 0;
      peak_q  <= 0;
    end else begin
      count_q <= count_q + {31'b0, push} - {31'b0, pop};
      if (count_q > peak_q) peak_q <= count_q;
    end
  end

endmodule

`default_nettype wire
