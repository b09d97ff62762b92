// A chip_core that breaks one rule of AXI3: the one whose number is written to any register.
`default_nettype none

module chip_core (
  input  wire        clk_i,
  input  wire        rst_i,
  input  wire [11:0] gp_awid_i,
  input  wire [31:0] gp_awaddr_i,
  input  wire [3:0]  gp_awlen_i,
  input  wire [1:0]  gp_awsize_i,
  input  wire [1:0]  gp_awburst_i,
  input  wire        gp_awvalid_i,
  output wire        gp_awready_o,
  input  wire [31:0] gp_wdata_i,
  input  wire [3:0]  gp_wstrb_i,
  input  wire        gp_wlast_i,
  input  wire        gp_wvalid_i,
  output wire        gp_wready_o,
  output wire [11:0] gp_bid_o,
  output wire [1:0]  gp_bresp_o,
  output wire        gp_bvalid_o,
  input  wire        gp_bready_i,
  input  wire [11:0] gp_arid_i,
  input  wire [31:0] gp_araddr_i,
  input  wire [3:0]  gp_arlen_i,
  input  wire [1:0]  gp_arsize_i,
  input  wire [1:0]  gp_arburst_i,
  input  wire        gp_arvalid_i,
  output wire        gp_arready_o,
  output wire [11:0] gp_rid_o,
  output wire [31:0] gp_rdata_o,
  output wire [1:0]  gp_rresp_o,
  output wire        gp_rlast_o,
  output wire        gp_rvalid_o,
  input  wire        gp_rready_i,
  output wire [5:0]  hp_arid_o,
  output wire [31:0] hp_araddr_o,
  output wire [3:0]  hp_arlen_o,
  output wire [1:0]  hp_arsize_o,
  output wire [1:0]  hp_arburst_o,
  output wire [3:0]  hp_arcache_o,
  output wire        hp_arvalid_o,
  input  wire        hp_arready_i,
  input  wire [63:0] hp_rdata_i,
  input  wire [1:0]  hp_rresp_i,
  input  wire        hp_rlast_i,
  input  wire        hp_rvalid_i,
  output wire        hp_rready_o,
  output wire [5:0]  hp_awid_o,
  output wire [31:0] hp_awaddr_o,
  output wire [3:0]  hp_awlen_o,
  output wire [1:0]  hp_awsize_o,
  output wire [1:0]  hp_awburst_o,
  output wire [3:0]  hp_awcache_o,
  output wire        hp_awvalid_o,
  input  wire        hp_awready_i,
  output wire [5:0]  hp_wid_o,
  output wire [63:0] hp_wdata_o,
  output wire [7:0]  hp_wstrb_o,
  output wire        hp_wlast_o,
  output wire        hp_wvalid_o,
  input  wire        hp_wready_i,
  input  wire [1:0]  hp_bresp_i,
  input  wire        hp_bvalid_i,
  output wire        hp_bready_o
);

  wire        write;
  wire [31:0] write_data;
  reg  [31:0] rule_q;
  reg  [7:0]  time_q;
  reg  [1:0]  beat_q;
  // Bursts whose address is taken and whose data is not.
  reg  [7:0]  open_q;
  wire [11:0] bid, rid;
  wire        rlast, rvalid, bvalid;

  always @(posedge clk_i) begin
    if (rst_i) rule_q <= 0;
    else if (write) rule_q <= write_data;
    time_q <= rst_i ? 0 : time_q + 1'b1;
    if (rst_i) beat_q <= 0;
    else if (hp_wvalid_o & hp_wready_i) beat_q <= beat_q + 1'b1;
    if (rst_i) open_q <= 0;
    else open_q <= open_q + {7'b0, hp_awvalid_o & hp_awready_i}
                   - {7'b0, hp_wvalid_o & hp_wready_i & beat_q == 3};
  end

  // Reads of 16 bytes for ever, writes of 32.
  wire reads  = rule_q >= 1 && rule_q < 10;
  wire writes = rule_q >= 10 && rule_q < 20;

  assign hp_arid_o    = 0;
  assign hp_arlen_o   = 4'd1;
  assign hp_arcache_o = 4'b0011;
  assign hp_arvalid_o = rule_q == 1 ? time_q[0] : rule_q == 2 ? hp_arready_i : reads;
  assign hp_araddr_o  = rule_q == 3 ? {21'h020000, time_q, 3'b000}
                      : rule_q == 4 ? 32'h10000FF8 : rule_q == 5 ? 32'h10000004 : 32'h10000000;
  assign hp_arburst_o = rule_q == 6 ? 2'b10 : 2'b01;
  assign hp_arsize_o  = rule_q == 7 ? 2'd2 : 2'd3;
  assign hp_rready_o  = 1'b1;

  assign hp_awid_o    = 0;
  assign hp_awlen_o   = 4'd3;
  assign hp_awcache_o = 4'b0011;
  assign hp_awsize_o  = 2'd3;
  assign hp_awburst_o = 2'b01;
  assign hp_awvalid_o = writes & rule_q != 16;
  assign hp_awaddr_o  = rule_q == 10 ? 32'h10000FF0 : 32'h10000000;
  assign hp_wvalid_o  = rule_q == 16 || (writes && open_q != 0);
  assign hp_wdata_o   = rule_q == 11 ? {56'b0, time_q} : 64'b0;
  assign hp_wlast_o   = rule_q == 12 ? beat_q == 2 : rule_q == 13 ? 1'b0 : beat_q == 3;
  assign hp_wstrb_o   = rule_q == 14 ? 8'h7F : 8'hFF;
  assign hp_wid_o     = rule_q == 15 ? 6'd1 : 6'd0;
  assign hp_bready_o  = 1'b1;

  assign gp_rid_o     = rule_q == 20 ? rid + 1'b1 : rid;
  assign gp_rlast_o   = rule_q == 21 ? ~rlast : rlast;
  assign gp_rvalid_o  = rule_q == 22 ? 1'b1 : rvalid;
  assign gp_bvalid_o  = rule_q == 23 ? 1'b1 : bvalid;
  assign gp_bid_o     = rule_q == 24 ? bid + 1'b1 : bid;

  axi_slave #(
    .ID_BITS(12)
  ) i_slave (
    .clk_i          (clk_i),
    .rst_i          (rst_i),
    .awid_i         (gp_awid_i),
    .awaddr_i       (gp_awaddr_i),
    .awlen_i        (gp_awlen_i),
    .awsize_i       (gp_awsize_i),
    .awburst_i      (gp_awburst_i),
    .awvalid_i      (gp_awvalid_i),
    .awready_o      (gp_awready_o),
    .wdata_i        (gp_wdata_i),
    .wstrb_i        (gp_wstrb_i),
    .wlast_i        (gp_wlast_i),
    .wvalid_i       (gp_wvalid_i),
    .wready_o       (gp_wready_o),
    .bid_o          (bid),
    .bresp_o        (gp_bresp_o),
    .bvalid_o       (bvalid),
    .bready_i       (gp_bready_i),
    .arid_i         (gp_arid_i),
    .araddr_i       (gp_araddr_i),
    .arlen_i        (gp_arlen_i),
    .arsize_i       (gp_arsize_i),
    .arburst_i      (gp_arburst_i),
    .arvalid_i      (gp_arvalid_i),
    .arready_o      (gp_arready_o),
    .rid_o          (rid),
    .rdata_o        (gp_rdata_o),
    .rresp_o        (gp_rresp_o),
    .rlast_o        (rlast),
    .rvalid_o       (rvalid),
    .rready_i       (gp_rready_i),
    .write_o        (write),
    .write_address_o(),
    .write_data_o   (write_data),
    .write_strobes_o(),
    .read_address_o (),
    .read_data_i    (rule_q)
  );

  wire unused = &{
    1'b0, hp_rdata_i, hp_rresp_i, hp_rlast_i, hp_rvalid_i, hp_awready_i, hp_bresp_i, hp_bvalid_i
  };

endmodule

`default_nettype wire
