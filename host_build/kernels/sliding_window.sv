// Turns an image into its windows: KERNEL_Y x KERNEL_X pixels each, zero padding included, in the
// order column by column, row by row inside a column, channels innermost.
//
// One memory is a ring of the newest words of an endless row of images. A window's place in that
// row moves by constants, across the ends of rows and images too, so that nothing is ever flushed:
// a padding pixel is a place whose word is not read.
`default_nettype none

module sliding_window #(
  // Pixels of an image.
  parameter HEIGHT = 8,
  parameter WIDTH  = 8,
  // Words of a pixel and bits of a word; a word is a beat of the input and of the output.
  parameter GROUPS = 1,
  parameter BITS   = 8,
  // Pixels of a window, 1 or 3, the steps between windows, 1 or 2, and the zeros on each side of
  // the image, 0 or 1.
  parameter KERNEL_Y = 3,
  parameter KERNEL_X = 3,
  parameter STRIDE_Y = 1,
  parameter STRIDE_X = 1,
  parameter PAD_Y = 1,
  parameter PAD_X = 1,
  // Words of the ring; a window must fit. The twin knows how many never make the output wait.
  parameter DEPTH = 24,
  // Where they are: "distributed" (LUTRAM) or "block".
  parameter RAM_STYLE = "distributed"
) (
  input  wire            clk_i,
  input  wire            rst_i,
  // Pixels, row by row.
  input  wire [BITS-1:0] in_data_i,
  input  wire            in_valid_i,
  output wire            in_ready_o,
  // Windows, row by row.
  output wire [BITS-1:0] out_data_o,
  output wire            out_valid_o,
  input  wire            out_ready_i
);

  localparam OUT_Y = (HEIGHT + 2 * PAD_Y - KERNEL_Y) / STRIDE_Y + 1;
  localparam OUT_X = (WIDTH + 2 * PAD_X - KERNEL_X) / STRIDE_X + 1;

  // Words from a window's first word to its last, and to the first word of the next window: in the
  // same row, in the next row, in the next image.
  localparam SPAN   = ((KERNEL_Y - 1) * WIDTH + KERNEL_X) * GROUPS - 1;
  localparam TO_X   = STRIDE_X * GROUPS;
  localparam TO_ROW = (STRIDE_Y * WIDTH - STRIDE_X * (OUT_X - 1)) * GROUPS;
  localparam TO_IMG = (HEIGHT * WIDTH - STRIDE_Y * WIDTH * (OUT_Y - 1) - STRIDE_X * (OUT_X - 1))
                      * GROUPS;
  // Words from a pixel's last word to the next pixel of the window: below it, in the next column.
  localparam TO_KY  = (WIDTH - 1) * GROUPS + 1;
  localparam TO_KX  = 1 - (KERNEL_Y - 1) * WIDTH * GROUPS;
  // The first window begins this many words before the first image.
  localparam BEFORE = (PAD_Y * WIDTH + PAD_X) * GROUPS;

  localparam FAR        = DEPTH + SPAN + (TO_IMG > TO_ROW ? TO_IMG : TO_ROW) + 2;
  localparam PLACE_BITS = $clog2(FAR) + 1;
  localparam RING_BITS  = $clog2(DEPTH);
  localparam G_BITS  = GROUPS   > 1 ? $clog2(GROUPS)   : 1;
  localparam KY_BITS = KERNEL_Y > 1 ? $clog2(KERNEL_Y) : 1;
  localparam KX_BITS = KERNEL_X > 1 ? $clog2(KERNEL_X) : 1;
  localparam Y_BITS  = OUT_Y    > 1 ? $clog2(OUT_Y)    : 1;
  localparam X_BITS  = OUT_X    > 1 ? $clog2(OUT_X)    : 1;

  generate
    if ((KERNEL_Y != 1 && KERNEL_Y != 3) || (KERNEL_X != 1 && KERNEL_X != 3)) begin : gen_bad_kernel
      $error("sliding_window: KERNEL_Y and KERNEL_X must be 1 or 3");
    end
    if (STRIDE_Y < 1 || STRIDE_Y > 2 || STRIDE_X < 1 || STRIDE_X > 2) begin : gen_bad_stride
      $error("sliding_window: STRIDE_Y and STRIDE_X must be 1 or 2");
    end
    if (2 * PAD_Y >= KERNEL_Y || 2 * PAD_X >= KERNEL_X) begin : gen_bad_pad
      $error("sliding_window: PAD_Y and PAD_X must be 0, or 1 where the kernel is 3");
    end
    if (KERNEL_Y > HEIGHT + 2 * PAD_Y || KERNEL_X > WIDTH + 2 * PAD_X) begin : gen_bad_size
      $error("sliding_window: the image is smaller than the window");
    end
    if (DEPTH <= SPAN) begin : gen_bad_depth
      $error("sliding_window: DEPTH is too small for a window");
    end
  endgenerate

  // The position of the next output word.
  reg [G_BITS-1:0]  group_q;
  reg [KY_BITS-1:0] ky_q;
  reg [KX_BITS-1:0] kx_q;
  reg [X_BITS-1:0]  x_q;
  reg [Y_BITS-1:0]  y_q;
  wire last_group = group_q == G_BITS'(GROUPS - 1);
  wire last_ky    = ky_q == KY_BITS'(KERNEL_Y - 1);
  wire last_kx    = kx_q == KX_BITS'(KERNEL_X - 1);
  wire last_x     = x_q == X_BITS'(OUT_X - 1);
  wire last_y     = y_q == Y_BITS'(OUT_Y - 1);
  wire last_pixel = last_group & last_ky;
  wire last_word  = last_pixel & last_kx;

  // It is a zero outside of the image. At the far sides there may be none, for stride 2.
  localparam BELOW = STRIDE_Y * (OUT_Y - 1) + KERNEL_Y > HEIGHT + PAD_Y;
  localparam RIGHT = STRIDE_X * (OUT_X - 1) + KERNEL_X > WIDTH + PAD_X;
  wire outside = (PAD_Y != 0 && y_q == 0 && ky_q == 0) || (BELOW && last_y && last_ky) ||
                 (PAD_X != 0 && x_q == 0 && kx_q == 0) || (RIGHT && last_x && last_kx);

  // The output word's place minus the input word's: negative if it has been written. And the words
  // from the window's first to the input's, minus DEPTH: negative if there is room for one.
  reg signed [PLACE_BITS-1:0] lead_q, excess_q;

  (* ram_style = RAM_STYLE *)
  reg [BITS-1:0] ring [0:DEPTH-1];
  reg [RING_BITS-1:0] write_q, read_q;
  reg [BITS-1:0] data_q;
  reg valid_q;

  wire push = in_valid_i & in_ready_o;
  wire step = (outside | lead_q[PLACE_BITS-1]) & (~valid_q | out_ready_i);

  assign in_ready_o  = excess_q[PLACE_BITS-1];
  assign out_data_o  = data_q;
  assign out_valid_o = valid_q;

  always @(posedge clk_i) begin
    if (push) ring[write_q] <= in_data_i;
    if (step) begin
      if (outside) data_q <= 0;
      else data_q <= ring[read_q];
    end
  end

  // How far the next output word is from this one, and the same modulo DEPTH.
  localparam BACK = -SPAN;
  reg signed [PLACE_BITS-1:0] move;
  reg        [RING_BITS-1:0]  turn;
  always @(*) begin
    if (~last_group) begin
      move = PLACE_BITS'(1);
      turn = RING_BITS'(1 % DEPTH);
    end else if (~last_ky) begin
      move = PLACE_BITS'(TO_KY);
      turn = RING_BITS'(TO_KY % DEPTH);
    end else if (~last_kx) begin
      move = PLACE_BITS'(TO_KX);
      turn = RING_BITS'((TO_KX + DEPTH) % DEPTH);
    end else if (~last_x) begin
      move = PLACE_BITS'(TO_X + BACK);
      turn = RING_BITS'((TO_X + BACK + DEPTH) % DEPTH);
    end else if (~last_y) begin
      move = PLACE_BITS'(TO_ROW + BACK);
      turn = RING_BITS'((TO_ROW + BACK + DEPTH) % DEPTH);
    end else begin
      move = PLACE_BITS'(TO_IMG + BACK);
      turn = RING_BITS'((TO_IMG + BACK + DEPTH) % DEPTH);
    end
  end

  wire [RING_BITS:0] turned = {1'b0, read_q} + {1'b0, turn};
  wire [RING_BITS:0] around = turned - (RING_BITS+1)'(DEPTH);

  // The words that the end of a window gives back.
  wire signed [PLACE_BITS-1:0] freed = ~last_x ? PLACE_BITS'(TO_X) :
                                       ~last_y ? PLACE_BITS'(TO_ROW) : PLACE_BITS'(TO_IMG);
  wire signed [PLACE_BITS-1:0] pushed = {{(PLACE_BITS-1){1'b0}}, push};

  // Either way of both: that the output steps is known last.
  wire signed [PLACE_BITS-1:0] lead_kept    = lead_q - pushed;
  wire signed [PLACE_BITS-1:0] lead_moved   = lead_q + move - pushed;
  wire signed [PLACE_BITS-1:0] excess_kept  = excess_q + pushed;
  wire signed [PLACE_BITS-1:0] excess_freed = excess_q - freed + pushed;

  always @(posedge clk_i) begin
    if (rst_i) begin
      valid_q  <= 1'b0;
      write_q  <= 0;
      read_q   <= RING_BITS'((DEPTH - BEFORE % DEPTH) % DEPTH);
      lead_q   <= PLACE_BITS'(-BEFORE);
      excess_q <= PLACE_BITS'(BEFORE - DEPTH);
    end else begin
      if (step) valid_q <= 1'b1;
      else if (out_ready_i) valid_q <= 1'b0;
      if (push) write_q <= write_q == RING_BITS'(DEPTH - 1) ? 0 : write_q + 1'b1;
      if (step) read_q <= around[RING_BITS] ? turned[RING_BITS-1:0] : around[RING_BITS-1:0];
      lead_q   <= step ? lead_moved : lead_kept;
      excess_q <= step & last_word ? excess_freed : excess_kept;
    end
  end

  always @(posedge clk_i) begin
    if (rst_i) begin
      group_q <= 0;
      ky_q    <= 0;
      kx_q    <= 0;
      x_q     <= 0;
      y_q     <= 0;
    end else if (step) begin
      group_q <= last_group ? 0 : group_q + 1'b1;
      if (last_group) ky_q <= last_ky ? 0 : ky_q + 1'b1;
      if (last_pixel) kx_q <= last_kx ? 0 : kx_q + 1'b1;
      if (last_word) x_q <= last_x ? 0 : x_q + 1'b1;
      if (last_word & last_x) y_q <= last_y ? 0 : y_q + 1'b1;
    end
  end

endmodule

`default_nettype wire
