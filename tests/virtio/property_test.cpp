// Random interleavings of a driver and a device: nothing is lost, nothing comes twice, nothing is another's, and nobody
// sleeps on waiting work. Sizes, formats, chains, indirect tables, batches, order, suppression, chains given back.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "models/base/rng.h"
#include "tests/virtio/ring_fixture.h"

namespace gd {
namespace property_test {

constexpr int kSteps = 600'000;     // of each case; a step adds, takes, uses or polls up to four buffers
constexpr unsigned kMost = 3;       // segments of a buffer

struct Case {
  std::uint16_t size;
  const char* features;             // e events, i indirect, o in order, p packed
  std::uint64_t bits() const {
    std::uint64_t f = 0;
    for (const char* c = features; *c; ++c)
      f |= feature::bit(*c == 'e' ? feature::kEventIdx : *c == 'i' ? feature::kIndirect : *c == 'o' ? feature::kInOrder : feature::kPacked);
    return f;
  }
};

class Interleavings : public ::testing::TestWithParam<Case> {};

// What is posted is a function of the token, so that either side can tell a foreign or damaged buffer.
unsigned build(std::uint32_t token, unsigned most, Segment* s) {
  const unsigned n = 1 + token * 7 % most;
  const unsigned readable = token % 3 == 0 ? n - 1 : 0;
  for (unsigned k = 0; k < n; ++k) s[k] = Segment{0x10000 + 16 * (token % 8192) + k, 64 + token % 97 + k, k >= readable};
  return n;
}

struct Machine {
  Machine(const Case& c, std::uint64_t seed)
      : f(c.size, c.bits(), std::min<unsigned>(kMost, c.size)), most(std::min<unsigned>(kMost, c.size)),
        rng(seed, "interleavings/" + std::to_string(c.size) + c.features) {
    state.resize(kSteps * 4);
  }
  enum : std::uint8_t { unborn, posted, used, returned };
  std::uint32_t writable(std::uint32_t token) const {
    Segment s[kMost];
    std::uint32_t sum = 0;
    for (unsigned k = 0, n = build(token, most, s); k < n; ++k) sum += s[k].write ? s[k].len : 0;
    return sum;
  }

  void post() {
    for (std::uint64_t n = rng.below(4) + 1; n > 0; --n) {
      Segment s[kMost];
      const unsigned parts = build(next, most, s);
      const unsigned free = f.driver.free_descriptors(), slots = f.driver.slots_for(parts);
      const int head = f.driver.add(f.view, s, parts, next);
      ASSERT_EQ(head == DriverRing::kFull, free < slots);
      if (head == DriverRing::kFull) break;
      ASSERT_EQ(f.driver.free_descriptors(), free - slots);
      state[next++] = posted;
    }
    if (rng.below(4) == 0) return;       // published with a later batch
    f.driver.publish(f.view);
    if (f.driver.kick_needed(f.view)) device_awake = true, ++kicks;
  }

  // Gathers `want` chains for one packet, or gives back what it has and asks for a kick.
  void take() {
    if (!device_awake) return;
    if (want == 0) want = 1 + static_cast<unsigned>(rng.below(std::min<std::uint64_t>(3, std::max(1, f.layout.size / 6))));
    Segment s[8];
    DeviceRing::Taken t;
    std::array<std::pair<std::uint16_t, std::uint32_t>, 3> got;
    unsigned n = 0;
    for (; n < want && f.device.take(f.view, s, 8, t); ++n) {
      ASSERT_EQ(t.error, RingError::none);
      std::uint32_t token = 0;
      while (token < next && !(state[token] == posted && matches(token, s, t))) token += token < oldest ? oldest - token : 1;
      ASSERT_LT(token, next) << "a chain that nobody posted";
      got[n] = {t.head, token};
      state[token] = used;                // until it is given back below
    }
    if (n < want || rng.below(9) == 0) {
      for (unsigned i = 0; i < n; ++i) state[got[i].second] = posted;
      f.device.untake(n);
      if (n == want) return;
      f.device.enable_notify(f.view);
      device_awake = f.device.recheck(f.view);
      if (device_awake) f.device.disable_notify(f.view);
      return;
    }
    for (unsigned i = 0; i < n; ++i) taken.push_back(got[i]);
    want = 0;
  }
  bool matches(std::uint32_t token, const Segment* s, const DeviceRing::Taken& t) const {
    Segment mine[kMost];
    if (build(token, most, mine) != t.segments) return false;
    for (unsigned k = 0; k < t.segments; ++k)
      if (s[k].gpa != mine[k].gpa || s[k].len != mine[k].len || s[k].write != mine[k].write) return false;
    return true;
  }

