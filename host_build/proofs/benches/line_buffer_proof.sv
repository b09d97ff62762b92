// line_buffer.sv: every column of every image comes out once, in order, with the three pixels that
// belong in it, as soon as they are here.
//
// One column of one image is watched, any of both.
`default_nettype none

module line_buffer_proof #(
  parameter HEIGHT = 3,
  parameter WIDTH  = 3,
  parameter BITS   = 1,
  parameter STRIDE = 1
) (
  input wire            clk_i,
  input wire            rst_i,
  input wire [BITS-1:0] in_data_i,
  input wire            in_valid_i,
  input wire            out_ready_i,
  // Watch the image that begins now.
  input wire            watch_i
);

  localparam X = $clog2(WIDTH + 1);
  localparam Y = $clog2(HEIGHT + 2);
  localparam LAST_X = WIDTH - 1;
  localparam LAST_Y = HEIGHT - 1;
  // The last row that comes out.
  localparam LAST_OUT = LAST_Y / STRIDE * STRIDE;

  wire live, in_ready, out_valid;
  wire [3*BITS-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  line_buffer #(
    .HEIGHT(HEIGHT),
    .WIDTH(WIDTH),
    .BITS(BITS),
    .STRIDE(STRIDE)
  ) i_kernel (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(in_data_i),
    .in_valid_i(in_valid_i),
    .in_ready_o(in_ready),
    .out_data_o(out_data),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready_i)
  );
  stream_rules #(.WIDTH(3 * BITS)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  wire push  = in_valid_i & in_ready;
  wire pop   = out_valid & out_ready_i;
  wire space = ~out_valid | out_ready_i;

  // The next pixel in and the next column out; images count modulo 2.
  reg [X-1:0] in_x_q, out_x_q;
  reg [Y-1:0] in_y_q, out_y_q;
  reg in_image_q, out_image_q;
  // Another image is coming in than goes out.
  wire apart = in_image_q != out_image_q;

  always @(posedge clk_i) begin
    if (rst_i) begin
      {in_image_q, in_y_q, in_x_q}    <= 0;
      {out_image_q, out_y_q, out_x_q} <= 0;
    end else begin
      if (push) begin
        in_x_q <= in_x_q == LAST_X ? 0 : in_x_q + 1'b1;
        if (in_x_q == LAST_X) in_y_q <= in_y_q == LAST_Y ? 0 : in_y_q + 1'b1;
        if (in_x_q == LAST_X && in_y_q == LAST_Y) in_image_q <= ~in_image_q;
      end
      if (pop) begin
        out_x_q <= out_x_q == LAST_X ? 0 : out_x_q + 1'b1;
        if (out_x_q == LAST_X) out_y_q <= out_y_q == LAST_OUT ? 0 : out_y_q + STRIDE;
        if (out_x_q == LAST_X && out_y_q == LAST_OUT) out_image_q <= ~out_image_q;
      end
    end
  end

  // All has come in that the next column needs: its lowest pixel, or the whole image.
  wire [Y-1:0] need_y = out_y_q + 1'b1;
  wire below = in_y_q > need_y || (in_y_q == need_y && in_x_q > out_x_q);
  wire here  = apart || (out_y_q != LAST_Y && below);
  // So it was a cycle ago: with stride 2 the last row begins a cycle after the image's last pixel.
  reg late_q;
  always @(posedge clk_i) late_q <= live & here & ~pop;
  // The next pixel in completes a column; so many columns of the last row have been made.
  wire completes = in_y_q != 0 && (in_y_q - 1'b1) % STRIDE == 0;
  wire [X-1:0] made = out_y_q == LAST_OUT ? out_x_q + out_valid : 0;
  wire follows = ~apart || in_y_q != 0 || in_x_q < made || (in_x_q == made && space);

  // The watched column.
  (* anyconst *) reg [X-1:0] x;
  (* anyconst *) reg [Y-1:0] y;
  always @* assume (x < WIDTH && y <= LAST_OUT && y % STRIDE == 0);
  reg watching_q, image_q;
  reg [BITS-1:0] upper_q, middle_q, lower_q;
  wire begins  = push & watch_i & ~watching_q & in_x_q == 0 & in_y_q == 0;
  wire records = push & in_x_q == x & (begins | (watching_q & image_q == in_image_q));
  wire shows   = watching_q & image_q == out_image_q & out_x_q == x & out_y_q == y;

  always @(posedge clk_i) begin
    if (rst_i) watching_q <= 1'b0;
    else if (begins) watching_q <= 1'b1;
    else if (shows & pop) watching_q <= 1'b0;
    if (begins) image_q <= in_image_q;
    if (records & in_y_q + 1'b1 == y) upper_q <= in_data_i;
    if (records & in_y_q == y) middle_q <= in_data_i;
    if (records & in_y_q == y + 1'b1) lower_q <= in_data_i;
  end

  always @* if (live) begin
    if (out_valid) assert (here);
    if (STRIDE == 1 ? here : late_q) assert (out_valid);
    assert (in_ready == (follows & (~completes | space)));
    // The image that goes out is the one that comes in or the one before.
    if (apart) assert (out_y_q == LAST_OUT || (out_y_q + STRIDE == LAST_OUT && out_x_q == LAST_X));
    if (shows & out_valid) begin
      assert (out_data[0 +: BITS] == (y == 0 ? 0 : upper_q));
      assert (out_data[BITS +: BITS] == middle_q);
      assert (out_data[2*BITS +: BITS] == (y == LAST_Y ? 0 : lower_q));
    end
    cover (shows & pop & y == LAST_OUT & x == LAST_X);
    cover (shows & pop & y == 0);
    cover (shows & pop & |out_data);
    cover (apart & push);
    cover (in_valid_i & ~in_ready);
  end

endmodule

`default_nettype wire
