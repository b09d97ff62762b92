// Turns rows of columns into windows of three columns, with a column of zeros on either side; the
// left one is in the least significant bits. A column comes in every cycle.
//
// The last window of a row needs no input: it leaves while the first column of the next row comes
// in, if that does come.
`default_nettype none

module row_window #(
  // Columns of a row, at least 2.
  parameter WIDTH = 8,
  // Bits of a column; a column is a beat.
  parameter BITS = 8,
  // Columns from a window to the next, 1 or 2.
  parameter STRIDE = 1
) (
  input  wire              clk_i,
  input  wire              rst_i,
  // Columns.
  input  wire [BITS-1:0]   in_data_i,
  input  wire              in_valid_i,
  output wire              in_ready_o,
  // Windows.
  output wire [3*BITS-1:0] out_data_o,
  output wire              out_valid_o,
  input  wire              out_ready_i
);

  localparam X_BITS = WIDTH > 1 ? $clog2(WIDTH) : 1;
  // Whether the last window of a row ends in the zeros.
  localparam TAIL = STRIDE == 1 || WIDTH % 2 == 1;

  generate
    if (WIDTH < 2) begin : gen_bad_width
      $error("row_window: WIDTH must be at least 2");
    end
    if (STRIDE != 1 && STRIDE != 2) begin : gen_bad_stride
      $error("row_window: STRIDE must be 1 or 2");
    end
  endgenerate

  // The position of the next column; whether the row before it lacks its last window.
  reg [X_BITS-1:0] x_q;
  reg tail_q;
  wire last_x = x_q == X_BITS'(WIDTH - 1);

  // The window: its right column counts as zeros if it belongs to the next row.
  reg [BITS-1:0] left_q, middle_q, right_q;
  reg zero_q, valid_q;

  wire space = ~valid_q | out_ready_i;
  wire push  = in_valid_i & space;
  wire shift = space & (in_valid_i | tail_q);
  wire emits = tail_q || (x_q != 0 && (STRIDE == 1 || x_q[0]));

  assign in_ready_o  = space;
  assign out_data_o  = {zero_q ? {BITS{1'b0}} : right_q, middle_q, left_q};
  assign out_valid_o = valid_q;

  always @(posedge clk_i) begin
    if (shift) begin
      right_q  <= in_data_i;
      middle_q <= right_q;
      zero_q   <= tail_q;
      if (x_q == 1) left_q <= 0;
      else left_q <= middle_q;
    end
  end

  always @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= 1'b0;
      tail_q  <= 1'b0;
      x_q     <= 0;
    end else if (space) begin
      valid_q <= shift & emits;
      tail_q  <= TAIL && push && last_x;
      if (push) x_q <= last_x ? 0 : x_q + 1'b1;
    end
  end

endmodule

`default_nettype wire
