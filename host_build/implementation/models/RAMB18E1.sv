// Stands for the vendor's RAMB18E1 in the simulation of a netlist: 18 Kbit of block memory. The
// names are the vendor's; parameters and ports that Yosys never uses are missing, so that a netlist
// with them does not build. See block_ram.sv for what the model does and what it does not.
`default_nettype none

module RAMB18E1 #(
  // The contents, bit 0 in the least significant bit of the first, and the ninth bits.
  parameter [255:0] INIT_00 = 0, INIT_01 = 0, INIT_02 = 0, INIT_03 = 0,
  parameter [255:0] INIT_04 = 0, INIT_05 = 0, INIT_06 = 0, INIT_07 = 0,
  parameter [255:0] INIT_08 = 0, INIT_09 = 0, INIT_0A = 0, INIT_0B = 0,
  parameter [255:0] INIT_0C = 0, INIT_0D = 0, INIT_0E = 0, INIT_0F = 0,
  parameter [255:0] INIT_10 = 0, INIT_11 = 0, INIT_12 = 0, INIT_13 = 0,
  parameter [255:0] INIT_14 = 0, INIT_15 = 0, INIT_16 = 0, INIT_17 = 0,
  parameter [255:0] INIT_18 = 0, INIT_19 = 0, INIT_1A = 0, INIT_1B = 0,
  parameter [255:0] INIT_1C = 0, INIT_1D = 0, INIT_1E = 0, INIT_1F = 0,
  parameter [255:0] INIT_20 = 0, INIT_21 = 0, INIT_22 = 0, INIT_23 = 0,
  parameter [255:0] INIT_24 = 0, INIT_25 = 0, INIT_26 = 0, INIT_27 = 0,
  parameter [255:0] INIT_28 = 0, INIT_29 = 0, INIT_2A = 0, INIT_2B = 0,
  parameter [255:0] INIT_2C = 0, INIT_2D = 0, INIT_2E = 0, INIT_2F = 0,
  parameter [255:0] INIT_30 = 0, INIT_31 = 0, INIT_32 = 0, INIT_33 = 0,
  parameter [255:0] INIT_34 = 0, INIT_35 = 0, INIT_36 = 0, INIT_37 = 0,
  parameter [255:0] INIT_38 = 0, INIT_39 = 0, INIT_3A = 0, INIT_3B = 0,
  parameter [255:0] INIT_3C = 0, INIT_3D = 0, INIT_3E = 0, INIT_3F = 0,
  parameter [255:0] INITP_00 = 0, INITP_01 = 0, INITP_02 = 0, INITP_03 = 0,
  parameter [255:0] INITP_04 = 0, INITP_05 = 0, INITP_06 = 0, INITP_07 = 0,
  // "TDP": two ports that read and write. "SDP": port A reads and port B writes.
  parameter string RAM_MODE = "TDP",
  // Bits of a word, 0 if the port does not read or write.
  parameter READ_WIDTH_A  = 0,
  parameter READ_WIDTH_B  = 0,
  parameter WRITE_WIDTH_A = 0,
  parameter WRITE_WIDTH_B = 0,
  // What a port that writes shows: "WRITE_FIRST", "READ_FIRST" or "NO_CHANGE".
  parameter string WRITE_MODE_A = "WRITE_FIRST",
  parameter string WRITE_MODE_B = "WRITE_FIRST",
  // Output registers: 0 only.
  parameter DOA_REG = 0,
  parameter DOB_REG = 0,
  // The outputs at the start and after a reset: not modelled.
  parameter INIT_A  = 0,
  parameter INIT_B  = 0,
  parameter SRVAL_A = 0,
  parameter SRVAL_B = 0
) (
  input  wire        CLKARDCLK,
  input  wire        CLKBWRCLK,
  input  wire        ENARDEN,
  input  wire        ENBWREN,
  input  wire        REGCEAREGCE,
  input  wire        REGCEB,
  input  wire        RSTRAMARSTRAM,
  input  wire        RSTRAMB,
  input  wire        RSTREGARSTREG,
  input  wire        RSTREGB,
  input  wire [13:0] ADDRARDADDR,
  input  wire [13:0] ADDRBWRADDR,
  input  wire [15:0] DIADI,
  input  wire [15:0] DIBDI,
  input  wire [1:0]  DIPADIP,
  input  wire [1:0]  DIPBDIP,
  input  wire [1:0]  WEA,
  input  wire [3:0]  WEBWE,
  output wire [15:0] DOADO,
  output wire [15:0] DOBDO,
  output wire [1:0]  DOPADOP,
  output wire [1:0]  DOPBDOP
);

  generate
    if (DOA_REG != 0 || DOB_REG != 0) begin : gen_bad_parameters
      $error("RAMB18E1: output registers are not modelled");
    end
  endgenerate

  always @(posedge CLKARDCLK or posedge CLKBWRCLK) begin
    if (RSTRAMARSTRAM || RSTRAMB) $fatal(1, "RAMB18E1: a reset is not modelled");
  end

  block_ram #(
    .LANES(2),
    .BYTES(2048),
    .INIT({
      INIT_3F, INIT_3E, INIT_3D, INIT_3C, INIT_3B, INIT_3A, INIT_39, INIT_38,
      INIT_37, INIT_36, INIT_35, INIT_34, INIT_33, INIT_32, INIT_31, INIT_30,
      INIT_2F, INIT_2E, INIT_2D, INIT_2C, INIT_2B, INIT_2A, INIT_29, INIT_28,
      INIT_27, INIT_26, INIT_25, INIT_24, INIT_23, INIT_22, INIT_21, INIT_20,
      INIT_1F, INIT_1E, INIT_1D, INIT_1C, INIT_1B, INIT_1A, INIT_19, INIT_18,
      INIT_17, INIT_16, INIT_15, INIT_14, INIT_13, INIT_12, INIT_11, INIT_10,
      INIT_0F, INIT_0E, INIT_0D, INIT_0C, INIT_0B, INIT_0A, INIT_09, INIT_08,
      INIT_07, INIT_06, INIT_05, INIT_04, INIT_03, INIT_02, INIT_01, INIT_00
    }),
    .INITP({
      INITP_07, INITP_06, INITP_05, INITP_04, INITP_03, INITP_02, INITP_01, INITP_00
    }),
    .RAM_MODE(RAM_MODE),
    .READ_WIDTH_A(READ_WIDTH_A),
    .READ_WIDTH_B(READ_WIDTH_B),
    .WRITE_WIDTH_A(WRITE_WIDTH_A),
    .WRITE_WIDTH_B(WRITE_WIDTH_B),
    .WRITE_MODE_A(WRITE_MODE_A),
    .WRITE_MODE_B(WRITE_MODE_B)
  ) ram (
    .clk_a_i(CLKARDCLK),
    .clk_b_i(CLKBWRCLK),
    .en_a_i(ENARDEN),
    .en_b_i(ENBWREN),
    .we_a_i(WEA),
    .we_b_i(WEBWE),
    .address_a_i(ADDRARDADDR),
    .address_b_i(ADDRBWRADDR),
    .data_a_i(DIADI),
    .data_b_i(DIBDI),
    .parity_a_i(DIPADIP),
    .parity_b_i(DIPBDIP),
    .data_a_o(DOADO),
    .data_b_o(DOBDO),
    .parity_a_o(DOPADOP),
    .parity_b_o(DOPBDOP)
  );

  wire unused = &{1'b0, REGCEAREGCE, REGCEB, RSTREGARSTREG, RSTREGB};

endmodule

`default_nettype wire
