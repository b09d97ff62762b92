// subsample.sv: the beats of every STRIDE_X-th pixel of every STRIDE_Y-th row pass, all others vanish.
`default_nettype none

module subsample_proof #(
  parameter HEIGHT = 3,
  parameter WIDTH  = 3,
  parameter GROUPS = 2,
  parameter BITS   = 2,
  parameter STRIDE_Y = 2,
  parameter STRIDE_X = 2
) (
  input wire            clk_i,
  input wire            rst_i,
  input wire [BITS-1:0] in_data_i,
  input wire            in_valid_i,
  input wire            out_ready_i
);

  // The number of the next beat in its image.
  localparam BEATS = HEIGHT * WIDTH * GROUPS;
  localparam PLACE = $clog2(BEATS + 1);

  wire live, in_ready, out_valid;
  wire [BITS-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  subsample #(
    .HEIGHT(HEIGHT),
    .WIDTH(WIDTH),
    .GROUPS(GROUPS),
    .BITS(BITS),
    .STRIDE_Y(STRIDE_Y),
    .STRIDE_X(STRIDE_X)
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
  stream_rules #(.WIDTH(BITS), .ASSUMED(1)) i_in (
    .clk_i(clk_i), .live_i(live), .data_i(in_data_i), .valid_i(in_valid_i), .ready_i(in_ready)
  );
  stream_rules #(.WIDTH(BITS)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  reg [PLACE-1:0] place_q;
  wire push = in_valid_i & in_ready;
  always @(posedge clk_i) begin
    if (rst_i) place_q <= 0;
    else if (push) place_q <= place_q == BEATS - 1 ? 0 : place_q + 1'b1;
  end

  wire [PLACE-1:0] pixel = place_q / GROUPS;
  wire kept = (pixel % WIDTH) % STRIDE_X == 0 && (pixel / WIDTH) % STRIDE_Y == 0;

  always @* if (live) begin
    assert (out_valid == (in_valid_i & kept));
    assert (in_ready == (~kept | out_ready_i));
    if (out_valid) assert (out_data == in_data_i);
    cover (push & place_q == BEATS - 1);
    cover (push & ~kept);
    cover (push & kept & place_q != 0);
  end

endmodule

`default_nettype wire
