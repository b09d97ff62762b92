// row_window.sv: every window of every row comes out once, in order, with the three columns that
// belong in it.
//
// One window of one row is watched, any of both.
`default_nettype none

module row_window_proof #(
  parameter WIDTH  = 3,
  parameter BITS   = 1,
  parameter STRIDE = 1
) (
  input wire            clk_i,
  input wire            rst_i,
  input wire [BITS-1:0] in_data_i,
  input wire            in_valid_i,
  input wire            out_ready_i,
  // Watch the row that begins now.
  input wire            watch_i
);

  localparam X = $clog2(WIDTH + 2);
  localparam LAST_X = WIDTH - 1;
  // The last window that comes out.
  localparam LAST_OUT = LAST_X / STRIDE * STRIDE;

  wire live, in_ready, out_valid;
  wire [3*BITS-1:0] out_data;

  proof_reset i_reset (.clk_i(clk_i), .rst_i(rst_i), .live_o(live));
  row_window #(
    .WIDTH(WIDTH),
    .BITS(BITS),
    .STRIDE(STRIDE)
  ) i_kernel (
    .clk_i(clk_i),
    .rst_i(rst_i),
    .in_data_i(in_data_i),
    .in_valid_i(in_valid_i),
    .in_ready_o(in_ready),
    .out_data_o(out_data),
    .out_valid_o(out_valid),
    .out_ready_i(out_ready_i)
  );
  stream_rules #(.WIDTH(3 * BITS)) i_out (
    .clk_i(clk_i), .live_i(live), .data_i(out_data), .valid_i(out_valid), .ready_i(out_ready_i)
  );

  wire push = in_valid_i & in_ready;
  wire pop  = out_valid & out_ready_i;

  // The next column in and the next window out; rows count modulo 2.
  reg [X-1:0] in_x_q, out_x_q;
  reg in_row_q, out_row_q;
  always @(posedge clk_i) begin
    if (rst_i) begin
      {in_row_q, in_x_q}   <= 0;
      {out_row_q, out_x_q} <= 0;
    end else begin
      if (push) begin
        in_x_q <= in_x_q == LAST_X ? 0 : in_x_q + 1'b1;
        if (in_x_q == LAST_X) in_row_q <= ~in_row_q;
      end
      if (pop) begin
        out_x_q <= out_x_q == LAST_OUT ? 0 : out_x_q + STRIDE;
        if (out_x_q == LAST_OUT) out_row_q <= ~out_row_q;
      end
    end
  end

  // The rightmost column that the next window needs has come in; and that was so a cycle ago.
  wire [X-1:0] need = out_x_q == LAST_X ? LAST_X : out_x_q + 1'b1;
  wire here = in_row_q != out_row_q || in_x_q > need;
  reg late_q;
  always @(posedge clk_i) late_q <= live & here & ~pop;

  // The watched window.
  (* anyconst *) reg [X-1:0] x;
  always @* assume (x <= LAST_OUT && x % STRIDE == 0);
  reg watching_q, row_q;
  reg [BITS-1:0] left_q, middle_q, right_q;
  wire begins  = push & watch_i & ~watching_q & in_x_q == 0;
  wire records = push & (begins | (watching_q & row_q == in_row_q));
  wire shows   = watching_q & row_q == out_row_q & out_x_q == x;

  always @(posedge clk_i) begin
    if (rst_i) watching_q <= 1'b0;
    else if (begins) watching_q <= 1'b1;
    else if (shows & pop) watching_q <= 1'b0;
    if (begins) row_q <= in_row_q;
    if (records & in_x_q + 1'b1 == x) left_q <= in_data_i;
    if (records & in_x_q == x) middle_q <= in_data_i;
    if (records & in_x_q == x + 1'b1) right_q <= in_data_i;
  end

  always @* if (live) begin
    if (out_valid) assert (here);
    if (late_q) assert (out_valid);
    assert (in_ready == (~out_valid | out_ready_i));
    if (shows & out_valid) begin
      assert (out_data[0 +: BITS] == (x == 0 ? 0 : left_q));
      assert (out_data[BITS +: BITS] == middle_q);
      assert (out_data[2*BITS +: BITS] == (x == LAST_X ? 0 : right_q));
    end
    cover (shows & pop & x == LAST_OUT);
    cover (shows & pop & x == 0);
    cover (shows & pop & |out_data);
    cover (in_row_q != out_row_q & push);
    cover (in_valid_i & ~in_ready);
  end

endmodule

`default_nettype wire
