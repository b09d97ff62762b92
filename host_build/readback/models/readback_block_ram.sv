// Half a block RAM of the 7 series as its configuration has it: 1,024 words of 16 bits and 2 parity
// bits. Each write enable is for four bits of data. A RAMB36 is two of these with every second bit
// of its words in each. UG473 has the vendor's view.
//
// Not modelled: the asynchronous clash of two clocks. What a port reads while the other one writes
// it is the old word in the mode READ_FIRST; in other modes hardware does not define it, and here
// it is the wrong one: inverted.
`default_nettype none

module readback_block_ram #(
  // Bits of a word without parity: 1, 2, 4; with it: 9, 18.
  parameter READ_WIDTH_A  = 1,
  parameter READ_WIDTH_B  = 1,
  parameter WRITE_WIDTH_A = 1,
  parameter WRITE_WIDTH_B = 1,
  // Two words at a time, by the data wires of both ports: A reads, B writes.
  parameter SDP_READ_36  = 0,
  parameter SDP_WRITE_36 = 0,
  // What a port that writes shows: 0 the new word, 1 the old one, 2 what it showed before.
  parameter WRITE_MODE_A = 0,
  parameter WRITE_MODE_B = 0,
  // A register behind the output; whether its enable keeps it from being reset.
  parameter DOA_REG           = 0,
  parameter DOB_REG           = 0,
  parameter RSTREG_PRIORITY_A = 0,
  parameter RSTREG_PRIORITY_B = 0,
  // The outputs at the start, and when they are reset: parity above data.
  parameter [17:0] INIT_A  = 0,
  parameter [17:0] INIT_B  = 0,
  parameter [17:0] SRVAL_A = 0,
  parameter [17:0] SRVAL_B = 0,
  // The half's parity bits are written with the bytes 0 and 1 (0) or 1 and 3 (1) of a RAMB36.
  parameter UPPER = 0,
  // A RAMB36 of 1 or 9 bits: the lower half shows the odd bit, which either half may have. Such a one
  // is modelled as read only.
  parameter READ_ODD_A = 0,
  parameter READ_ODD_B = 0,
  // The contents.
  parameter [16383:0] INIT  = 0,
  parameter [2047:0]  INITP = 0,
  // Those of the other half, where this one shows an odd bit.
  parameter [16383:0] OTHER_INIT  = 0,
  parameter [2047:0]  OTHER_INITP = 0
) (
  input  wire        clk_a_i,
  input  wire        clk_b_i,
  input  wire        en_a_i,
  input  wire        en_b_i,
  input  wire [3:0]  we_a_i,
  input  wire [7:0]  we_b_i,
  // Addresses of bits.
  input  wire [13:0] address_a_i,
  input  wire [13:0] address_b_i,
  input  wire [15:0] data_a_i,
  input  wire [15:0] data_b_i,
  input  wire [1:0]  parity_a_i,
  input  wire [1:0]  parity_b_i,
  // Resets of the outputs, and enables and resets of the registers behind them.
  input  wire        rst_a_i,
  input  wire        rst_b_i,
  input  wire        reg_en_a_i,
  input  wire        reg_en_b_i,
  input  wire        reg_rst_a_i,
  input  wire        reg_rst_b_i,
  // The lowest address bit of a RAMB36 of one bit.
  input  wire        odd_a_i,
  input  wire        odd_b_i,
  output wire [15:0] data_a_o,
  output wire [15:0] data_b_o,
  output wire [1:0]  parity_a_o,
  output wire [1:0]  parity_b_o
);

  reg [17:0] memory [0:1023];
  initial for (int k = 0; k < 1024; k = k + 1) memory[k] = {INITP[2*k+:2], INIT[16*k+:16]};

  // A word's bits that a port sees, from the lowest on.
  function automatic [17:0] selected(input [17:0] word, input [3:0] place, input int width);
    case (width)
      1: selected = {17'b0, word[{1'b0, place}]};
      2: selected = {16'b0, word[{1'b0, place[3:1], 1'b0}+:2]};
      4: selected = {14'b0, word[{1'b0, place[3:2], 2'b0}+:4]};
      9: selected = {1'b0, word[16+{4'b0, place[3]}], 8'b0, word[{1'b0, place[3], 3'b0}+:8]};
      default: selected = word;
    endcase
  endfunction

  reg [17:0] other [0:1023];
  initial for (int k = 0; k < 1024; k = k + 1) other[k] = {OTHER_INITP[2*k+:2], OTHER_INIT[16*k+:16]};

  // What a port sees where it has the odd bit: `far` is the other half's word.
  function automatic [17:0] odd(
    input [17:0] word, input [17:0] far, input [3:0] place, input in_far, input int width
  );
    if (width == 1) odd = selected(in_far ? far : word, place, 1);
    else begin
      odd = selected(word, place, width);
      odd[16] = place[2] ? far[16+{4'b0, place[3]}] : word[16+{4'b0, place[3]}];
    end
  endfunction

  // The word after a port has written some of its bits.
  function automatic [17:0] written(
    input [17:0] word, input [17:0] data, input [3:0] place, input [3:0] we, input int width
  );
    written = word;
    case (width)
      1: if (we[0]) written[{1'b0, place}] = data[0];
      2: if (we[0]) written[{1'b0, place[3:1], 1'b0}+:2] = data[1:0];
      4: if (we[0]) written[{1'b0, place[3:2], 2'b0}+:4] = data[3:0];
      9: begin
        if (we[0]) written[{1'b0, place[3], 3'b000}+:4] = data[3:0];
        if (we[1]) written[{1'b0, place[3], 3'b100}+:4] = data[7:4];
        if (we[UPPER]) written[16+{4'b0, place[3]}] = data[16];
      end
      default: begin
        for (int k = 0; k < 4; k = k + 1) if (we[k]) written[4*k+:4] = data[4*k+:4];
        if (we[UPPER]) written[16] = data[16];
        if (we[2+UPPER]) written[17] = data[17];
      end
    endcase
  endfunction

  wire [17:0] in_a = {parity_a_i, data_a_i};
  wire [17:0] in_b = {parity_b_i, data_b_i};
  // The word of each port, or the even one of two.
  wire [9:0] at_a = SDP_READ_36 != 0 ? {address_a_i[13:5], 1'b0} : address_a_i[13:4];
  wire [9:0] at_b = SDP_WRITE_36 != 0 ? {address_b_i[13:5], 1'b0} : address_b_i[13:4];
  wire writes_a = en_a_i && |we_a_i;
  wire writes_b = en_b_i && (SDP_WRITE_36 != 0 ? |we_b_i : |we_b_i[3:0]);
  wire same = SDP_READ_36 != 0 || SDP_WRITE_36 != 0 ? at_a[9:1] == at_b[9:1] : at_a == at_b;

  reg [17:0] latch_a_q, latch_b_q;
  initial begin
    latch_a_q = INIT_A;
    latch_b_q = INIT_B;
  end

  reg [17:0] old, new_a, new_b, new_odd;

  always @(posedge clk_a_i) begin
    if (en_a_i) begin
      old = memory[at_a];
      new_a = written(old, in_a, address_a_i[3:0], we_a_i, WRITE_WIDTH_A);
      if (|we_a_i) memory[at_a] <= new_a;
      if (rst_a_i) latch_a_q <= SRVAL_A;
      else if (!(|we_a_i && WRITE_MODE_A == 2)) begin
        if (READ_ODD_A != 0)
          latch_a_q <= odd(old, other[at_a], address_a_i[3:0], odd_a_i, READ_WIDTH_A);
        else
          latch_a_q <= selected(|we_a_i && WRITE_MODE_A == 0 ? new_a : old, address_a_i[3:0],
                                SDP_READ_36 != 0 ? 18 : READ_WIDTH_A) ^
                       {18{writes_b && same && WRITE_MODE_B != 1 && !(|we_a_i)}};
      end
    end
  end

  generate
    if (SDP_READ_36 != 0) begin : gen_wide_read
      always @(posedge clk_a_i) begin
        if (en_a_i) begin
          latch_b_q <= rst_a_i ? SRVAL_B :
              memory[{at_a[9:1], 1'b1}] ^ {18{writes_b && same && WRITE_MODE_B != 1}};
        end
      end
    end else begin : gen_read_b
      always @(posedge clk_b_i) begin
        if (en_b_i) begin
          if (rst_b_i) latch_b_q <= SRVAL_B;
          else if (READ_ODD_B != 0)
            latch_b_q <= odd(memory[at_b], other[at_b], address_b_i[3:0], odd_b_i, READ_WIDTH_B);
          else if (!(writes_b && WRITE_MODE_B == 2)) begin
            latch_b_q <= selected(
                writes_b && WRITE_MODE_B == 0 ?
                    written(memory[at_b], in_b, address_b_i[3:0], we_b_i[3:0], WRITE_WIDTH_B) :
                    memory[at_b],
                address_b_i[3:0], READ_WIDTH_B) ^
                {18{writes_a && same && WRITE_MODE_A != 1 && !writes_b}};
          end
        end
      end
    end
    if (SDP_WRITE_36 != 0) begin : gen_wide_write
      always @(posedge clk_b_i) begin
        if (en_b_i) begin
          new_b = written(memory[at_b], in_a, 4'b0, we_b_i[3:0], 18);
          new_odd = written(memory[{at_b[9:1], 1'b1}], in_b, 4'b0, we_b_i[7:4], 18);
          if (|we_b_i[3:0]) memory[at_b] <= new_b;
          if (|we_b_i[7:4]) memory[{at_b[9:1], 1'b1}] <= new_odd;
        end
      end
    end else begin : gen_write_b
      always @(posedge clk_b_i) begin
        if (writes_b) begin
          memory[at_b] <=
              written(memory[at_b], in_b, address_b_i[3:0], we_b_i[3:0], WRITE_WIDTH_B);
        end
      end
    end
    if (DOA_REG != 0) begin : gen_register_a
      reg [17:0] out_q;
      initial out_q = INIT_A;
      always @(posedge clk_a_i) begin
        if (reg_rst_a_i && (RSTREG_PRIORITY_A == 0 || reg_en_a_i)) out_q <= SRVAL_A;
        else if (reg_en_a_i) out_q <= latch_a_q;
      end
      assign {parity_a_o, data_a_o} = out_q;
    end else begin : gen_no_register_a
      assign {parity_a_o, data_a_o} = latch_a_q;
    end
    if (DOB_REG != 0) begin : gen_register_b
      reg [17:0] out_q;
      wire clk = SDP_READ_36 != 0 ? clk_a_i : clk_b_i;
      initial out_q = INIT_B;
      always @(posedge clk) begin
        if (reg_rst_b_i && (RSTREG_PRIORITY_B == 0 || reg_en_b_i)) out_q <= SRVAL_B;
        else if (reg_en_b_i) out_q <= latch_b_q;
      end
      assign {parity_b_o, data_b_o} = out_q;
    end else begin : gen_no_register_b
      assign {parity_b_o, data_b_o} = latch_b_q;
    end
  endgenerate

endmodule

`default_nettype wire
