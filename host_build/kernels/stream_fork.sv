// Copies every beat to COPIES consumers, each of which accepts it when it likes; the next beat
// follows when all have. No consumer's ready reaches another's valid in the same cycle.
`default_nettype none

module stream_fork #(
  // Bits of a beat.
  parameter WIDTH = 8,
  // Consumers, at least 2.
  parameter COPIES = 2
) (
  input  wire              clk_i,
  input  wire              rst_i,
  // Beats in.
  input  wire [WIDTH-1:0]  in_data_i,
  input  wire              in_valid_i,
  output wire              in_ready_o,
  // Beats out: one bus, a handshake for each consumer.
  output wire [WIDTH-1:0]  out_data_o,
  output wire [COPIES-1:0] out_valid_o,
  input  wire [COPIES-1:0] out_ready_i
);

  generate
    if (COPIES < 2) begin : gen_bad_copies
      $error("stream_fork: COPIES must be at least 2");
    end
  endgenerate

  // The consumers that have the present beat already.
  reg  [COPIES-1:0] served_q;
  wire [COPIES-1:0] served = served_q | out_ready_i;

  assign in_ready_o  = &served;
  assign out_data_o  = in_data_i;
  assign out_valid_o = {COPIES{in_valid_i}} & ~served_q;

  always @(posedge clk_i) begin
    if (rst_i) served_q <= 0;
    else if (in_valid_i) served_q <= in_ready_o ? 0 : served;
  end

endmodule

`default_nettype wire
