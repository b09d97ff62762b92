// A circuit that was read back, run from the program that program.py makes of it. Every net is a
// word with one bit for each lane: as many chips of the same circuit run side by side.
namespace {

class Netlist {
 public:
  Netlist(const std::vector<uint32_t>& program, unsigned lanes) : lanes(lanes) {
    Numbers numbers(program);
    n.resize(numbers.next());
    const uint32_t ones = numbers.next();
    ports.resize(numbers.next());
    for (Port& port : ports) {
      port.input = numbers.next();
      port.nets.resize(numbers.next());
      for (uint32_t& net : port.nets) net = numbers.next();
    }
    fill(flip_flops, numbers, &FlipFlop::start, &FlipFlop::data, &FlipFlop::enable, &FlipFlop::reset);
    for (size_t k = ones; k < flip_flops.size(); ++k) flip_flops[k].set = ~Word(0);
    asynchronous.resize(numbers.next());
    for (uint32_t& place : asynchronous) place = numbers.next();
    fill(choices, numbers, &Choice::select, &Choice::high, &Choice::low, &Choice::output);
    fill(differences, numbers, &Difference::left, &Difference::right, &Difference::output);
    memories.resize(numbers.next());
    for (Memory& memory : memories) {
      memory.words = numbers.next();
      memory.start = numbers.next64();
    }
    fill(reads, numbers);
    fill(writes, numbers);
    fill(shifts, numbers, &Shift::memory, &Shift::enable, &Shift::data, &Shift::last);
    for (uint32_t left = numbers.next(); left; --left) rams.emplace_back(numbers, lanes);
    for (uint32_t left = numbers.next(); left; --left) dsps.emplace_back(numbers, lanes);
    for (Dsp& dsp : dsps) dsp.connect(dsps);
    std::vector<bool> seen(dsps.size());
    for (size_t k = 0; k < dsps.size(); ++k) visit(k, seen);
    std::reverse(order.begin(), order.end());
    fill(runs, numbers, &Run::kind, &Run::first, &Run::count);
    next.resize(flip_flops.size());
  }

  // Everything as it is configured.
  void reset() {
    std::fill(n.begin(), n.end(), Word(0));
    n[1] = ~Word(0);
    for (size_t k = 0; k < flip_flops.size(); ++k) n[2 + k] = flip_flops[k].start ? ~Word(0) : 0;
    for (Memory& memory : memories) {
      memory.bits.fill(0);
      for (unsigned k = 0; k < memory.words; ++k)
        if (memory.start >> k & 1) memory.bits[k] = ~Word(0);
    }
    for (const Shift& shift : shifts) show_last(shift);
    for (BlockRam& ram : rams) ram.reset(n);
    for (Dsp& dsp : dsps) dsp.reset(n);
  }

  // Take the ports that are inputs; give those that are outputs. `all` has them by lane.
  template <class Ports>
  void take(const std::vector<Ports>& all) {
    for (size_t k = 0; k < ports.size(); ++k) {
      if (!ports[k].input) continue;
      for (size_t bit = 0; bit < ports[k].nets.size(); ++bit) {
        if (ports[k].nets[bit] == NONE) continue;
        Word word = 0;
        for (unsigned l = 0; l < lanes; ++l) word |= Word(field(all[l], k) >> bit & 1) << l;
        n[ports[k].nets[bit]] = word;
      }
    }
  }
  template <class Ports>
  void give(std::vector<Ports>& all) const {
    for (size_t k = 0; k < ports.size(); ++k) {
      if (ports[k].input) continue;
      for (unsigned l = 0; l < lanes; ++l) {
        uint64_t value = 0;
        for (size_t bit = 0; bit < ports[k].nets.size(); ++bit)
          if (ports[k].nets[bit] != NONE) value |= uint64_t(n[ports[k].nets[bit]] >> l & 1) << bit;
        field(all[l], k) = value;
      }
    }
  }

  void settle() {
    do compute();
    while (reset_at_once());
  }

  // The rising edge, after all has settled.
  void clock() {
    for (size_t k = 0; k < flip_flops.size(); ++k) {
      const FlipFlop& f = flip_flops[k];
      const Word old = n[2 + k], reset = n[f.reset];
      const Word loaded = old ^ (n[f.enable] & (old ^ n[f.data]));
      next[k] = loaded ^ (reset & (loaded ^ f.set));
    }
    for (const Write& write : writes) {
      const Word enable = n[write.enable];
      if (enable) store(memories[write.memory], write, enable, n[write.data]);
    }
    for (const Shift& shift : shifts) move(memories[shift.memory], n[shift.enable], n[shift.data]);
    for (BlockRam& ram : rams) {
      ram.gather(n);
      ram.clock();
    }
    for (Dsp& dsp : dsps) dsp.gather(n);
    for (uint32_t k : order) dsps[k].clock();
    std::copy(next.begin(), next.end(), n.begin() + 2);
    for (const Shift& shift : shifts) show_last(shift);
    for (BlockRam& ram : rams) ram.publish(n);
    for (Dsp& dsp : dsps) dsp.publish(n);
  }

