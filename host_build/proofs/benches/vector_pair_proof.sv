// vector_pair.sv: the first vector is kept, and goes on beside the second, element by element.
`default_nettype none

module vector_pair_proof #(
  parameter LANES = 2,
  parameter BITS  = 2,
  parameter BEATS = 3
) (
  input wire                  clk_i,
  input wire                  rst_i,
  input wire [LANES*BITS-1:0] in_data_i,
  input wire                  in_valid_i,
  input wire                  out_ready_i
);

  localparam PLACE = $clog2(BEATS + 1);

  wire live, in_ready, out_valid;
  wire [LANES*2*BITS-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  vector_pair #(
    .LANES(LANES),
    .BITS(BITS),
    .BEATS(BEATS)
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
  stream_rules #(.WIDTH(LANES * BITS), .ASSUMED(1)) i_in (
    .clk_i(clk_i), .live_i(live), .data_i(in_data_i), .valid_i(in_valid_i), .ready_i(in_ready)
  );
  stream_rules #(.WIDTH(LANES * 2 * BITS)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  // The place of the next beat; what the first vector had at the place that is watched.
  (* anyconst *) reg [PLACE-1:0] watched;
  reg [PLACE-1:0] place_q;
  reg second_q;
  reg [LANES*BITS-1:0] first_q;
  wire push = in_valid_i & in_ready;

  always @* assume (watched < BEATS);

  always @(posedge clk_i) begin
    if (rst_i) begin
      place_q  <= 0;
      second_q <= 1'b0;
    end else if (push) begin
      place_q <= place_q == BEATS - 1 ? 0 : place_q + 1'b1;
      if (place_q == BEATS - 1) second_q <= ~second_q;
      if (~second_q & place_q == watched) first_q <= in_data_i;
    end
  end

  always @* if (live) begin
    assert (out_valid == (second_q & in_valid_i));
    assert (in_ready == (~second_q | out_ready_i));
    cover (push & second_q & place_q == BEATS - 1);
    cover (push & ~second_q & place_q == BEATS - 1);
  end

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [BITS-1:0] low  = out_data[2*lane*BITS +: BITS];
      wire [BITS-1:0] high = out_data[(2*lane+1)*BITS +: BITS];
      always @* if (live & out_valid & place_q == watched) begin
        assert (low == first_q[lane*BITS +: BITS]);
        assert (high == in_data_i[lane*BITS +: BITS]);
        cover (low != high);
      end
    end
  endgenerate

endmodule

`default_nettype wire
