// Two vectors, one after the other, to one vector of pairs: the first is kept until the second
// comes, and each of its elements then goes on beside the same element of the second.
`default_nettype none

module vector_pair #(
  // Elements of a beat and bits of each.
  parameter LANES = 4,
  parameter BITS  = 4,
  // Beats of a vector.
  parameter BEATS = 9
) (
  input  wire                    clk_i,
  input  wire                    rst_i,
  // Vectors, LANES elements a beat.
  input  wire [LANES*BITS-1:0]   in_data_i,
  input  wire                    in_valid_i,
  output wire                    in_ready_o,
  // Pairs: of each lane the first vector's element in the low bits, the second's above it.
  output wire [LANES*2*BITS-1:0] out_data_o,
  output wire                    out_valid_o,
  input  wire                    out_ready_i
);

  localparam BEAT_BITS = BEATS > 1 ? $clog2(BEATS) : 1;

  generate
    if (LANES < 1 || BITS < 1 || BEATS < 1) begin : gen_bad_size
      $error("vector_pair: LANES, BITS and BEATS must be at least 1");
    end
  endgenerate

  (* ram_style = "distributed" *)
  reg [LANES*BITS-1:0] first [0:BEATS-1];
  // The next beat, and whether it is one of the second vector.
  reg [BEAT_BITS-1:0] beat_q;
  reg second_q;
  wire last = beat_q == BEAT_BITS'(BEATS - 1);
  wire push = in_valid_i & in_ready_o;

  assign in_ready_o  = ~second_q | out_ready_i;
  assign out_valid_o = second_q & in_valid_i;

  wire [LANES*BITS-1:0] kept = first[beat_q];
  for (genvar n = 0; n < LANES; n = n + 1) begin : gen_lane
    assign out_data_o[n*2*BITS+:2*BITS] = {in_data_i[n*BITS+:BITS], kept[n*BITS+:BITS]};
  end

  always @(posedge clk_i) if (push & ~second_q) first[beat_q] <= in_data_i;

  always @(posedge clk_i) begin
    if (rst_i) begin
      beat_q   <= 0;
      second_q <= 1'b0;
    end else if (push) begin
      beat_q <= last ? 0 : beat_q + 1'b1;
      if (last) second_q <= ~second_q;
    end
  end

endmodule

`default_nettype wire
