// Chips of one circuit side by side, each in its own board, behind the C interface of chip_harness.cpp:
// for one chip that is all, for several there are functions besides. Program and ports, which stand
// before this, are those of the circuit.
#include <fstream>
#include <iterator>

namespace {

class Chips {
 public:
  std::string error;
  std::vector<Board<Ports>> boards;

  Chips(uint8_t* ddr, uint64_t bytes, uint32_t base, uint64_t seed, uint32_t count)
      : ports(count) {
    for (uint32_t l = 0; l < count; ++l)
      boards.emplace_back(ddr + l * bytes, bytes, base, seed + 1000003 * l);
  }

  void power_up(bool remembers) {
    if (!netlist) {
      std::ifstream file("program.bin", std::ios::binary);
      const std::vector<char> bytes(std::istreambuf_iterator<char>(file), {});
      std::vector<uint32_t> program(bytes.size() / 4);
      std::memcpy(program.data(), bytes.data(), 4 * program.size());
      netlist = std::make_unique<Netlist>(program, ports.size());
    }
    netlist->reset();
    for (size_t l = 0; l < boards.size(); ++l) {
      ports[l] = Ports{};
      ports[l].rst_i = 1;
      boards[l].power_up(ports[l], remembers);
    }
    for (int i = 0; i < RESET_CYCLES; ++i) {
      evaluate();
      edge();
    }
    evaluate();
    for (size_t l = 0; l < boards.size(); ++l) {
      boards[l].check_reset(ports[l]);
      ports[l].rst_i = 0;
    }
  }

  // Some of `cycles`, for no more than ~0.1 s; how many are left.
  uint64_t advance(uint64_t cycles) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    for (; cycles; --cycles) {
      if (!(boards[0].cycle & 15) && std::chrono::steady_clock::now() > deadline) break;
      step();
    }
    return cycles;
  }

  // `count` transactions of each chip.
  void transfer(Transfer* wanted, uint32_t count) {
    for (size_t l = 0; l < boards.size(); ++l) boards[l].begin(wanted + l * count, count);
    const auto busy = [this] {
      bool any = false;
      for (Board<Ports>& board : boards) any |= board.busy();
      return any;
    };
    while (busy()) step();
    for (Board<Ports>& board : boards) board.end();
  }

 private:
  std::unique_ptr<Netlist> netlist;
  std::vector<Ports> ports;

  void evaluate() {
    netlist->take(ports);
    netlist->settle();
    netlist->give(ports);
  }

  void step() {
    bool tries = false;
    for (size_t l = 0; l < boards.size(); ++l) {
      boards[l].drive(ports[l]);
      tries |= boards[l].tries_refusal();
    }
    if (tries) {
      std::vector<uint32_t> refused;
      for (size_t l = 0; l < boards.size(); ++l) boards[l].refuse(ports[l]);
      evaluate();
      for (size_t l = 0; l < boards.size(); ++l) {
        refused.push_back(Board<Ports>::offers(ports[l]));
        boards[l].accept(ports[l]);
      }
      evaluate();
      for (size_t l = 0; l < boards.size(); ++l)
        require(refused[l] == Board<Ports>::offers(ports[l]), DEPENDENT);
    } else {
      evaluate();
    }
    for (size_t l = 0; l < boards.size(); ++l) boards[l].serve(ports[l]);
    edge();
  }

  void edge() {
    netlist->clock();
    for (Board<Ports>& board : boards) ++board.cycle;
  }
};

}  // namespace

extern "C" {
Chips* chips_new(uint8_t* ddr, uint64_t bytes, uint32_t base, uint64_t seed, uint32_t count) {
  return count && count <= MOST_LANES ? new Chips(ddr, bytes, base, seed, count) : nullptr;
}
Chips* chip_new(uint8_t* ddr, uint64_t bytes, uint32_t base, uint64_t seed) {
  return chips_new(ddr, bytes, base, seed, 1);
}
void chip_free(Chips* c) { delete c; }
uint64_t chip_cycle(const Chips* c) { return c->boards[0].cycle; }
int chip_loses_port(const Chips* c) { return c->boards[0].loses_port(); }
const char* chip_error(const Chips* c) { return c->error.c_str(); }
Bus* chip_bus(Chips* c) { return &c->boards[0].bus; }
Bus* chips_bus(Chips* c, uint32_t lane) { return &c->boards[lane].bus; }
Traffic* chip_traffic(Chips* c) { return &c->boards[0].traffic; }
int chip_power_up(Chips* c, int remembers) {
  return guarded(c, [=] { c->power_up(remembers); return int(DONE); });
}
int chip_advance(Chips* c, uint64_t* cycles) {
  return guarded(c, [=] { *cycles = c->advance(*cycles); return int(*cycles ? RUNNING : DONE); });
}
int chip_transfer(Chips* c, Transfer* transfers, uint32_t count) {
  return guarded(c, [=] { c->transfer(transfers, count); return int(DONE); });
}
}
