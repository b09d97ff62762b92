// The board around chip_core: memory behind its AXI3 master, processors in front of its registers,
// and a check of every rule of the bus. What simulates the chip itself is in the file after this
// one; it has the chip's ports as members of a class, by their names.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Shared with Python, like the two structures after it: keep the layouts the same.
struct Bus {
  double stall;            // the probability per cycle that memory pauses, on each channel
  double registers_stall;  // the same for the processors
  uint32_t read_latency[2], write_latency[2];  // cycles, from and to
  uint32_t bursts;         // reads, and writes, that memory accepts before it answers the first
  uint32_t error[2];       // addresses, from and up to, at which memory reports ...
  uint32_t response;       // ... this
  uint32_t silent;         // memory accepts and does not answer
};

struct Traffic {
  uint64_t read_bursts, read_beats, write_bursts, write_beats;
  uint64_t read_waits;   // cycles in which memory had data and the chip did not take it
  uint64_t write_waits;  // cycles in which memory waited for the data of an accepted address
  uint64_t most_reads;   // reads accepted and not fully answered, at most
};

// One transaction of the processors.
struct Transfer {
  uint32_t write, address, beats, size, burst, id;
  uint32_t data[16], strobes[16];
};

enum Status : int { RUNNING, DONE, PROTOCOL, ERROR };
enum Response : uint32_t { OKAY = 0, DECERR = 3 };
constexpr uint32_t INCR = 1;
constexpr uint64_t REGISTERS_PATIENCE = 10000;
constexpr int RESET_CYCLES = 8;
constexpr const char* DEPENDENT = "a VALID depends on its READY in the same cycle";

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, const char* otherwise) {
  if (!holds) throw Violation(otherwise);
}
void require(bool holds, const char* channel, const char* otherwise) {
  if (!holds) throw Violation(std::string(channel) + otherwise);
}

// What is offered on a channel must stay until it is taken.
class Channel {
 public:
  explicit Channel(const char* name) : name(name) {}
  template <class... Parts>
  bool sample(bool valid, bool ready, Parts... parts) {
    const Offer now{uint64_t(parts)...};
    require(valid || !held, name, "VALID fell before it was accepted");
    require(!held || now == offer, name, " changed before it was accepted");
    held = valid && !ready;
    offer = now;
    return valid && ready;
  }

 private:
  using Offer = std::array<uint64_t, 6>;
  const char* name;
  bool held = false;
  Offer offer{};
};

struct Burst {
  uint32_t address, beats, id;
  uint64_t due;
};

struct Data {
  std::vector<uint64_t> beats;
  uint32_t id;
};

template <class Ports>
class Board {
 public:
  uint64_t cycle = 0;
  Bus bus{};
  Traffic traffic{};

  Board(uint8_t* ddr, uint64_t bytes, uint32_t base, uint64_t seed)
      : ddr(ddr), bytes(bytes), base(base), random(seed * 0x9E3779B97F4A7C15u + 1) {}

  // The chip is loaded anew; memory may go on to answer what the chip before had asked.
  void power_up(Ports& c, bool remembers) {
    Memory fresh{};
    if (remembers) {
      fresh.reads = memory.reads;
      fresh.read_beat = memory.read_beat;
      fresh.answers = memory.answers;
      fresh.addresses = memory.addresses;
      for (const Data& data : memory.complete)
        fresh.data.beats.insert(fresh.data.beats.end(), data.beats.begin(), data.beats.end());
      fresh.data.beats.insert(fresh.data.beats.end(), memory.data.beats.begin(),
                              memory.data.beats.end());
      fresh.shifted = memory.shifted || memory.half_written();
    }
    memory = fresh;
    processors = Processors{};
    drive(c);
  }

  void check_reset(const Ports& c) const {
    require(!(c.hp_arvalid_o | c.hp_awvalid_o | c.hp_wvalid_o),
            "the chip offers something to memory while it is reset");
    require(!(c.gp_rvalid_o | c.gp_bvalid_o), "the registers answer during the reset");
  }

