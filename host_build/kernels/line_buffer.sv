// Turns an image into its columns of three rows, with a row of zeros above and below: for every
// output row, for every pixel x, the pixels at rows y - 1, y, y + 1 in one beat, the upper one in
// the least significant bits. Only two rows are stored.
//
// The last output row needs no input: it leaves while the first row of the next image comes in, if
// that does come.
`default_nettype none

module line_buffer #(
  // Pixels of an image, at least 2 x 2.
  parameter HEIGHT = 8,
  parameter WIDTH  = 8,
  // Bits of a pixel, all channels; a pixel is a beat.
  parameter BITS = 8,
  // Rows from an output row to the next, 1 or 2.
  parameter STRIDE = 1
) (
  input  wire              clk_i,
  input  wire              rst_i,
  // Pixels, row by row.
  input  wire [BITS-1:0]   in_data_i,
  input  wire              in_valid_i,
  output wire              in_ready_o,
  // Columns.
  output wire [3*BITS-1:0] out_data_o,
  output wire              out_valid_o,
  input  wire              out_ready_i
);

  localparam X_BITS = WIDTH > 1 ? $clog2(WIDTH) : 1;
  localparam Y_BITS = HEIGHT > 1 ? $clog2(HEIGHT) : 1;
  // Whether the last output row ends in the zeros below the image.
  localparam TAIL = STRIDE == 1 || HEIGHT % 2 == 1;

  generate
    if (HEIGHT < 2 || WIDTH < 2) begin : gen_bad_size
      $error("line_buffer: HEIGHT and WIDTH must be at least 2");
    end
    if (STRIDE != 1 && STRIDE != 2) begin : gen_bad_stride
      $error("line_buffer: STRIDE must be 1 or 2");
    end
  endgenerate

  // The position of the next pixel.
  reg [X_BITS-1:0] x_q;
  reg [Y_BITS-1:0] y_q;
  wire last_x = x_q == X_BITS'(WIDTH - 1);
  wire last_y = y_q == Y_BITS'(HEIGHT - 1);

  // Columns of the last output row are left, the next of them at tail_x_q.
  reg tail_q;
  reg [X_BITS-1:0] tail_x_q;

  // A word for each x: the newest pixel, and below it the one above that.
  (* ram_style = "distributed" *)
  reg  [2*BITS-1:0] rows [0:WIDTH-1];
  wire [2*BITS-1:0] above = rows[tail_q ? tail_x_q : x_q];
  reg  [3*BITS-1:0] column_q;
  reg  valid_q;

  // Rows 1, 1 + STRIDE, ... complete an output row.
  wire emits   = y_q != 0 && (STRIDE == 1 || y_q[0]);
  wire space   = ~valid_q | out_ready_i;
  wire behind  = x_q < tail_x_q || (x_q == tail_x_q && space);
  wire push    = in_valid_i & in_ready_o;
  wire emit    = tail_q ? space : push & emits;

  assign in_ready_o  = tail_q ? behind : ~emits | space;
  assign out_data_o  = column_q;
  assign out_valid_o = valid_q;

  wire [BITS-1:0] lower = tail_q ? 0 : in_data_i;
  wire [BITS-1:0] upper = ~tail_q && y_q == 1 ? 0 : above[BITS-1:0];

  always @(posedge clk_i) begin
    if (push) rows[x_q] <= {in_data_i, above[2*BITS-1:BITS]};
    if (emit) column_q <= {lower, above[2*BITS-1:BITS], upper};
  end

  always @(posedge clk_i) begin
    if (rst_i) begin
      valid_q  <= 1'b0;
      tail_q   <= 1'b0;
      tail_x_q <= 0;
      x_q      <= 0;
      y_q      <= 0;
    end else begin
      if (emit) valid_q <= 1'b1;
      else if (out_ready_i) valid_q <= 1'b0;
      if (push) x_q <= last_x ? 0 : x_q + 1'b1;
      if (push & last_x) y_q <= last_y ? 0 : y_q + 1'b1;
      if (tail_q & space) begin
        tail_x_q <= tail_x_q == X_BITS'(WIDTH - 1) ? 0 : tail_x_q + 1'b1;
        if (tail_x_q == X_BITS'(WIDTH - 1)) tail_q <= 1'b0;
      end else if (TAIL && push && last_x && last_y) begin
        tail_q <= 1'b1;
      end
    end
  end

endmodule

`default_nettype wire
