// Times a batch: from the start of the input to the last answer to the output, and which side the
// network waited for meanwhile. Counts stop at their largest value.
`default_nettype none

module batch_counters #(
  // Bits of a counter.
  parameter BITS = 32
) (
  input  wire            clk_i,
  input  wire            rst_i,
  // The input of a batch starts: count from zero. The output has reached memory: stop.
  input  wire            start_i,
  input  wire            done_i,
  // Input data is still to come from memory.
  input  wire            loading_i,
  // The handshakes at the network.
  input  wire            in_valid_i,
  input  wire            in_ready_i,
  input  wire            out_valid_i,
  input  wire            out_ready_i,
  // Cycles of the batch, and up to its first output beat.
  output wire [BITS-1:0] cycles_o,
  output wire [BITS-1:0] first_o,
  // Cycles in which the network waited for data, data for the network, results for memory.
  output wire [BITS-1:0] starved_o,
  output wire [BITS-1:0] blocked_o,
  output wire [BITS-1:0] held_o
);

  reg running_q, waiting_q;
  reg [BITS-1:0] cycles_q, first_q, starved_q, blocked_q, held_q;

  wire full    = &cycles_q;
  wire counts  = running_q & ~full;
  wire starved = loading_i & in_ready_i & ~in_valid_i;
  wire blocked = in_valid_i & ~in_ready_i;
  wire held    = out_valid_i & ~out_ready_i;

  assign cycles_o  = cycles_q;
  assign first_o   = first_q;
  assign starved_o = starved_q;
  assign blocked_o = blocked_q;
  assign held_o    = held_q;

  always @(posedge clk_i) begin
    if (rst_i | start_i) begin
      running_q <= ~rst_i;
      waiting_q <= 1'b1;
      cycles_q  <= 0;
      first_q   <= 0;
      starved_q <= 0;
      blocked_q <= 0;
      held_q    <= 0;
    end else begin
      if (done_i) running_q <= 1'b0;
      if (out_valid_i & out_ready_i) waiting_q <= 1'b0;
      if (counts) begin
        cycles_q  <= cycles_q + 1'b1;
        first_q   <= first_q + {{(BITS-1){1'b0}}, waiting_q};
        starved_q <= starved_q + {{(BITS-1){1'b0}}, starved};
        blocked_q <= blocked_q + {{(BITS-1){1'b0}}, blocked};
        held_q    <= held_q + {{(BITS-1){1'b0}}, held};
      end
    end
  end

endmodule

`default_nettype wire