  // Whether memory waits for this chip, or this chip for memory, in a way that no other chip ends.
  bool loses_port() const {
    return memory.half_written() ||
           (bus.silent && !(memory.reads.empty() && memory.answers.empty()));
  }

  // Reads and writes at the same time, each in its order; addresses go ahead of the answers as far
  // as the chip lets them.
  void begin(Transfer* wanted, uint32_t count) {
    end();
    for (uint32_t i = 0; i < count; ++i)
      (wanted[i].write ? processors.writes : processors.reads).transfers.push_back(&wanted[i]);
    patience = cycle + REGISTERS_PATIENCE * count;
  }
  // Whether they are not through yet. An error where that takes too long.
  bool busy() {
    if (!processors.reads.waits() && !processors.writes.waits()) return false;
    if (cycle > patience) {
      end();
      throw std::runtime_error("the registers do not answer");
    }
    return true;
  }
  void end() { processors.reads = processors.writes = Direction{}; }

  // Set the chip's inputs for this cycle, from what is known before it.
  void drive(Ports& c) {
    Memory& m = memory;
    m.arready = m.reads.size() < bus.bursts && !chance(bus.stall);
    c.hp_arready_i = m.arready;
    if (!m.rvalid)
      m.rvalid = !bus.silent && !m.reads.empty() && m.reads.front().due <= cycle &&
                 !chance(bus.stall);
    c.hp_rvalid_i = m.rvalid;
    if (m.rvalid) {
      const Burst& burst = m.reads.front();
      const uint32_t address = burst.address + 8 * m.read_beat;
      uint64_t data = 0x0BADBADBADBADBAD;
      if (inside(address)) std::memcpy(&data, ddr + (address - base), 8);
      c.hp_rdata_i = data;
      c.hp_rresp_i = response(address);
      c.hp_rlast_i = m.read_beat + 1 == burst.beats;
    } else {  // nobody may look
      c.hp_rdata_i = uint64_t(next()) << 32 | next();
      c.hp_rresp_i = next() & 3;
      c.hp_rlast_i = next() & 1;
    }
    // Data is accepted before its address too, where it is offered: that is a fault then.
    const bool room = m.addresses.size() + m.answers.size() < bus.bursts;
    m.awready = room && !chance(bus.stall);
    m.wready = m.complete.size() < bus.bursts && !chance(bus.stall);
    c.hp_awready_i = m.awready;
    c.hp_wready_i = m.wready;
    if (!m.bvalid)
      m.bvalid = !bus.silent && !m.answers.empty() && m.answers.front().first.due <= cycle &&
                 !chance(bus.stall);
    c.hp_bvalid_i = m.bvalid;
    c.hp_bresp_i = m.bvalid ? write(m.answers.front()) : next() & 3;

    Processors& p = processors;
    const Transfer& read = address(p.reads);
    c.gp_arvalid_i = p.reads.address_offered;
    c.gp_araddr_i = read.address;
    c.gp_arlen_i = (read.beats - 1) & 15;
    c.gp_arsize_i = read.size;
    c.gp_arburst_i = read.burst;
    c.gp_arid_i = read.id;
    const Transfer& write = address(p.writes);
    c.gp_awvalid_i = p.writes.address_offered;
    c.gp_awaddr_i = write.address;
    c.gp_awlen_i = (write.beats - 1) & 15;
    c.gp_awsize_i = write.size;
    c.gp_awburst_i = write.burst;
    c.gp_awid_i = write.id;
    const bool writes = p.writes.data < p.writes.transfers.size();
    if (writes && !chance(bus.registers_stall)) p.writes.data_offered = true;
    c.gp_wvalid_i = p.writes.data_offered;
    if (writes) {
      const Transfer& written = *p.writes.transfers[p.writes.data];
      c.gp_wdata_i = written.data[p.writes.beat];
      c.gp_wstrb_i = written.strobes[p.writes.beat];
      c.gp_wlast_i = p.writes.beat + 1 == written.beats;
    }
    c.gp_rready_i = p.rready = !chance(bus.registers_stall);
    c.gp_bready_i = p.bready = !chance(bus.registers_stall);
  }

