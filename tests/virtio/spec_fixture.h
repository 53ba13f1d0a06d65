// What the tests by section of the specification share.
#pragma once
#include "tests/virtio/access_log.h"
#include "tests/virtio/ring_fixture.h"

namespace gd {

inline const Segment kOne[] = {{0x4000, 64, true}};
inline const Segment kThree[] = {{0x4000, 12, false}, {0x5000, 100, true}, {0x6000, 200, true}};

// Puts `n` buffers through, with all decisions.
inline void pass(RingFixture& f, unsigned n = 1) {
  for (; n > 0; --n) {
    ASSERT_NE(f.driver.add(f.view, kOne, 1, 0), DriverRing::kFull);
    f.driver.publish(f.view);
    f.driver.kick_needed(f.view);
    Segment s[4];
    DeviceRing::Taken t;
    DriverRing::Used u;
    ASSERT_TRUE(f.device.take(f.view, s, 4, t));
    f.device.push(f.view, t.head, 64);
    f.device.publish(f.view);
    f.device.signal_needed(f.view);
    ASSERT_TRUE(f.driver.get_used(f.view, u));
  }
}

}  // namespace gd
