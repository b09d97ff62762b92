// Block RAM and DSP48E1 as the SystemVerilog models beside this folder have them, for the simulator.
// Each takes its pins for all lanes at a clock's edge, and changes lane by lane.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace {

#ifndef LANE_WORD
#define LANE_WORD uint64_t
#endif
// One bit of every lane.
using Word = LANE_WORD;
constexpr unsigned MOST_LANES = 8 * sizeof(Word);
constexpr uint32_t NONE = 0xFFFFFFFF;
using Values = std::array<uint64_t, 64>;

// Bit k of row l becomes bit l of row k.
void transpose(Values& m) {
  uint64_t mask = 0x00000000FFFFFFFF;
  for (int j = 32; j; j >>= 1, mask ^= mask << j)
    for (int k = 0; k < 64; k = ((k | j) + 1) & ~j) {
      const uint64_t t = ((m[k] >> j) ^ m[k | j]) & mask;
      m[k] ^= t << j;
      m[k | j] ^= t;
    }
}

// The program, number by number.
class Numbers {
 public:
  explicit Numbers(const std::vector<uint32_t>& all) : at(all.data()), end(at + all.size()) {}
  uint32_t next() {
    if (at == end) throw std::runtime_error("the program ends too early");
    return *at++;
  }
  uint64_t next64() {
    const uint64_t low = next();
    return uint64_t(next()) << 32 | low;
  }

 private:
  const uint32_t *at, *end;
};

// Up to 64 nets that are a number in each lane.
class Pins {
 public:
  void add(Numbers& numbers, unsigned width) {
    for (; width; --width) nets.push_back(numbers.next());
  }
  // None of the nets changes (0 and 1 are the constants), or nobody heeds them.
  void close() {
    fixed = std::all_of(nets.begin(), nets.end(), [](uint32_t net) { return net < 2; });
    used = std::any_of(nets.begin(), nets.end(), [](uint32_t net) { return net != NONE; });
    uint64_t value = 0;
    for (size_t k = 0; k < nets.size(); ++k) value |= uint64_t(nets[k] == 1) << k;
    if (fixed) values.fill(value);
  }
  void gather(const std::vector<Word>& n, unsigned lanes) {
    if (fixed) return;
    if (lanes <= 8) {
      for (unsigned l = 0; l < lanes; ++l) {
        uint64_t value = 0;
        for (size_t k = 0; k < nets.size(); ++k) value |= uint64_t(n[nets[k]] >> l & 1) << k;
        values[l] = value;
      }
      return;
    }
    for (size_t k = 0; k < nets.size(); ++k) values[k] = n[nets[k]];
    std::fill(values.begin() + nets.size(), values.end(), 0);
    transpose(values);
  }
  // The other way; `values` is lost.
  void scatter(std::vector<Word>& n, unsigned lanes) {
    if (!used) return;
    if (lanes <= 8) {
      for (size_t k = 0; k < nets.size(); ++k) {
        if (nets[k] == NONE) continue;
        Word word = 0;
        for (unsigned l = 0; l < lanes; ++l) word |= Word(values[l] >> k & 1) << l;
        n[nets[k]] = word;
      }
      return;
    }
    transpose(values);
    for (size_t k = 0; k < nets.size(); ++k)
      if (nets[k] != NONE) n[nets[k]] = Word(values[k]);
  }
  uint64_t operator()(unsigned lane, unsigned from, unsigned width) const {
    return values[lane] >> from & ((uint64_t(1) << width) - 1);
  }
  Values values{};
  bool fixed = false, used = false;

 private:
  std::vector<uint32_t> nets;
};

