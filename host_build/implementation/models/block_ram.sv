// What RAMB18E1 and RAMB36E1 have in common, as far as Yosys uses them: no output registers, no
// reset of the outputs, no cascade, no error correction, and both ports on one clock.
//
// The memory is bytes of nine bits, the ninth from the parity inputs and to the parity outputs; a
// port of less than a byte does not see the ninth. The outputs start with anything. A read of what
// the other port is writing gives the old word in the mode READ_FIRST. In other modes it is
// undefined in hardware, and here the wrong one: inverted.
`default_nettype none

module block_ram #(
  // Bytes of a port, and of the memory.
  parameter LANES = 2,
  parameter BYTES = 2048,
  // The contents, byte 0 in the least significant bits, and the ninth bits.
  parameter [8*BYTES-1:0] INIT  = 0,
  parameter [BYTES-1:0]   INITP = 0,
  // "TDP": both ports read and write. "SDP": A reads and B writes, with the data wires of both
  // ports for words of 2 * LANES bytes.
  parameter string RAM_MODE = "TDP",
  // Bits of a word with the ninth ones, 0 if the port does not read or write.
  parameter READ_WIDTH_A  = 0,
  parameter READ_WIDTH_B  = 0,
  parameter WRITE_WIDTH_A = 0,
  parameter WRITE_WIDTH_B = 0,
  // What a port that writes shows: "WRITE_FIRST", "READ_FIRST" or "NO_CHANGE".
  parameter string WRITE_MODE_A = "WRITE_FIRST",
  parameter string WRITE_MODE_B = "WRITE_FIRST"
) (
  input  wire                     clk_a_i,
  input  wire                     clk_b_i,
  input  wire                     en_a_i,
  input  wire                     en_b_i,
  // A bit a byte; a port of a byte or less heeds the first only.
  input  wire [LANES-1:0]         we_a_i,
  input  wire [2*LANES-1:0]       we_b_i,
  // Addresses of bits, the ninth ones not counted.
  input  wire [$clog2(BYTES)+2:0] address_a_i,
  input  wire [$clog2(BYTES)+2:0] address_b_i,
  input  wire [8*LANES-1:0]       data_a_i,
  input  wire [8*LANES-1:0]       data_b_i,
  input  wire [LANES-1:0]         parity_a_i,
  input  wire [LANES-1:0]         parity_b_i,
  output wire [8*LANES-1:0]       data_a_o,
  output wire [8*LANES-1:0]       data_b_o,
  output wire [LANES-1:0]         parity_a_o,
  output wire [LANES-1:0]         parity_b_o
);

  localparam BYTE_BITS = $clog2(BYTES);
  // The widest word, in bytes and bits.
  localparam WORD       = 2 * LANES;
  localparam WORD_BITS  = 9 * WORD;
  localparam SDP        = RAM_MODE == "SDP";
  localparam USES_A     = READ_WIDTH_A != 0 || WRITE_WIDTH_A != 0;
  localparam USES_B     = READ_WIDTH_B != 0 || WRITE_WIDTH_B != 0;
  localparam WIDE_READ  = SDP && READ_WIDTH_A == WORD_BITS;
  localparam WIDE_WRITE = SDP && WRITE_WIDTH_B == WORD_BITS;

  generate
    if (RAM_MODE != "SDP" && RAM_MODE != "TDP") begin : gen_bad_mode
      $error("block_ram: RAM_MODE must be SDP or TDP");
    end
    if (SDP && (READ_WIDTH_B != 0 || WRITE_WIDTH_A != 0)) begin : gen_bad_ports
      $error("block_ram: in SDP mode port A reads and port B writes");
    end
    if (READ_WIDTH_A != 0 && WRITE_WIDTH_A != 0 && READ_WIDTH_A != WRITE_WIDTH_A ||
        READ_WIDTH_B != 0 && WRITE_WIDTH_B != 0 && READ_WIDTH_B != WRITE_WIDTH_B)
    begin : gen_bad_widths
      $error("block_ram: a port must read and write words of the same width");
    end
    if (USES_A && USES_B) begin : gen_both
      always @(posedge clk_a_i) if (!clk_b_i) $fatal(1, "block_ram: two clocks");
    end
  endgenerate

  // Both ports side by side, A in the lower half.
  wire clk = USES_A ? clk_a_i : clk_b_i;
  wire [1:0]               en = {en_b_i, en_a_i};
  wire [2*BYTE_BITS+5:0]   address = {address_b_i, address_a_i};
  wire [2*WORD-1:0]        we;
  wire [2*WORD_BITS-1:0]   data, out;
  wire unused = &{1'b0, en, address, we, data, out};
  wire [WORD_BITS/2-1:0]   bytes_a, bytes_b;

  assign we = {WIDE_WRITE ? we_b_i : {{LANES{1'b0}}, we_b_i[LANES-1:0]}, {LANES{1'b0}}, we_a_i};
  assign data = {bytes_b, WIDE_WRITE ? bytes_a : bytes_b, bytes_b, bytes_a};

  generate
    for (genvar k = 0; k < LANES; k = k + 1) begin : gen_lane
      assign bytes_a[9*k+:9] = {parity_a_i[k], data_a_i[8*k+:8]};
      assign bytes_b[9*k+:9] = {parity_b_i[k], data_b_i[8*k+:8]};
      assign {parity_a_o[k], data_a_o[8*k+:8]} = out[9*k+:9];
      assign {parity_b_o[k], data_b_o[8*k+:8]} = out[9*((WIDE_READ ? LANES : WORD)+k)+:9];
    end
  endgenerate

  reg [8:0] memory [0:BYTES-1];
  initial for (int k = 0; k < BYTES; k = k + 1) memory[k] = {INITP[k], INIT[8*k+:8]};

  generate
    for (genvar p = 0; p < 2; p = p + 1) begin : gen_port
      localparam READ  = p == 0 ? READ_WIDTH_A : READ_WIDTH_B;
      localparam WRITE = p == 0 ? WRITE_WIDTH_A : WRITE_WIDTH_B;
      localparam string MODE       = p == 0 ? WRITE_MODE_A : WRITE_MODE_B;
      localparam string OTHER_MODE = p == 0 ? WRITE_MODE_B : WRITE_MODE_A;
      localparam OTHER_WRITE = p == 0 ? WRITE_WIDTH_B : WRITE_WIDTH_A;

      if (READ != 0 || WRITE != 0) begin : gen_used
        localparam WIDTH = READ != 0 ? READ : WRITE;
        localparam USED  = WIDTH < 9 ? 1 : WIDTH / 9;
        // Bits of an address within a word, and within what the two ports may share.
        localparam INNER  = WIDTH < 9 ? $clog2(WIDTH) : 3 + $clog2(USED);
        localparam OTHER  = OTHER_WRITE < 9 ? $clog2(OTHER_WRITE) : 3 + $clog2(OTHER_WRITE / 9);
        localparam SHARED = OTHER > INNER ? OTHER : INNER;

        wire [BYTE_BITS+2:0] own    = address[p*(BYTE_BITS+3)+:BYTE_BITS+3] >> INNER << INNER;
        wire [BYTE_BITS+2:0] others = address[(1-p)*(BYTE_BITS+3)+:BYTE_BITS+3];
        wire [BYTE_BITS-1:0] first  = own[BYTE_BITS+2:3];
        wire [2:0]           shift  = own[2:0];
        wire [USED-1:0]      write  = WRITE == 0 ? 0 : we[p*WORD+:USED];
        wire collision = OTHER_WRITE != 0 && OTHER_MODE != "READ_FIRST" && en[1-p] &&
                         |we[(1-p)*WORD+:WORD] && own >> SHARED == others >> SHARED;
        // The bits of a byte that a narrow port sees.
        wire [8:0] seen = WIDTH < 9 ? 9'((1 << WIDTH) - 1) << shift : 9'h1ff;

        reg  [9*USED-1:0] out_q;
        wire [9*USED-1:0] in;
        assign in = data[p*WORD_BITS+:9*USED] << shift;
        assign out[p*WORD_BITS+:WORD_BITS] = WORD_BITS'(out_q);

        always @(posedge clk) begin
          if (en[p]) begin
            for (int k = 0; k < USED; k = k + 1) begin
              if (write[k]) begin
                memory[first + BYTE_BITS'(k)] <=
                    memory[first + BYTE_BITS'(k)] & ~seen | in[9*k+:9] & seen;
              end
              if (!(MODE == "NO_CHANGE" && |write)) begin
                out_q[9*k+:9] <= ((MODE == "WRITE_FIRST" && write[k] ? in[9*k+:9] :
                    memory[first + BYTE_BITS'(k)] ^ {9{collision}}) & seen) >> shift;
              end
            end
          end
        end
      end else begin : gen_unused
        assign out[p*WORD_BITS+:WORD_BITS] = 0;
      end
    end
  endgenerate

endmodule

`default_nettype wire
