// Writes a stream to memory by AXI3, a batch of frames at a time. A burst begins when all of its
// data is here, so that the bus never waits.
`default_nettype none

module output_dma #(
  // Beats of 64 bits of a frame.
  parameter FRAME_BEATS = 5,
  // Most bursts that are begun and not yet answered.
  parameter OUTSTANDING = 4,
  // Where the beats wait: "distributed" (LUTRAM) or "block".
  parameter RAM_STYLE = "distributed"
) (
  input  wire        clk_i,
  input  wire        rst_i,
  // A batch: see dma_bursts. A start while one is running must not be.
  input  wire        start_i,
  input  wire [63:0] address_i,
  input  wire [31:0] frames_i,
  // Begin nothing more, until the reset; that must wait for writes_o == 0.
  input  wire        stop_i,
  // Data is still to be written; all of it is written, or there is none (one cycle).
  output wire        running_o,
  output wire        done_o,
  // Since the start: the batch was refused, the memory reported an error, whole frames that left.
  output wire        refused_o,
  output wire        error_o,
  output wire [31:0] frames_o,
  // Bursts that are not yet answered.
  output wire [7:0]  writes_o,
  // Beats in, the byte of the lowest address in the least significant bits.
  input  wire [63:0] in_data_i,
  input  wire        in_valid_i,
  output wire        in_ready_o,
  // AXI3 writes.
  output wire [31:0] awaddr_o,
  output wire [3:0]  awlen_o,
  output wire        awvalid_o,
  input  wire        awready_i,
  output wire [63:0] wdata_o,
  output wire        wlast_o,
  output wire        wvalid_o,
  input  wire        wready_i,
  input  wire [1:0]  bresp_i,
  input  wire        bvalid_i,
  output wire        bready_o
);

  localparam DEPTH      = 32;
  localparam [7:0] MOST = 8'(OUTSTANDING);
  localparam PLACE_BITS = FRAME_BEATS <= 1 ? 1 : $clog2(FRAME_BEATS);
  localparam [PLACE_BITS-1:0] LAST = PLACE_BITS'(FRAME_BEATS - 1);

  generate
    if (OUTSTANDING < 1 || OUTSTANDING > 64) begin : gen_bad_outstanding
      $error("output_dma: OUTSTANDING must be from 1 to 64");
    end
  endgenerate

  wire        refused, busy, burst_valid;
  wire [31:3] burst_address;
  wire [3:0]  burst_length;

  // Bursts not yet answered, and beats that are here and belong to none of them.
  reg [7:0] writes_q;
  reg [5:0] spare_q;

  // The data of a burst goes once its address is taken.
  reg        awvalid_q, writing_q;
  reg [31:3] awaddr_q;
  reg [3:0]  awlen_q, left_q;

  // A beat that comes in this cycle counts: it is there when the address can have been taken.
  wire push   = in_valid_i & in_ready_o;
  wire fits   = (spare_q > {2'b0, burst_length} || (push && spare_q == {2'b0, burst_length}))
                && writes_q != MOST;
  wire issue  = burst_valid & fits & ~stop_i & ~awvalid_q & ~writing_q;
  wire answer = bvalid_i & writes_q != 0;
  wire stored;
  wire sending = writing_q & ~awvalid_q;
  wire beat   = wvalid_o & wready_i;

  assign awvalid_o = awvalid_q;
  assign awaddr_o  = {awaddr_q, 3'b000};
  assign awlen_o   = awlen_q;
  assign wvalid_o  = sending & stored;
  assign wlast_o   = left_q == 0;
  assign bready_o  = 1'b1;
  assign writes_o  = writes_q;

  dma_bursts #(
    .FRAME_BEATS(FRAME_BEATS)
  ) i_bursts (
    .clk_i          (clk_i),
    .rst_i          (rst_i),
    .start_i        (start_i),
    .address_i      (address_i),
    .frames_i       (frames_i),
    .refused_o      (refused),
    .busy_o         (busy),
    .burst_address_o(burst_address),
    .burst_length_o (burst_length),
    .burst_valid_o  (burst_valid),
    .burst_ready_i  (issue)
  );

  fifo #(
    .WIDTH    (64),
    .DEPTH    (DEPTH),
    .RAM_STYLE(RAM_STYLE)
  ) i_beats (
    .clk_i      (clk_i),
    .rst_i      (rst_i),
    .in_data_i  (in_data_i),
    .in_valid_i (in_valid_i),
    .in_ready_o (in_ready_o),
    .out_data_o (wdata_o),
    .out_valid_o(stored),
    .out_ready_i(sending & wready_i)
  );

  always @(posedge clk_i) begin
    if (issue) begin
      awaddr_q <= burst_address;
      awlen_q  <= burst_length;
      left_q   <= burst_length;
    end else if (beat) begin
      left_q <= left_q - 1'b1;
    end
    if (rst_i) begin
      awvalid_q <= 1'b0;
      writing_q <= 1'b0;
      writes_q  <= 0;
      spare_q   <= 0;
    end else begin
      if (issue) awvalid_q <= 1'b1;
      else if (awready_i) awvalid_q <= 1'b0;
      if (issue) writing_q <= 1'b1;
      else if (beat & wlast_o) writing_q <= 1'b0;
      writes_q <= writes_q + {7'b0, issue} - {7'b0, answer};
      spare_q  <= spare_q + {5'b0, push} - (issue ? {2'b0, burst_length} + 1'b1 : 0);
    end
  end

  reg running_q, refused_q, error_q;
  reg [PLACE_BITS-1:0] place_q;
  reg [31:0] frames_q;

  assign running_o = running_q;
  assign done_o    = running_q & ~busy & writes_q == 0 & ~stop_i;
  assign refused_o = refused_q;
  assign error_o   = error_q;
  assign frames_o  = frames_q;

  always @(posedge clk_i) begin
    if (rst_i) begin
      running_q <= 1'b0;
      refused_q <= 1'b0;
      error_q   <= 1'b0;
      place_q   <= 0;
      frames_q  <= 0;
    end else if (start_i) begin
      running_q <= 1'b1;
      refused_q <= refused;
      error_q   <= 1'b0;
      place_q   <= 0;
      frames_q  <= 0;
    end else begin
      if (done_o) running_q <= 1'b0;
      if (answer & bresp_i != 0) error_q <= 1'b1;
      if (beat) place_q <= place_q == LAST ? 0 : place_q + 1'b1;
      if (beat & place_q == LAST) frames_q <= frames_q + 1'b1;
    end
  end

endmodule

`default_nettype wire
