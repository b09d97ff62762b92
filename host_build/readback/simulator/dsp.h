// A DSP48E1: readback_dsp.sv. It takes its pins for all lanes at a clock's edge, and changes lane by
// lane.
namespace {

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