  // Now and then it is tried what the chip offers where nothing is accepted.
  bool tries_refusal() { return bus.stall > 0 && !(next() & 7); }
  void refuse(Ports& c) const {
    c.hp_arready_i = c.hp_awready_i = c.hp_wready_i = c.gp_rready_i = c.gp_bready_i = 0;
  }
  void accept(Ports& c) const {
    c.hp_arready_i = memory.arready;
    c.hp_awready_i = memory.awready;
    c.hp_wready_i = memory.wready;
    c.gp_rready_i = processors.rready;
    c.gp_bready_i = processors.bready;
  }
  static uint32_t offers(const Ports& c) {
    return c.hp_arvalid_o | c.hp_awvalid_o << 1 | c.hp_wvalid_o << 2 | c.gp_rvalid_o << 3 |
           c.gp_bvalid_o << 4;
  }

  // See what the chip offers and accepts, once all has settled.
  void serve(const Ports& c) {
    serve_reads(c);
    serve_writes(c);
    serve_processors(c);
  }

  uint32_t next() {  // xorshift64*
    random ^= random >> 12;
    random ^= random << 25;
    random ^= random >> 27;
    return uint32_t((random * 0x2545F4914F6CDD1Du) >> 32);
  }

 private:
  struct Memory {
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

  // Transfers of one direction, and how many of them are through: address, write data, answer.
  struct Direction {
    std::vector<Transfer*> transfers;
    uint32_t addresses = 0, data = 0, answers = 0;
    uint32_t beat = 0;               // of the data
    bool address_offered = false, data_offered = false;
    bool waits() const { return answers < transfers.size(); }
    bool sends() const { return addresses < transfers.size(); }
  };

  struct Processors {
    Channel r{"registers' R"}, b{"registers' B"};
    Direction reads, writes;
    bool rready = false, bready = false;
  };

  uint8_t* ddr;
  uint64_t bytes;
  uint32_t base;
  uint64_t random, patience = 0;
  Memory memory;
  Processors processors;

  bool chance(double p) { return p > 0 && next() < p * 4294967296.0; }
  uint64_t due(const uint32_t (&latency)[2]) {
    return cycle + latency[0] + next() % (latency[1] - latency[0] + 1);
  }

  bool inside(uint32_t address) const {
    return address >= base && address - base + 8u <= bytes;
  }
  uint32_t response(uint32_t address) const {
    if (bus.error[0] <= address && address < bus.error[1]) return bus.response;
    return inside(address) ? uint32_t(OKAY) : uint32_t(DECERR);
  }

  // The transfer whose address comes next, which is offered now and then; none where all are sent.
  const Transfer& address(Direction& d) {
    static const Transfer none{};
    if (d.sends() && !chance(bus.registers_stall)) d.address_offered = true;
    return d.sends() ? *d.transfers[d.addresses] : none;
  }

