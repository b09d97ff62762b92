// Cuts a batch of frames that lie one after the other in memory into bursts. Bursts end at
// multiples of 128 bytes: none has more than 16 beats of 64 bits or crosses a 4 KB boundary.
`default_nettype none

module dma_bursts #(
  // Beats of 64 bits of a frame.
  parameter FRAME_BEATS = 384
) (
  input  wire        clk_i,
  input  wire        rst_i,
  // A batch: its address, a multiple of 8 below 4 GB, and its frames, together at most 4 GB.
  input  wire        start_i,
  input  wire [63:0] address_i,
  input  wire [31:0] frames_i,
  // In the cycle of the start: the batch is not one, and there will be no burst.
  output wire        refused_o,
  // Bursts are still to come.
  output wire        busy_o,
  // A burst: its address without the three low bits, and its beats - 1.
  output wire [31:3] burst_address_o,
  output wire [3:0]  burst_length_o,
  output wire        burst_valid_o,
  input  wire        burst_ready_i
);

  localparam BEAT_BITS  = $clog2(FRAME_BEATS + 1);
  localparam FRAME_BITS = 29 - BEAT_BITS;

  // The first beat and the number of beats that no burst has yet.
  reg [31:3] address_q;
  reg [28:0] left_q;
  reg [3:0]  length_q;
  reg        valid_q;

  // Beats - 1 as far as the next multiple of 128 bytes.
  wire [3:0]  room  = ~address_q[6:3];
  wire        short = left_q[28:4] == 0 && left_q[3:0] <= room;
  wire        taken = valid_q & burst_ready_i;
  wire [4:0]  beats = {1'b0, length_q} + 5'd1;

  assign refused_o = address_i[63:32] != 0 || address_i[2:0] != 0 || frames_i[31:FRAME_BITS] != 0;
  assign busy_o          = valid_q | left_q != 0;
  assign burst_address_o = address_q;
  assign burst_length_o  = length_q;
  assign burst_valid_o   = valid_q;

  // frames_i * FRAME_BEATS as the few additions it takes, not as a multiplier.
  wire [29*(BEAT_BITS+1)-1:0] products;
  assign products[28:0] = 29'b0;

  genvar place;
  generate
    if (FRAME_BEATS < 1 || FRAME_BEATS > 65536) begin : gen_bad_frame
      $error("dma_bursts: FRAME_BEATS must be from 1 to 65536");
    end

    for (place = 0; place < BEAT_BITS; place = place + 1) begin : gen_product
      wire [28:0] partial = products[29*place +: 29];
      if ((FRAME_BEATS >> place) % 2 == 1) begin : gen_add
        assign products[29*(place+1) +: 29] = partial + (frames_i[28:0] << place);
      end else begin : gen_keep
        assign products[29*(place+1) +: 29] = partial;
      end
    end
  endgenerate

  always @(posedge clk_i) begin
    if (start_i) address_q <= address_i[31:3];
    else if (taken) address_q <= address_q + {24'b0, beats};

    if (~valid_q) length_q <= short ? left_q[3:0] - 1'b1 : room;

    if (rst_i) begin
      left_q  <= 0;
      valid_q <= 1'b0;
    end else if (start_i) begin
      left_q  <= refused_o ? 0 : products[29*BEAT_BITS +: 29];
      valid_q <= 1'b0;
    end else if (taken) begin
      left_q  <= left_q - {24'b0, beats};
      valid_q <= 1'b0;
    end else begin
      valid_q <= left_q != 0;
    end
  end

endmodule

`default_nettype wire
