// Half a block RAM: readback_block_ram.sv, with both clocks the same. It takes its pins for all lanes
// at a clock's edge, and changes lane by lane.
namespace {

class BlockRam {
 public:
  BlockRam(Numbers& numbers, unsigned lanes) : lanes(lanes), states(lanes) {
    for (uint32_t* value :
         {&a.read_width, &b.read_width, &a.write_width, &b.write_width, &wide_read, &wide_write,
          &a.mode, &b.mode, &a.reg, &b.reg, &a.priority, &b.priority, &a.init, &b.init, &a.srval,
          &b.srval, &upper, &a.odd, &b.odd})
      *value = numbers.next();
    a.pins.add(numbers, 1);  // EN
    b.pins.add(numbers, 1);
    a.pins.add(numbers, 4);  // WE
    b.pins.add(numbers, 8);
    // Address, data, parity, RST, REGCE, RSTREG, the lowest address bit of a RAMB36.
    for (unsigned width : {14, 16, 2, 1, 1, 1, 1}) {
      a.pins.add(numbers, width);
      b.pins.add(numbers, width);
    }
    a.outputs.add(numbers, 16);
    b.outputs.add(numbers, 16);
    a.outputs.add(numbers, 2);
    b.outputs.add(numbers, 2);
    for (uint32_t& word : contents) word = numbers.next();
    if (a.odd || b.odd)
      for (uint32_t& word : other) word = numbers.next();
    for (Side* side : {&a, &b}) {
      side->pins.close();
      side->outputs.close();
    }
  }

  void reset(std::vector<Word>& n) {
    memory.assign(lanes, contents);
    for (State& s : states) s = {a.init, b.init, a.init, b.init};
    publish(n);
  }

  void gather(const std::vector<Word>& n) {
    a.pins.gather(n, lanes);
    b.pins.gather(n, lanes);
  }

  void clock() {
    for (unsigned l = 0; l < lanes; ++l) tick(states[l], memory[l], take(a, l, 4), take(b, l, 8));
  }

  void publish(std::vector<Word>& n) {
    for (Side* side : {&a, &b}) {
      if (!side->outputs.used) continue;
      for (unsigned l = 0; l < lanes; ++l) {
        const State& s = states[l];
        side->outputs.values[l] = side == &a ? (a.reg ? s.out_a : s.latch_a)
                                             : (b.reg ? s.out_b : s.latch_b);
      }
      side->outputs.scatter(n, lanes);
    }
  }

 private:
  using Contents = std::array<uint32_t, 1024>;
  struct Side {
    uint32_t read_width, write_width, mode, reg, priority, init, srval, odd;
    Pins pins, outputs;
  };
  struct State {
    uint32_t latch_a, latch_b, out_a, out_b;
  };
  struct In {
    uint32_t en, we, address, data, rst, reg_en, reg_rst, far;
  };

  static In take(const Side& side, unsigned l, unsigned enables) {
    const Pins& p = side.pins;
    const unsigned at = 1 + enables;
    return {uint32_t(p(l, 0, 1)),       uint32_t(p(l, 1, enables)), uint32_t(p(l, at, 14)),
            uint32_t(p(l, at + 14, 18)), uint32_t(p(l, at + 32, 1)),  uint32_t(p(l, at + 33, 1)),
            uint32_t(p(l, at + 34, 1)), uint32_t(p(l, at + 35, 1))};
  }

  static uint32_t selected(uint32_t word, uint32_t place, uint32_t width) {
    switch (width) {
      case 1: return word >> place & 1;
      case 2: return word >> (place & 14) & 3;
      case 4: return word >> (place & 12) & 15;
      case 9: return (word >> (place & 8) & 0xFF) | (word >> (16 + (place >> 3)) & 1) << 16;
      default: return word;
    }
  }

  // What a port reads; the odd bit of a RAMB36 of 1 or 9 bits may be the other half's.
  uint32_t read(const Side& side, uint32_t word, const In& in, uint32_t width) const {
    const uint32_t place = in.address & 15, seen = selected(word, place, width);
    if (!side.odd) return seen;
    const uint32_t far = other[in.address >> 4];
    if (width == 1) return in.far ? selected(far, place, 1) : seen;
    return seen | ((place & 4 ? far : word) >> (16 + (place >> 3)) & 1) << 16;
  }

