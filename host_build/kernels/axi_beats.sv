// The addresses of the beats of one AXI3 burst at a time, of any size up to 32 bits and any kind.
`default_nettype none

module axi_beats #(
  // Bits of an address, more than 12: no burst crosses a 4 KB boundary.
  parameter ADDRESS_BITS = 32
) (
  input  wire                    clk_i,
  // A new burst: address, beats - 1, log2 of a beat's bytes, and if it stays, counts or wraps.
  input  wire                    load_i,
  input  wire [ADDRESS_BITS-1:0] address_i,
  input  wire [3:0]              length_i,
  input  wire [1:0]              size_i,
  input  wire [1:0]              burst_i,
  // The burst's current beat is through.
  input  wire                    step_i,
  // The word in which the current beat is, and whether it is the last.
  output wire [ADDRESS_BITS-1:2] address_o,
  output wire                    last_o
);

  localparam [1:0] FIXED = 2'b00;
  localparam [1:0] WRAP  = 2'b10;

  // Only the bits of the mask change from beat to beat.
  reg [ADDRESS_BITS-1:12] page_q;
  reg [11:0] place_q, mask_q;
  reg [2:0]  bytes_q;
  reg [3:0]  left_q;

  wire [2:0]  bytes = size_i == 2'd0 ? 3'd1 : size_i == 2'd1 ? 3'd2 : 3'd4;
  wire [11:0] inner = {9'b0, bytes - 3'd1};
  wire [11:0] ring  = ({8'b0, length_i} << size_i) | inner;
  wire [11:0] next  = place_q + {9'b0, bytes_q};

  assign address_o = {page_q, place_q[11:2]};
  assign last_o    = left_q == 0;

  always @(posedge clk_i) begin
    if (load_i) begin
      page_q  <= address_i[ADDRESS_BITS-1:12];
      place_q <= address_i[11:0];
      mask_q  <= burst_i == FIXED ? 12'h000 : burst_i == WRAP ? ring : 12'hFFF;
      bytes_q <= bytes;
      left_q  <= length_i;
    end else if (step_i) begin
      place_q <= (place_q & ~mask_q) | (next & mask_q);
      left_q  <= left_q - 1'b1;
    end
  end

endmodule

`default_nettype wire
