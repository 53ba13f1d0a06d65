// The guest's buffers between its ring and the NIC, without a design around them.
#pragma once
#include "models/buffers/posted.h"
#include "tests/buffers/path_bench.h"

namespace gd::test {

struct PostedBench : PathBench {
  using PathBench::PathBench;
  void make(PinPolicy pin, Bytes limit = UINT64_MAX, Bytes backing = kPage) {
    env.pin = pin;
    env.memlock_limit = limit;
    guest = std::make_unique<StubGuest>(phys, own, 64, kModern, backing);
    c = std::make_unique<PathContext>(context());
    side = std::make_unique<GuestSide>(*c);
    all = std::make_unique<PostedBuffers>(*c, *side, stats);
  }
  bool take(std::uint32_t* token, Bytes least = 64) {
    bool got = false;
    in_step([&](Step& s) { got = all->take_one(s, least, token); });
    return got;
  }
  // A buffer's way through the device and back to the guest.
  void use(std::uint32_t token) {
    in_step([&](Step& s) { all->map(s, token); });
    in_step([&](Step& s) { all->unmap(s, token); });
    in_step([&](Step& s) { all->give(s, token, 100, Owner::posted); });
  }
  std::unique_ptr<PathContext> c;
  PathStats stats;
  std::unique_ptr<GuestSide> side;
  std::unique_ptr<PostedBuffers> all;
};
struct PostedTest : PostedBench {};
struct PostedStrict : PostedBench {
  PostedStrict() : PostedBench(IommuMode::strict) {}
};
struct PostedLazy : PostedBench {
  PostedLazy() : PostedBench(IommuMode::lazy, 2 * kMs) {}
};

}  // namespace gd::test