 private:
  struct Port {
    bool input;
    std::vector<uint32_t> nets;
  };
  struct FlipFlop {
    uint32_t start, data, enable, reset;
    Word set = 0;  // what a reset makes it
  };
  struct Choice {
    uint32_t select, high, low, output;
  };
  struct Difference {
    uint32_t left, right, output;
  };
  struct Memory {
    uint32_t words;
    uint64_t start;
    std::array<Word, 64> bits;
  };
  struct Read {
    uint32_t address[6], memory, output;
  };
  struct Write {
    uint32_t address[6], memory, enable, data;
  };
  struct Shift {
    uint32_t memory, enable, data, last;
  };
  struct Run {
    uint32_t kind, first, count;
  };
  enum Kind { CHOICE, DIFFERENCE, READ, DSP };

  template <class Row, class... Members>
  static void fill(std::vector<Row>& rows, Numbers& numbers, Members... members) {
    rows.resize(numbers.next());
    for (Row& row : rows) {
      if constexpr (sizeof...(members) == 0)
        for (size_t k = 0; k < sizeof(Row) / 4; ++k) reinterpret_cast<uint32_t*>(&row)[k] = numbers.next();
      else
        ((row.*members = numbers.next()), ...);
    }
  }

  template <class Ports>
  static uint64_t& field(Ports& lane, size_t k) {
    return reinterpret_cast<uint64_t*>(&lane)[k];
  }
  template <class Ports>
  static uint64_t field(const Ports& lane, size_t k) {
    return reinterpret_cast<const uint64_t*>(&lane)[k];
  }

  // A block that takes a cascade comes before the one that it takes it from, once reversed.
  void visit(uint32_t k, std::vector<bool>& seen) {
    if (seen[k]) return;
    seen[k] = true;
    for (uint32_t source : dsps[k].sources)
      if (source != NONE) visit(source, seen);
    order.push_back(k);
  }

  void compute() {
    Word* const at = n.data();
    for (const Run& run : runs) {
      switch (run.kind) {
        case CHOICE:
          for (uint32_t k = run.first; k < run.first + run.count; ++k) {
            const Choice& c = choices[k];
            const Word low = at[c.low];
            at[c.output] = low ^ (at[c.select] & (low ^ at[c.high]));
          }
          break;
        case DIFFERENCE:
          for (uint32_t k = run.first; k < run.first + run.count; ++k) {
            const Difference& d = differences[k];
            at[d.output] = at[d.left] ^ at[d.right];
          }
          break;
        case READ:
          for (uint32_t k = run.first; k < run.first + run.count; ++k)
            at[reads[k].output] = load(memories[reads[k].memory], reads[k]);
          break;
        case DSP: dsps[run.first].settle(n); break;
      }
    }
  }

  // Resets that wait for no clock; whether something changed by one.
  bool reset_at_once() {
    bool changed = false;
    for (uint32_t k : asynchronous) {
      Word& q = n[2 + k];
      const Word now = q ^ (n[flip_flops[k].reset] & (q ^ flip_flops[k].set));
      changed |= now != q;
      q = now;
    }
    return changed;
  }

  // Where one chip reads or writes; several may do so in as many places.
  unsigned place(const Memory& memory, const uint32_t* address) const {
    unsigned place = 0;
    for (unsigned k = 0; 1u << k < memory.words; ++k) place |= unsigned(n[address[k]] & 1) << k;
    return place;
  }

  Word load(const Memory& memory, const Read& read) const {
    if (lanes == 1) return memory.bits[place(memory, read.address)];
    Word half[32];
    const Word* from = memory.bits.data();
    unsigned address = 0;
    for (unsigned left = memory.words / 2; left; left /= 2, ++address) {
      const Word select = n[read.address[address]];
      for (unsigned k = 0; k < left; ++k)
        half[k] = from[2 * k] ^ (select & (from[2 * k] ^ from[2 * k + 1]));
      from = half;
    }
    return half[0];
  }

  void store(Memory& memory, const Write& write, Word enable, Word data) {
    if (lanes == 1) {
      if (enable & 1) memory.bits[place(memory, write.address)] = data;
      return;
    }
    Word chosen[64] = {enable};
    unsigned address = 0;
    for (unsigned count = 1; count < memory.words; count *= 2, ++address) {
      const Word high = n[write.address[address]];
      for (unsigned k = 0; k < count; ++k) {
        chosen[count + k] = chosen[k] & high;
        chosen[k] &= ~high;
      }
    }
    for (unsigned k = 0; k < memory.words; ++k)
      memory.bits[k] ^= chosen[k] & (memory.bits[k] ^ data);
  }

  static void move(Memory& memory, Word enable, Word data) {
    for (unsigned k = memory.words; --k;)
      memory.bits[k] ^= enable & (memory.bits[k] ^ memory.bits[k - 1]);
    memory.bits[0] ^= enable & (memory.bits[0] ^ data);
  }

  void show_last(const Shift& shift) {
    const Memory& memory = memories[shift.memory];
    if (shift.last != NONE) n[shift.last] = memory.bits[memory.words - 1];
  }

  unsigned lanes;
  std::vector<Word> n, next;
  std::vector<Port> ports;
  std::vector<FlipFlop> flip_flops;
  std::vector<uint32_t> asynchronous, order;
  std::vector<Choice> choices;
  std::vector<Difference> differences;
  std::vector<Memory> memories;
  std::vector<Read> reads;
  std::vector<Write> writes;
  std::vector<Shift> shifts;
  std::vector<BlockRam> rams;
  std::vector<Dsp> dsps;
  std::vector<Run> runs;
};

}  // namespace
