// frame_fit.sv: the beats of both frames pass, those beyond the end vanish, or are zeros.
`default_nettype none

module frame_fit_proof #(
  parameter WIDTH     = 2,
  parameter IN_BEATS  = 3,
  parameter OUT_BEATS = 2
) (
  input wire             clk_i,
  input wire             rst_i,
  input wire [WIDTH-1:0] in_data_i,
  input wire             in_valid_i,
  input wire             out_ready_i
);

  wire live, in_ready, out_valid;
  wire [WIDTH-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  frame_fit #(
    .WIDTH(WIDTH),
    .IN_BEATS(IN_BEATS),
    .OUT_BEATS(OUT_BEATS)
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
  stream_rules #(.WIDTH(WIDTH), .ASSUMED(1)) i_in (
    .clk_i(clk_i), .live_i(live), .data_i(in_data_i), .valid_i(in_valid_i), .ready_i(in_ready)
  );
  stream_rules #(.WIDTH(WIDTH)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  // Beats of the frame that have come and gone.
  reg [7:0] came_q, went_q;
  wire push  = in_valid_i & in_ready;
  wire pull  = out_valid & out_ready_i;
  wire [7:0] came = came_q + {7'b0, push};
  wire [7:0] went = went_q + {7'b0, pull};
  wire ends  = came == IN_BEATS && went == OUT_BEATS;
  always @(posedge clk_i) begin
    if (rst_i | ends) begin
      came_q <= 0;
      went_q <= 0;
    end else begin
      came_q <= came;
      went_q <= went;
    end
  end

  wire more_in  = came_q < IN_BEATS;
  wire more_out = went_q < OUT_BEATS;

  always @* if (live) begin
    assert (came_q <= IN_BEATS && went_q <= OUT_BEATS);
    assert (came_q == went_q || (came_q > went_q ? went_q == OUT_BEATS : came_q == IN_BEATS));
    assert (out_valid == (more_out & (in_valid_i | ~more_in)));
    assert (in_ready == (more_in & (out_ready_i | ~more_out)));
    if (out_valid) assert (out_data == (more_in ? in_data_i : 0));
    cover (ends);
    cover (push != pull);
  end

endmodule

`default_nettype wire
