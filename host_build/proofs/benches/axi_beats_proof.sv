// axi_beats.sv: the addresses of every burst that AXI allows, of each kind and size, and its end.
`default_nettype none

module axi_beats_proof #(
  parameter ADDRESS_BITS = 14
) (
  input wire                    clk_i,
  input wire                    rst_i,
  input wire                    load_i,
  input wire [ADDRESS_BITS-1:0] address_i,
  input wire [3:0]              length_i,
  input wire [1:0]              size_i,
  input wire [1:0]              burst_i,
  input wire                    step_i
);

  localparam [1:0] FIXED = 2'b00;
  localparam [1:0] WRAP  = 2'b10;

  wire live, last;
  wire [ADDRESS_BITS-1:2] word;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  axi_beats #(
    .ADDRESS_BITS(ADDRESS_BITS)
  ) i_kernel (
    .clk_i(clk_i),
    .load_i(load_i),
    .address_i(address_i),
    .length_i(length_i),
    .size_i(size_i),
    .burst_i(burst_i),
    .step_i(step_i),
    .address_o(word),
    .last_o(last)
  );

  // What AXI allows.
  wire [11:0] bytes = 12'd1 << size_i;
  wire [11:0] total = bytes * (length_i + 1'b1);
  wire power = length_i == 1 || length_i == 3 || length_i == 7 || length_i == 15;
  always @* begin
    assume (size_i != 3 && burst_i != 3);
    if (burst_i == WRAP) assume (power && (address_i & (bytes - 1'b1)) == 0);
    if (burst_i == 1) assume ({1'b0, address_i[11:0]} + total <= 13'h1000);
  end

  // The burst and the address of its current beat; a wrapping burst stays between two ends.
  reg active_q;
  reg [1:0] burst_q;
  reg [11:0] bytes_q, low_q, high_q;
  reg [3:0] left_q;
  reg [ADDRESS_BITS-1:0] address_q;
  always @(posedge clk_i) begin
    if (rst_i) active_q <= 1'b0;
    else if (load_i) active_q <= 1'b1;
    else if (step_i & left_q == 0) active_q <= 1'b0;
    if (load_i) begin
      burst_q   <= burst_i;
      bytes_q   <= bytes;
      low_q     <= address_i[11:0] & ~(total - 1'b1);
      high_q    <= (address_i[11:0] & ~(total - 1'b1)) + total - bytes;
      left_q    <= length_i;
      address_q <= address_i;
    end else if (step_i) begin
      left_q <= left_q - 1'b1;
      if (burst_q == WRAP && address_q[11:0] == high_q) address_q[11:0] <= low_q;
      else if (burst_q != FIXED) address_q <= address_q + bytes_q;
    end
  end

  always @* if (live & active_q) begin
    assert (word == address_q[ADDRESS_BITS-1:2]);
    assert (last == (left_q == 0));
    cover (last & burst_q == WRAP & address_q[11:0] == low_q);
    cover (last & burst_q == 1 & bytes_q == 4 & step_i);
    cover (last & burst_q == FIXED & step_i);
  end

endmodule

`default_nettype wire
