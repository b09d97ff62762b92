// A skip connection: one copy of an image goes through the windows of a 3 x 3 kernel, the other
// waits in a FIFO, and their sum cannot come before the first window. With DEPTH beats in the FIFO
// it never stands still; with one fewer it does.
`default_nettype none

module skip_pair_proof #(
  parameter HEIGHT = 3,
  parameter WIDTH  = 3,
  parameter DEPTH  = 6,
  // Cycles in which something must move while both ends are willing.
  parameter PATIENCE = 4
) (
  input wire clk_i,
  input wire rst_i,
  input wire in_data_i,
  input wire in_valid_i,
  input wire out_ready_i
);

  wire live, in_ready, out_valid;
  wire [1:0] out_data;
  wire fork_data;
  wire [1:0] fork_valid, fork_ready;
  wire [2:0] column;
  wire column_valid, column_ready;
  wire [8:0] window;
  wire window_valid, window_ready;
  wire skip_data, skip_valid, skip_ready;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  stream_rules #(.WIDTH(1), .ASSUMED(1)) i_in (
    .clk_i(clk_i), .live_i(live), .data_i(in_data_i), .valid_i(in_valid_i), .ready_i(in_ready)
  );
  stream_rules #(.WIDTH(2)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  stream_fork #(
    .WIDTH(1),
    .COPIES(2)
  ) i_fork (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(in_data_i),
    .in_valid_i(in_valid_i),
    .in_ready_o(in_ready),
    .out_data_o(fork_data),
    .out_valid_o(fork_valid),
    .out_ready_i(fork_ready)
  );
  line_buffer #(
    .HEIGHT(HEIGHT),
    .WIDTH(WIDTH),
    .BITS(1),
    .STRIDE(1)
  ) i_lines (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(fork_data),
    .in_valid_i(fork_valid[0]),
    .in_ready_o(fork_ready[0]),
    .out_data_o(column),
    .out_valid_o(column_valid),
    .out_ready_i(column_ready)
  );
  row_window #(
    .WIDTH(WIDTH),
    .BITS(3),
    .STRIDE(1)
  ) i_window (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(column),
    .in_valid_i(column_valid),
    .in_ready_o(column_ready),
    .out_data_o(window),
    .out_valid_o(window_valid),
    .out_ready_i(window_ready)
  );
  fifo #(
    .WIDTH(1),
    .DEPTH(DEPTH)
  ) i_skip (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(fork_data),
    .in_valid_i(fork_valid[1]),
    .in_ready_o(fork_ready[1]),
    .out_data_o(skip_data),
    .out_valid_o(skip_valid),
    .out_ready_i(skip_ready)
  );
  // The middle of a window is the pixel that waits for it.
  add #(
    .LANES(1),
    .A_BITS(1),
    .A_SIGNED(0),
    .B_BITS(1),
    .B_SIGNED(0),
    .OUT_BITS(2)
  ) i_add (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .a_data_i(window[4]),
    .a_valid_i(window_valid),
    .a_ready_o(window_ready),
    .b_data_i(skip_data),
    .b_valid_i(skip_valid),
    .b_ready_o(skip_ready),
    .out_data_o(out_data),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready_i)
  );

  // Cycles since a beat last came in or went out, of those in which both ends were willing.
  localparam BITS = $clog2(PATIENCE + 2);
  reg [BITS-1:0] still_q;
  wire moves = (in_valid_i & in_ready) | (out_valid & out_ready_i);
  always @(posedge clk_i) begin
    if (rst_i | moves | ~in_valid_i | ~out_ready_i) still_q <= 0;
    else still_q <= still_q == PATIENCE ? PATIENCE : still_q + 1'b1;
  end

  always @* if (live) begin
    assert (still_q != PATIENCE);
    // Both copies of a pixel meet again: twice a pixel is 0 or 2.
    if (out_valid) assert (~out_data[0]);
    cover (out_valid & out_ready_i & out_data[1]);
    cover (in_valid_i & in_ready & ~out_ready_i & out_valid);
  end

endmodule

`default_nettype wire
