// output_dma.sv: AXI's rules for whoever writes. The bursts of a batch lie one after the other,
// reach exactly to its end and cross no boundary; each has all of its data, without a pause; an end
// is told once, after the last answer.
`default_nettype none

module output_dma_proof #(
  parameter FRAME_BEATS = 3,
  parameter OUTSTANDING = 1
) (
  input wire        clk_i,
  input wire        rst_i,
  input wire        start_i,
  input wire [63:0] address_i,
  input wire [31:0] frames_i,
  input wire        stop_i,
  input wire [63:0] in_data_i,
  input wire        in_valid_i,
  input wire        awready_i,
  input wire        wready_i,
  input wire [1:0]  bresp_i,
  input wire        bvalid_i
);

  localparam DEPTH = 32;
  localparam COUNT = $clog2(DEPTH + 1);
  localparam PLACE = FRAME_BEATS <= 1 ? 1 : $clog2(FRAME_BEATS);

  wire live, running, done, refused, error, in_ready, awvalid, wvalid, wlast, bready;
  wire [31:0] frames, awaddr;
  wire [7:0] writes;
  wire [3:0] awlen;
  wire [63:0] wdata;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  output_dma #(
    .FRAME_BEATS(FRAME_BEATS),
    .OUTSTANDING(OUTSTANDING)
  ) i_kernel (
    .clk_i(clk_i), .rst_i(rst_i),
    .start_i(start_i), .address_i(address_i), .frames_i(frames_i), .stop_i(stop_i),
    .running_o(running), .done_o(done), .refused_o(refused), .error_o(error),
    .frames_o(frames), .writes_o(writes),
    .in_data_i(in_data_i), .in_valid_i(in_valid_i), .in_ready_o(in_ready),
    .awaddr_o(awaddr), .awlen_o(awlen), .awvalid_o(awvalid), .awready_i(awready_i),
    .wdata_o(wdata), .wlast_o(wlast), .wvalid_o(wvalid), .wready_i(wready_i),
    .bresp_i(bresp_i), .bvalid_i(bvalid_i), .bready_o(bready)
  );
  stream_rules #(.WIDTH(36)) i_aw (
    .clk_i(clk_i), .live_i(live), .data_i({awaddr, awlen}), .valid_i(awvalid), .ready_i(awready_i)
  );
  stream_rules #(.WIDTH(65)) i_w (
    .clk_i(clk_i), .live_i(live), .data_i({wdata, wlast}), .valid_i(wvalid), .ready_i(wready_i)
  );

  // Whoever gives commands: none while one is obeyed, and a stop lasts until the reset.
  reg stopped_q;
  always @(posedge clk_i) stopped_q <= ~rst_i & stop_i;
  always @* if (live) begin
    assume (~(start_i & (running | stop_i)));
    assume (stop_i | ~stopped_q);
  end

  wire aw = awvalid & awready_i;
  wire w  = wvalid & wready_i;
  wire b  = bvalid_i & bready;

  // The burst whose data goes: it opens with its address.
  reg offered_q, open_q;
  reg [3:0] length_q, sent_q;
  wire opens = awvalid & ~offered_q;
  wire open  = opens | open_q;
  wire [3:0] length = opens ? awlen : length_q;
  wire [3:0] sent   = opens ? 0 : sent_q;
  wire ends  = w & sent == length;
  // Addresses that memory has, and whole bursts of data, without an answer yet.
  reg [1:0] addresses_q, bursts_q;

  always @(posedge clk_i) begin
    length_q <= length;
    sent_q   <= sent + w;
    if (rst_i) begin
      offered_q   <= 1'b0;
      open_q      <= 1'b0;
      addresses_q <= 0;
      bursts_q    <= 0;
    end else begin
      offered_q   <= awvalid & ~awready_i;
      open_q      <= open & ~ends;
      addresses_q <= addresses_q + aw - b;
      bursts_q    <= bursts_q + ends - b;
    end
  end
  always @* if (live) assume (~bvalid_i | (addresses_q != 0 & bursts_q != 0));

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
      if (b & bresp_i != 0) error_q <= 1'b1;
      if (aw) begin
        address_q <= address_q + awlen + 1'b1;
        beats_q   <= beats_q - awlen - 1'b1;
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
    end else if (w) begin
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
  (* hierconn *) wire [PLACE-1:0] \i_kernel.place_q ;
  (* hierconn *) wire [COUNT-1:0] \i_kernel.spare_q ;
  (* hierconn *) wire \i_kernel.writing_q ;
  (* hierconn *) wire [3:0] \i_kernel.left_q ;
  wire [31:3] burst_address = \i_kernel.i_bursts.address_q ;
  wire [28:0] burst_left = \i_kernel.i_bursts.left_q ;
  wire [3:0] burst_length = \i_kernel.i_bursts.length_q ;
  wire burst_valid = \i_kernel.i_bursts.valid_q ;
  wire [COUNT-1:0] count = \i_kernel.i_beats.count_q ;
  wire [3:0] burst_room = ~burst_address[6:3];

  always @* if (live) begin
    assert (running == batch_q);
    assert (refused == refused_q);
    assert (error == error_q);
    assert (bready);
    assert (writes <= OUTSTANDING);
    assert (writes == addresses_q + awvalid);
    assert (frames == frames_q);
    assert (\i_kernel.place_q == place_q && place_q < FRAME_BEATS);
    assert (count <= DEPTH && \i_kernel.i_beats.space_q == (count != DEPTH));
    if (\i_kernel.i_beats.valid_q ) assert (count != 0);
    if (~batch_q) assert (~burst_valid & burst_left == 0 & ~awvalid);
    if (batch_q & refused_q) assert (~burst_valid & burst_left == 0 & ~awvalid);
    if (batch_q) begin
      assert (beats_q == burst_left + (awvalid ? awlen + 29'd1 : 29'd0));
      assert (burst_address == address_q + (awvalid ? awlen + 29'd1 : 29'd0));
    end
    if (burst_valid) begin
      assert (burst_left != 0);
      assert (burst_length == (burst_left < burst_room + 29'd1 ? burst_left - 1'b1 : burst_room));
    end
    if (~batch_q) assert (writes == 0);
    // The last beat of a burst that is open, and what of the FIFO belongs to it.
    assert (\i_kernel.writing_q == open);
    if (open) assert (\i_kernel.left_q == length - sent && sent <= length);
    assert (count == \i_kernel.spare_q + (open ? length - sent + 6'd1 : 6'd0));
    assert (\i_kernel.spare_q <= DEPTH);
    assert (bursts_q + open == writes);
    // What comes goes into the FIFO, whose own bench has the rest of its way.
    assert (\i_kernel.i_beats.in_valid_i == in_valid_i && in_ready == (count != DEPTH));
    assert (\i_kernel.i_beats.in_data_i == in_data_i);
    if (opens) assert (~open_q);
    // Data belongs to a burst whose address is taken, comes without a pause, and its last beat
    // says so.
    assert (wvalid == (open & ~awvalid));
    if (w) assert (addresses_q > bursts_q);
    if (wvalid) assert (wlast == (sent == length));
    if (awvalid) begin
      assert (batch_q & ~refused_q);
      assert (awaddr[2:0] == 0);
      // Within 128 bytes: at most 16 beats, and no boundary of 4 KB inside.
      assert ({1'b0, awaddr[6:3]} + awlen < 16);
      assert (awaddr[31:3] == address_q);
    end
    if (done) assert (batch_q & addresses_q == 0 & ~awvalid & ~open & beats_q == 0);
    cover (done & ~refused_q & ~error_q);
    if (FRAME_BEATS < 6) cover (done & frames_q != 0);
    cover (done & refused_q);
    cover (b & error_q);
    cover (aw & awlen == 2);
    cover (ends & ~awvalid & addresses_q != 0);
  end

endmodule

`default_nettype wire
