// The board around chip_core: memory behind its AXI3 master, processors in front of its registers,
// and a check of every rule of the bus. What simulates the chip itself is in the file after this
// one; it has the chip's ports as members of a class, by their names.
namespace {

template <class Ports>
class Board : public Setting {
 public:
  Board(uint8_t* ddr, uint64_t bytes, uint32_t base, uint64_t seed)
      : Setting{.random = {seed * 0x9E3779B97F4A7C15u + 1}}, memory(ddr, bytes, base) {}

  // The chip is loaded anew; memory may go on to answer what the chip before had asked.
  void power_up(Ports& c, bool remembers) {
    memory.power_up(remembers);
    processors = Processors{};
    drive(c);
  }

  void check_reset(const Ports& c) const {
    require(!(c.hp_arvalid_o | c.hp_awvalid_o | c.hp_wvalid_o),
            "the chip offers something to memory while it is reset");
    require(!(c.gp_rvalid_o | c.gp_bvalid_o), "the registers answer during the reset");
  }

  // Whether memory waits for this chip, or this chip for memory, in a way that no other chip ends.
  bool loses_port() const { return memory.loses_port(bus); }

  // The processors' transfers, from here to `end`.
  void begin(Transfer* wanted, uint32_t count) { processors.begin(wanted, count, cycle); }
  bool busy() { return processors.busy(cycle); }
  void end() { processors.end(); }

  // Set the chip's inputs for this cycle, from what is known before it.
  void drive(Ports& c) {
    memory.drive(c, *this);
    processors.drive(c, *this);
  }

  // Now and then it is tried what the chip offers where nothing is accepted.
  bool tries_refusal() { return bus.stall > 0 && !(random.next() & 7); }
  void refuse(Ports& c) const {
    c.hp_arready_i = c.hp_awready_i = c.hp_wready_i = c.gp_rready_i = c.gp_bready_i = 0;
  }
  void accept(Ports& c) const {
    memory.accept(c);
    processors.accept(c);
  }
  static uint32_t offers(const Ports& c) {
    return c.hp_arvalid_o | c.hp_awvalid_o << 1 | c.hp_wvalid_o << 2 | c.gp_rvalid_o << 3 |
           c.gp_bvalid_o << 4;
  }

  // See what the chip offers and accepts, once all has settled.
  void serve(const Ports& c) {
    memory.serve(c, *this);
    processors.serve(c);
  }

 private:
  Memory memory;
  Processors processors;
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