  void use() {
    for (std::uint64_t n = rng.below(4) + 1; n > 0 && !taken.empty(); --n) {
      const std::size_t at = rng.below(3) ? 0 : rng.below(taken.size());
      const auto [head, token] = taken[at];
      const std::uint32_t most_written = writable(token);
      length[token % length.size()] = rng.below(2) ? most_written : token % (most_written + 1);
      f.device.push(f.view, head, length[token % length.size()]);
      taken.erase(taken.begin() + static_cast<std::ptrdiff_t>(at));
    }
    if (rng.below(3) == 0) return;
    f.device.publish(f.view);
    if (f.device.signal_needed(f.view)) driver_awake = true, ++signals;
  }

  void poll() {
    if (!driver_awake) return;
    f.driver.disable_callbacks(f.view);
    DriverRing::Used u;
    for (int budget = 3; budget > 0 && f.driver.get_used(f.view, u); --budget) {
      ASSERT_LT(u.token, next);
      ASSERT_EQ(state[u.token], used) << "returned twice, or not used";
      ASSERT_EQ(u.len, length[u.token % length.size()]) << u.token;
      if (f.driver.in_order()) { ASSERT_EQ(u.token, oldest); }
      state[u.token] = returned;
      ++back;
      while (oldest < next && state[oldest] == returned) ++oldest;
    }
    if (f.driver.waiting(f.view) != 0) return;
    f.driver.enable_callbacks(f.view);
    driver_awake = f.driver.more_used(f.view);
  }

  // Who sleeps has nothing to do.
  void nobody_sleeps_on_work() {
    const auto visible = static_cast<std::uint16_t>(f.driver.next_avail() - f.driver.unpublished() - f.device.next_avail());
    if (!device_awake) { ASSERT_LT(visible, want); }
    if (!driver_awake) { ASSERT_EQ(static_cast<std::uint16_t>(f.device.next_used() - f.device.unpublished()), f.driver.next_used()); }
  }

  RingFixture f;
  unsigned most;
  Rng rng;
  std::vector<std::uint8_t> state;
  std::vector<std::uint32_t> length = std::vector<std::uint32_t>(65536);
  std::vector<std::pair<std::uint16_t, std::uint32_t>> taken;
  std::uint32_t next = 0, oldest = 0, back = 0, kicks = 0, signals = 0;
  unsigned want = 1;
  bool device_awake = true, driver_awake = true;
};

TEST_P(Interleavings, NoBufferIsLostAndNoWakeUpMissed) {
  Machine m(GetParam(), 7);
  std::uint64_t phase = 0;
  for (int i = 0; i < kSteps && !HasFatalFailure(); ++i) {
    if (i % 512 == 0) phase = m.rng.below(3);   // at the same pace, the driver slow, the device slow
    const std::uint64_t act = m.rng.below(4);
    if (phase > 0 && act / 2 == phase - 1 && m.rng.below(16) > 0) continue;
    switch (act) {
      case 0: m.post(); break;
      case 1: m.poll(); break;
      case 2: m.take(); break;
      default: m.use(); break;
    }
    m.nobody_sleeps_on_work();
    if (HasFatalFailure()) FAIL() << "step " << i;
  }
  EXPECT_GT(m.back, kSteps / 60u);
  EXPECT_GT(m.kicks, 100u);
  EXPECT_GT(m.signals, 100u);
  if (GetParam().size > 1) { EXPECT_LT(m.kicks, m.next); }
  EXPECT_EQ(m.back + m.f.driver.outstanding(), m.next);
  EXPECT_EQ(m.f.driver.errors() + m.f.device.errors(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Split, Interleavings,
                         ::testing::Values(Case{1, ""}, Case{1, "eio"}, Case{2, "e"}, Case{4, ""}, Case{4, "e"}, Case{4, "i"}, Case{8, "ei"},
                                           Case{8, "o"}, Case{16, "e"}, Case{16, "eo"}, Case{16, "io"}, Case{64, "eio"}, Case{256, ""},
                                           Case{256, "ei"}),
                         [](const auto& i) { return std::to_string(i.param.size) + "s" + i.param.features; });
INSTANTIATE_TEST_SUITE_P(Packed, Interleavings,
                         ::testing::Values(Case{1, "p"}, Case{1, "peio"}, Case{2, "pe"}, Case{3, "p"}, Case{3, "pe"}, Case{5, "pi"}, Case{7, "pei"},
                                           Case{7, "po"}, Case{16, "pe"}, Case{17, "peo"}, Case{16, "pio"}, Case{63, "peio"}, Case{100, "p"},
                                           Case{256, "pei"}),
                         [](const auto& i) { return std::to_string(i.param.size) + i.param.features; });

}  // namespace property_test
}  // namespace gd
