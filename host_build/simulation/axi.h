// What the parts of the board around chip_core share: how its buses behave, what passes over them,
// and how a rule of AXI3 is checked.
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

// Shared with Python, like the two structures after it: keep the layouts the same.
struct Bus {
  double stall;            // the probability per cycle that memory pauses, on each channel
  double registers_stall;  // the same for the processors
  uint32_t read_latency[2], write_latency[2];  // cycles, from and to
  uint32_t bursts;         // reads, and writes, that memory accepts before it answers the first
  uint32_t error[2];       // addresses, from and up to, at which memory reports ...
  uint32_t response;       // ... this
  uint32_t silent;         // memory accepts and does not answer
};

struct Traffic {
  uint64_t read_bursts, read_beats, write_bursts, write_beats;
  uint64_t read_waits;   // cycles in which memory had data and the chip did not take it
  uint64_t write_waits;  // cycles in which memory waited for the data of an accepted address
  uint64_t most_reads;   // reads accepted and not fully answered, at most
};

// One transaction of the processors.
struct Transfer {
  uint32_t write, address, beats, size, burst, id;
  uint32_t data[16], strobes[16];
};

enum Status : int { RUNNING, DONE, PROTOCOL, ERROR };
enum Response : uint32_t { OKAY = 0, DECERR = 3 };
constexpr uint32_t INCR = 1;
constexpr uint64_t REGISTERS_PATIENCE = 10000;
constexpr int RESET_CYCLES = 8;
constexpr const char* DEPENDENT = "a VALID depends on its READY in the same cycle";

struct Violation : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void require(bool holds, const char* otherwise) {
  if (!holds) throw Violation(otherwise);
}
void require(bool holds, const char* channel, const char* otherwise) {
  if (!holds) throw Violation(std::string(channel) + otherwise);
}

// What is offered on a channel must stay until it is taken.
class Channel {
 public:
  explicit Channel(const char* name) : name(name) {}
  template <class... Parts>
  bool sample(bool valid, bool ready, Parts... parts) {
    const Offer now{uint64_t(parts)...};
    require(valid || !held, name, "VALID fell before it was accepted");
    require(!held || now == offer, name, " changed before it was accepted");
    held = valid && !ready;
    offer = now;
    return valid && ready;
  }

 private:
  using Offer = std::array<uint64_t, 6>;
  const char* name;
  bool held = false;
  Offer offer{};
};

struct Random {  // xorshift64*
  uint64_t state;
  uint32_t next() {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return uint32_t((state * 0x2545F4914F6CDD1Du) >> 32);
  }
  bool chance(double p) { return p > 0 && next() < p * 4294967296.0; }
};

// What is the same for all of a board.
struct Setting {
  uint64_t cycle = 0;
  Bus bus{};
  Traffic traffic{};
  Random random;
};

}  // namespace
