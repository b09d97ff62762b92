// The chip's registers, behind an AXI3 slave, in three windows of 4 KB from a multiple of 1 GB:
//
//   0x0000 input, 0x1000 output: a DMA each
//     0x00 bit 0: write 1 to start, reads 1 while running; bit 1: done, until the next start;
//          bit 2: idle            0x10, 0x14 address, low and high half            0x1C frames
//   0x2000 control
//     0x00 build id               0x04 "RE8" and 1, the version of this map
//     0x08 bit 0: write 1 for a soft reset, reads 1 until it is over
//     0x0C bit 0, 1: input, output saw an AXI error; 2, 3: input, output running;
//          4, 5: input, output refused its batch; 15:8 reads, 23:16 writes not yet answered
//     0x10 cycles of the last batch                  0x14 of them up to the first output beat
//     0x18 cycles the network waited for input       0x1C cycles input waited for the network
//     0x20 cycles the network's output waited        0x24 frames read   0x28 frames sent
//     0x2C cycles since power-up, modulo 2**32, soft resets or not
//
// All else reads 0 and ignores writes. Address and frames are taken at the start; later writes are
// for the next batch. A soft reset asks memory for nothing more, waits until it has answered all
// it was asked, and then resets everything.
`default_nettype none

module axi_registers #(
  // What the build id reads.
  parameter BUILD_ID = 0
) (
  input  wire        clk_i,
  input  wire        rst_i,
  // AXI3 slave.
  input  wire [11:0] awid_i,
  input  wire [31:0] awaddr_i,
  input  wire [3:0]  awlen_i,
  input  wire [1:0]  awsize_i,
  input  wire [1:0]  awburst_i,
  input  wire        awvalid_i,
  output wire        awready_o,
  input  wire [31:0] wdata_i,
  input  wire [3:0]  wstrb_i,
  input  wire        wlast_i,
  input  wire        wvalid_i,
  output wire        wready_o,
  output wire [11:0] bid_o,
  output wire [1:0]  bresp_o,
  output wire        bvalid_o,
  input  wire        bready_i,
  input  wire [11:0] arid_i,
  input  wire [31:0] araddr_i,
  input  wire [3:0]  arlen_i,
  input  wire [1:0]  arsize_i,
  input  wire [1:0]  arburst_i,
  input  wire        arvalid_i,
  output wire        arready_o,
  output wire [11:0] rid_o,
  output wire [31:0] rdata_o,
  output wire [1:0]  rresp_o,
  output wire        rlast_o,
  output wire        rvalid_o,
  input  wire        rready_i,
  // Soft reset: first no more bursts, then everything but this module.
  output wire        stop_o,
  output wire        rst_o,
  // The DMAs, input first: commands, state and results, as their modules describe them.
  output wire [1:0]   start_o,
  output wire [127:0] address_o,
  output wire [63:0]  frames_o,
  input  wire [1:0]   running_i,
  input  wire [1:0]   done_i,
  input  wire [1:0]   refused_i,
  input  wire [1:0]   error_i,
  input  wire [15:0]  pending_i,
  input  wire [63:0]  moved_i,
  // Counters of the batch.
  input  wire [31:0]  cycles_i,
  input  wire [31:0]  first_i,
  input  wire [31:0]  starved_i,
  input  wire [31:0]  blocked_i,
  input  wire [31:0]  held_i
);

  localparam [31:0] MAGIC = 32'h52453801;
  // Cycles for which the rest of the chip is reset.
  localparam [3:0] RESET_CYCLES = 4'd15;

  wire        write;
  wire [31:2] write_address, read_address;
  wire [31:0] write_data;
  wire [3:0]  write_strobes;
  reg  [31:0] read_data;

  axi_slave #(
    .ID_BITS(12)
  ) i_slave (
    .clk_i          (clk_i),
    .rst_i          (rst_i),
    .awid_i         (awid_i),
    .awaddr_i       (awaddr_i),
    .awlen_i        (awlen_i),
    .awsize_i       (awsize_i),
    .awburst_i      (awburst_i),
    .awvalid_i      (awvalid_i),
    .awready_o      (awready_o),
    .wdata_i        (wdata_i),
    .wstrb_i        (wstrb_i),
    .wlast_i        (wlast_i),
    .wvalid_i       (wvalid_i),
    .wready_o       (wready_o),
    .bid_o          (bid_o),
    .bresp_o        (bresp_o),
    .bvalid_o       (bvalid_o),
    .bready_i       (bready_i),
    .arid_i         (arid_i),
    .araddr_i       (araddr_i),
    .arlen_i        (arlen_i),
    .arsize_i       (arsize_i),
    .arburst_i      (arburst_i),
    .arvalid_i      (arvalid_i),
    .arready_o      (arready_o),
    .rid_o          (rid_o),
    .rdata_o        (rdata_o),
    .rresp_o        (rresp_o),
    .rlast_o        (rlast_o),
    .rvalid_o       (rvalid_o),
    .rready_i       (rready_i),
    .write_o        (write),
    .write_address_o(write_address),
    .write_data_o   (write_data),
    .write_strobes_o(write_strobes),
    .read_address_o (read_address),
    .read_data_i    (read_data)
  );

  // The first 64 bytes of each window hold registers.
  wire write_here = write & write_address[29:14] == 0 & write_address[11:6] == 0;
  wire read_here  = read_address[29:14] == 0 & read_address[11:6] == 0;

  // Soft reset.
  wire resets = write_here & write_address[13:12] == 2 & write_address[5:2] == 2
                & write_strobes[0] & write_data[0];
  reg stop_q, rst_q;
  reg [3:0] left_q;

  assign stop_o = stop_q;
  assign rst_o  = rst_q;

  always @(posedge clk_i) begin
    rst_q <= rst_i | left_q != 0;
    if (rst_i) begin
      stop_q <= 1'b0;
      left_q <= 0;
    end else if (left_q != 0) begin
      left_q <= left_q - 1'b1;
    end else if (stop_q & rst_q) begin
      stop_q <= 1'b0;
    end else if (stop_q & pending_i == 0) begin
      left_q <= RESET_CYCLES;
    end else if (resets) begin
      stop_q <= 1'b1;
    end
  end

  // The DMAs.
  wire [63:0] windows;
  wire [31:0] word = {28'b0, read_address[5:2]};

  genvar dma, lane;
  generate
    for (dma = 0; dma < 2; dma = dma + 1) begin : gen_dma
      reg [63:0] address_q;
      reg [31:0] frames_q;
      reg        done_q, start_q;

      wire write_dma = write_here & write_address[13:12] == dma;
      wire idle      = ~running_i[dma] & ~start_q;

      assign address_o[64*dma +: 64] = address_q;
      assign frames_o[32*dma +: 32]  = frames_q;
      assign start_o[dma]            = start_q;
      assign windows[32*dma +: 32]   = word == 0 ? {29'b0, idle, done_q, ~idle}
                                     : word == 4 ? address_q[31:0]
                                     : word == 5 ? address_q[63:32]
                                     : word == 7 ? frames_q : 32'b0;

      always @(posedge clk_i) begin
        start_q <= write_dma & write_address[5:2] == 0 & write_strobes[0] & write_data[0]
                   & idle & ~stop_q & ~rst_q;
        if (rst_q | start_q) done_q <= 1'b0;
        else if (done_i[dma]) done_q <= 1'b1;
      end

      for (lane = 0; lane < 4; lane = lane + 1) begin : gen_byte
        wire       write_byte = write_dma & write_strobes[lane];
        wire [7:0] value      = write_data[8*lane +: 8];

        always @(posedge clk_i) begin
          if (rst_q) begin
            address_q[8*lane +: 8]    <= 0;
            address_q[32+8*lane +: 8] <= 0;
            frames_q[8*lane +: 8]     <= 0;
          end else if (write_byte) begin
            if (write_address[5:2] == 4) address_q[8*lane +: 8] <= value;
            if (write_address[5:2] == 5) address_q[32+8*lane +: 8] <= value;
            if (write_address[5:2] == 7) frames_q[8*lane +: 8] <= value;
          end
        end
      end
    end
  endgenerate

  reg [31:0] uptime_q;
  always @(posedge clk_i) begin
    if (rst_i) uptime_q <= 0;
    else uptime_q <= uptime_q + 1'b1;
  end

  wire [31:0] status = {8'b0, pending_i, 2'b0, refused_i, running_i, error_i};

  always @* begin
    read_data = 32'b0;
    if (read_here) begin
      case (read_address[13:12])
        2'd0: read_data = windows[31:0];
        2'd1: read_data = windows[63:32];
        2'd2: begin
          case (read_address[5:2])
            4'h0: read_data = BUILD_ID;
            4'h1: read_data = MAGIC;
            4'h2: read_data = {31'b0, stop_q};
            4'h3: read_data = status;
            4'h4: read_data = cycles_i;
            4'h5: read_data = first_i;
            4'h6: read_data = starved_i;
            4'h7: read_data = blocked_i;
            4'h8: read_data = held_i;
            4'h9: read_data = moved_i[31:0];
            4'hA: read_data = moved_i[63:32];
            4'hB: read_data = uptime_q;
            default: read_data = 32'b0;
          endcase
        end
        default: read_data = 32'b0;
      endcase
    end
  end

  // The windows are where the bus leads here.
  wire unused = &{1'b0, write_address[31:30], read_address[31:30]};

endmodule

`default_nettype wire
