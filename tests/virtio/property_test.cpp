// Random interleavings of a driver and a device: nothing is lost, nothing comes twice, nobody sleeps on waiting work.
#include <vector>

#include "models/base/rng.h"
#include "tests/virtio/ring_fixture.h"

namespace gd {
namespace {

struct Case {
  std::uint16_t size;
  bool events;
};

class Interleavings : public ::testing::TestWithParam<Case> {};

TEST_P(Interleavings, NoBufferIsLostAndNoWakeUpMissed) {
  const Case c = GetParam();
  RingFixture f(c.size, c.events ? feature::bit(feature::kEventIdx) : 0);
  Rng rng(7, "interleavings/" + std::to_string(c.size) + (c.events ? "e" : "f"));
  std::vector<std::uint32_t> taken_heads;
  std::vector<bool> out(200000, false);
  std::uint32_t next_token = 0, returned = 0;
  bool device_awake = true, driver_awake = true;
  Segment s[8];
  for (int i = 0; i < 200000; ++i) {
    switch (rng.below(4)) {
      case 0: {   // driver posts a batch
        if (!driver_awake && f.driver.free_descriptors() < c.size) break;
        for (std::uint64_t n = rng.below(4) + 1; n > 0; --n) {
          Segment b[3];
          const unsigned parts = 1 + static_cast<unsigned>(rng.below(3));
          for (unsigned k = 0; k < parts; ++k) b[k] = Segment{0x10000 + 64 * k, 64 + next_token % 7, true};
          if (next_token < out.size() && f.driver.add(f.view, b, parts, next_token) != DriverRing::kFull) out[next_token++] = true;
        }
        f.driver.publish(f.view);
        if (f.driver.kick_needed(f.view)) device_awake = true;
        break;
      }
      case 1: {   // device takes, sometimes gives back
        if (!device_awake) break;
        DeviceRing::Taken t;
        if (f.device.take(f.view, s, 8, t)) {
          ASSERT_EQ(t.error, RingError::none);
          if (rng.below(5) == 0) f.device.untake(1);
          else taken_heads.push_back(t.head);
        } else {
          f.device.enable_notify(f.view);
          device_awake = f.device.recheck(f.view);
          if (device_awake) f.device.disable_notify(f.view);
        }
        break;
      }
      case 2: {   // device returns some, in any order
        for (std::uint64_t n = rng.below(3) + 1; n > 0 && !taken_heads.empty(); --n) {
          const std::size_t at = rng.below(taken_heads.size());
          f.device.push(f.view, static_cast<std::uint16_t>(taken_heads[at]), 1);
          taken_heads[at] = taken_heads.back();
          taken_heads.pop_back();
        }
        f.device.publish(f.view);
        if (f.device.signal_needed(f.view)) driver_awake = true;
        break;
      }
      default: {  // driver polls
        if (!driver_awake) break;
        f.driver.disable_callbacks(f.view);
        DriverRing::Used u;
        for (int budget = 3; budget > 0 && f.driver.get_used(f.view, u); --budget) {
          ASSERT_TRUE(out[u.token]);
          out[u.token] = false;
          ++returned;
        }
        if (f.driver.waiting(f.view) == 0) {
          f.driver.enable_callbacks(f.view);
          driver_awake = f.driver.more_used(f.view);
        }
      }
    }
    // Who sleeps has nothing to do.
    if (!device_awake) { ASSERT_EQ(f.word(vring::avail_idx(f.layout)), f.device.next_avail()) << "step " << i; }
    if (!driver_awake) { ASSERT_EQ(f.word(vring::used_idx(f.layout)), f.driver.next_used()) << "step " << i; }
  }
  EXPECT_GT(returned, 15000u);
  std::uint32_t still = 0;
  for (std::uint32_t i = 0; i < next_token; ++i) still += out[i];
  EXPECT_EQ(still, f.driver.outstanding());
  EXPECT_EQ(returned + still, next_token);
  EXPECT_EQ(f.driver.errors() + f.device.errors(), 0u);
}

INSTANTIATE_TEST_SUITE_P(Sizes, Interleavings, ::testing::Values(Case{4, false}, Case{4, true}, Case{16, true}, Case{256, false}, Case{256, true}),
                         [](const auto& i) { return std::to_string(i.param.size) + (i.param.events ? "events" : "flags"); });

}  // namespace
}  // namespace gd
