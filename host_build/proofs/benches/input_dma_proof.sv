// input_dma.sv: AXI's rules for whoever asks. The bursts of a batch lie one after the other, reach
// exactly to its end and cross no boundary; memory never has to wait; an end is told once.
`default_nettype none

module input_dma_proof #(
  parameter FRAME_BEATS = 3,
  parameter OUTSTANDING = 1
) (
  input wire        clk_i,
  input wire        rst_i,
  input wire        start_i,
  input wire [63:0] address_i,
  input wire [31:0] frames_i,
  input wire        stop_i,
  input wire        arready_i,
  input wire [63:0] rdata_i,
  input wire [1:0]  rresp_i,
  input wire        rlast_i,
  input wire        rvalid_i,
  input wire        out_ready_i
);

  localparam DEPTH = 16 * OUTSTANDING;
  localparam COUNT = $clog2(DEPTH + 1);
  localparam PLACE = FRAME_BEATS <= 1 ? 1 : $clog2(FRAME_BEATS);

  wire live, running, done, refused, error, arvalid, rready, out_valid;
  wire [31:0] frames, araddr;
  wire [7:0] reads;
  wire [3:0] arlen;
  wire [63:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  input_dma #(
    .FRAME_BEATS(FRAME_BEATS),
    .OUTSTANDING(OUTSTANDING)
  ) i_kernel (
    .clk_i(clk_i), .rst_i(rst_i),
    .start_i(start_i), .address_i(address_i), .frames_i(frames_i), .stop_i(stop_i),
    .running_o(running), .done_o(done), .refused_o(refused), .error_o(error),
    .frames_o(frames), .reads_o(reads),
    .araddr_o(araddr), .arlen_o(arlen), .arvalid_o(arvalid), .arready_i(arready_i),
    .rdata_i(rdata_i), .rresp_i(rresp_i), .rlast_i(rlast_i), .rvalid_i(rvalid_i),
    .rready_o(rready),
    .out_data_o(out_data), .out_valid_o(out_valid), .out_ready_i(out_ready_i)
  );
  stream_rules #(.WIDTH(36)) i_ar (
    .clk_i(clk_i), .live_i(live), .data_i({araddr, arlen}), .valid_i(arvalid), .ready_i(arready_i)
  );
  stream_rules #(.WIDTH(64)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  // Whoever gives commands: none while one is obeyed, and a stop lasts until the reset.
  reg stopped_q;
  always @(posedge clk_i) stopped_q <= ~rst_i & stop_i;
  always @* if (live) begin
    assume (~(start_i & (running | stop_i)));
    assume (stop_i | ~stopped_q);
  end

  wire ar = arvalid & arready_i;
  wire r  = rvalid_i & rready;

  // Memory: the bursts it owes, at most two here, and the beats that the first still has.
  reg [1:0] owed_q;
  reg [3:0] left_q, next_q;
  wire ends = r & rlast_i;
  always @(posedge clk_i) begin
    if (rst_i) owed_q <= 0;
    else owed_q <= owed_q + ar - ends;
    if (ar & (owed_q == 0 | owed_q == 1 & ends)) left_q <= arlen;
    else if (ends) left_q <= next_q;
    else if (r) left_q <= left_q - 1'b1;
    if (ar) next_q <= arlen;
  end
  always @* if (live) begin
    assume (~rvalid_i | owed_q != 0);
    assume (rlast_i == (left_q == 0));
  end

  // The batch: the next beat that no burst has, and how many there are.
  reg batch_q, refused_q, error_q;
  reg [28:0] address_q, beats_q;
  wire illegal = address_i[63:32] != 0 || address_i[2:0] != 0
                 || frames_i[31:29-$clog2(FRAME_BEATS+1)] != 0;
  always @(posedge clk_i) begin
    if (rst_i) begin
      batch_q   <= 1'b0;
      refused_q <= 1'b0;
      error_q   <= 1'b0;
      beats_q   <= 0;
    end else if (start_i) begin
      batch_q   <= 1'b1;
      refused_q <= illegal;
      error_q   <= 1'b0;
      address_q <= address_i[31:3];
      beats_q   <= illegal ? 0 : frames_i * FRAME_BEATS;
    end else begin
      if (done) batch_q <= 1'b0;
      if (r & rresp_i != 0) error_q <= 1'b1;
      if (ar) begin
        address_q <= address_q + arlen + 1'b1;
        beats_q   <= beats_q - arlen - 1'b1;
      end
    end
  end

  // Whole frames that have come through since the start.
  reg [31:0] frames_q;
  reg [PLACE-1:0] place_q;
  always @(posedge clk_i) begin
    if (rst_i | start_i) begin
      frames_q <= 0;
      place_q  <= 0;
    end else if (r) begin
      place_q <= place_q == FRAME_BEATS - 1 ? 0 : place_q + 1'b1;
      if (place_q == FRAME_BEATS - 1) frames_q <= frames_q + 1'b1;
    end
  end

  // What induction needs to know of the state inside.
  (* hierconn *) wire [31:3] \i_kernel.i_bursts.address_q ;
  (* hierconn *) wire [28:0] \i_kernel.i_bursts.left_q ;
  (* hierconn *) wire [3:0] \i_kernel.i_bursts.length_q ;
  (* hierconn *) wire \i_kernel.i_bursts.valid_q ;
  (* hierconn *) wire [COUNT-1:0] \i_kernel.i_beats.count_q ;
  (* hierconn *) wire \i_kernel.i_beats.space_q ;
  (* hierconn *) wire \i_kernel.i_beats.valid_q ;
  (* hierconn *) wire \i_kernel.i_beats.in_valid_i ;
  (* hierconn *) wire [63:0] \i_kernel.i_beats.in_data_i ;
  (* hierconn *) wire \i_kernel.i_beats.out_valid_o ;
  (* hierconn *) wire \i_kernel.i_beats.out_ready_i ;
  (* hierconn *) wire [63:0] \i_kernel.i_beats.out_data_o ;
  (* hierconn *) wire [PLACE-1:0] \i_kernel.place_q ;
  (* hierconn *) wire [COUNT-1:0] \i_kernel.room_q ;
  wire [31:3] burst_address = \i_kernel.i_bursts.address_q ;
  wire [28:0] burst_left = \i_kernel.i_bursts.left_q ;
  wire [3:0] burst_length = \i_kernel.i_bursts.length_q ;
  wire burst_valid = \i_kernel.i_bursts.valid_q ;
  wire [COUNT-1:0] count = \i_kernel.i_beats.count_q ;
  wire [3:0] burst_room = ~burst_address[6:3];
  wire [3:0] to_end     = ~araddr[6:3];
  wire [COUNT+1:0] promised = (arvalid ? arlen + 1 : 0) + (owed_q != 0 ? left_q + 1 : 0)
                              + (owed_q == 2 ? next_q + 1 : 0);

  // When the next address is offered: what it needs is room for all of its beats.
  wire [COUNT+1:0] room = DEPTH - count - promised;
  wire issues = burst_valid & room > burst_length & reads != OUTSTANDING & ~stop_i
                & (~arvalid | arready_i);
  reg awaits_q, offers_q, bare_q;
  always @(posedge clk_i) begin
    awaits_q <= live & ~rst_i;
    offers_q <= issues | (arvalid & ~arready_i);
    bare_q   <= live & ~rst_i & ~burst_valid & burst_left != 0;
  end

  always @* if (live) begin
    if (awaits_q) assert (arvalid == offers_q);
    // The next burst is there in the cycle after it was cut.
    if (bare_q) assert (burst_valid);
    assert (running == batch_q);
    assert (refused == refused_q);
    assert (error == error_q);
    assert (reads == owed_q + arvalid);
    assert (reads <= OUTSTANDING);
    assert (frames == frames_q);
    assert (\i_kernel.place_q == place_q && place_q < FRAME_BEATS);
    assert (count <= DEPTH && \i_kernel.i_beats.space_q == (count != DEPTH));
    if (\i_kernel.i_beats.valid_q ) assert (count != 0);
    if (~batch_q) assert (~burst_valid & burst_left == 0 & ~arvalid);
    if (batch_q & refused_q) assert (~burst_valid & burst_left == 0 & ~arvalid);
    if (batch_q) begin
      assert (beats_q == burst_left + (arvalid ? arlen + 29'd1 : 29'd0));
      assert (burst_address == address_q + (arvalid ? arlen + 29'd1 : 29'd0));
    end
    if (burst_valid) begin
      assert (burst_left != 0);
      assert (burst_length == (burst_left < burst_room + 29'd1 ? burst_left - 1'b1 : burst_room));
    end
    if (~batch_q) assert (owed_q == 0);
    assert (\i_kernel.room_q + count + promised == DEPTH);
    // What memory sends goes into the FIFO, whose own bench has the rest of its way.
    assert (\i_kernel.i_beats.in_valid_i == r && \i_kernel.i_beats.in_data_i == rdata_i);
    assert (\i_kernel.i_beats.out_valid_o == out_valid && \i_kernel.i_beats.out_data_o == out_data);
    assert (\i_kernel.i_beats.out_ready_i == out_ready_i && rready == (count != DEPTH));
    // Memory is never kept waiting.
    if (owed_q != 0) assert (rready);
    if (arvalid) begin
      assert (batch_q & ~refused_q);
      assert (araddr[2:0] == 0);
      // Within 128 bytes: at most 16 beats, and no boundary of 4 KB inside.
      assert ({1'b0, araddr[6:3]} + arlen < 16);
      assert (araddr[31:3] == address_q);
      assert (arlen == (beats_q < to_end + 29'd1 ? beats_q - 1'b1 : to_end));
    end
    assert (done == (batch_q & owed_q == 0 & ~arvalid & beats_q == 0 & ~stop_i));
    cover (done & ~refused_q & ~error_q);
    if (FRAME_BEATS < 6) cover (done & frames_q != 0);
    cover (done & refused_q);
    cover (ends & error_q);
    cover (ar & arlen == 15);
    cover (stop_i & owed_q != 0);
  end

endmodule

`default_nettype wire
