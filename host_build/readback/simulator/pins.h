// What the parts of the simulator share: words of one bit a lane, and the nets at a block's pins.
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

}  // namespace
