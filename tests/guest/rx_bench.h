// The guest's receive queue alone, and a device that fills its buffers as vhost does; packets are looked at as the driver
// made them.
#pragma once
#include <functional>
#include <utility>

#include "models/guest/rx_queue.h"
#include "tests/guest/guest_fixture.h"

namespace gd::test {

struct RxBench : GuestBench {
  void make() {
    CoreParams cp;
    cp.hz = 1'000'000'000;
    cp.step_max = kMs;   // what a packet needs is one step
    core = std::make_unique<Core>(kernel, 0, cp, memory, ledger, costs);
    core->attach(doer);
    context = std::make_unique<GuestContext>(params, Guest::Environment{kernel, space, ownership, frames, costs, sent, &faults});
    buffers = std::make_unique<GuestBuffers>(*context);
    rx = std::make_unique<GuestRxQueue>(*context, *buffers);
    rx->fill();
    ring = std::make_unique<DeviceRing>(rx->ring().layout(), space.size());
    ledger.seal(costs.entries().size());
  }
  void in_step(std::function<void(Step&)> f) {
    doer.f = std::move(f);
    doer.wake(from_sc(sc_core::sc_time_stamp()));
    sc_core::sc_start(to_sc(2 * kMs));
    if (kernel.failure()) std::rethrow_exception(kernel.failure());
  }
  struct Chain {
    DeviceRing::Taken taken;
    std::vector<Segment> segments;
  };
  Chain take_chain() {
    Chain c;
    EXPECT_TRUE(take(c.segments, c.taken));
    return c;
  }
  // Writes `bytes` over the chain from its start; those that it does not hold are left over.
  std::size_t write(const Chain& c, const std::uint8_t* bytes, std::size_t n) {
    std::size_t at = 0;
    for (const Segment& s : c.segments) {
      const std::size_t part = std::min<std::size_t>(s.len, n - at);
      if (part) space.write(s.gpa, bytes + at, part);
      at += part;
    }
    return at;
  }
  void use_chain(const Chain& c, std::size_t length) { use(c.taken, c.segments, static_cast<std::uint32_t>(length), 0); }
  // The header and `length` packet bytes over as many ring buffers as it takes; `skip`: every other buffer stays unused.
  unsigned hand_over(std::uint32_t length, VirtioNetHdr h = {}, bool skip = false) {
    const unsigned hl = rx->ring().layout().header_length;
    std::vector<std::uint8_t> all(hl + length);
    for (std::size_t i = hl; i < all.size(); ++i) all[i] = pattern(i - hl);
    std::vector<Chain> chains;
    std::size_t room = 0;
    while (room < all.size()) {
      chains.push_back(take_chain());
      room += chains.back().taken.writable;
      if (skip) kept.push_back(take_chain());
    }
    h.num_buffers = static_cast<std::uint16_t>(chains.size());
    std::memcpy(all.data(), &h, hl);
    std::size_t at = 0;
    for (const Chain& c : chains) {
      const std::size_t n = write(c, &all[at], all.size() - at);
      use_chain(c, n);
      at += n;
    }
    ring->publish(view);
    return static_cast<unsigned>(chains.size());
  }
  static std::uint8_t pattern(std::size_t i) { return static_cast<std::uint8_t>(i * 7 + i / 251); }

  // What the driver makes of what is used.
  GuestRxQueue::Got receive() {
    GuestRxQueue::Got got = GuestRxQueue::Got::none;
    in_step([&](Step& s) {
      CpuView v(s, space, context->costs.ring);
      got = rx->receive(s, v, packet);
    });
    return got;
  }
  GuestPacket& p() { return buffers->packet(packet); }
  std::uint32_t linear() { return (*buffers)[p().first].length; }
  bool intact(std::uint32_t length) {
    std::vector<std::uint8_t> b(length);
    buffers->gather(p(), 0, length, b.data());
    for (std::size_t i = 0; i < b.size(); ++i)
      if (b[i] != pattern(i)) return false;
    return p().length == length;
  }

  struct Doer : Task {
    Doer() : Task("doer", Priority::thread) {}
    bool step(Step& s) override {
      if (auto g = std::exchange(f, nullptr)) g(s);
      return false;
    }
    std::function<void(Step&)> f;
  } doer;
  std::unique_ptr<GuestContext> context;
  std::unique_ptr<GuestBuffers> buffers;
  std::unique_ptr<GuestRxQueue> rx;
  std::vector<Chain> kept;
  std::uint32_t packet = kNil;
};

}  // namespace gd::test