// Half a block RAM: readback_block_ram.sv, with both clocks the same.
class BlockRam {
 public:
  BlockRam(Numbers& numbers, unsigned lanes) : lanes(lanes), states(lanes) {
    for (uint32_t* value :
         {&a.read_width, &b.read_width, &a.write_width, &b.write_width, &wide_read, &wide_write,
          &a.mode, &b.mode, &a.reg, &b.reg, &a.priority, &b.priority, &a.init, &b.init, &a.srval,
          &b.srval, &upper})
      *value = numbers.next();
    a.pins.add(numbers, 1);  // EN
    b.pins.add(numbers, 1);
    a.pins.add(numbers, 4);  // WE
    b.pins.add(numbers, 8);
    for (unsigned width : {14, 16, 2, 1, 1, 1}) {  // address, data, parity, RST, REGCE, RSTREG
      a.pins.add(numbers, width);
      b.pins.add(numbers, width);
    }
    a.outputs.add(numbers, 16);
    b.outputs.add(numbers, 16);
    a.outputs.add(numbers, 2);
    b.outputs.add(numbers, 2);
    for (uint32_t& word : contents) word = numbers.next();
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
    uint32_t read_width, write_width, mode, reg, priority, init, srval;
    Pins pins, outputs;
  };
  struct State {
    uint32_t latch_a, latch_b, out_a, out_b;
  };
  struct In {
    uint32_t en, we, address, data, rst, reg_en, reg_rst;
  };

  static In take(const Side& side, unsigned l, unsigned enables) {
    const Pins& p = side.pins;
    const unsigned at = 1 + enables;
    return {uint32_t(p(l, 0, 1)),       uint32_t(p(l, 1, enables)), uint32_t(p(l, at, 14)),
            uint32_t(p(l, at + 14, 18)), uint32_t(p(l, at + 32, 1)),  uint32_t(p(l, at + 33, 1)),
            uint32_t(p(l, at + 34, 1))};
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
        next.latch_a = selected(p.we && a.mode == 0 ? new_a : old_a, p.address & 15,
                                wide_read ? 18 : a.read_width) ^
                       (p.we ? 0 : clash_a);
    }
    if (wide_read) {
      if (p.en) next.latch_b = p.rst ? b.srval : m[at_a | 1] ^ clash_a;
    } else if (q.en) {
      if (q.rst)
        next.latch_b = b.srval;
      else if (!(writes_b && b.mode == 2))
        next.latch_b = selected(writes_b && b.mode == 0
                                    ? written(old_b, q.data, q.address & 15, we_b, b.write_width)
                                    : old_b,
                                q.address & 15, b.read_width) ^
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
  Contents contents;
  std::vector<Contents> memory;
  std::vector<State> states;
};

// A DSP48E1: readback_dsp.sv.
class Dsp {
 public:
  Dsp(Numbers& numbers, unsigned lanes) : lanes(lanes), states(lanes) {
    for (uint32_t* value :
         {&areg, &breg, &acascreg, &bcascreg, &adreg, &creg, &dreg, &mreg, &preg, &inmodereg,
          &opmodereg, &alumodereg, &carryinreg, &carryinselreg, &a_cascade, &b_cascade, &use_dport,
          &simd})
      *value = numbers.next();
    mask = numbers.next64();
    pattern = numbers.next64();
    for (uint32_t& source : sources) source = numbers.next();
    factors.add(numbers, 30 + 18);              // A, B
    summand.add(numbers, 48);                   // C
    rest.add(numbers, 25 + 1 + 3 + 5 + 7 + 4);  // D, CARRYIN, CARRYINSEL, INMODE, OPMODE, ALUMODE
    control.add(numbers, 13 + 10);              // enables and resets
    for (unsigned skipped = 0; skipped < 30 + 18; ++skipped) numbers.next();
    sum.add(numbers, 48);
    for (unsigned skipped = 0; skipped < 48; ++skipped) numbers.next();
    flags.add(numbers, 4);
    numbers.next();
    flags.add(numbers, 2);
    for (Pins* pins : {&factors, &summand, &rest, &control, &sum, &flags}) pins->close();
  }

  // The numbers of the blocks that cascades of A, B, P and the carry come from.
  std::array<uint32_t, 4> sources;
  void connect(std::vector<Dsp>& all) {
    for (int k = 0; k < 4; ++k) from[k] = sources[k] == NONE ? nullptr : &all[sources[k]];
  }

  void reset(std::vector<Word>& n) {
    std::fill(states.begin(), states.end(), State{});
    publish(n);
  }

  void gather(const std::vector<Word>& n) {
    for (Pins* pins : {&factors, &summand, &rest, &control}) pins->gather(n, lanes);
  }

  // Without registers P, and what cascades of A and B give, follow the inputs.
  void settle(std::vector<Word>& n) {
    gather(n);
    if (preg) return;
    for (unsigned l = 0; l < lanes; ++l) states[l].out = result(l);
    publish(n);
  }