  uint32_t written(uint32_t word, uint32_t data, uint32_t place, uint32_t we, uint32_t width) const {
    uint32_t mask = 0, shift = 0;
    switch (width) {
      case 1: mask = we & 1, shift = place; break;
      case 2: mask = we & 1 ? 3 : 0, shift = place & 14; break;
      case 4: mask = we & 1 ? 15 : 0, shift = place & 12; break;
      case 9: {
        shift = place & 8;
        mask = (we & 1 ? 0x0F : 0) | (we & 2 ? 0xF0 : 0);
        if (we >> upper & 1) {
          const uint32_t parity = 16 + (place >> 3);
          word = (word & ~(1u << parity)) | (data >> 16 & 1) << parity;
        }
        break;
      }
      default:
        for (unsigned k = 0; k < 4; ++k)
          if (we >> k & 1) mask |= 15u << 4 * k;
        if (we >> upper & 1) mask |= 1u << 16;
        if (we >> (2 + upper) & 1) mask |= 1u << 17;
    }
    return (word & ~(mask << shift)) | (data & mask) << shift;
  }

  void tick(State& s, Contents& m, const In& p, const In& q) const {
    const uint32_t at_a = wide_read ? p.address >> 5 << 1 : p.address >> 4;
    const uint32_t at_b = wide_write ? q.address >> 5 << 1 : q.address >> 4;
    const uint32_t we_b = q.we & 15, any_b = wide_write ? q.we : we_b;
    const bool writes_a = p.en && p.we, writes_b = q.en && any_b;
    const bool same = wide_read || wide_write ? at_a >> 1 == at_b >> 1 : at_a == at_b;
    const uint32_t clash_a = writes_b && same && b.mode != 1 ? 0x3FFFF : 0;
    const uint32_t clash_b = writes_a && same && a.mode != 1 && !writes_b ? 0x3FFFF : 0;
    State next = s;
    const uint32_t old_a = m[at_a], old_b = m[at_b], odd_b = m[at_b | 1];
    const uint32_t new_a = writes_a ? written(old_a, p.data, p.address & 15, p.we, a.write_width) : 0;
    if (p.en) {
      if (p.rst)
        next.latch_a = a.srval;
      else if (!(p.we && a.mode == 2))
        next.latch_a = read(a, p.we && a.mode == 0 ? new_a : old_a, p,
                            wide_read ? 18 : a.read_width) ^
                       (p.we ? 0 : clash_a);
    }
    if (wide_read) {
      if (p.en) next.latch_b = p.rst ? b.srval : m[at_a | 1] ^ clash_a;
    } else if (q.en) {
      if (q.rst)
        next.latch_b = b.srval;
      else if (!(writes_b && b.mode == 2))
        next.latch_b = read(b,
                            writes_b && b.mode == 0
                                ? written(old_b, q.data, q.address & 15, we_b, b.write_width)
                                : old_b,
                            q, b.read_width) ^
                       clash_b;
    }
    if (p.reg_rst && (!a.priority || p.reg_en))
      next.out_a = a.srval;
    else if (p.reg_en)
      next.out_a = s.latch_a;
    if (q.reg_rst && (!b.priority || q.reg_en))
      next.out_b = b.srval;
    else if (q.reg_en)
      next.out_b = s.latch_b;
    s = next;
    if (writes_a) m[at_a] = new_a;
    if (wide_write && q.en) {
      if (we_b) m[at_b] = written(old_b, p.data, 0, we_b, 18);
      if (q.we >> 4) m[at_b | 1] = written(odd_b, q.data, 0, q.we >> 4, 18);
    } else if (writes_b) {
      m[at_b] = written(old_b, q.data, q.address & 15, we_b, b.write_width);
    }
  }

  unsigned lanes;
  Side a, b;
  uint32_t wide_read, wide_write, upper;
  Contents contents, other;
  std::vector<Contents> memory;
  std::vector<State> states;
};

}  // namespace