  // The data of a write reaches memory no earlier than its answer.
  uint32_t write(const std::pair<Burst, std::vector<uint64_t>>& burst) {
    uint32_t worst = OKAY;
    for (uint32_t i = 0; i < burst.first.beats; ++i) {
      const uint32_t address = burst.first.address + 8 * i, answer = response(address);
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

  void serve_reads(const Ports& c) {
    Memory& m = memory;
    const uint32_t beats = uint32_t(c.hp_arlen_o) + 1;
    if (c.hp_arvalid_o)
      check_address("AR", c.hp_araddr_o, beats, c.hp_arsize_o, c.hp_arburst_o);
    if (m.rvalid && c.hp_rready_o) {
      m.rvalid = false;
      ++traffic.read_beats;
      if (++m.read_beat == m.reads.front().beats) {
        m.read_beat = 0;
        m.reads.pop_front();
      }
    } else if (m.rvalid) {
      ++traffic.read_waits;
    }
    if (m.ar.sample(c.hp_arvalid_o, m.arready, c.hp_araddr_o, c.hp_arlen_o, c.hp_arsize_o,
                    c.hp_arburst_o, c.hp_arid_o, c.hp_arcache_o)) {
      m.reads.push_back({uint32_t(c.hp_araddr_o), beats, uint32_t(c.hp_arid_o), due(bus.read_latency)});
      ++traffic.read_bursts;
      if (m.reads.size() > traffic.most_reads) traffic.most_reads = m.reads.size();
    }
  }

  void serve_writes(const Ports& c) {
    Memory& m = memory;
    const uint32_t beats = uint32_t(c.hp_awlen_o) + 1;
    if (m.bvalid && c.hp_bready_o) {
      m.bvalid = false;
      m.answers.pop_front();
    }
    if (c.hp_awvalid_o)
      check_address("AW", c.hp_awaddr_o, beats, c.hp_awsize_o, c.hp_awburst_o);
    if (!m.addresses.empty() && !c.hp_wvalid_o) ++traffic.write_waits;
    if (m.aw.sample(c.hp_awvalid_o, m.awready, c.hp_awaddr_o, c.hp_awlen_o, c.hp_awsize_o,
                    c.hp_awburst_o, c.hp_awid_o, c.hp_awcache_o)) {
      m.addresses.push_back({uint32_t(c.hp_awaddr_o), beats, uint32_t(c.hp_awid_o), 0});
      ++traffic.write_bursts;
    }
    if (m.w.sample(c.hp_wvalid_o, m.wready, c.hp_wdata_o, c.hp_wstrb_o, c.hp_wlast_o,
                   c.hp_wid_o)) {
      require(m.shifted || !m.addresses.empty(), "W comes before its AW");
      require(c.hp_wstrb_o == 0xFF, "WSTRB leaves out bytes");
      require(m.shifted || m.data.beats.empty() || m.data.id == c.hp_wid_o,
              "WID changed within a burst");
      m.data.id = c.hp_wid_o;
      m.data.beats.push_back(c.hp_wdata_o);
      ++traffic.write_beats;
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
      burst.due = due(bus.write_latency);
      m.answers.push_back({burst, data.beats});
      m.addresses.pop_front();
      m.complete.pop_front();
    }
  }

  // The beats that the first address wants are its data, whichever chip they come from.
  void cut_data() {
    Memory& m = memory;
    std::vector<uint64_t>& beats = m.data.beats;
    if (m.complete.empty() && !m.addresses.empty() && beats.size() >= m.addresses.front().beats) {
      const auto end = beats.begin() + m.addresses.front().beats;
      m.complete.push_back({{beats.begin(), end}, m.data.id});
      beats.erase(beats.begin(), end);
    }
  }

  void serve_processors(const Ports& c) {
    Processors& p = processors;
    Direction &reads = p.reads, &writes = p.writes;
    require(!c.gp_rvalid_o || reads.answers < reads.addresses,
            "the registers give data that was not asked for");
    require(!c.gp_bvalid_o || (writes.answers < writes.addresses && writes.answers < writes.data),
            "the registers confirm a write that is not complete");
    if (p.r.sample(c.gp_rvalid_o, p.rready, c.gp_rdata_o, c.gp_rresp_o, c.gp_rid_o,
                   c.gp_rlast_o)) {
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
    if (p.b.sample(c.gp_bvalid_o, p.bready, c.gp_bresp_o, c.gp_bid_o)) {
      require(c.gp_bid_o == writes.transfers[writes.answers]->id, "BID is not AWID");
      require(c.gp_bresp_o == OKAY, "the registers report an error for a write");
      ++writes.answers;
    }
    taken(reads, c.gp_arvalid_i && c.gp_arready_o);
    taken(writes, c.gp_awvalid_i && c.gp_awready_o);
    if (c.gp_wvalid_i && c.gp_wready_o) {
      writes.data_offered = false;
      if (++writes.beat == writes.transfers[writes.data]->beats) {
        ++writes.data;
        writes.beat = 0;
      }
    }
  }

  void taken(Direction& d, bool address) {
    if (!address) return;
    ++d.addresses;
    d.address_offered = false;
  }
};

template <class Chip, class Work>
int guarded(Chip* chip, Work work) {
  try {
    return work();
  } catch (const Violation& e) {
    chip->error = e.what();
    return PROTOCOL;
  } catch (const std::exception& e) {
    chip->error = e.what();
    return ERROR;
  }
}

}  // namespace
