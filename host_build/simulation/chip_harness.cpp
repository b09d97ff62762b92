// The chip as Verilator made it, in the board of the file before this one, behind a small C interface.
#include "Vchip_core.h"
#include "verilated.h"
#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

// The runtime library is built to call these instead of ending the process.
void vl_finish(const char*, int, const char*) { throw std::runtime_error("$finish was called"); }
void vl_fatal(const char* file, int line, const char*, const char* message) {
  throw std::runtime_error(std::string(file) + ":" + std::to_string(line) + ": " + message);
}
void vl_stop(const char* file, int line, const char* scope) {
  vl_fatal(file, line, scope, "$stop was called or an assertion failed");
}
void vl_warn(const char* file, int line, const char* scope, const char* message) {
  vl_fatal(file, line, scope, message);
}

namespace {

class Chip {
 public:
  std::string error;
  Board<Vchip_core> board;

  Chip(uint8_t* ddr, uint64_t bytes, uint32_t base, uint64_t seed)
      : board(ddr, bytes, base, seed) {}

  ~Chip() {
    if (model) model->final();
  }

  void power_up(bool remembers) {
    if (model) model->final();
    model.reset();
    context = std::make_unique<VerilatedContext>();
    context->randReset(2);  // a register that is used before it is reset shows
    context->randSeed(int(board.random.next() & 0x7FFFFFFF) | 1);
    context->fatalOnError(true);
#if VM_TRACE
    context->traceEverOn(true);
#endif
    model = std::make_unique<Vchip_core>(context.get());
    model->rst_i = 1;
    board.power_up(*model, remembers);
    for (int i = 0; i <= RESET_CYCLES; ++i) {
      model->clk_i = 0;
      model->eval();
      if (i < RESET_CYCLES) edge();
    }
    board.check_reset(*model);
    model->rst_i = 0;
  }

  // Some of `cycles`, for no more than ~0.1 s; how many are left.
  uint64_t advance(uint64_t cycles) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(100);
    for (; cycles; --cycles) {
      if (!(board.cycle & 255) && std::chrono::steady_clock::now() > deadline) break;
      step();
    }
    return cycles;
  }

  void transfer(Transfer* wanted, uint32_t count) {
    board.begin(wanted, count);
    while (board.busy()) step();
    board.end();
  }

#if VM_TRACE
  void trace(const char* path) {
    vcd = std::make_unique<VerilatedVcdC>();
    model->trace(vcd.get(), 99);
    vcd->open(path);
  }
  void end_trace() { vcd->close(); }
#endif

 private:
  std::unique_ptr<VerilatedContext> context;
  std::unique_ptr<Vchip_core> model;
#if VM_TRACE
  std::unique_ptr<VerilatedVcdC> vcd;
#endif

  void step() {
    Vchip_core& c = *model;
    board.drive(c);
    c.clk_i = 0;
    if (board.tries_refusal()) {
      board.refuse(c);
      c.eval();
      const uint32_t refused = board.offers(c);
      board.accept(c);
      c.eval();
      require(refused == board.offers(c), DEPENDENT);
    } else {
      c.eval();
    }
    board.serve(c);
    edge();
  }

  // The rising edge, after all has settled; a trace shows each cycle as it was before it.
  void edge() {
#if VM_TRACE
    if (vcd && vcd->isOpen()) vcd->dump(2 * board.cycle);
#endif
    model->clk_i = 1;
    model->eval();
#if VM_TRACE
    if (vcd && vcd->isOpen()) vcd->dump(2 * board.cycle + 1);
#endif
    ++board.cycle;
  }
};

}  // namespace

extern "C" {
Chip* chip_new(uint8_t* ddr, uint64_t bytes, uint32_t base, uint64_t seed) {
  return new Chip(ddr, bytes, base, seed);
}
void chip_free(Chip* c) { delete c; }
uint64_t chip_cycle(const Chip* c) { return c->board.cycle; }
int chip_loses_port(const Chip* c) { return c->board.loses_port(); }
const char* chip_error(const Chip* c) { return c->error.c_str(); }
Bus* chip_bus(Chip* c) { return &c->board.bus; }
Traffic* chip_traffic(Chip* c) { return &c->board.traffic; }
int chip_power_up(Chip* c, int remembers) {
  return guarded(c, [=] { c->power_up(remembers); return int(DONE); });
}
int chip_advance(Chip* c, uint64_t* cycles) {
  return guarded(c, [=] { *cycles = c->advance(*cycles); return int(*cycles ? RUNNING : DONE); });
}
int chip_transfer(Chip* c, Transfer* transfers, uint32_t count) {
  return guarded(c, [=] { c->transfer(transfers, count); return int(DONE); });
}
#if VM_TRACE
void chip_trace(Chip* c, const char* path) { c->trace(path); }
void chip_end_trace(Chip* c) { c->end_trace(); }
#endif
}
