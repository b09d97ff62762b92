// A table's memory or shift register: up to 64 words, of which each has one bit of every lane.
namespace {

// The nets of an address, lowest bit first.
using Address = uint32_t[6];

class LutMemory {
 public:
  explicit LutMemory(Numbers& numbers) : words(numbers.next()), start(numbers.next64()) {}

  void reset() {
    bits.fill(0);
    for (unsigned k = 0; k < words; ++k)
      if (start >> k & 1) bits[k] = ~Word(0);
  }

  Word load(const std::vector<Word>& n, unsigned lanes, const Address& address) const {
    if (lanes == 1) return bits[place(n, address)];
    Word half[32];
    const Word* from = bits.data();
    unsigned bit = 0;
    for (unsigned left = words / 2; left; left /= 2, ++bit) {
      const Word select = n[address[bit]];
      for (unsigned k = 0; k < left; ++k)
        half[k] = from[2 * k] ^ (select & (from[2 * k] ^ from[2 * k + 1]));
      from = half;
    }
    return half[0];
  }

  void store(const std::vector<Word>& n, unsigned lanes, const Address& address, Word enable,
             Word data) {
    if (lanes == 1) {
      if (enable & 1) bits[place(n, address)] = data;
      return;
    }
    Word chosen[64] = {enable};
    unsigned bit = 0;
    for (unsigned count = 1; count < words; count *= 2, ++bit) {
      const Word high = n[address[bit]];
      for (unsigned k = 0; k < count; ++k) {
        chosen[count + k] = chosen[k] & high;
        chosen[k] &= ~high;
      }
    }
    for (unsigned k = 0; k < words; ++k) bits[k] ^= chosen[k] & (bits[k] ^ data);
  }

  void shift(Word enable, Word data) {
    for (unsigned k = words; --k;) bits[k] ^= enable & (bits[k] ^ bits[k - 1]);
    bits[0] ^= enable & (bits[0] ^ data);
  }

  Word last() const { return bits[words - 1]; }

 private:
  // Where one chip reads or writes; several may do so in as many places.
  unsigned place(const std::vector<Word>& n, const Address& address) const {
    unsigned place = 0;
    for (unsigned k = 0; 1u << k < words; ++k) place |= unsigned(n[address[k]] & 1) << k;
    return place;
  }

  uint32_t words;
  uint64_t start;
  std::array<Word, 64> bits;
};

}  // namespace
