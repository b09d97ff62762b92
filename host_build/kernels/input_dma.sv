// Reads a batch of frames from memory by AXI3 and streams it. A burst is asked for when its data
// has room here, so that the bus never waits.
`default_nettype none

module input_dma #(
  // Beats of 64 bits of a frame.
  parameter FRAME_BEATS = 384,
  // Most bursts that are asked for and not yet answered; there is room for 16 beats of each.
  parameter OUTSTANDING = 8,
  // Where the beats wait: "distributed" (LUTRAM) or "block".
  parameter RAM_STYLE = "distributed"
) (
  input  wire        clk_i,
  input  wire        rst_i,
  // A batch: see dma_bursts. A start while one is running must not be.
  input  wire        start_i,
  input  wire [63:0] address_i,
  input  wire [31:0] frames_i,
  // Ask for nothing more, until the reset; that must wait for reads_o == 0.
  input  wire        stop_i,
  // Data is still to come; the last of it has come, or there is none (one cycle).
  output wire        running_o,
  output wire        done_o,
  // Since the start: the batch was refused, the memory reported an error, whole frames that came.
  output wire        refused_o,
  output wire        error_o,
  output wire [31:0] frames_o,
  // Bursts that are not yet answered.
  output wire [7:0]  reads_o,
  // AXI3 reads.
  output wire [31:0] araddr_o,
  output wire [3:0]  arlen_o,
  output wire        arvalid_o,
  input  wire        arready_i,
  input  wire [63:0] rdata_i,
  input  wire [1:0]  rresp_i,
  input  wire        rlast_i,
  input  wire        rvalid_i,
  output wire        rready_o,
  // Beats out, the byte of the lowest address in the least significant bits.
  output wire [63:0] out_data_o,
  output wire        out_valid_o,
  input  wire        out_ready_i
);

  localparam DEPTH      = 16 * OUTSTANDING;
  localparam [7:0] MOST = 8'(OUTSTANDING);
  localparam ROOM_BITS  = $clog2(DEPTH + 1);
  localparam PLACE_BITS = FRAME_BEATS <= 1 ? 1 : $clog2(FRAME_BEATS);
  localparam [PLACE_BITS-1:0] LAST = PLACE_BITS'(FRAME_BEATS - 1);

  generate
    if (OUTSTANDING < 1 || OUTSTANDING > 64) begin : gen_bad_outstanding
      $error("input_dma: OUTSTANDING must be from 1 to 64");
    end
  endgenerate

  wire        refused, busy, burst_valid;
  wire [31:3] burst_address;
  wire [3:0]  burst_length;

  // Bursts not yet answered, and free places that are promised to none of them.
  reg [7:0]           reads_q;
  reg [ROOM_BITS-1:0] room_q;

  reg        arvalid_q;
  reg [31:3] araddr_q;
  reg [3:0]  arlen_q;

  wire fits  = room_q > {{(ROOM_BITS-4){1'b0}}, burst_length} && reads_q != MOST;
  wire issue = burst_valid & fits & ~stop_i & (~arvalid_q | arready_i);
  wire space;
  wire beat  = rvalid_i & rready_o & reads_q != 0;
  wire pop   = out_valid_o & out_ready_i;

  assign arvalid_o = arvalid_q;
  assign araddr_o  = {araddr_q, 3'b000};
  assign arlen_o   = arlen_q;
  assign rready_o  = space;
  assign reads_o   = reads_q;

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

  always @(posedge clk_i) begin
    if (issue) begin
      araddr_q <= burst_address;
      arlen_q  <= burst_length;
    end
    if (rst_i) begin
      arvalid_q <= 1'b0;
      reads_q   <= 0;
      room_q    <= ROOM_BITS'(DEPTH);
    end else begin
      if (issue) arvalid_q <= 1'b1;
      else if (arready_i) arvalid_q <= 1'b0;
      reads_q <= reads_q + {7'b0, issue} - {7'b0, beat & rlast_i};
      room_q  <= room_q + {{(ROOM_BITS-1){1'b0}}, pop}
                 - (issue ? {{(ROOM_BITS-4){1'b0}}, burst_length} + 1'b1 : 0);
    end
  end

  // An answer to nothing, left over from an earlier circuit in this place, is dropped.
  fifo #(
    .WIDTH    (64),
    .DEPTH    (DEPTH),
    .RAM_STYLE(RAM_STYLE)
  ) i_beats (
    .clk_i      (clk_i),
    .rst_i      (rst_i),
    .in_data_i  (rdata_i),
    .in_valid_i (beat),
    .in_ready_o (space),
    .out_data_o (out_data_o),
    .out_valid_o(out_valid_o),
    .out_ready_i(out_ready_i)
  );

  reg running_q, refused_q, error_q;
  reg [PLACE_BITS-1:0] place_q;
  reg [31:0] frames_q;

  assign running_o = running_q;
  assign done_o    = running_q & ~busy & reads_q == 0 & ~stop_i;
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
      if (beat & rresp_i != 0) error_q <= 1'b1;
      if (beat) place_q <= place_q == LAST ? 0 : place_q + 1'b1;
      if (beat & place_q == LAST) frames_q <= frames_q + 1'b1;
    end
  end

endmodule

`default_nettype wire
