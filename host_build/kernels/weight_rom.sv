// One read-only memory of weights, loaded from a hexadecimal image.
//
// In block memory the word appears one enabled cycle after its address (the output register of
// the memory). In look-up tables it follows within the cycle, and the reader registers it.
`default_nettype none

module weight_rom #(
  // Bits of a word.
  parameter WIDTH = 72,
  // Number of words.
  parameter DEPTH = 9,
  // Bits of an address: $clog2(DEPTH), at least 1.
  parameter ADDRESS_BITS = 4,
  // 1: block memory; 0: look-up tables.
  parameter BLOCK = 1,
  // Path of the image, one word a line.
  parameter IMAGE = "weights.mem"
) (
  input  wire                    clk_i,
  input  wire                    en_i,
  input  wire [ADDRESS_BITS-1:0] address_i,
  output wire [WIDTH-1:0]        word_o
);

  if (BLOCK != 0) begin : gen_block
    (* rom_style = "block" *) reg [WIDTH-1:0] memory [0:DEPTH-1];
    reg [WIDTH-1:0] word_q;
    initial $readmemh(IMAGE, memory);
    always @(posedge clk_i) if (en_i) word_q <= memory[address_i];
    assign word_o = word_q;
  end else begin : gen_distributed
    (* rom_style = "distributed" *) reg [WIDTH-1:0] memory [0:DEPTH-1];
    initial $readmemh(IMAGE, memory);
    assign word_o = memory[address_i];
    // The reader keeps the registers here.
    wire unused = &{1'b0, clk_i, en_i};
  end

endmodule

`default_nettype wire
