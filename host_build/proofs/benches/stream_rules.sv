// The rule of a valid/ready stream: a beat that is offered stays, unchanged, until it is taken.
`default_nettype none

module stream_rules #(
  // Bits of a beat.
  parameter WIDTH = 8,
  // Whether the rule is what the surroundings keep (1) or what is to be proved (0).
  parameter ASSUMED = 0
) (
  input  wire             clk_i,
  input  wire             live_i,
  // The stream.
  input  wire [WIDTH-1:0] data_i,
  input  wire             valid_i,
  input  wire             ready_i
);

  reg waits_q;
  reg [WIDTH-1:0] data_q;
  wire broken = waits_q & (~valid_i | data_i != data_q);

  always @(posedge clk_i) begin
    waits_q <= live_i & valid_i & ~ready_i;
    data_q  <= data_i;
  end

  generate
    if (ASSUMED != 0) begin : gen_assumed
      always @* if (live_i) assume (~broken);
    end else begin : gen_proved
      always @* if (live_i) assert (~broken);
      // It did have to wait, and went on.
      always @* if (live_i) cover (waits_q & ready_i);
    end
  endgenerate

endmodule

`default_nettype wire
