// The memory behind chip_core's AXI3 master.
namespace {

struct Burst {
  uint32_t address, beats, id;
  uint64_t due;
};

struct Data {
  std::vector<uint64_t> beats;
  uint32_t id;
};

class Memory {
 public:
  Memory(uint8_t* ddr, uint64_t bytes, uint32_t base) : ddr(ddr), bytes(bytes), base(base) {}

  // The chip is loaded anew; memory may go on to answer what the chip before had asked.
  void power_up(bool remembers) {
    State fresh{};
    if (remembers) {
      fresh.reads = m.reads;
      fresh.read_beat = m.read_beat;
      fresh.answers = m.answers;
      fresh.addresses = m.addresses;
      for (const Data& data : m.complete)
        fresh.data.beats.insert(fresh.data.beats.end(), data.beats.begin(), data.beats.end());
      fresh.data.beats.insert(fresh.data.beats.end(), m.data.beats.begin(), m.data.beats.end());
      fresh.shifted = m.shifted || m.half_written();
    }
    m = fresh;
  }

  // Whether it waits for this chip, or this chip for it, in a way that no other chip ends.
  bool loses_port(const Bus& bus) const {
    return m.half_written() || (bus.silent && !(m.reads.empty() && m.answers.empty()));
  }

  // Set the chip's inputs for this cycle, from what is known before it.
  template <class Ports>
  void drive(Ports& c, Setting& at) {
    m.arready = m.reads.size() < at.bus.bursts && !at.random.chance(at.bus.stall);
    c.hp_arready_i = m.arready;
    if (!m.rvalid)
      m.rvalid = !at.bus.silent && !m.reads.empty() && m.reads.front().due <= at.cycle &&
                 !at.random.chance(at.bus.stall);
    c.hp_rvalid_i = m.rvalid;
    if (m.rvalid) {
      const Burst& burst = m.reads.front();
      const uint32_t address = burst.address + 8 * m.read_beat;
      uint64_t data = 0x0BADBADBADBADBAD;
      if (inside(address)) std::memcpy(&data, ddr + (address - base), 8);
      c.hp_rdata_i = data;
      c.hp_rresp_i = response(address, at.bus);
      c.hp_rlast_i = m.read_beat + 1 == burst.beats;
    } else {  // nobody may look
      c.hp_rdata_i = uint64_t(at.random.next()) << 32 | at.random.next();
      c.hp_rresp_i = at.random.next() & 3;
      c.hp_rlast_i = at.random.next() & 1;
    }
    // Data is accepted before its address too, where it is offered: that is a fault then.
    const bool room = m.addresses.size() + m.answers.size() < at.bus.bursts;
    m.awready = room && !at.random.chance(at.bus.stall);
    m.wready = m.complete.size() < at.bus.bursts && !at.random.chance(at.bus.stall);
    c.hp_awready_i = m.awready;
    c.hp_wready_i = m.wready;
    if (!m.bvalid)
      m.bvalid = !at.bus.silent && !m.answers.empty() && m.answers.front().first.due <= at.cycle &&
                 !at.random.chance(at.bus.stall);
    c.hp_bvalid_i = m.bvalid;
    c.hp_bresp_i = m.bvalid ? write(m.answers.front(), at.bus) : at.random.next() & 3;
  }

  template <class Ports>
  void accept(Ports& c) const {
    c.hp_arready_i = m.arready;
    c.hp_awready_i = m.awready;
    c.hp_wready_i = m.wready;
  }

  // See what the chip offers and accepts, once all has settled.
  template <class Ports>
  void serve(const Ports& c, Setting& at) {
    serve_reads(c, at);
    serve_writes(c, at);
  }

 private:
  struct State {
    Channel ar{"AR"}, aw{"AW"}, w{"W"};
    std::deque<Burst> reads;         // accepted
    uint32_t read_beat = 0;          // of the first of them
    bool rvalid = false, arready = false, awready = false, wready = false, bvalid = false;
    std::deque<Burst> addresses;     // of writes whose data is not complete
    std::deque<Data> complete;       // data whose address is not known
    Data data{};                     // of a burst that is not complete
    bool shifted = false;            // it has data of two chips, and counts beats whatever they are
    bool half_written() const {
      return !addresses.empty() || !complete.empty() || !data.beats.empty();
    }
    std::deque<std::pair<Burst, std::vector<uint64_t>>> answers;
  };

  uint8_t* ddr;
  uint64_t bytes;
  uint32_t base;
  State m;

  static uint64_t due(Setting& at, const uint32_t (&latency)[2]) {
    return at.cycle + latency[0] + at.random.next() % (latency[1] - latency[0] + 1);
  }

  bool inside(uint32_t address) const {
    return address >= base && address - base + 8u <= bytes;
  }
  uint32_t response(uint32_t address, const Bus& bus) const {
    if (bus.error[0] <= address && address < bus.error[1]) return bus.response;
    return inside(address) ? uint32_t(OKAY) : uint32_t(DECERR);
  }