  // Blocks that take this one's cascades must have been clocked before.
  void clock() {
    for (unsigned l = 0; l < lanes; ++l) tick(l);
  }

  void publish(std::vector<Word>& n) {
    if (sum.used) {
      for (unsigned l = 0; l < lanes; ++l) sum.values[l] = states[l].out.p;
      sum.scatter(n, lanes);
    }
    if (flags.used) {
      for (unsigned l = 0; l < lanes; ++l) {
        const Out& out = states[l].out;
        flags.values[l] = out.carries | out.match << 4 | out.matchb << 5;
      }
      flags.scatter(n, lanes);
    }
  }

 private:
  static constexpr uint64_t ALL = (uint64_t(1) << 48) - 1;
  struct Out {
    uint64_t p = 0, carries = 0, match = 0, matchb = 0;
  };
  struct State {
    uint64_t a1 = 0, a2 = 0, b1 = 0, b2 = 0, c = 0, d = 0, ad = 0, m = 0;
    uint64_t inmode = 0, opmode = 0, alumode = 0, carryinsel = 0, carryin = 0;
    Out out;
  };
  enum Control { CEA1, CEA2, CEB1, CEB2, CEC, CED, CEAD, CEM, CEP, CECTRL, CEALUMODE, CEINMODE,
                 CECARRYIN, RSTA, RSTB, RSTC, RSTD, RSTM, RSTP, RSTCTRL, RSTALUMODE, RSTINMODE,
                 RSTALLCARRYIN };

  static int64_t extended(uint64_t value, int bits) {
    return int64_t(value << (64 - bits)) >> (64 - bits);
  }
  uint64_t a_in(unsigned l) const {
    if (!a_cascade) return factors(l, 0, 30);
    return from[0] ? from[0]->acout(l) : (1u << 30) - 1;
  }
  uint64_t b_in(unsigned l) const {
    if (!b_cascade) return factors(l, 30, 18);
    return from[1] ? from[1]->bcout(l) : (1u << 18) - 1;
  }
  uint64_t a(unsigned l) const { return areg ? states[l].a2 : a_in(l); }
  uint64_t b(unsigned l) const { return breg ? states[l].b2 : b_in(l); }
  uint64_t acout(unsigned l) const { return areg == 2 && acascreg == 1 ? states[l].a1 : a(l); }
  uint64_t bcout(unsigned l) const { return breg == 2 && bcascreg == 1 ? states[l].b1 : b(l); }
  uint64_t d(unsigned l) const { return dreg ? states[l].d : rest(l, 0, 25); }
  uint64_t inmode(unsigned l) const { return inmodereg ? states[l].inmode : rest(l, 29, 5); }

  uint64_t a_gated(unsigned l) const {
    if (inmode(l) & 2) return 0;
    return (areg && inmode(l) & 1 ? states[l].a1 : a(l)) & 0x1FFFFFF;
  }
  // D plus or minus A.
  uint64_t added(unsigned l) const {
    const uint64_t left = inmode(l) & 4 ? d(l) : 0, right = a_gated(l);
    return (inmode(l) & 8 ? left - right : left + right) & 0x1FFFFFF;
  }
  uint64_t product(unsigned l) const {
    const uint64_t left = !use_dport ? a_gated(l) : adreg ? states[l].ad : added(l);
    const uint64_t right = breg && inmode(l) & 16 ? states[l].b1 : b(l);
    return uint64_t(extended(left, 25) * extended(right, 18)) & ALL;
  }

