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
    for (uint32_t left = numbers.next(); left; --left) memories.emplace_back(numbers);
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
    for (LutMemory& memory : memories) memory.reset();
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
    const Word* const at = n.data();
    const Word* before = at + 2;
    Word* after = next.data();
    for (const FlipFlop& f : flip_flops) {
      const Word old = *before++, reset = at[f.reset];
      const Word loaded = old ^ (at[f.enable] & (old ^ at[f.data]));
      *after++ = loaded ^ (reset & (loaded ^ f.set));
    }
    for (const Write& write : writes) {
      const Word enable = n[write.enable];
      if (enable) memories[write.memory].store(n, lanes, write.address, enable, n[write.data]);
    }
    for (const Shift& shift : shifts) {
      const Word enable = n[shift.enable];
      if (enable) memories[shift.memory].shift(enable, n[shift.data]);
    }
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
  struct Read {
    Address address;
    uint32_t memory, output;
  };
  struct Write {
    Address address;
    uint32_t memory, enable, data;
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
    // A Word may be a byte, which may alias anything: what the loops need is theirs.
    Word* const at = n.data();
    for (const Run& run : runs) {
      switch (run.kind) {
        case CHOICE:
          for (auto [c, end] = rows(choices, run); c != end; ++c) {
            const Word low = at[c->low];
            at[c->output] = low ^ (at[c->select] & (low ^ at[c->high]));
          }
          break;
        case DIFFERENCE:
          for (auto [d, end] = rows(differences, run); d != end; ++d)
            at[d->output] = at[d->left] ^ at[d->right];
          break;
        case READ:
          for (auto [r, end] = rows(reads, run); r != end; ++r)
            at[r->output] = memories[r->memory].load(n, lanes, r->address);
          break;
        case DSP: dsps[run.first].settle(n); break;
      }
    }
  }
  template <class Row>
  static std::pair<const Row*, const Row*> rows(const std::vector<Row>& all, const Run& run) {
    const Row* const first = all.data() + run.first;
    return {first, first + run.count};
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

  void show_last(const Shift& shift) {
    if (shift.last != NONE) n[shift.last] = memories[shift.memory].last();
  }

  unsigned lanes;
  std::vector<Word> n, next;
  std::vector<Port> ports;
  std::vector<FlipFlop> flip_flops;
  std::vector<uint32_t> asynchronous, order;
  std::vector<Choice> choices;
  std::vector<Difference> differences;
  std::vector<LutMemory> memories;
  std::vector<Read> reads;
  std::vector<Write> writes;
  std::vector<Shift> shifts;
  std::vector<BlockRam> rams;
  std::vector<Dsp> dsps;
  std::vector<Run> runs;
};

}  // namespace
