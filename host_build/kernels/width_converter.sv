// Joins RATIO narrow beats to one wide beat, or splits one into RATIO; the first narrow beat is in
// the least significant bits. The narrow side moves a beat every cycle.
`default_nettype none

module width_converter #(
  // Bits of a beat in and out; the larger is a multiple of the smaller.
  parameter IN_WIDTH  = 8,
  parameter OUT_WIDTH = 32
) (
  input  wire                 clk_i,
  input  wire                 rst_i,
  // Beats in.
  input  wire [IN_WIDTH-1:0]  in_data_i,
  input  wire                 in_valid_i,
  output wire                 in_ready_o,
  // Beats out.
  output wire [OUT_WIDTH-1:0] out_data_o,
  output wire                 out_valid_o,
  input  wire                 out_ready_i
);

  localparam UP         = OUT_WIDTH > IN_WIDTH;
  localparam RATIO      = UP ? OUT_WIDTH / IN_WIDTH : IN_WIDTH / OUT_WIDTH;
  localparam NARROW     = UP ? IN_WIDTH : OUT_WIDTH;
  localparam WIDE       = UP ? OUT_WIDTH : IN_WIDTH;
  localparam COUNT_BITS = RATIO <= 1 ? 1 : $clog2(RATIO);
  localparam [COUNT_BITS-1:0] LAST = COUNT_BITS'(RATIO - 1);

  // A wide beat, the place of the narrow beat in it that comes next, and if it can be offered.
  reg [WIDE-1:0]       beat_q;
  reg [COUNT_BITS-1:0] place_q;
  reg                  valid_q;

  wire push = in_valid_i & in_ready_o;
  wire pop  = valid_q & out_ready_i;

  assign out_valid_o = valid_q;
  assign out_data_o  = beat_q[OUT_WIDTH-1:0];

  generate
    if (RATIO < 2 || NARROW * RATIO != WIDE) begin : gen_bad_width
      $error("width_converter: one width must be a multiple of the other, and not equal");
    end

    if (UP) begin : gen_join
      assign in_ready_o = ~valid_q | out_ready_i;

      always @(posedge clk_i) begin
        if (push) beat_q <= {in_data_i, beat_q[WIDE-1:NARROW]};
        if (rst_i) begin
          place_q <= 0;
          valid_q <= 1'b0;
        end else begin
          if (push) place_q <= place_q == LAST ? 0 : place_q + 1'b1;
          if (push) valid_q <= place_q == LAST;
          else if (pop) valid_q <= 1'b0;
        end
      end
    end else begin : gen_split
      assign in_ready_o = ~valid_q | (out_ready_i & place_q == LAST);

      always @(posedge clk_i) begin
        if (push) beat_q <= in_data_i;
        else if (pop) beat_q <= {{NARROW{1'b0}}, beat_q[WIDE-1:NARROW]};
        if (rst_i) begin
          place_q <= 0;
          valid_q <= 1'b0;
        end else begin
          if (pop) place_q <= place_q == LAST ? 0 : place_q + 1'b1;
          if (push) valid_q <= 1'b1;
          else if (pop & place_q == LAST) valid_q <= 1'b0;
        end
      end
    end
  endgenerate

endmodule

`default_nettype wire
