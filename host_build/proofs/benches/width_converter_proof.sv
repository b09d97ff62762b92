// width_converter.sv: every lane comes out once, in order and unchanged.
//
// One narrow lane at a time is watched, any lane; `ahead_q` are those that come out before it.
`default_nettype none

module width_converter_proof #(
  // Bits of a lane, and lanes of a beat in and out.
  parameter LANE = 2,
  parameter IN_LANES  = 1,
  parameter OUT_LANES = 3
) (
  input wire                      clk_i,
  input wire                      rst_i,
  input wire [LANE*IN_LANES-1:0]  in_data_i,
  input wire                      in_valid_i,
  input wire                      out_ready_i,
  // Watch this lane of the beat that comes in now.
  input wire                      watch_i,
  input wire [$clog2(IN_LANES+1)-1:0] lane_i
);

  localparam RATIO = IN_LANES > OUT_LANES ? IN_LANES : OUT_LANES;
  localparam BITS  = $clog2(2 * RATIO + 2);

  wire live, in_ready, out_valid;
  wire [LANE*OUT_LANES-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  width_converter #(
    .IN_WIDTH(LANE * IN_LANES),
    .OUT_WIDTH(LANE * OUT_LANES)
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
  stream_rules #(.WIDTH(LANE * OUT_LANES)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  wire push = in_valid_i & in_ready;
  wire pop  = out_valid & out_ready_i;

  // Lanes inside; the watched one.
  reg [BITS-1:0] count_q, ahead_q;
  reg watching_q;
  reg [LANE-1:0] data_q;
  wire [BITS-1:0] left = count_q - (pop ? OUT_LANES : 0);

  wire [LANE*IN_LANES-1:0]  in_lane  = in_data_i >> lane_i * LANE;
  wire [LANE*OUT_LANES-1:0] out_lane = out_data >> ahead_q * LANE;

  always @* assume (lane_i < IN_LANES);

  always @(posedge clk_i) begin
    if (rst_i) begin
      count_q    <= 0;
      watching_q <= 1'b0;
    end else begin
      count_q <= left + (push ? IN_LANES : 0);
      if (~watching_q & push & watch_i) begin
        watching_q <= 1'b1;
        data_q     <= in_lane[LANE-1:0];
        ahead_q    <= left + lane_i;
      end else if (watching_q & pop) begin
        watching_q <= ahead_q >= OUT_LANES;
        ahead_q    <= ahead_q - OUT_LANES;
      end
    end
  end

  always @* if (live) begin
    assert (out_valid == (count_q >= OUT_LANES));
    assert (count_q <= RATIO);
    // Room for what comes in, in this cycle: nothing waits that need not.
    assert (in_ready == (left + IN_LANES <= RATIO));
    if (watching_q & out_valid & ahead_q < OUT_LANES)
      assert (out_lane[LANE-1:0] == data_q);
    cover (watching_q & pop & ahead_q == OUT_LANES - 1);
    cover (push & pop);
    cover (in_valid_i & ~in_ready);
  end

endmodule

`default_nettype wire
