// axi_registers.sv: AXI's rules for whoever answers, one answer to every request, and a byte of a
// register that keeps what was written last.
`default_nettype none

module axi_registers_proof (
  input wire        clk_i,
  input wire        rst_i,
  input wire [11:0] awid_i,
  input wire [31:0] awaddr_i,
  input wire [3:0]  awlen_i,
  input wire [1:0]  awsize_i,
  input wire [1:0]  awburst_i,
  input wire        awvalid_i,
  input wire [31:0] wdata_i,
  input wire [3:0]  wstrb_i,
  input wire        wlast_i,
  input wire        wvalid_i,
  input wire        bready_i,
  input wire [11:0] arid_i,
  input wire [31:0] araddr_i,
  input wire [3:0]  arlen_i,
  input wire [1:0]  arsize_i,
  input wire [1:0]  arburst_i,
  input wire        arvalid_i,
  input wire        rready_i,
  input wire [1:0]  running_i,
  input wire [1:0]  done_i,
  input wire [1:0]  refused_i,
  input wire [1:0]  error_i,
  input wire [15:0] pending_i,
  input wire [63:0] moved_i,
  input wire [31:0] cycles_i,
  input wire [31:0] first_i,
  input wire [31:0] starved_i,
  input wire [31:0] blocked_i,
  input wire [31:0] held_i
);

  wire live, awready, wready, bvalid, arready, rlast, rvalid, stop, rst;
  wire [11:0] bid, rid;
  wire [1:0] bresp, rresp, start;
  wire [31:0] rdata;
  wire [127:0] address;
  wire [63:0] frames;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  axi_registers #(
    .BUILD_ID(7)
  ) i_kernel (
    .clk_i(clk_i), .rst_i(rst_i),
    .awid_i(awid_i), .awaddr_i(awaddr_i), .awlen_i(awlen_i), .awsize_i(awsize_i),
    .awburst_i(awburst_i), .awvalid_i(awvalid_i), .awready_o(awready),
    .wdata_i(wdata_i), .wstrb_i(wstrb_i), .wlast_i(wlast_i), .wvalid_i(wvalid_i),
    .wready_o(wready),
    .bid_o(bid), .bresp_o(bresp), .bvalid_o(bvalid), .bready_i(bready_i),
    .arid_i(arid_i), .araddr_i(araddr_i), .arlen_i(arlen_i), .arsize_i(arsize_i),
    .arburst_i(arburst_i), .arvalid_i(arvalid_i), .arready_o(arready),
    .rid_o(rid), .rdata_o(rdata), .rresp_o(rresp), .rlast_o(rlast), .rvalid_o(rvalid),
    .rready_i(rready_i),
    .stop_o(stop), .rst_o(rst), .start_o(start), .address_o(address), .frames_o(frames),
    .running_i(running_i), .done_i(done_i), .refused_i(refused_i), .error_i(error_i),
    .pending_i(pending_i), .moved_i(moved_i),
    .cycles_i(cycles_i), .first_i(first_i), .starved_i(starved_i), .blocked_i(blocked_i),
    .held_i(held_i)
  );

  // The rules of both sides.
  stream_rules #(.WIDTH(52), .ASSUMED(1)) i_aw (
    .clk_i(clk_i), .live_i(live), .data_i({awid_i, awaddr_i, awlen_i, awsize_i, awburst_i}),
    .valid_i(awvalid_i), .ready_i(awready)
  );
  stream_rules #(.WIDTH(37), .ASSUMED(1)) i_w (
    .clk_i(clk_i), .live_i(live), .data_i({wdata_i, wstrb_i, wlast_i}),
    .valid_i(wvalid_i), .ready_i(wready)
  );
  stream_rules #(.WIDTH(52), .ASSUMED(1)) i_ar (
    .clk_i(clk_i), .live_i(live), .data_i({arid_i, araddr_i, arlen_i, arsize_i, arburst_i}),
    .valid_i(arvalid_i), .ready_i(arready)
  );
  stream_rules #(.WIDTH(14)) i_b (
    .clk_i(clk_i), .live_i(live), .data_i({bid, bresp}), .valid_i(bvalid), .ready_i(bready_i)
  );
  stream_rules #(.WIDTH(47)) i_r (
    .clk_i(clk_i), .live_i(live), .data_i({rid, rdata, rresp, rlast}), .valid_i(rvalid),
    .ready_i(rready_i)
  );

  wire aw = awvalid_i & awready;
  wire w  = wvalid_i & wready;
  wire b  = bvalid & bready_i;
  wire ar = arvalid_i & arready;
  wire r  = rvalid & rready_i;

  // The write that is under way: its data comes, then its answer goes.
  reg writing_q, answering_q, w_word_q;
  reg [3:0]  w_left_q;
  reg [11:0] w_id_q;
  reg [31:2] w_word_address_q;
  // The read that is under way, and for how long its next beat has not been offered.
  reg reading_q, r_word_q, waits_q;
  reg [3:0]  r_left_q;
  reg [11:0] r_id_q;
  reg [31:2] r_word_address_q;

  always @* if (live & w) assume (wlast_i == (w_left_q == 0));

  always @(posedge clk_i) begin
    if (rst_i) begin
      writing_q   <= 1'b0;
      answering_q <= 1'b0;
      reading_q   <= 1'b0;
      waits_q     <= 1'b0;
    end else begin
      writing_q   <= aw | (writing_q & ~(w & w_left_q == 0));
      answering_q <= (w & w_left_q == 0) | (answering_q & ~b);
      reading_q   <= ar | (reading_q & ~(r & r_left_q == 0));
      waits_q     <= reading_q & ~rvalid;
    end
    if (aw) begin
      w_left_q         <= awlen_i;
      w_id_q           <= awid_i;
      w_word_q         <= awburst_i == 1 && awsize_i == 2;
      w_word_address_q <= awaddr_i[31:2];
    end else if (w) begin
      w_left_q               <= w_left_q - 1'b1;
      w_word_address_q[11:2] <= w_word_address_q[11:2] + 1'b1;
    end
    if (ar) begin
      r_left_q         <= arlen_i;
      r_id_q           <= arid_i;
      r_word_q         <= arburst_i == 1 && arsize_i == 2;
      r_word_address_q <= araddr_i[31:2];
    end else if (r) begin
      r_left_q               <= r_left_q - 1'b1;
      r_word_address_q[11:2] <= r_word_address_q[11:2] + 1'b1;
    end
  end

  // Nothing is taken in a reset, from its second cycle on, nor in the one behind it.
  reg awake_q = 1'b1;
  always @(posedge clk_i) awake_q <= ~rst_i;
  always @* if (rst_i & ~awake_q) assert (~awready & ~wready & ~arready);

  always @* if (live) begin
    // One request of a kind at a time, and no answer without one.
    assert (awready == (awake_q & ~writing_q & ~answering_q));
    assert (wready == writing_q);
    assert (bvalid == answering_q);
    assert (arready == (awake_q & ~reading_q));
    if (bvalid) assert (bid == w_id_q && bresp == 0);
    if (rvalid) assert (reading_q && rid == r_id_q && rresp == 0 && rlast == (r_left_q == 0));
    if (waits_q) assert (rvalid);
    cover (b & w_id_q == 12'hABC);
    cover (r & rlast & r_word_q);
    cover (aw & ar);
  end

  // What induction needs to know of the state inside.
  (* hierconn *) wire \i_kernel.i_slave.reading_q ;
  (* hierconn *) wire [3:0] \i_kernel.i_slave.i_reads.left_q ;
  (* hierconn *) wire [31:12] \i_kernel.i_slave.i_reads.page_q ;
  (* hierconn *) wire [11:0] \i_kernel.i_slave.i_reads.place_q ;
  (* hierconn *) wire [11:0] \i_kernel.i_slave.i_reads.mask_q ;
  (* hierconn *) wire [2:0] \i_kernel.i_slave.i_reads.bytes_q ;
  (* hierconn *) wire [31:12] \i_kernel.i_slave.i_writes.page_q ;
  (* hierconn *) wire [11:0] \i_kernel.i_slave.i_writes.place_q ;
  (* hierconn *) wire [11:0] \i_kernel.i_slave.i_writes.mask_q ;
  (* hierconn *) wire [2:0] \i_kernel.i_slave.i_writes.bytes_q ;
  wire fetches = \i_kernel.i_slave.reading_q ;
  wire [29:0] fetched = {\i_kernel.i_slave.i_reads.page_q , \i_kernel.i_slave.i_reads.place_q [11:2]};
  wire [9:0] next_word = r_word_address_q[11:2] + rvalid;

  always @* if (live) begin
    assert (reading_q == (fetches | rvalid));
    if (rvalid) assert (fetches == (r_left_q != 0));
    if (reading_q) assert (rid == r_id_q);
    if (writing_q) assert (bid == w_id_q);
    assert (~writing_q | ~answering_q);
    if (fetches) assert (\i_kernel.i_slave.i_reads.left_q == r_left_q - rvalid);
    if (fetches & r_word_q) begin
      assert (fetched == {r_word_address_q[31:12], next_word});
      assert (\i_kernel.i_slave.i_reads.mask_q == 12'hFFF);
      assert (\i_kernel.i_slave.i_reads.bytes_q == 4);
    end
    if (writing_q & w_word_q) begin
      assert (w_word_address_q[31:12] == \i_kernel.i_slave.i_writes.page_q );
      assert (w_word_address_q[11:2] == \i_kernel.i_slave.i_writes.place_q [11:2]);
      assert (\i_kernel.i_slave.i_writes.mask_q == 12'hFFF);
      assert (\i_kernel.i_slave.i_writes.bytes_q == 4);
    end
  end

  // A burst's addresses are left to axi_beats, whose own bench has them.
  (* hierconn *) wire \i_kernel.i_slave.i_reads.load_i ;
  (* hierconn *) wire \i_kernel.i_slave.i_reads.step_i ;
  (* hierconn *) wire [31:0] \i_kernel.i_slave.i_reads.address_i ;
  (* hierconn *) wire [3:0] \i_kernel.i_slave.i_reads.length_i ;
  (* hierconn *) wire [1:0] \i_kernel.i_slave.i_reads.size_i ;
  (* hierconn *) wire [1:0] \i_kernel.i_slave.i_reads.burst_i ;
  (* hierconn *) wire \i_kernel.i_slave.i_writes.load_i ;
  (* hierconn *) wire \i_kernel.i_slave.i_writes.step_i ;
  (* hierconn *) wire [31:0] \i_kernel.i_slave.i_writes.address_i ;
  (* hierconn *) wire [1:0] \i_kernel.i_slave.i_writes.size_i ;
  (* hierconn *) wire [1:0] \i_kernel.i_slave.i_writes.burst_i ;
  always @* if (live) begin
    assert (\i_kernel.i_slave.i_reads.load_i == ar);
    assert (\i_kernel.i_slave.i_reads.step_i == (fetches & (~rvalid | rready_i)));
    assert (\i_kernel.i_slave.i_reads.address_i == araddr_i);
    assert (\i_kernel.i_slave.i_reads.length_i == arlen_i);
    assert (\i_kernel.i_slave.i_reads.size_i == arsize_i);
    assert (\i_kernel.i_slave.i_reads.burst_i == arburst_i);
    assert (\i_kernel.i_slave.i_writes.load_i == aw);
    assert (\i_kernel.i_slave.i_writes.step_i == w);
    assert (\i_kernel.i_slave.i_writes.address_i == awaddr_i);
    assert (\i_kernel.i_slave.i_writes.size_i == awsize_i);
    assert (\i_kernel.i_slave.i_writes.burst_i == awburst_i);
  end

  // A byte of the address or the frames of a DMA, any of them; unknown after other kinds of bursts,
  // whose addresses axi_beats_proof.sv has.
  (* anyconst *) reg dma;
  (* anyconst *) reg [3:0] place;
  (* anyconst *) reg [1:0] lane;
  always @* assume (place == 4 || place == 5 || place == 7);
  wire [29:2] watched = {15'b0, 1'b0, dma, 6'b0, 4'b0} | place;
  reg known_q, known_before_q, fresh_q;
  reg [7:0] byte_q, byte_before_q;
  wire [31:0] w_shifted = wdata_i >> 8 * lane;
  wire [31:0] r_shifted = rdata >> 8 * lane;

  always @(posedge clk_i) begin
    if (rst_i) known_q <= 1'b0;
    else if (rst) begin
      known_q <= 1'b1;
      byte_q  <= 0;
    end else if (w & ~w_word_q) known_q <= 1'b0;
    else if (w & w_word_address_q[29:2] == watched & wstrb_i[lane]) begin
      known_q <= 1'b1;
      byte_q  <= w_shifted[7:0];
    end
    known_before_q <= live & known_q;
    byte_before_q  <= byte_q;
    // A beat that is offered has been read in the cycle before its first.
    fresh_q <= ~rvalid | rready_i;
  end

  wire [63:0] own_address = dma ? address[127:64] : address[63:0];
  wire [31:0] own = place == 4 ? own_address[31:0] : place == 5 ? own_address[63:32]
                  : dma ? frames[63:32] : frames[31:0];
  wire [31:0] own_shifted = own >> 8 * lane;
  always @* if (live & known_q) assert (own_shifted[7:0] == byte_q);

  wire shows = rvalid & fresh_q & r_word_q & r_word_address_q[29:2] == watched & known_before_q;
  always @* if (live & shows) begin
    assert (r_shifted[7:0] == byte_before_q);
    cover (byte_before_q == 8'h5A);
  end

  // What a word reads, in the cycle in which it is fetched: the whole map.
  reg [1:0] ended_q;
  reg [31:0] uptime_q, read_q;
  wire [1:0] idle = ~running_i & ~start;
  wire there = fetched[27:12] == 0 && fetched[9:4] == 0;
  wire second = fetched[10];
  reg [31:0] expected;
  always @* begin
    case (fetched[11:10])
      2'd0, 2'd1: case (fetched[3:0])
        4'd0: expected = {29'b0, idle[second], ended_q[second], ~idle[second]};
        4'd4: expected = second ? address[95:64] : address[31:0];
        4'd5: expected = second ? address[127:96] : address[63:32];
        4'd7: expected = second ? frames[63:32] : frames[31:0];
        default: expected = 0;
      endcase
      2'd2: case (fetched[3:0])
        4'd0: expected = 7;
        4'd1: expected = {"RE8", 8'd1};
        4'd2: expected = stop;
        4'd3: expected = {8'b0, pending_i, 2'b0, refused_i, running_i, error_i};
        4'd4: expected = cycles_i;
        4'd5: expected = first_i;
        4'd6: expected = starved_i;
        4'd7: expected = blocked_i;
        4'd8: expected = held_i;
        4'd9: expected = moved_i[31:0];
        4'd10: expected = moved_i[63:32];
        4'd11: expected = uptime_q;
        default: expected = 0;
      endcase
      default: expected = 0;
    endcase
    if (~there) expected = 0;
  end
  (* hierconn *) wire [31:0] \i_kernel.uptime_q ;
  (* hierconn *) wire \i_kernel.gen_dma[0].done_q ;
  (* hierconn *) wire \i_kernel.gen_dma[1].done_q ;
  reg reset_since_q, known_then_q;
  always @(posedge clk_i) begin
    read_q   <= expected;
    uptime_q <= rst_i ? 0 : uptime_q + 1'b1;
    ended_q  <= rst ? 0 : ~start & (ended_q | done_i);
    // The DMAs' registers are reset a cycle after this module.
    reset_since_q <= ~rst_i & (reset_since_q | rst);
    known_then_q  <= live & reset_since_q;
  end
  always @* if (live) begin
    assert (\i_kernel.uptime_q == uptime_q);
    if (reset_since_q) assert ({\i_kernel.gen_dma[1].done_q , \i_kernel.gen_dma[0].done_q } == ended_q);
    if (rvalid & fresh_q & known_then_q) assert (rdata == read_q);
    cover (rvalid & fresh_q & r_word_q & rdata == {"RE8", 8'd1});
    cover (rvalid & fresh_q & r_word_q & rdata == 32'h3 << 8 & known_then_q);
  end

  // A DMA starts in the cycle after it was told to, and a reset is asked for likewise; what other
  // kinds of bursts write is left out.
  reg told_q, other_q;
  reg [1:0] start_told_q;
  wire [29:2] word_written = w_word_address_q[29:2];
  wire tells = w & w_word_q & wstrb_i[0] & wdata_i[0];
  wire free  = ~stop & ~rst;
  always @(posedge clk_i) begin
    other_q      <= ~live | w & ~w_word_q;
    told_q       <= tells & free & ~rst_i & word_written == 28'h802;
    start_told_q <= {2{tells & free}} & idle
                    & {word_written == 28'h400, word_written == 28'h0};
  end

  // A reset that was asked for lasts 16 cycles; what asked for it ends with it.
  (* hierconn *) wire [3:0] \i_kernel.left_q ;
  wire [3:0] left = \i_kernel.left_q ;
  reg [4:0] lasted_q;
  reg due_q, asked_q, resetting_q;
  always @(posedge clk_i) begin
    lasted_q <= rst_i | ~rst ? 0 : lasted_q + 1'b1;
    // Where memory owes nothing the reset is two cycles away.
    due_q    <= ~rst_i & stop & ~rst & left == 0 & pending_i == 0;
    asked_q  <= live & stop;
  end
  always @* if (live) begin
    if (~other_q) assert (start == start_told_q);
    if (told_q) assert (stop);
    if (stop & ~asked_q & ~other_q) assert (told_q);
    if (due_q) assert (left == 15);
    if (left != 0) assert (stop & (rst ? lasted_q == 14 - left : left == 15));
    if (rst & stop) assert (lasted_q <= 14 & (left == 14 - lasted_q));
    if (rst & ~stop) assert (lasted_q == 0 & left == 0);
    if (resetting_q & ~rst) assert (~stop);
    cover (rst & lasted_q == 14);
  end

  // A DMA is told to start only while it is idle and nothing is about to be reset; a reset begins
  // when memory owes no answer, and ends.
  reg [1:0] started_q, ran_q;
  reg owed_q, stop_before_q;
  always @(posedge clk_i) begin
    stop_before_q <= live & stop;
    owed_q        <= pending_i != 0;
    ran_q         <= running_i;
    started_q     <= start;
    resetting_q   <= live & rst;
  end
  always @* if (live) begin
    if (start != 0) assert (~stop_before_q);
    assert ((start & ran_q) == 0);
    assert ((start & started_q) == 0);
    cover (start == 1);
    cover (start == 2);
    cover (stop & rst);
    cover (~stop & resetting_q & ~rst);
  end

endmodule

`default_nettype wire
