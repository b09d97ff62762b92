// A DSP48E1 as its configuration has it; names are those of UG479. Every input is as it reaches the
// block, inverters included. Not modelled: overflow and underflow, the reset by pattern, and the
// carry for rounding a product (CARRYINSEL 6), which is an error when it is selected.
`default_nettype none

module readback_dsp #(
  // Registers in the way of each input; 2 of A and B are two. The cascade leaves after the first.
  parameter AREG          = 1,
  parameter BREG          = 1,
  parameter ACASCREG      = 1,
  parameter BCASCREG      = 1,
  parameter ADREG         = 1,
  parameter CREG          = 1,
  parameter DREG          = 1,
  parameter MREG          = 1,
  parameter PREG          = 1,
  parameter INMODEREG     = 1,
  parameter OPMODEREG     = 1,
  parameter ALUMODEREG    = 1,
  parameter CARRYINREG    = 1,
  parameter CARRYINSELREG = 1,
  // A and B come from the block below.
  parameter A_CASCADE = 0,
  parameter B_CASCADE = 0,
  // The adder before the multiplier.
  parameter USE_DPORT = 0,
  // Into how many words the adder is cut: 1, 2, 4.
  parameter SIMD = 1,
  // The bits of P that the pattern detector compares with PATTERN are those not in MASK.
  parameter [47:0] MASK    = 0,
  parameter [47:0] PATTERN = 0
) (
  input  wire        CLK,
  input  wire [29:0] A,
  input  wire [29:0] ACIN,
  input  wire [17:0] B,
  input  wire [17:0] BCIN,
  input  wire [47:0] C,
  input  wire [24:0] D,
  input  wire [47:0] PCIN,
  input  wire        CARRYIN,
  input  wire        CARRYCASCIN,
  input  wire [2:0]  CARRYINSEL,
  input  wire [4:0]  INMODE,
  input  wire [6:0]  OPMODE,
  input  wire [3:0]  ALUMODE,
  input  wire CEA1, CEA2, CEB1, CEB2, CEC, CED, CEAD, CEM, CEP,
  input  wire CECTRL, CEALUMODE, CEINMODE, CECARRYIN,
  input  wire RSTA, RSTB, RSTC, RSTD, RSTM, RSTP, RSTCTRL, RSTALUMODE, RSTINMODE, RSTALLCARRYIN,
  output wire [29:0] ACOUT,
  output wire [17:0] BCOUT,
  output wire [47:0] P,
  output wire [47:0] PCOUT,
  output wire [3:0]  CARRYOUT,
  output wire        CARRYCASCOUT,
  output wire        PATTERNDETECT,
  output wire        PATTERNBDETECT
);

  wire [29:0] a_in = A_CASCADE != 0 ? ACIN : A;
  wire [17:0] b_in = B_CASCADE != 0 ? BCIN : B;

  reg [29:0] a1_q = 0, a2_q = 0;
  reg [17:0] b1_q = 0, b2_q = 0;
  reg [47:0] c_q = 0;
  reg [24:0] d_q = 0, ad_q = 0;
  reg [4:0]  inmode_q = 0;
  reg [6:0]  opmode_q = 0;
  reg [3:0]  alumode_q = 0;
  reg [2:0]  carryinsel_q = 0;
  reg        carryin_q = 0;

  always @(posedge CLK) begin
    if (RSTA) begin
      a1_q <= 0;
      a2_q <= 0;
    end else begin
      if (CEA1) a1_q <= a_in;
      if (CEA2) a2_q <= AREG == 2 ? a1_q : a_in;
    end
    if (RSTB) begin
      b1_q <= 0;
      b2_q <= 0;
    end else begin
      if (CEB1) b1_q <= b_in;
      if (CEB2) b2_q <= BREG == 2 ? b1_q : b_in;
    end
    if (RSTC) c_q <= 0;
    else if (CEC) c_q <= C;
    if (RSTD) d_q <= 0;
    else if (CED) d_q <= D;
    if (RSTD) ad_q <= 0;
    else if (CEAD) ad_q <= sum;
    if (RSTINMODE) inmode_q <= 0;
    else if (CEINMODE) inmode_q <= INMODE;
    if (RSTCTRL) opmode_q <= 0;
    else if (CECTRL) opmode_q <= OPMODE;
    if (RSTALUMODE) alumode_q <= 0;
    else if (CEALUMODE) alumode_q <= ALUMODE;
    if (RSTCTRL) carryinsel_q <= 0;
    else if (CECTRL) carryinsel_q <= CARRYINSEL;
    if (RSTALLCARRYIN) carryin_q <= 0;
    else if (CECARRYIN) carryin_q <= CARRYIN;
  end

  wire [4:0]  inmode     = INMODEREG != 0 ? inmode_q : INMODE;
  wire [6:0]  opmode     = OPMODEREG != 0 ? opmode_q : OPMODE;
  wire [3:0]  alumode    = ALUMODEREG != 0 ? alumode_q : ALUMODE;
  wire [2:0]  carryinsel = CARRYINSELREG != 0 ? carryinsel_q : CARRYINSEL;
  wire [29:0] a          = AREG != 0 ? a2_q : a_in;
  wire [17:0] b          = BREG != 0 ? b2_q : b_in;
  wire [47:0] c          = CREG != 0 ? c_q : C;
  wire [24:0] d          = DREG != 0 ? d_q : D;
  assign ACOUT = AREG == 2 && ACASCREG == 1 ? a1_q : a;
  assign BCOUT = BREG == 2 && BCASCREG == 1 ? b1_q : b;

  wire [24:0] a_first = AREG != 0 && inmode[0] ? a1_q[24:0] : a[24:0];
  wire [24:0] a_gated = inmode[1] ? 25'b0 : a_first;
  wire [24:0] d_gated = inmode[2] ? d : 25'b0;
  wire [24:0] sum     = inmode[3] ? d_gated - a_gated : d_gated + a_gated;
  wire signed [24:0] left  = USE_DPORT == 0 ? a_gated : ADREG != 0 ? ad_q : sum;
  wire signed [17:0] right = BREG != 0 && inmode[4] ? b1_q : b;

  wire signed [42:0] product = left * right;
  reg  signed [42:0] m_q = 0;
  always @(posedge CLK) begin
    if (RSTM) m_q <= 0;
    else if (CEM) m_q <= product;
  end
  wire [47:0] m = 48'(MREG != 0 ? m_q : product);

  reg [47:0] x, y, z;
  always @* begin
    case (opmode[1:0])
      2'b00: x = 0;
      2'b01: x = m;
      2'b10: x = P;
      default: x = {a, b};
    endcase
    case (opmode[3:2])
      2'b00, 2'b01: y = 0;  // X and Y together are the product: X has all of it here
      2'b10: y = {48{1'b1}};
      default: y = c;
    endcase
    case (opmode[6:4])
      3'b001: z = PCIN;
      3'b010, 3'b100: z = P;
      3'b011: z = c;
      3'b101: z = {{17{PCIN[47]}}, PCIN[47:17]};
      3'b110: z = {{17{P[47]}}, P[47:17]};
      default: z = 0;
    endcase
  end

  reg carry;
  always @* begin
    case (carryinsel)
      3'd0: carry = CARRYINREG != 0 ? carryin_q : CARRYIN;
      3'd1: carry = ~PCIN[47];
      3'd2: carry = CARRYCASCIN;
      3'd3: carry = PCIN[47];
      3'd4: carry = CARRYCASCOUT;
      3'd5: carry = ~P[47];
      3'd7: carry = P[47];
      default: carry = 0;
    endcase
  end
  always @(posedge CLK) begin
    if (carryinsel == 3'd6) $fatal(1, "readback_dsp: CARRYINSEL 6 is not modelled");
  end

  localparam BITS = 48 / SIMD;
  wire [47:0] flipped = z ^ {48{alumode[0]}};
  wire [47:0] arithmetic;
  wire [3:0]  carries;
  generate
    for (genvar k = 0; k < 4; k = k + 1) begin : gen_word
      if (k < SIMD) begin : gen_used
        wire [BITS+1:0] total = {2'b0, flipped[BITS*k+:BITS]} + {2'b0, x[BITS*k+:BITS]} +
            {2'b0, y[BITS*k+:BITS]} + (BITS + 2)'(k == 0 ? carry : 1'b0);
        assign arithmetic[BITS*k+:BITS] = total[BITS-1:0];
        assign carries[(k+1)*4/SIMD-1] = total[BITS] ^ alumode[1];
        wire unused = total[BITS+1];
      end
    end
    for (genvar k = 0; k < 4; k = k + 1) begin : gen_no_carry
      if ((k + 1) * SIMD % 4 != 0) assign carries[k] = 1'b0;
    end
  endgenerate
  wire [47:0] logical = alumode[3] ? x & y | x & flipped | y & flipped : x ^ y ^ flipped;
  wire [47:0] result = (alumode[3:2] == 0 ? arithmetic : logical) ^ {48{alumode[1]}};
  wire match  = &(result ~^ PATTERN | MASK);
  wire matchb = &(result ^ PATTERN | MASK);

  reg [47:0] p_q = 0;
  reg [3:0]  carries_q = 0;
  reg        match_q = 0, matchb_q = 0;
  always @(posedge CLK) begin
    if (RSTP) begin
      p_q       <= 0;
      carries_q <= 0;
      match_q   <= 0;
      matchb_q  <= 0;
    end else if (CEP) begin
      p_q       <= result;
      carries_q <= carries;
      match_q   <= match;
      matchb_q  <= matchb;
    end
  end
  assign P              = PREG != 0 ? p_q : result;
  assign PCOUT          = P;
  assign CARRYOUT       = PREG != 0 ? carries_q : carries;
  assign CARRYCASCOUT   = CARRYOUT[3];
  assign PATTERNDETECT  = PREG != 0 ? match_q : match;
  assign PATTERNBDETECT = PREG != 0 ? matchb_q : matchb;

endmodule

`default_nettype wire
