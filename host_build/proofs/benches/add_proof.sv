// add.sv: every pair of beats gives one sum, exact in every lane, in order.
`default_nettype none

module add_proof #(
  parameter LANES    = 2,
  parameter A_BITS   = 3,
  parameter A_SIGNED = 1,
  parameter B_BITS   = 3,
  parameter B_SIGNED = 1,
  parameter OUT_BITS = 4
) (
  input wire                    clk_i,
  input wire                    rst_i,
  input wire [LANES*A_BITS-1:0] a_data_i,
  input wire                    a_valid_i,
  input wire [LANES*B_BITS-1:0] b_data_i,
  input wire                    b_valid_i,
  input wire                    out_ready_i
);

  localparam BITS = OUT_BITS + 2;

  wire live, a_ready, b_ready, out_valid;
  wire [LANES*OUT_BITS-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  add #(
    .LANES(LANES),
    .A_BITS(A_BITS),
    .A_SIGNED(A_SIGNED),
    .B_BITS(B_BITS),
    .B_SIGNED(B_SIGNED),
    .OUT_BITS(OUT_BITS)
  ) i_kernel (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .a_data_i(a_data_i),
    .a_valid_i(a_valid_i),
    .a_ready_o(a_ready),
    .b_data_i(b_data_i),
    .b_valid_i(b_valid_i),
    .b_ready_o(b_ready),
    .out_data_o(out_data),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready_i)
  );
  stream_rules #(.WIDTH(LANES * OUT_BITS)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  wire push_a = a_valid_i & a_ready;
  wire push_b = b_valid_i & b_ready;
  wire pop    = out_valid & out_ready_i;

  // Whether there is a sum, and the summands that it is of.
  reg full_q;
  reg [LANES*A_BITS-1:0] a_q;
  reg [LANES*B_BITS-1:0] b_q;
  always @(posedge clk_i) begin
    if (push_a) a_q <= a_data_i;
    if (push_b) b_q <= b_data_i;
    if (rst_i) full_q <= 1'b0;
    else full_q <= push_a | (full_q & ~pop);
  end

  always @* if (live) begin
    // Either waits for the other.
    assert (a_ready == (b_valid_i & (~full_q | out_ready_i)));
    assert (b_ready == (a_valid_i & (~full_q | out_ready_i)));
    assert (out_valid == full_q);
    cover (push_a & pop);
  end

  genvar lane;
  generate
    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [A_BITS-1:0] a = a_q[lane*A_BITS +: A_BITS];
      wire [B_BITS-1:0] b = b_q[lane*B_BITS +: B_BITS];
      wire [OUT_BITS-1:0] sum = out_data[lane*OUT_BITS +: OUT_BITS];
      // In more bits than any of them can need.
      wire signed [BITS-1:0] a_wide = {{(BITS-A_BITS){A_SIGNED != 0 && a[A_BITS-1]}}, a};
      wire signed [BITS-1:0] b_wide = {{(BITS-B_BITS){B_SIGNED != 0 && b[B_BITS-1]}}, b};
      wire signed [BITS-1:0] exact  = a_wide + b_wide;
      wire sum_sign = (A_SIGNED != 0 || B_SIGNED != 0) && sum[OUT_BITS-1];
      wire signed [BITS-1:0] found = {{(BITS-OUT_BITS){sum_sign}}, sum};
      always @* if (live & full_q) begin
        assert (found == exact);
        cover (&a & &b & pop);
        cover (pop & a == 1 << (A_BITS - 1) & b == 1 << (B_BITS - 1));
      end
    end
  endgenerate

endmodule

`default_nettype wire