  // The data of a write reaches memory no earlier than its answer.
  uint32_t write(const std::pair<Burst, std::vector<uint64_t>>& burst, const Bus& bus) {
    uint32_t worst = OKAY;
    for (uint32_t i = 0; i < burst.first.beats; ++i) {
      const uint32_t address = burst.first.address + 8 * i, answer = response(address, bus);
      if (answer == OKAY) std::memcpy(ddr + (address - base), &burst.second[i], 8);
      if (answer > worst) worst = answer;
    }
    return worst;
  }

  void check_address(const char* name, uint32_t address, uint32_t beats, uint32_t size,
                     uint32_t burst) {
    require(burst == INCR, name, "BURST is not INCR");
    require(size == 3, name, "SIZE is not 8 bytes");
    require(address % 8 == 0, name, "ADDR is not a multiple of 8");
    require(address % 4096 + 8 * beats <= 4096, name, " crosses a 4 KB boundary");
  }

  template <class Ports>
  void serve_reads(const Ports& c, Setting& at) {
    const uint32_t beats = uint32_t(c.hp_arlen_o) + 1;
    if (c.hp_arvalid_o)
      check_address("AR", c.hp_araddr_o, beats, c.hp_arsize_o, c.hp_arburst_o);
    if (m.rvalid && c.hp_rready_o) {
      m.rvalid = false;
      ++at.traffic.read_beats;
      if (++m.read_beat == m.reads.front().beats) {
        m.read_beat = 0;
        m.reads.pop_front();
      }
    } else if (m.rvalid) {
      ++at.traffic.read_waits;
    }
    if (m.ar.sample(c.hp_arvalid_o, m.arready, c.hp_araddr_o, c.hp_arlen_o, c.hp_arsize_o,
                    c.hp_arburst_o, c.hp_arid_o, c.hp_arcache_o)) {
      m.reads.push_back({uint32_t(c.hp_araddr_o), beats, uint32_t(c.hp_arid_o),
                         due(at, at.bus.read_latency)});
      ++at.traffic.read_bursts;
      if (m.reads.size() > at.traffic.most_reads) at.traffic.most_reads = m.reads.size();
    }
  }

  template <class Ports>
  void serve_writes(const Ports& c, Setting& at) {
    const uint32_t beats = uint32_t(c.hp_awlen_o) + 1;
    if (m.bvalid && c.hp_bready_o) {
      m.bvalid = false;
      m.answers.pop_front();
    }
    if (c.hp_awvalid_o)
      check_address("AW", c.hp_awaddr_o, beats, c.hp_awsize_o, c.hp_awburst_o);
    if (!m.addresses.empty() && !c.hp_wvalid_o) ++at.traffic.write_waits;
    if (m.aw.sample(c.hp_awvalid_o, m.awready, c.hp_awaddr_o, c.hp_awlen_o, c.hp_awsize_o,
                    c.hp_awburst_o, c.hp_awid_o, c.hp_awcache_o)) {
      m.addresses.push_back({uint32_t(c.hp_awaddr_o), beats, uint32_t(c.hp_awid_o), 0});
      ++at.traffic.write_bursts;
    }
    if (m.w.sample(c.hp_wvalid_o, m.wready, c.hp_wdata_o, c.hp_wstrb_o, c.hp_wlast_o,
                   c.hp_wid_o)) {
      require(m.shifted || !m.addresses.empty(), "W comes before its AW");
      require(c.hp_wstrb_o == 0xFF, "WSTRB leaves out bytes");
      require(m.shifted || m.data.beats.empty() || m.data.id == c.hp_wid_o,
              "WID changed within a burst");
      m.data.id = c.hp_wid_o;
      m.data.beats.push_back(c.hp_wdata_o);
      ++at.traffic.write_beats;
      if (c.hp_wlast_o && !m.shifted) {
        m.complete.push_back(m.data);
        m.data.beats.clear();
      }
    }
    if (m.shifted) cut_data();
    if (!m.shifted && m.complete.empty() && !m.addresses.empty())
      require(m.data.beats.size() < m.addresses.front().beats, "WLAST is missing");
    while (!m.complete.empty() && !m.addresses.empty()) {
      Burst burst = m.addresses.front();
      const Data& data = m.complete.front();
      require(data.beats.size() == burst.beats, "WLAST is not at the last beat");
      require(m.shifted || data.id == burst.id, "WID is not AWID");
      burst.due = due(at, at.bus.write_latency);
      m.answers.push_back({burst, data.beats});
      m.addresses.pop_front();
      m.complete.pop_front();
    }
  }

  // The beats that the first address wants are its data, whichever chip they come from.
  void cut_data() {
    std::vector<uint64_t>& beats = m.data.beats;
    if (m.complete.empty() && !m.addresses.empty() && beats.size() >= m.addresses.front().beats) {
      const auto end = beats.begin() + m.addresses.front().beats;
      m.complete.push_back({{beats.begin(), end}, m.data.id});
      beats.erase(beats.begin(), end);
    }
  }
};

}  // namespace
