// vector_unpair.sv: all of the first vector, then all of the second, each in order and unchanged.
//
// One half of a beat at a time is watched, any; `ahead_q` are its vector's that come out before it.
`default_nettype none

module vector_unpair_proof #(
  parameter WIDTH = 1,
  parameter BEATS = 2,
  parameter FIRST_DEPTH  = 3,
  parameter SECOND_DEPTH = 3
) (
  input wire               clk_i,
  input wire               rst_i,
  input wire [2*WIDTH-1:0] in_data_i,
  input wire               in_valid_i,
  input wire               out_ready_i,
  // Watch this half of the beat that comes in now.
  input wire               watch_i,
  input wire               half_i
);

  localparam MOST  = FIRST_DEPTH > SECOND_DEPTH ? FIRST_DEPTH : SECOND_DEPTH;
  localparam COUNT = $clog2(MOST + 2);
  localparam PLACE = $clog2(BEATS + 1);

  wire live, in_ready, out_valid;
  wire [WIDTH-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  vector_unpair #(
    .WIDTH(WIDTH),
    .BEATS(BEATS),
    .FIRST_DEPTH(FIRST_DEPTH),
    .SECOND_DEPTH(SECOND_DEPTH)
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
  stream_rules #(.WIDTH(WIDTH)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  wire push = in_valid_i & in_ready;
  wire pop  = out_valid & out_ready_i;

  // The next beat out; what waits of either vector; for how long the next beat out has been here.
  reg [PLACE-1:0] place_q;
  reg second_q;
  reg [COUNT-1:0] first_q, last_q, ahead_q;
  reg [1:0] age_q;
  wire here = (second_q ? last_q : first_q) != 0;

  reg watching_q, half_q;
  reg [WIDTH-1:0] data_q;
  wire [COUNT-1:0] first_left = first_q - (pop & ~second_q);
  wire [COUNT-1:0] last_left  = last_q - (pop & second_q);

  always @(posedge clk_i) begin
    if (rst_i) begin
      place_q    <= 0;
      second_q   <= 1'b0;
      first_q    <= 0;
      last_q     <= 0;
      age_q      <= 0;
      watching_q <= 1'b0;
    end else begin
      first_q <= first_left + push;
      last_q  <= last_left + push;
      age_q   <= ~here | pop ? 0 : age_q == 3 ? 3 : age_q + 1'b1;
      if (pop) begin
        place_q <= place_q == BEATS - 1 ? 0 : place_q + 1'b1;
        if (place_q == BEATS - 1) second_q <= ~second_q;
      end
      if (~watching_q & push & watch_i) begin
        watching_q <= 1'b1;
        half_q     <= half_i;
        data_q     <= half_i ? in_data_i[2*WIDTH-1:WIDTH] : in_data_i[WIDTH-1:0];
        ahead_q    <= half_i ? last_left : first_left;
      end else if (watching_q & pop & half_q == second_q) begin
        watching_q <= ahead_q != 0;
        ahead_q    <= ahead_q - 1'b1;
      end
    end
  end

  always @* if (live) begin
    assert (first_q <= FIRST_DEPTH);
    assert (last_q <= SECOND_DEPTH);
    assert (in_ready == (first_q != FIRST_DEPTH && last_q != SECOND_DEPTH));
    if (out_valid) assert (here);
    // It takes two cycles through the buffer at most.
    if (age_q > 1) assert (out_valid);
    if (watching_q & out_valid & half_q == second_q & ahead_q == 0) assert (out_data == data_q);
    // It cannot stand still for want of room: then the next beat out is here.
    if (~in_ready) assert (here);
    cover (watching_q & pop & ahead_q == 0 & half_q & second_q);
    cover (watching_q & pop & ahead_q == 0 & ~half_q & ~second_q);
    cover (last_q == SECOND_DEPTH);
    cover (first_q == FIRST_DEPTH);
    cover (pop & second_q & place_q == BEATS - 1);
  end

endmodule

`default_nettype wire
