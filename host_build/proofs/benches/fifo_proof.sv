// fifo.sv: every beat comes out once, in order and unchanged; exactly DEPTH fit.
//
// One beat at a time is watched, any beat; `ahead_q` are those that must come out before it.
`default_nettype none

module fifo_proof #(
  parameter WIDTH = 2,
  parameter DEPTH = 4
) (
  input wire             clk_i,
  input wire             rst_i,
  input wire [WIDTH-1:0] in_data_i,
  input wire             in_valid_i,
  input wire             out_ready_i,
  // Watch the beat that comes in now.
  input wire             watch_i
);

  localparam BITS = $clog2(DEPTH + 2);

  wire live, in_ready, out_valid;
  wire [WIDTH-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  fifo #(
    .WIDTH(WIDTH),
    .DEPTH(DEPTH)
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

  // Beats inside, and if one of them has been there for a whole cycle.
  reg [BITS-1:0] count_q, ahead_q;
  reg settled_q, watching_q;
  reg [WIDTH-1:0] data_q;

  always @(posedge clk_i) begin
    if (rst_i) begin
      count_q    <= 0;
      settled_q  <= 1'b0;
      watching_q <= 1'b0;
    end else begin
      count_q   <= count_q + push - pop;
      settled_q <= count_q > pop;
      if (~watching_q & push & watch_i) begin
        watching_q <= 1'b1;
        data_q     <= in_data_i;
        ahead_q    <= count_q - pop;
      end else if (watching_q & pop) begin
        watching_q <= ahead_q != 0;
        ahead_q    <= ahead_q - 1'b1;
      end
    end
  end

  always @* if (live) begin
    assert (count_q <= DEPTH);
    assert (in_ready == (count_q < DEPTH));
    assert (out_valid == settled_q);
    if (watching_q & out_valid & ahead_q == 0) assert (out_data == data_q);
    cover (count_q == DEPTH & push == 0 & pop);
    cover (watching_q & pop & ahead_q == 0 & count_q == DEPTH);
    cover (push & pop & count_q == DEPTH - 1);
  end

endmodule

`default_nettype wire