  Out result(unsigned l) const {
    const State& s = states[l];
    const uint64_t opmode = opmodereg ? s.opmode : rest(l, 34, 7);
    const uint64_t alumode = alumodereg ? s.alumode : rest(l, 41, 4);
    const uint64_t c = creg ? s.c : summand(l, 0, 48);
    const uint64_t pcin = from[2] ? from[2]->states[l].out.p : ALL;
    uint64_t x = 0, y = 0, z = 0;
    switch (opmode & 3) {
      case 1: x = mreg ? s.m : product(l); break;
      case 2: x = s.out.p; break;
      case 3: x = a(l) << 18 | b(l); break;
    }
    switch (opmode >> 2 & 3) {  // X and Y together are the product: X has all of it here
      case 2: y = ALL; break;
      case 3: y = c; break;
    }
    switch (opmode >> 4) {
      case 1: z = pcin; break;
      case 2: case 4: z = s.out.p; break;
      case 3: z = c; break;
      case 5: z = uint64_t(extended(pcin, 48) >> 17) & ALL; break;
      case 6: z = uint64_t(extended(s.out.p, 48) >> 17) & ALL; break;
    }
    if (alumode & 1) z ^= ALL;
    Out out;
    uint64_t carry = carry_in(l);
    const unsigned bits = 48 / simd;
    const uint64_t word = (uint64_t(1) << bits) - 1;
    for (unsigned k = 0; k < simd; ++k, carry = 0) {
      const unsigned at = bits * k;
      const uint64_t total = (z >> at & word) + (x >> at & word) + (y >> at & word) + carry;
      out.p |= (total & word) << at;
      out.carries |= ((total >> bits & 1) ^ (alumode >> 1 & 1)) << ((k + 1) * 4 / simd - 1);
    }
    if (alumode & 12) out.p = alumode & 8 ? (x & y) | (x & z) | (y & z) : x ^ y ^ z;
    if (alumode & 2) out.p ^= ALL;
    out.match = (((out.p ^ pattern) & ~mask) & ALL) == 0;
    out.matchb = ((~(out.p ^ pattern) & ~mask) & ALL) == 0;
    return out;
  }

  uint64_t carry_in(unsigned l) const {
    const State& s = states[l];
    const uint64_t pcin = from[2] ? from[2]->states[l].out.p : ALL;
    switch (carryinselreg ? s.carryinsel : rest(l, 26, 3)) {
      case 0: return carryinreg ? s.carryin : rest(l, 25, 1);
      case 1: return ~pcin >> 47 & 1;
      case 2: return from[3] ? from[3]->states[l].out.carries >> 3 & 1 : 1;
      case 3: return pcin >> 47;
      case 4: return s.out.carries >> 3;
      case 5: return ~s.out.p >> 47 & 1;
      case 6: throw std::runtime_error("a DSP48E1 rounds by CARRYINSEL 6, which is not modelled");
      default: return s.out.p >> 47;
    }
  }

  void tick(unsigned l) {
    State& s = states[l];
    const uint64_t pins = control.values[l];
    const auto is = [pins](Control bit) { return bool(pins >> bit & 1); };
    State next = s;
    const uint64_t a_now = a_in(l), b_now = b_in(l);
    if (preg) {
      if (is(RSTP))
        next.out = Out{};
      else if (is(CEP))
        next.out = result(l);
    }
    if (mreg) load(next.m, is(RSTM), is(CEM), product(l));
    load(next.ad, is(RSTD), is(CEAD), added(l));
    load(next.a1, is(RSTA), is(CEA1), a_now);
    load(next.a2, is(RSTA), is(CEA2), areg == 2 ? s.a1 : a_now);
    load(next.b1, is(RSTB), is(CEB1), b_now);
    load(next.b2, is(RSTB), is(CEB2), breg == 2 ? s.b1 : b_now);
    load(next.c, is(RSTC), is(CEC), summand(l, 0, 48));
    load(next.d, is(RSTD), is(CED), rest(l, 0, 25));
    load(next.inmode, is(RSTINMODE), is(CEINMODE), rest(l, 29, 5));
    load(next.opmode, is(RSTCTRL), is(CECTRL), rest(l, 34, 7));
    load(next.alumode, is(RSTALUMODE), is(CEALUMODE), rest(l, 41, 4));
    load(next.carryinsel, is(RSTCTRL), is(CECTRL), rest(l, 26, 3));
    load(next.carryin, is(RSTALLCARRYIN), is(CECARRYIN), rest(l, 25, 1));
    s = next;
  }
  static void load(uint64_t& state, bool reset, bool enabled, uint64_t value) {
    if (reset)
      state = 0;
    else if (enabled)
      state = value;
  }

  unsigned lanes;
  uint32_t areg, breg, acascreg, bcascreg, adreg, creg, dreg, mreg, preg;
  uint32_t inmodereg, opmodereg, alumodereg, carryinreg, carryinselreg, a_cascade, b_cascade;
  uint32_t use_dport, simd;
  uint64_t mask, pattern;
  std::array<const Dsp*, 4> from{};
  Pins factors, summand, rest, control, sum, flags;
  std::vector<State> states;
};

}  // namespace
