// Keeps the first of every STRIDE_X pixels of the first of every STRIDE_Y rows: the windows of a
// 1 x 1 kernel with a stride. There is no register in the way of the data.
`default_nettype none

module subsample #(
  // Pixels of an image.
  parameter HEIGHT = 8,
  parameter WIDTH  = 8,
  // Beats of a pixel and bits of a beat.
  parameter GROUPS = 1,
  parameter BITS   = 8,
  // From a row that is kept to the next, and from a pixel to the next: 1 to 4.
  parameter STRIDE_Y = 2,
  parameter STRIDE_X = 2
) (
  input  wire            clk_i,
  input  wire            rst_i,
  // Pixels, row by row.
  input  wire [BITS-1:0] in_data_i,
  input  wire            in_valid_i,
  output wire            in_ready_o,
  // The pixels that are kept.
  output wire [BITS-1:0] out_data_o,
  output wire            out_valid_o,
  input  wire            out_ready_i
);

  localparam G_BITS = GROUPS > 1 ? $clog2(GROUPS) : 1;
  localparam X_BITS = WIDTH  > 1 ? $clog2(WIDTH)  : 1;
  localparam Y_BITS = HEIGHT > 1 ? $clog2(HEIGHT) : 1;

  generate
    if (HEIGHT < 1 || WIDTH < 1 || GROUPS < 1) begin : gen_bad_size
      $error("subsample: HEIGHT, WIDTH and GROUPS must be at least 1");
    end
    if (STRIDE_Y < 1 || STRIDE_Y > 4 || STRIDE_X < 1 || STRIDE_X > 4) begin : gen_bad_stride
      $error("subsample: STRIDE_Y and STRIDE_X must be 1 to 4");
    end
  endgenerate

  // The position of the next beat.
  reg [G_BITS-1:0] group_q;
  reg [X_BITS-1:0] x_q;
  reg [Y_BITS-1:0] y_q;
  wire last_group = group_q == G_BITS'(GROUPS - 1);
  wire last_x     = x_q == X_BITS'(WIDTH - 1);
  wire last_y     = y_q == Y_BITS'(HEIGHT - 1);

  wire in_row, in_column;
  wire keep = in_column & in_row;
  wire push = in_valid_i & in_ready_o;

  // What is left of a position after whole strides: some of its bits, but for a stride of 3.
  generate
    if (STRIDE_Y != 3) begin : gen_row
      assign in_row = (y_q & Y_BITS'(STRIDE_Y - 1)) == 0;
    end else begin : gen_third_row
      reg [1:0] phase_q;
      assign in_row = phase_q == 0;
      always @(posedge clk_i) begin
        if (rst_i) phase_q <= 0;
        else if (push & last_group & last_x) phase_q <= last_y || phase_q == 2 ? 0 : phase_q + 1'b1;
      end
    end
    if (STRIDE_X != 3) begin : gen_column
      assign in_column = (x_q & X_BITS'(STRIDE_X - 1)) == 0;
    end else begin : gen_third_column
      reg [1:0] phase_q;
      assign in_column = phase_q == 0;
      always @(posedge clk_i) begin
        if (rst_i) phase_q <= 0;
        else if (push & last_group) phase_q <= last_x || phase_q == 2 ? 0 : phase_q + 1'b1;
      end
    end
  endgenerate

  assign in_ready_o  = ~keep | out_ready_i;
  assign out_data_o  = in_data_i;
  assign out_valid_o = in_valid_i & keep;

  always @(posedge clk_i) begin
    if (rst_i) begin
      group_q <= 0;
      x_q     <= 0;
      y_q     <= 0;
    end else if (push) begin
      group_q <= last_group ? 0 : group_q + 1'b1;
      if (last_group) x_q <= last_x ? 0 : x_q + 1'b1;
      if (last_group & last_x) y_q <= last_y ? 0 : y_q + 1'b1;
    end
  end

endmodule

`default_nettype wire
