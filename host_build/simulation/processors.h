// The processors in front of chip_core's registers: an AXI3 master behind GP0.
namespace {

class Processors {
 public:
  // Reads and writes at the same time, each in its order; addresses go ahead of the answers as far
  // as the chip lets them.
  void begin(Transfer* wanted, uint32_t count, uint64_t cycle) {
    end();
    for (uint32_t i = 0; i < count; ++i)
      (wanted[i].write ? writes : reads).transfers.push_back(&wanted[i]);
    patience = cycle + REGISTERS_PATIENCE * count;
  }
  // Whether they are not through yet. An error where that takes too long.
  bool busy(uint64_t cycle) {
    if (!reads.waits() && !writes.waits()) return false;
    if (cycle > patience) {
      end();
      throw std::runtime_error("the registers do not answer");
    }
    return true;
  }
  void end() { reads = writes = Direction{}; }

  // Set the chip's inputs for this cycle, from what is known before it.
  template <class Ports>
  void drive(Ports& c, Setting& at) {
    const double stall = at.bus.registers_stall;
    offer(reads, at, c.gp_arvalid_i, c.gp_araddr_i, c.gp_arlen_i, c.gp_arsize_i, c.gp_arburst_i,
          c.gp_arid_i);
    offer(writes, at, c.gp_awvalid_i, c.gp_awaddr_i, c.gp_awlen_i, c.gp_awsize_i, c.gp_awburst_i,
          c.gp_awid_i);
    const bool sends = writes.data < writes.transfers.size();
    if (sends && !at.random.chance(stall)) writes.data_offered = true;
    c.gp_wvalid_i = writes.data_offered;
    if (sends) {
      const Transfer& written = *writes.transfers[writes.data];
      c.gp_wdata_i = written.data[writes.beat];
      c.gp_wstrb_i = written.strobes[writes.beat];
      c.gp_wlast_i = writes.beat + 1 == written.beats;
    }
    c.gp_rready_i = rready = !at.random.chance(stall);
    c.gp_bready_i = bready = !at.random.chance(stall);
  }

  template <class Ports>
  void accept(Ports& c) const {
    c.gp_rready_i = rready;
    c.gp_bready_i = bready;
  }

  // See what the chip offers and accepts, once all has settled.
  template <class Ports>
  void serve(const Ports& c) {
    require(!c.gp_rvalid_o || reads.answers < reads.addresses,
            "the registers give data that was not asked for");
    require(!c.gp_bvalid_o || (writes.answers < writes.addresses && writes.answers < writes.data),
            "the registers confirm a write that is not complete");
    if (r.sample(c.gp_rvalid_o, rready, c.gp_rdata_o, c.gp_rresp_o, c.gp_rid_o, c.gp_rlast_o)) {
      Transfer& t = *reads.transfers[reads.answers];
      require(c.gp_rid_o == t.id, "RID is not ARID");
      require(c.gp_rresp_o == OKAY, "the registers report an error for a read");
      t.data[reads.beat++] = c.gp_rdata_o;
      require(c.gp_rlast_o == (reads.beat == t.beats), "RLAST is not at the last beat");
      if (c.gp_rlast_o) {
        ++reads.answers;
        reads.beat = 0;
      }
    }
    if (b.sample(c.gp_bvalid_o, bready, c.gp_bresp_o, c.gp_bid_o)) {
      require(c.gp_bid_o == writes.transfers[writes.answers]->id, "BID is not AWID");
      require(c.gp_bresp_o == OKAY, "the registers report an error for a write");
      ++writes.answers;
    }
    if (c.gp_arvalid_i && c.gp_arready_o) reads.sent();
    if (c.gp_awvalid_i && c.gp_awready_o) writes.sent();
    if (c.gp_wvalid_i && c.gp_wready_o) {
      writes.data_offered = false;
      if (++writes.beat == writes.transfers[writes.data]->beats) {
        ++writes.data;
        writes.beat = 0;
      }
    }
  }

 private:
  // Transfers of one direction, and how many of them are through: address, write data, answer.
  struct Direction {
    std::vector<Transfer*> transfers;
    uint32_t addresses = 0, data = 0, answers = 0;
    uint32_t beat = 0;               // of the data
    bool address_offered = false, data_offered = false;
    bool waits() const { return answers < transfers.size(); }
    bool sends() const { return addresses < transfers.size(); }
    void sent() {
      ++addresses;
      address_offered = false;
    }
  };

  Channel r{"registers' R"}, b{"registers' B"};
  Direction reads, writes;
  bool rready = false, bready = false;
  uint64_t patience = 0;

  // The address that comes next, which is offered now and then.
  static void offer(Direction& d, Setting& at, auto& valid, auto& address, auto& length, auto& size,
                    auto& burst, auto& id) {
    static const Transfer none{};
    if (d.sends() && !at.random.chance(at.bus.registers_stall)) d.address_offered = true;
    const Transfer& t = d.sends() ? *d.transfers[d.addresses] : none;
    valid = d.address_offered;
    address = t.address;
    length = (t.beats - 1) & 15;
    size = t.size;
    burst = t.burst;
    id = t.id;
  }
};

}  // namespace
