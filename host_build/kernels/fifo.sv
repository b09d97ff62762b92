// A first-in first-out buffer of exactly DEPTH beats, one beat in and one out every cycle.
// A beat comes out two cycles after it went in, at the earliest.
`default_nettype none

module fifo #(
  // Bits of a beat.
  parameter WIDTH = 8,
  // Beats that fit while the consumer refuses, at least 3.
  parameter DEPTH = 16,
  // Where they are: "distributed" (LUTRAM) or "block".
  parameter RAM_STYLE = "distributed"
) (
  input  wire             clk_i,
  input  wire             rst_i,
  // Beats in.
  input  wire [WIDTH-1:0] in_data_i,
  input  wire             in_valid_i,
  output wire             in_ready_o,
  // Beats out, in the same order.
  output wire [WIDTH-1:0] out_data_o,
  output wire             out_valid_o,
  input  wire             out_ready_i
);

  // The output register holds one beat, the memory the others.
  localparam WORDS = DEPTH - 1;
  localparam ADDRESS_BITS = WORDS <= 1 ? 1 : $clog2(WORDS);
  localparam COUNT_BITS = $clog2(DEPTH + 1);
  localparam [ADDRESS_BITS-1:0] LAST = ADDRESS_BITS'(WORDS - 1);

  generate
    if (DEPTH < 3) begin : gen_bad_depth
      $error("fifo: DEPTH must be at least 3");
    end
  endgenerate

  (* ram_style = RAM_STYLE *)
  reg [WIDTH-1:0] beats [0:WORDS-1];
  reg [ADDRESS_BITS-1:0] write_q, read_q;
  reg [WIDTH-1:0] data_q;
  reg valid_q;

  // Beats in memory and output register together, and whether they are fewer than DEPTH.
  reg [COUNT_BITS-1:0] count_q;
  reg space_q;

  wire push   = in_valid_i & space_q;
  wire pop    = valid_q & out_ready_i;
  wire stored = count_q > {{(COUNT_BITS-1){1'b0}}, valid_q};
  wire read   = stored & (~valid_q | out_ready_i);

  assign in_ready_o  = space_q;
  assign out_data_o  = data_q;
  assign out_valid_o = valid_q;

  always @(posedge clk_i) begin
    if (push) beats[write_q] <= in_data_i;
    if (read) data_q <= beats[read_q];
  end

  always @(posedge clk_i) begin
    if (rst_i) begin
      valid_q <= 1'b0;
      write_q <= 0;
      read_q  <= 0;
    end else begin
      if (read) valid_q <= 1'b1;
      else if (out_ready_i) valid_q <= 1'b0;
      if (push) write_q <= write_q == LAST ? 0 : write_q + 1'b1;
      if (read) read_q <= read_q == LAST ? 0 : read_q + 1'b1;
    end
  end

  always @(posedge clk_i) begin
    if (rst_i) begin
      count_q <= 0;
      space_q <= 1'b1;
    end else if (push & ~pop) begin
      count_q <= count_q + 1'b1;
      space_q <= count_q != COUNT_BITS'(DEPTH - 1);
    end else if (pop & ~push) begin
      count_q <= count_q - 1'b1;
      space_q <= 1'b1;
    end
  end

endmodule

`default_nettype wire
