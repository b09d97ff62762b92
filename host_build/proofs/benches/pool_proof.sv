// pool.sv: with the last pixel of a frame each channel's sum or largest value leaves, exactly.
`default_nettype none

module pool_proof #(
  parameter GROUPS    = 2,
  parameter PIXELS    = 3,
  parameter IN_BITS   = 2,
  parameter IN_SIGNED = 0,
  parameter LARGEST   = 0,
  parameter OUT_BITS  = 4
) (
  input wire               clk_i,
  input wire               rst_i,
  input wire [IN_BITS-1:0] in_data_i,
  input wire               in_valid_i,
  input wire               out_ready_i
);

  // The number of the next beat in its frame.
  localparam BEATS = GROUPS * PIXELS;
  localparam PLACE = $clog2(BEATS + 1);

  wire live, in_ready, out_valid;
  wire [OUT_BITS-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  pool #(
    .LANES(1),
    .CHANNELS(GROUPS),
    .PIXELS(PIXELS),
    .IN_BITS(IN_BITS),
    .IN_SIGNED(IN_SIGNED),
    .LARGEST(LARGEST),
    .OUT_BITS(OUT_BITS)
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
  stream_rules #(.WIDTH(IN_BITS), .ASSUMED(1)) i_in (
    .clk_i(clk_i), .live_i(live), .data_i(in_data_i), .valid_i(in_valid_i), .ready_i(in_ready)
  );
  stream_rules #(.WIDTH(OUT_BITS)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  // What the channels have come to in this frame, the one whose turn it is at the bottom.
  reg [GROUPS*OUT_BITS-1:0] so_far_q;
  reg [PLACE-1:0] place_q;
  wire signed [OUT_BITS-1:0] past = so_far_q[OUT_BITS-1:0];
  wire signed [OUT_BITS:0] value =
    IN_SIGNED != 0 ? $signed(in_data_i) : $signed({1'b0, in_data_i});
  wire past_sign = IN_SIGNED != 0 ? past[OUT_BITS-1] : 1'b0;
  wire larger = value > $signed({past_sign, past});
  wire [OUT_BITS-1:0] joined = place_q < GROUPS ? value[OUT_BITS-1:0]
                             : LARGEST == 0 ? past + value[OUT_BITS-1:0]
                             : larger ? value[OUT_BITS-1:0] : past;
  wire push = in_valid_i & in_ready;
  wire last = place_q >= BEATS - GROUPS;

  reg pending_q;
  reg [OUT_BITS-1:0] expected_q;
  always @(posedge clk_i) begin
    if (rst_i) place_q <= 0;
    else if (push) place_q <= place_q == BEATS - 1 ? 0 : place_q + 1'b1;
    if (push) so_far_q <= {joined, so_far_q} >> OUT_BITS;
    if (rst_i) pending_q <= 1'b0;
    else if (push & last) pending_q <= 1'b1;
    else if (out_ready_i) pending_q <= 1'b0;
    if (push & last) expected_q <= joined;
  end

  always @* if (live) begin
    assert (out_valid == pending_q);
    assert (in_ready == (~last | ~pending_q | out_ready_i));
    if (out_valid) assert (out_data == expected_q);
    cover (push & place_q == BEATS - 1);
    cover (push & last & out_valid);
    cover (in_valid_i & ~in_ready);
  end

endmodule

`default_nettype wire
