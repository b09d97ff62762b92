// stream_fork.sv: every consumer gets every beat once, whatever the others do.
`default_nettype none

module stream_fork_proof #(
  parameter WIDTH  = 2,
  parameter COPIES = 3
) (
  input wire              clk_i,
  input wire              rst_i,
  input wire [WIDTH-1:0]  in_data_i,
  input wire              in_valid_i,
  input wire [COPIES-1:0] out_ready_i
);

  wire live, in_ready;
  wire [WIDTH-1:0] out_data;
  wire [COPIES-1:0] out_valid;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  stream_fork #(
    .WIDTH(WIDTH),
    .COPIES(COPIES)
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
  stream_rules #(.WIDTH(WIDTH), .ASSUMED(1)) i_in (
    .clk_i(clk_i), .live_i(live), .data_i(in_data_i), .valid_i(in_valid_i), .ready_i(in_ready)
  );

  wire push = in_valid_i & in_ready;
  wire [COPIES-1:0] pop = out_valid & out_ready_i;

  // The consumers that have had the beat that is offered.
  reg [COPIES-1:0] had_q;
  wire [COPIES-1:0] have = had_q | pop;
  always @(posedge clk_i) begin
    if (rst_i | push) had_q <= 0;
    else had_q <= have;
  end

  genvar copy;
  generate
    for (copy = 0; copy < COPIES; copy = copy + 1) begin : gen_out
      stream_rules #(.WIDTH(WIDTH)) i_out (
        .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid[copy]),
        .ready_i(out_ready_i[copy])
      );
      always @* if (live) begin
        assert (out_valid[copy] == (in_valid_i & ~had_q[copy]));
        if (out_valid[copy]) assert (out_data == in_data_i);
        cover (push & had_q[copy]);
        cover (push & ~had_q[copy]);
      end
    end
  endgenerate

  always @* if (live) begin
    // The beat goes when all have it, in the very cycle.
    assert (in_ready == &(had_q | out_ready_i));
    cover (push & had_q == 0);
  end

endmodule

`default_nettype wire
