// The weights of a matrix-vector unit: a memory for every SHARED positions of its chains.
//
// A memory is read at the time of the first of its positions; the others get their part later,
// through registers.
`default_nettype none

module weight_memories #(
  // Lanes, and bits of the weights of one lane for all PEs.
  parameter SIMD = 16,
  parameter LANE_BITS = 96,
  // Words of a memory, and bits of their address.
  parameter DEPTH = 9,
  parameter ADDRESS_BITS = 4,
  // Positions of the chains and lanes at each; position 0 has what is left over.
  parameter POSITIONS = 16,
  parameter LANES = 1,
  // A position that is a multiple of CASCADE is one cycle later than it would be otherwise.
  parameter CASCADE = 8,
  // 1: block memory; 0: look-up tables.
  parameter BLOCK = 1,
  // Positions that share a memory.
  parameter SHARED = 1,
  // Images: IMAGE followed by _00.mem, _01.mem and so on.
  parameter IMAGE = "weights"
) (
  input  wire                              clk_i,
  input  wire                              en_i,
  // Address of every position, position 0 in the low bits, each at the time of its position.
  input  wire [POSITIONS*ADDRESS_BITS-1:0] addresses_i,
  // Weights, lane 0 in the low bits; with block memories one enabled cycle after the address.
  output wire [SIMD*LANE_BITS-1:0]         weights_o
);

  localparam PAD = LANES * POSITIONS - SIMD;

  for (genvar g = 0; g * SHARED < POSITIONS; g = g + 1) begin : gen_memory
    localparam FROM = g * SHARED;
    localparam TO = FROM + SHARED < POSITIONS ? FROM + SHARED : POSITIONS;
    localparam FIRST_LANE = g == 0 ? 0 : FROM * LANES - PAD;
    localparam WIDTH = (TO * LANES - PAD - FIRST_LANE) * LANE_BITS;
    localparam [7:0] TENS = 8'd48 + 8'(g / 10);
    localparam [7:0] ONES = 8'd48 + 8'(g % 10);
    wire [WIDTH-1:0] word;

    weight_rom #(
      .WIDTH(WIDTH),
      .DEPTH(DEPTH),
      .ADDRESS_BITS(ADDRESS_BITS),
      .BLOCK(BLOCK),
      .IMAGE({IMAGE, "_", TENS, ONES, ".mem"})
    ) rom (
      .clk_i(clk_i),
      .en_i(en_i),
      .address_i(addresses_i[FROM*ADDRESS_BITS+:ADDRESS_BITS]),
      .word_o(word)
    );

    for (genvar k = FROM; k < TO; k = k + 1) begin : gen_position
      localparam DELAY = k + k / CASCADE - FROM - FROM / CASCADE;
      localparam LANE = k == 0 ? 0 : k * LANES - PAD;
      localparam BITS = ((k + 1) * LANES - PAD - LANE) * LANE_BITS;
      wire [BITS-1:0] part = word[(LANE-FIRST_LANE)*LANE_BITS+:BITS];
      if (DELAY == 0) begin : gen_now
        assign weights_o[LANE*LANE_BITS+:BITS] = part;
      end else begin : gen_later
        reg [DELAY*BITS-1:0] parts_q;
        if (DELAY == 1) begin : gen_one
          always @(posedge clk_i) if (en_i) parts_q <= part;
        end else begin : gen_more
          always @(posedge clk_i) if (en_i) parts_q <= {parts_q[(DELAY-1)*BITS-1:0], part};
        end
        assign weights_o[LANE*LANE_BITS+:BITS] = parts_q[(DELAY-1)*BITS+:BITS];
      end
    end
  end

  // Positions that share a memory leave addresses unused.
  wire unused = &{1'b0, addresses_i};

endmodule

`default_nettype wire
