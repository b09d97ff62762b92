// Weighs the pixels of a window and sums them, each channel by itself: a depthwise convolution.
//
// Windows come as sliding_window gives them, the channels of a pixel LANES at a time. A beat is
// multiplied with its weights in two cycles, then joins the sums of its group of channels. All of
// it steps together, unless sums that nobody takes stand at the end.
`default_nettype none

module depthwise #(
  // Channels a beat, and beats of a pixel.
  parameter LANES  = 2,
  parameter GROUPS = 2,
  // Pixels of a window, at least 2.
  parameter PIXELS = 9,
  // Bits of a value, and whether it is signed (1) or not (0); bits of a weight, which is signed.
  parameter IN_BITS     = 4,
  parameter IN_SIGNED   = 0,
  parameter WEIGHT_BITS = 4,
  // Bits of a sum. It must hold every sum, so that what is cut off are copies of its sign.
  parameter OUT_BITS = 12,
  // 1: products in DSP blocks; 0: in look-up tables.
  parameter DSP = 1,
  // 1: weights in block memory; 0: in look-up tables. They are in the order of the beats.
  parameter BLOCK = 0,
  parameter IMAGE = "weights.mem"
) (
  input  wire                      clk_i,
  input  wire                      rst_i,
  // Windows, pixel by pixel, channels innermost.
  input  wire [LANES*IN_BITS-1:0]  in_data_i,
  input  wire                      in_valid_i,
  output wire                      in_ready_o,
  // Sums, GROUPS beats a window.
  output wire [LANES*OUT_BITS-1:0] out_data_o,
  output wire                      out_valid_o,
  input  wire                      out_ready_i
);

  localparam WORDS        = PIXELS * GROUPS;
  localparam ADDRESS_BITS = WORDS <= 1 ? 1 : $clog2(WORDS);
  localparam GROUP_BITS   = GROUPS <= 1 ? 1 : $clog2(GROUPS);
  localparam PRODUCT_BITS = IN_BITS + 1 + WEIGHT_BITS;
  localparam [ADDRESS_BITS-1:0] LAST_WORD  = ADDRESS_BITS'(WORDS - 1);
  localparam [ADDRESS_BITS-1:0] LAST_PIXEL = ADDRESS_BITS'(WORDS - GROUPS);
  localparam [GROUP_BITS-1:0]   LAST_GROUP = GROUP_BITS'(GROUPS - 1);

  reg  out_valid_q;
  wire step = ~out_valid_q | out_ready_i;
  assign in_ready_o  = step;
  assign out_valid_o = out_valid_q;

  // The beat that comes in: its place in the window.
  reg [ADDRESS_BITS-1:0] place_q;
  wire push = in_valid_i & step;
  always @(posedge clk_i) begin
    if (rst_i) place_q <= 0;
    else if (push) place_q <= place_q == LAST_WORD ? 0 : place_q + 1'b1;
  end

  // The beat and its weights, then the products; whether they are a window's first and last.
  reg [LANES*IN_BITS-1:0]       data_q;
  wire [LANES*WEIGHT_BITS-1:0]  weights;
  reg [LANES*PRODUCT_BITS-1:0]  products_q;
  reg data_valid_q, data_first_q, data_last_q;
  reg products_valid_q, products_first_q, products_last_q;

  always @(posedge clk_i) begin
    if (step) begin
      data_q       <= in_data_i;
      data_first_q <= place_q < ADDRESS_BITS'(GROUPS);
      data_last_q  <= place_q >= LAST_PIXEL;
      products_first_q <= data_first_q;
      products_last_q  <= data_last_q;
    end
    if (rst_i) begin
      data_valid_q     <= 1'b0;
      products_valid_q <= 1'b0;
      out_valid_q      <= 1'b0;
    end else if (step) begin
      data_valid_q     <= in_valid_i;
      products_valid_q <= data_valid_q;
      out_valid_q      <= products_valid_q & products_last_q;
    end
  end

  // In look-up tables a word follows its address within the cycle, in block memory a cycle later.
  wire [LANES*WEIGHT_BITS-1:0] word;
  weight_rom #(
    .WIDTH(LANES * WEIGHT_BITS), .DEPTH(WORDS), .ADDRESS_BITS(ADDRESS_BITS), .BLOCK(BLOCK),
    .IMAGE(IMAGE)
  ) i_weights (
    .clk_i(clk_i), .en_i(step), .address_i(place_q), .word_o(word)
  );

  // The sums so far, a word a group of channels, and those that leave.
  reg  [GROUP_BITS-1:0]     group_q;
  (* ram_style = "distributed" *)
  reg  [LANES*OUT_BITS-1:0] sums [0:GROUPS-1];
  wire [LANES*OUT_BITS-1:0] sum;
  reg  [LANES*OUT_BITS-1:0] out_q;
  assign out_data_o = out_q;

  always @(posedge clk_i) begin
    if (step & products_valid_q) sums[group_q] <= sum;
    if (step) out_q <= sum;
    if (rst_i) group_q <= 0;
    else if (step & products_valid_q) group_q <= group_q == LAST_GROUP ? 0 : group_q + 1'b1;
  end

  genvar lane;
  generate
    if (PIXELS < 2) begin : gen_bad_pixels
      $error("depthwise: PIXELS must be at least 2");
    end
    if (LANES < 1 || GROUPS < 1) begin : gen_bad_lanes
      $error("depthwise: LANES and GROUPS must be at least 1");
    end
    if (OUT_BITS < 2 || OUT_BITS > PRODUCT_BITS + $clog2(PIXELS)) begin : gen_bad_out_bits
      $error("depthwise: OUT_BITS must be at least 2, and no more than a sum has");
    end

    if (BLOCK != 0) begin : gen_block
      assign weights = word;
    end else begin : gen_tables
      reg [LANES*WEIGHT_BITS-1:0] word_q;
      always @(posedge clk_i) if (step) word_q <= word;
      assign weights = word_q;
    end

    for (lane = 0; lane < LANES; lane = lane + 1) begin : gen_lane
      wire [IN_BITS-1:0] value = data_q[lane*IN_BITS +: IN_BITS];
      wire sign = IN_SIGNED != 0 ? value[IN_BITS-1] : 1'b0;
      wire signed [IN_BITS:0] factor = {sign, value};
      wire signed [WEIGHT_BITS-1:0] weight = weights[lane*WEIGHT_BITS +: WEIGHT_BITS];
      wire signed [PRODUCT_BITS-1:0] wide_factor = PRODUCT_BITS'(factor);
      reg  signed [PRODUCT_BITS-1:0] next;
      if (DSP != 0) begin : gen_dsp
        always @(*) next = wide_factor * PRODUCT_BITS'(weight);
      end else begin : gen_rows
        integer row;
        always @(*) begin
          next = 0;
          for (row = 0; row < WEIGHT_BITS - 1; row = row + 1)
            if (weight[row]) next = next + (wide_factor <<< row);
          if (weight[WEIGHT_BITS-1]) next = next - (wide_factor <<< (WEIGHT_BITS - 1));
        end
      end
      always @(posedge clk_i) begin
        if (step) products_q[lane*PRODUCT_BITS +: PRODUCT_BITS] <= next;
      end

      // A bit more than a sum, so that there is always a sign to extend by.
      localparam WIDE_BITS = (OUT_BITS > PRODUCT_BITS ? OUT_BITS : PRODUCT_BITS) + 1;
      wire [PRODUCT_BITS-1:0] product = products_q[lane*PRODUCT_BITS +: PRODUCT_BITS];
      wire [WIDE_BITS-1:0] wide =
        {{(WIDE_BITS-PRODUCT_BITS){product[PRODUCT_BITS-1]}}, product};
      wire [OUT_BITS-1:0] past = products_first_q ? 0 : sums[group_q][lane*OUT_BITS +: OUT_BITS];
      assign sum[lane*OUT_BITS +: OUT_BITS] = past + wide[OUT_BITS-1:0];
      wire unused = &{1'b0, wide[WIDE_BITS-1:OUT_BITS]};
    end
  endgenerate

endmodule

`default_nettype wire
