// Answers AXI3 reads and writes of 32-bit registers: one burst of reads and one of writes at a
// time, every beat answered OKAY, in any order of address and data.
`default_nettype none

module axi_slave #(
  // Bits of a transaction's number, which its response repeats.
  parameter ID_BITS = 12
) (
  input  wire               clk_i,
  input  wire               rst_i,
  // Write address, data and response.
  input  wire [ID_BITS-1:0] awid_i,
  input  wire [31:0]        awaddr_i,
  input  wire [3:0]         awlen_i,
  input  wire [1:0]         awsize_i,
  input  wire [1:0]         awburst_i,
  input  wire               awvalid_i,
  output wire               awready_o,
  input  wire [31:0]        wdata_i,
  input  wire [3:0]         wstrb_i,
  input  wire               wlast_i,
  input  wire               wvalid_i,
  output wire               wready_o,
  output wire [ID_BITS-1:0] bid_o,
  output wire [1:0]         bresp_o,
  output wire               bvalid_o,
  input  wire               bready_i,
  // Read address and data.
  input  wire [ID_BITS-1:0] arid_i,
  input  wire [31:0]        araddr_i,
  input  wire [3:0]         arlen_i,
  input  wire [1:0]         arsize_i,
  input  wire [1:0]         arburst_i,
  input  wire               arvalid_i,
  output wire               arready_o,
  output wire [ID_BITS-1:0] rid_o,
  output wire [31:0]        rdata_o,
  output wire [1:0]         rresp_o,
  output wire               rlast_o,
  output wire               rvalid_o,
  input  wire               rready_i,
  // A register is written in this cycle, in the bytes whose strobe is set.
  output wire               write_o,
  output wire [31:2]        write_address_o,
  output wire [31:0]        write_data_o,
  output wire [3:0]         write_strobes_o,
  // The register whose value is wanted, in the same cycle.
  output wire [31:2]        read_address_o,
  input  wire [31:0]        read_data_i
);

  localparam [1:0] OKAY = 2'b00;

  // Nothing is taken from the bus in a reset.
  reg awake_q;
  always @(posedge clk_i) awake_q <= ~rst_i;

  // Writes: the data of a burst is taken once its address is known.
  reg               writing_q, bvalid_q;
  reg [ID_BITS-1:0] bid_q;
  wire              write_last;

  assign awready_o       = awake_q & ~writing_q & ~bvalid_q;
  assign wready_o        = writing_q;
  assign bid_o           = bid_q;
  assign bresp_o         = OKAY;
  assign bvalid_o        = bvalid_q;
  assign write_o         = wvalid_i & wready_o;
  assign write_data_o    = wdata_i;
  assign write_strobes_o = wstrb_i;

  always @(posedge clk_i) begin
    if (awvalid_i & awready_o) bid_q <= awid_i;
    if (rst_i) begin
      writing_q <= 1'b0;
      bvalid_q  <= 1'b0;
    end else begin
      if (awvalid_i & awready_o) writing_q <= 1'b1;
      else if (write_o & wlast_i) writing_q <= 1'b0;
      if (write_o & wlast_i) bvalid_q <= 1'b1;
      else if (bready_i) bvalid_q <= 1'b0;
    end
  end

  axi_beats #(
    .ADDRESS_BITS(32)
  ) i_writes (
    .clk_i    (clk_i),
    .load_i   (awvalid_i & awready_o),
    .address_i(awaddr_i),
    .length_i (awlen_i),
    .size_i   (awsize_i),
    .burst_i  (awburst_i),
    .step_i   (write_o),
    .address_o(write_address_o),
    .last_o   (write_last)
  );

  // Reads: a register between the values and the bus.
  reg               reading_q, rvalid_q, rlast_q;
  reg [ID_BITS-1:0] rid_q;
  reg [31:0]        rdata_q;
  wire              read_last;
  wire              read_step = reading_q & (~rvalid_q | rready_i);

  assign arready_o = awake_q & ~reading_q & ~rvalid_q;
  assign rid_o     = rid_q;
  assign rdata_o   = rdata_q;
  assign rresp_o   = OKAY;
  assign rlast_o   = rlast_q;
  assign rvalid_o  = rvalid_q;

  always @(posedge clk_i) begin
    if (arvalid_i & arready_o) rid_q <= arid_i;
    if (read_step) begin
      rdata_q <= read_data_i;
      rlast_q <= read_last;
    end
    if (rst_i) begin
      reading_q <= 1'b0;
      rvalid_q  <= 1'b0;
    end else begin
      if (arvalid_i & arready_o) reading_q <= 1'b1;
      else if (read_step & read_last) reading_q <= 1'b0;
      if (read_step) rvalid_q <= 1'b1;
      else if (rready_i) rvalid_q <= 1'b0;
    end
  end

  axi_beats #(
    .ADDRESS_BITS(32)
  ) i_reads (
    .clk_i    (clk_i),
    .load_i   (arvalid_i & arready_o),
    .address_i(araddr_i),
    .length_i (arlen_i),
    .size_i   (arsize_i),
    .burst_i  (arburst_i),
    .step_i   (read_step),
    .address_o(read_address_o),
    .last_o   (read_last)
  );

  // The end of a write is told by WLAST.
  wire unused = &{1'b0, write_last};

endmodule

`default_nettype wire
