// The xc7z020's processing system and the chip: clock FCLK0, reset FCLK_RESETN0, registers on
// M_AXI_GP0, memory on S_AXI_HP0. The processors' own pins are not the logic's to connect.
`default_nettype none

module chip_top;

  wire [3:0] fclk, fclk_resetn;
  wire       clk;

  BUFG i_clock (
    .I(fclk[0]),
    .O(clk)
  );

  // The other three clocks and resets.
  wire unused = &{1'b0, fclk[3:1], fclk_resetn[3:1]};

  // The reset comes at any time. Each stage stays a flip-flop of its own; all start set.
  (* keep, ASYNC_REG = "TRUE" *) reg reset_0_q;
  (* keep, ASYNC_REG = "TRUE" *) reg reset_1_q;
  (* keep, ASYNC_REG = "TRUE" *) reg reset_2_q;

  initial begin
    reset_0_q = 1'b1;
    reset_1_q = 1'b1;
    reset_2_q = 1'b1;
  end

  always @(posedge clk) begin
    reset_0_q <= ~fclk_resetn[0];
    reset_1_q <= reset_0_q;
    reset_2_q <= reset_1_q;
  end

  wire [11:0] gp_awid, gp_bid, gp_arid, gp_rid;
  wire [31:0] gp_awaddr, gp_wdata, gp_araddr, gp_rdata;
  wire [3:0]  gp_awlen, gp_wstrb, gp_arlen;
  wire [1:0]  gp_awsize, gp_awburst, gp_bresp, gp_arsize, gp_arburst, gp_rresp;
  wire        gp_awvalid, gp_awready, gp_wlast, gp_wvalid, gp_wready, gp_bvalid, gp_bready;
  wire        gp_arvalid, gp_arready, gp_rlast, gp_rvalid, gp_rready;

  wire [5:0]  hp_arid, hp_awid, hp_wid;
  wire [31:0] hp_araddr, hp_awaddr;
  wire [63:0] hp_rdata, hp_wdata;
  wire [7:0]  hp_wstrb;
  wire [3:0]  hp_arlen, hp_awlen, hp_arcache, hp_awcache;
  wire [1:0]  hp_arsize, hp_arburst, hp_rresp, hp_awsize, hp_awburst, hp_bresp;
  wire        hp_arvalid, hp_arready, hp_rlast, hp_rvalid, hp_rready;
  wire        hp_awvalid, hp_awready, hp_wlast, hp_wvalid, hp_wready, hp_bvalid, hp_bready;

  PS7 i_processing_system (
    .FCLKCLK           (fclk),
    .FCLKRESETN        (fclk_resetn),
    .FCLKCLKTRIGN      (4'b0000),
    .MAXIGP0ACLK       (clk),
    .MAXIGP0AWID       (gp_awid),
    .MAXIGP0AWADDR     (gp_awaddr),
    .MAXIGP0AWLEN      (gp_awlen),
    .MAXIGP0AWSIZE     (gp_awsize),
    .MAXIGP0AWBURST    (gp_awburst),
    .MAXIGP0AWVALID    (gp_awvalid),
    .MAXIGP0AWREADY    (gp_awready),
    .MAXIGP0WDATA      (gp_wdata),
    .MAXIGP0WSTRB      (gp_wstrb),
    .MAXIGP0WLAST      (gp_wlast),
    .MAXIGP0WVALID     (gp_wvalid),
    .MAXIGP0WREADY     (gp_wready),
    .MAXIGP0BID        (gp_bid),
    .MAXIGP0BRESP      (gp_bresp),
    .MAXIGP0BVALID     (gp_bvalid),
    .MAXIGP0BREADY     (gp_bready),
    .MAXIGP0ARID       (gp_arid),
    .MAXIGP0ARADDR     (gp_araddr),
    .MAXIGP0ARLEN      (gp_arlen),
    .MAXIGP0ARSIZE     (gp_arsize),
    .MAXIGP0ARBURST    (gp_arburst),
    .MAXIGP0ARVALID    (gp_arvalid),
    .MAXIGP0ARREADY    (gp_arready),
    .MAXIGP0RID        (gp_rid),
    .MAXIGP0RDATA      (gp_rdata),
    .MAXIGP0RRESP      (gp_rresp),
    .MAXIGP0RLAST      (gp_rlast),
    .MAXIGP0RVALID     (gp_rvalid),
    .MAXIGP0RREADY     (gp_rready),
    .SAXIHP0ACLK       (clk),
    .SAXIHP0ARID       (hp_arid),
    .SAXIHP0ARADDR     (hp_araddr),
    .SAXIHP0ARLEN      (hp_arlen),
    .SAXIHP0ARSIZE     (hp_arsize),
    .SAXIHP0ARBURST    (hp_arburst),
    .SAXIHP0ARCACHE    (hp_arcache),
    .SAXIHP0ARLOCK     (2'b00),
    .SAXIHP0ARPROT     (3'b000),
    .SAXIHP0ARQOS      (4'b0000),
    .SAXIHP0ARVALID    (hp_arvalid),
    .SAXIHP0ARREADY    (hp_arready),
    .SAXIHP0RDATA      (hp_rdata),
    .SAXIHP0RRESP      (hp_rresp),
    .SAXIHP0RLAST      (hp_rlast),
    .SAXIHP0RVALID     (hp_rvalid),
    .SAXIHP0RREADY     (hp_rready),
    .SAXIHP0RDISSUECAP1EN(1'b0),
    .SAXIHP0AWID       (hp_awid),
    .SAXIHP0AWADDR     (hp_awaddr),
    .SAXIHP0AWLEN      (hp_awlen),
    .SAXIHP0AWSIZE     (hp_awsize),
    .SAXIHP0AWBURST    (hp_awburst),
    .SAXIHP0AWCACHE    (hp_awcache),
    .SAXIHP0AWLOCK     (2'b00),
    .SAXIHP0AWPROT     (3'b000),
    .SAXIHP0AWQOS      (4'b0000),
    .SAXIHP0AWVALID    (hp_awvalid),
    .SAXIHP0AWREADY    (hp_awready),
    .SAXIHP0WID        (hp_wid),
    .SAXIHP0WDATA      (hp_wdata),
    .SAXIHP0WSTRB      (hp_wstrb),
    .SAXIHP0WLAST      (hp_wlast),
    .SAXIHP0WVALID     (hp_wvalid),
    .SAXIHP0WREADY     (hp_wready),
    .SAXIHP0BRESP      (hp_bresp),
    .SAXIHP0BVALID     (hp_bvalid),
    .SAXIHP0BREADY     (hp_bready),
    .SAXIHP0WRISSUECAP1EN(1'b0)
  );

  chip_core i_core (
    .clk_i       (clk),
    .rst_i       (reset_2_q),
    .gp_awid_i   (gp_awid),
    .gp_awaddr_i (gp_awaddr),
    .gp_awlen_i  (gp_awlen),
    .gp_awsize_i (gp_awsize),
    .gp_awburst_i(gp_awburst),
    .gp_awvalid_i(gp_awvalid),
    .gp_awready_o(gp_awready),
    .gp_wdata_i  (gp_wdata),
    .gp_wstrb_i  (gp_wstrb),
    .gp_wlast_i  (gp_wlast),
    .gp_wvalid_i (gp_wvalid),
    .gp_wready_o (gp_wready),
    .gp_bid_o    (gp_bid),
    .gp_bresp_o  (gp_bresp),
    .gp_bvalid_o (gp_bvalid),
    .gp_bready_i (gp_bready),
    .gp_arid_i   (gp_arid),
    .gp_araddr_i (gp_araddr),
    .gp_arlen_i  (gp_arlen),
    .gp_arsize_i (gp_arsize),
    .gp_arburst_i(gp_arburst),
    .gp_arvalid_i(gp_arvalid),
    .gp_arready_o(gp_arready),
    .gp_rid_o    (gp_rid),
    .gp_rdata_o  (gp_rdata),
    .gp_rresp_o  (gp_rresp),
    .gp_rlast_o  (gp_rlast),
    .gp_rvalid_o (gp_rvalid),
    .gp_rready_i (gp_rready),
    .hp_arid_o   (hp_arid),
    .hp_araddr_o (hp_araddr),
    .hp_arlen_o  (hp_arlen),
    .hp_arsize_o (hp_arsize),
    .hp_arburst_o(hp_arburst),
    .hp_arcache_o(hp_arcache),
    .hp_arvalid_o(hp_arvalid),
    .hp_arready_i(hp_arready),
    .hp_rdata_i  (hp_rdata),
    .hp_rresp_i  (hp_rresp),
    .hp_rlast_i  (hp_rlast),
    .hp_rvalid_i (hp_rvalid),
    .hp_rready_o (hp_rready),
    .hp_awid_o   (hp_awid),
    .hp_awaddr_o (hp_awaddr),
    .hp_awlen_o  (hp_awlen),
    .hp_awsize_o (hp_awsize),
    .hp_awburst_o(hp_awburst),
    .hp_awcache_o(hp_awcache),
    .hp_awvalid_o(hp_awvalid),
    .hp_awready_i(hp_awready),
    .hp_wid_o    (hp_wid),
    .hp_wdata_o  (hp_wdata),
    .hp_wstrb_o  (hp_wstrb),
    .hp_wlast_o  (hp_wlast),
    .hp_wvalid_o (hp_wvalid),
    .hp_wready_i (hp_wready),
    .hp_bresp_i  (hp_bresp),
    .hp_bvalid_i (hp_bvalid),
    .hp_bready_o (hp_bready)
  );

endmodule

`default_nettype wire
