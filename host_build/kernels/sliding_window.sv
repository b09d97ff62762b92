// Turns an image into its windows: KERNEL_Y x KERNEL_X pixels each, padding included, in the order
// column by column, row by row inside a column, channels innermost.
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
  // Pixels of a window, 1 to 7, and the steps between windows, 1 to 4.
  parameter KERNEL_Y = 3,
  parameter KERNEL_X = 3,
  parameter STRIDE_Y = 1,
  parameter STRIDE_X = 1,
  // Pixels added on each side of the image: fewer than a window has, so that each window has one
  // of the image's. And what they are: words of LEVEL, which has LEVEL_BITS bits, over and over.
  parameter PAD_TOP    = 1,
  parameter PAD_LEFT   = 1,
  parameter PAD_BOTTOM = 1,
  parameter PAD_RIGHT  = 1,
  parameter LEVEL      = 0,
  parameter LEVEL_BITS = 1,
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

  localparam HIGH  = HEIGHT + PAD_TOP + PAD_BOTTOM;
  localparam WIDE  = WIDTH + PAD_LEFT + PAD_RIGHT;
  localparam OUT_Y = (HIGH - KERNEL_Y) / STRIDE_Y + 1;
  localparam OUT_X = (WIDE - KERNEL_X) / STRIDE_X + 1;

  // Words from a window's first word to its last, and to the first word of the next window: in the
  // same row, in the next row, in the next image. With much padding the latter two may lie before
  // it; what is read of the next window's pixels never does.
  localparam SPAN   = ((KERNEL_Y - 1) * WIDTH + KERNEL_X) * GROUPS - 1;
  localparam TO_X   = STRIDE_X * GROUPS;
  localparam TO_ROW = (STRIDE_Y * WIDTH - STRIDE_X * (OUT_X - 1)) * GROUPS;
  localparam TO_IMG = (HEIGHT * WIDTH - STRIDE_Y * WIDTH * (OUT_Y - 1) - STRIDE_X * (OUT_X - 1))
                      * GROUPS;
  // Words from a pixel's last word to the next pixel of the window: below it, in the next column.
  localparam TO_KY  = (WIDTH - 1) * GROUPS + 1;
  localparam TO_KX  = 1 - (KERNEL_Y - 1) * WIDTH * GROUPS;
  // The first window begins this many words before the first image.
  localparam BEFORE = (PAD_TOP * WIDTH + PAD_LEFT) * GROUPS;

  localparam FAR_ROW    = TO_ROW > 0 ? TO_ROW : -TO_ROW;
  localparam FAR_IMG    = TO_IMG > 0 ? TO_IMG : -TO_IMG;
  localparam FAR_BACK   = FAR_IMG > FAR_ROW ? FAR_IMG : FAR_ROW;
  localparam FAR        = DEPTH + SPAN + (FAR_BACK > TO_X ? FAR_BACK : TO_X) + 2;
  localparam PLACE_BITS = $clog2(FAR) + 1;
  localparam RING_BITS  = DEPTH > 1 ? $clog2(DEPTH) : 1;
  localparam G_BITS  = GROUPS   > 1 ? $clog2(GROUPS)   : 1;
  localparam KY_BITS = KERNEL_Y > 1 ? $clog2(KERNEL_Y) : 1;
  localparam KX_BITS = KERNEL_X > 1 ? $clog2(KERNEL_X) : 1;
  localparam Y_BITS  = OUT_Y    > 1 ? $clog2(OUT_Y)    : 1;
  localparam X_BITS  = OUT_X    > 1 ? $clog2(OUT_X)    : 1;

  generate
    if (KERNEL_Y < 1 || KERNEL_Y > 7 || KERNEL_X < 1 || KERNEL_X > 7) begin : gen_bad_kernel
      $error("sliding_window: KERNEL_Y and KERNEL_X must be 1 to 7");
    end
    if (STRIDE_Y < 1 || STRIDE_Y > 4 || STRIDE_X < 1 || STRIDE_X > 4) begin : gen_bad_stride
      $error("sliding_window: STRIDE_Y and STRIDE_X must be 1 to 4");
    end
    if (PAD_TOP < 0 || PAD_TOP >= KERNEL_Y || PAD_BOTTOM < 0 || PAD_BOTTOM >= KERNEL_Y ||
        PAD_LEFT < 0 || PAD_LEFT >= KERNEL_X || PAD_RIGHT < 0 || PAD_RIGHT >= KERNEL_X)
    begin : gen_bad_pad
      $error("sliding_window: the padding must be smaller than the window");
    end
    if (HEIGHT < 1 || WIDTH < 1 || KERNEL_Y > HIGH || KERNEL_X > WIDE) begin : gen_bad_size
      $error("sliding_window: the image is smaller than the window");
    end
    if (LEVEL_BITS < 1 || BITS % LEVEL_BITS != 0) begin : gen_bad_level
      $error("sliding_window: LEVEL_BITS must divide BITS");
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

  // It is padding in the first rows of the windows that begin above the image, in the last ones of
  // those that end below it, and so across.
  wire [KERNEL_Y-1:0] above, below;
  wire [KERNEL_X-1:0] left, right;
  wire outside = |above || |below || |left || |right;
  genvar i;
  generate
    for (i = 0; i < KERNEL_Y; i = i + 1) begin : gen_rows
      localparam FIRST_IN = PAD_TOP - i * STRIDE_Y;
      localparam WINDOW   = OUT_Y - 1 - i;
      localparam PAST     = HEIGHT + PAD_TOP - WINDOW * STRIDE_Y;
      if (FIRST_IN > 0 && i < OUT_Y) begin : gen_above
        assign above[i] = y_q == Y_BITS'(i) && ky_q < KY_BITS'(FIRST_IN);
      end else begin : gen_not_above
        assign above[i] = 1'b0;
      end
      if (WINDOW >= 0 && PAST < KERNEL_Y) begin : gen_below
        assign below[i] = y_q == Y_BITS'(WINDOW) && ky_q >= KY_BITS'(PAST);
      end else begin : gen_not_below
        assign below[i] = 1'b0;
      end
    end
    for (i = 0; i < KERNEL_X; i = i + 1) begin : gen_columns
      localparam FIRST_IN = PAD_LEFT - i * STRIDE_X;
      localparam WINDOW   = OUT_X - 1 - i;
      localparam PAST     = WIDTH + PAD_LEFT - WINDOW * STRIDE_X;
      if (FIRST_IN > 0 && i < OUT_X) begin : gen_left
        assign left[i] = x_q == X_BITS'(i) && kx_q < KX_BITS'(FIRST_IN);
      end else begin : gen_not_left
        assign left[i] = 1'b0;
      end
      if (WINDOW >= 0 && PAST < KERNEL_X) begin : gen_right
        assign right[i] = x_q == X_BITS'(WINDOW) && kx_q >= KX_BITS'(PAST);
      end else begin : gen_not_right
        assign right[i] = 1'b0;
      end
    end
  endgenerate

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
      if (outside) data_q <= {(BITS / LEVEL_BITS){LEVEL_BITS'(LEVEL)}};
      else data_q <= ring[read_q];
    end
  end

  // How far the next output word is from this one, and the same modulo DEPTH.
  localparam NEXT_X   = TO_X - SPAN;
  localparam NEXT_ROW = TO_ROW - SPAN;
  localparam NEXT_IMG = TO_IMG - SPAN;
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
      turn = RING_BITS'((TO_KX % DEPTH + DEPTH) % DEPTH);
    end else if (~last_x) begin
      move = PLACE_BITS'(NEXT_X);
      turn = RING_BITS'((NEXT_X % DEPTH + DEPTH) % DEPTH);
    end else if (~last_y) begin
      move = PLACE_BITS'(NEXT_ROW);
      turn = RING_BITS'((NEXT_ROW % DEPTH + DEPTH) % DEPTH);
    end else begin
      move = PLACE_BITS'(NEXT_IMG);
      turn = RING_BITS'((NEXT_IMG % DEPTH + DEPTH) % DEPTH);
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
