// One step of a binary search for one lane: the threshold in the middle of what is left is read
// while the value is registered, and the comparison gives the next bit of the index.
`default_nettype none

module threshold_stage #(
  // Bits of a value, whether it is signed (1) or not (0), and bits of a threshold (signed).
  parameter IN_BITS        = 16,
  parameter IN_SIGNED      = 1,
  parameter THRESHOLD_BITS = 17,
  // Bits of the index, and which of them is found here: 0 is the most significant.
  parameter STEPS = 6,
  parameter STAGE = 0,
  // Groups of channels with thresholds of their own, and bits of the group's number.
  parameter GROUPS     = 1,
  parameter GROUP_BITS = 1,
  // Thresholds in block memory (1) or look-up tables (0), and their image: a word a line, the
  // index innermost.
  parameter BLOCK = 0,
  parameter IMAGE = "thresholds.mem"
) (
  input  wire                  clk_i,
  // Take the value at the input.
  input  wire                  en_i,
  // A value, the bits of its index that are known, and its group.
  input  wire [IN_BITS-1:0]    value_i,
  input  wire [STEPS-1:0]      index_i,
  input  wire [GROUP_BITS-1:0] group_i,
  // The same value, one enabled cycle later, and the index with one bit more.
  output wire [IN_BITS-1:0]    value_o,
  output wire [STEPS-1:0]      index_o
);

  localparam WORDS        = GROUPS << STAGE;
  localparam ADDRESS_BITS = WORDS > 1 ? $clog2(WORDS) : 1;
  localparam COMPARE_BITS = (IN_BITS + 1 > THRESHOLD_BITS ? IN_BITS + 1 : THRESHOLD_BITS);

  wire [ADDRESS_BITS-1:0] address = ADDRESS_BITS'({group_i, index_i} >> (STEPS - STAGE));

  reg [IN_BITS-1:0]        value_q;
  reg [STEPS-1:0]          index_q;
  reg [THRESHOLD_BITS-1:0] threshold_q;

  always @(posedge clk_i) begin
    if (en_i) begin
      value_q <= value_i;
      index_q <= index_i;
    end
  end

  generate
    if (BLOCK != 0) begin : gen_block
      (* rom_style = "block" *)
      reg [THRESHOLD_BITS-1:0] memory [0:WORDS-1];
      initial $readmemh(IMAGE, memory);
      always @(posedge clk_i) if (en_i) threshold_q <= memory[address];
    end else begin : gen_tables
      // No style here: what one tool calls a ROM in look-up tables is an error to another.
      reg [THRESHOLD_BITS-1:0] memory [0:WORDS-1];
      initial $readmemh(IMAGE, memory);
      always @(posedge clk_i) if (en_i) threshold_q <= memory[address];
    end
  endgenerate

  wire sign = IN_SIGNED != 0 ? value_q[IN_BITS-1] : 1'b0;
  wire signed [COMPARE_BITS-1:0] value = {{(COMPARE_BITS-IN_BITS){sign}}, value_q};
  wire signed [COMPARE_BITS-1:0] threshold =
    {{(COMPARE_BITS-THRESHOLD_BITS){threshold_q[THRESHOLD_BITS-1]}}, threshold_q};
  wire reached = value >= threshold;

  assign value_o = value_q;
  assign index_o = index_q | STEPS'(reached) << (STEPS - 1 - STAGE);

endmodule

`default_nettype wire
