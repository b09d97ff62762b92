// Frames of another length: of each the beats beyond the shorter length are dropped, or zeros are
// added. There is no register in the way of the data.
`default_nettype none

module frame_fit #(
  // Bits of a beat.
  parameter WIDTH = 8,
  // Beats of a frame that come, and that go.
  parameter IN_BEATS  = 8,
  parameter OUT_BEATS = 7
) (
  input  wire             clk_i,
  input  wire             rst_i,
  input  wire [WIDTH-1:0] in_data_i,
  input  wire             in_valid_i,
  output wire             in_ready_o,
  output wire [WIDTH-1:0] out_data_o,
  output wire             out_valid_o,
  input  wire             out_ready_i
);

  localparam KEPT  = IN_BEATS < OUT_BEATS ? IN_BEATS : OUT_BEATS;
  localparam BEATS = IN_BEATS < OUT_BEATS ? OUT_BEATS : IN_BEATS;
  localparam PLACE = $clog2(BEATS + 1);

  generate
    if (IN_BEATS < 1 || OUT_BEATS < 1) begin : gen_bad_frame
      $error("frame_fit: IN_BEATS and OUT_BEATS must be at least 1");
    end
  endgenerate

  // The place in its frame of the next beat, which is one of both, or of the longer frame only.
  reg [PLACE-1:0] place_q;
  wire kept  = place_q < PLACE'(KEPT);
  wire takes = kept | IN_BEATS > OUT_BEATS;
  wire gives = kept | IN_BEATS < OUT_BEATS;
  wire step  = (~takes | in_valid_i) & (~gives | out_ready_i);

  assign in_ready_o  = takes & (~gives | out_ready_i);
  assign out_valid_o = gives & (~takes | in_valid_i);
  assign out_data_o  = takes ? in_data_i : {WIDTH{1'b0}};

  always @(posedge clk_i) begin
    if (rst_i) place_q <= 0;
    else if (step) place_q <= place_q == PLACE'(BEATS - 1) ? 0 : place_q + 1'b1;
  end

endmodule

`default_nettype wire
