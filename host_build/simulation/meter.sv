// For FIFO sizing: takes the depths to try, lets the pixels in at an even pace, and says when all
// frames are through.
`default_nettype none

module meter #(
  // Bits of an input beat, input and output beats of a frame.
  parameter WIDTH = 8,
  parameter IN_BEATS = 3072,
  parameter OUT_BEATS = 10,
  // Depths that come with the limits.
  parameter FIFOS = 1
) (
  input  wire                    clk_i,
  input  wire                    rst_i,
  // One beat: cycles from frame to frame, frames, depths.
  input  wire [32*(FIFOS+2)-1:0] limits_data_i,
  input  wire                    limits_valid_i,
  output wire                    limits_ready_o,
  output wire [32*FIFOS-1:0]     depths_o,
  // Pixels in, and out again, none before its time.
  input  wire [WIDTH-1:0]        in_data_i,
  input  wire                    in_valid_i,
  output wire                    in_ready_o,
  output wire [WIDTH-1:0]        out_data_o,
  output wire                    out_valid_o,
  input  wire                    out_ready_i,
  // An output beat of the network passes; the handshake of the peaks.
  input  wire                    result_i,
  output wire                    peaks_valid_o,
  input  wire                    peaks_ready_i
);

  reg                    started_q, told_q;
  reg [32*(FIFOS+2)-1:0] limits_q;
  wire [31:0]            interval = limits_q[31:0];
  wire [31:0]            frames = limits_q[63:32];

  // A beat is due every interval / IN_BEATS cycles; `phase_q` counts in units of 1 / IN_BEATS.
  reg [31:0] phase_q, due_q, results_q;
  wire       tick = phase_q + IN_BEATS >= interval;
  wire       pass = out_valid_o & out_ready_i;

  assign limits_ready_o = ~started_q;
  assign depths_o       = limits_q[64+:32*FIFOS];
  assign out_data_o     = in_data_i;
  assign out_valid_o    = in_valid_i & due_q != 0;
  assign in_ready_o     = out_ready_i & due_q != 0;
  assign peaks_valid_o  = started_q & ~told_q & results_q == frames * OUT_BEATS;

  always @(posedge clk_i) begin
    if (limits_ready_o & limits_valid_i) limits_q <= limits_data_i;
    if (rst_i) begin
      started_q <= 1'b0;
      told_q    <= 1'b0;
      phase_q   <= 0;
      due_q     <= 0;
      results_q <= 0;
    end else begin
      if (limits_valid_i) started_q <= 1'b1;
      if (peaks_valid_o & peaks_ready_i) told_q <= 1'b1;
      if (started_q) begin
        phase_q <= tick ? phase_q + IN_BEATS - interval : phase_q + IN_BEATS;
        due_q   <= due_q + {31'b0, tick} - {31'b0, pass};
      end
      if (result_i) results_q <= results_q + 1;
    end
  end

endmodule

`default_nettype wire
