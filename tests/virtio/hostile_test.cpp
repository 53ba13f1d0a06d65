// The other side writes anything: each side counts it, keeps its own books, and touches nothing outside.
#include "models/base/rng.h"
#include "tests/virtio/ring_fixture.h"

namespace gd {
namespace hostile_test {

struct Case {
  std::uint16_t size;
  std::uint64_t features;
};
std::vector<Case> cases() {
  using namespace feature;
  std::vector<Case> all;
  for (const std::uint64_t f : {std::uint64_t{0}, bit(kPacked)})
    for (const std::uint64_t g : {std::uint64_t{0}, bit(kInOrder), bit(kIndirect) | bit(kEventIdx), bit(kInOrder) | bit(kIndirect) | bit(kEventIdx)})
      for (const unsigned size : {1u, 4u, 16u}) all.push_back({static_cast<std::uint16_t>(size), f | g});
  return all;
}

// Damages a few words of the ring. Small values are frequent, for large ones are refused at once.
void damage(RingFixture& f, Rng& rng, Gpa from, Bytes bytes) {
  for (std::uint64_t n = rng.below(3) + 1; n > 0; --n) {
    const auto value = static_cast<std::uint16_t>(rng.below(3) ? rng.below(f.layout.size + 2u) | (rng.below(8) << 13) : rng.below(65536));
    f.set(from + 2 * rng.below(bytes / 2), rng.below(4) ? value : static_cast<std::uint16_t>(value ^ 0x8080));
  }
}

// An honest driver whose ring is damaged between any two acts.
TEST(Hostile, ADeviceSurvivesAnyGuest) {
  std::uint64_t errors = 0, taken = 0;
  for (const Case& c : cases()) {
    Rng rng(3, "hostile guest/" + std::to_string(c.features) + "/" + std::to_string(c.size));
    for (int run = 0; run < 200; ++run) {
      RingFixture f(c.size, c.features, std::min<unsigned>(3, c.size));
      std::vector<std::uint16_t> mine;
      for (int i = 0; i < 100; ++i) {
        const Segment b[] = {{0x8000, 64, true}, {0x9000, 64, true}, {0xa000, 64, true}};
        f.driver.add(f.view, b, 1 + static_cast<unsigned>(rng.below(std::min<unsigned>(3, c.size))), 0);
        f.driver.publish(f.view);
        if (rng.below(3) == 0) damage(f, rng, f.layout.desc, vring::desc_bytes(c.size));
        if (rng.below(3) == 0) damage(f, rng, f.layout.avail, f.device.packed() ? pvring::event_bytes : vring::avail_bytes(c.size));
        if (!f.device.packed() && rng.below(2)) f.set(vring::avail_idx(f.layout), static_cast<std::uint16_t>(f.device.next_avail() + rng.below(c.size + 1u)));
        Segment s[8];
        DeviceRing::Taken t;
        if (mine.size() < 64u && f.device.take(f.view, s, 8, t)) {
          ++taken;
          ASSERT_LE(t.segments, 8);
          for (unsigned k = 0; k < t.segments; ++k) {
            ASSERT_LT(s[k].gpa, f.space.size());
            ASSERT_LE(s[k].len, f.space.size() - s[k].gpa);
          }
          ASSERT_LT(t.head, c.size);
          if (rng.below(4) == 0) f.device.untake(1);
          else mine.push_back(t.head);
        }
        while (!mine.empty() && rng.below(2)) {
          const std::size_t at = rng.below(mine.size());
          f.device.push(f.view, mine[at], static_cast<std::uint32_t>(rng.below(100)));
          mine.erase(mine.begin() + static_cast<std::ptrdiff_t>(at));
        }
        f.device.publish(f.view);
        f.device.signal_needed(f.view);
        if (rng.below(3) == 0) f.device.enable_notify(f.view), f.device.recheck(f.view), f.device.disable_notify(f.view);
        DriverRing::Used u;
        while (f.driver.get_used(f.view, u)) {}
        if (f.device.broken()) {
          f.device.reset();
          mine.clear();
        }
      }
      errors += f.device.errors();
    }
  }
  EXPECT_GT(errors, 10000u);
  EXPECT_GT(taken, 10000u);
}

TEST(Hostile, ADriverSurvivesAnyDevice) {
  std::uint64_t errors = 0, returned = 0;
  for (const Case& c : cases()) {
    Rng rng(4, "hostile device/" + std::to_string(c.features) + "/" + std::to_string(c.size));
    for (int run = 0; run < 200; ++run) {
      RingFixture f(c.size, c.features, std::min<unsigned>(3, c.size));
      std::vector<bool> out;
      for (int i = 0; i < 100; ++i) {
        const Segment s[] = {{0x8000, 64, true}, {0x9000, 64, true}, {0xa000, 64, true}};
        if (f.driver.add(f.view, s, 1 + static_cast<unsigned>(rng.below(std::min<unsigned>(3, c.size))), static_cast<std::uint32_t>(out.size())) != DriverRing::kFull)
          out.push_back(true);
        f.driver.publish(f.view);
        f.driver.kick_needed(f.view);
        if (f.driver.packed()) damage(f, rng, f.layout.desc, vring::desc_bytes(c.size));
        damage(f, rng, f.layout.used, f.driver.packed() ? pvring::event_bytes : vring::used_bytes(c.size));
        if (!f.driver.packed() && rng.below(2)) f.set(vring::used_idx(f.layout), static_cast<std::uint16_t>(f.driver.next_used() + rng.below(c.size + 1u)));
        DriverRing::Used u;
        for (int k = 0; k < 4 && f.driver.get_used(f.view, u); ++k) {
          ASSERT_LT(u.token, out.size());
          ASSERT_TRUE(out[u.token]) << "a buffer came back twice";
          out[u.token] = false;
          ++returned;
        }
        if (rng.below(3) == 0) f.driver.enable_callbacks(f.view), f.driver.more_used(f.view), f.driver.disable_callbacks(f.view);
        ASSERT_LE(f.driver.free_descriptors(), c.size);
        ASSERT_LE(f.driver.outstanding(), c.size);
      }
      errors += f.driver.errors();
    }
  }
  EXPECT_GT(errors, 10000u);
  EXPECT_GT(returned, 10000u);
}

}  // namespace hostile_test
}  // namespace gd
