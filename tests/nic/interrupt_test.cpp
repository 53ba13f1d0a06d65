// Moderation and auto-mask, transmit, planted faults, and the whole path over a real link.
#include "models/cpu/interrupts.h"
#include "models/memory/memory.h"
#include "models/pcie/pcie.h"
#include "tests/nic/nic_bench.h"

using namespace gd;
using namespace gd::test;

namespace interrupt_test {

constexpr Time kVisible = NicParams{}.rx_latency + NicBench::kWrite;   // from arrival to write-back

RxQueueConfig ring(std::uint32_t vector = 0) {
  RxQueueConfig c;
  c.size = 64;
  c.vector = vector;
  return c;
}

// Arrival times of frames and of irq_enable writes (as the device sees them), and the messages expected.
struct Moderated {
  const char* what;
  Time delay;
  std::uint32_t frames;
  std::vector<Time> arrivals, enables, messages;
  ModerationFrom from = ModerationFrom::last_interrupt;
  int taken = -1;   // not negative: armed with so many completions taken (rx_arm) instead
  friend std::ostream& operator<<(std::ostream& o, const Moderated& m) { return o << m.what; }
};

class NicModeration : public testing::TestWithParam<Moderated> {};

TEST_P(NicModeration, Times) {
  const Moderated& m = GetParam();
  NicParams p = NicBench::quiet();
  p.moderation_delay = m.delay;
  p.moderation_frames = m.frames;
  p.moderation_from = m.from;
  NicBench b("bench", p);
  TestRing r(b, 0, ring(5));
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(60); });
  for (Time t : m.arrivals) b.at(t - kVisible, [&] { b.arrive(tcp4_frame(100)); });
  for (Time t : m.enables) b.at(t - NicBench::kMmio, [&] {
    if (m.taken < 0) b.write_register(reg::irq_enable(0), 1);
    else b.write_register(reg::rx_arm(0), static_cast<std::uint32_t>(m.taken));
  });
  b.run(kMs);
  std::vector<Time> got;
  for (const auto& s : b.messages) {
    got.push_back(s.issued);
    EXPECT_EQ(s.value, 5u);
  }
  EXPECT_EQ(got, m.messages) << m.what;
  EXPECT_EQ(b.nic.stats().interrupts, m.messages.size());
}

constexpr Time u(int n) { return n * kUs; }
INSTANTIATE_TEST_SUITE_P(
    Table, NicModeration,
    testing::Values(
        Moderated{"the first fires at once and masks", 0, 0, {u(10), u(11), u(12)}, {}, {u(10)}},
        Moderated{"enabled again: what came meanwhile is told", 0, 0, {u(10), u(11)}, {u(20)}, {u(10), u(20)}},
        Moderated{"enabled again with nothing new", 0, 0, {u(10)}, {u(20)}, {u(10)}},
        Moderated{"least time between two", u(50), 0, {u(10), u(11), u(12)}, {u(15)}, {u(10), u(60)}},
        Moderated{"enabled late", u(50), 0, {u(10), u(11)}, {u(80)}, {u(10), u(80)}},
        Moderated{"idle longer than the delay", u(50), 0, {u(10), u(100)}, {u(15)}, {u(10), u(100)}},
        Moderated{"enough frames fire earlier", u(50), 3, {u(10), u(20), u(21), u(22), u(23)}, {u(15)}, {u(10), u(22)}},
        Moderated{"not enough frames", u(50), 3, {u(10), u(20), u(21)}, {u(15)}, {u(10), u(60)}},
        Moderated{"from the first completion", u(5), 0, {u(10), u(14), u(18)}, {}, {u(15)}, ModerationFrom::first_completion},
        Moderated{"each completion begins anew", u(5), 0, {u(10), u(14), u(18)}, {}, {u(23)}, ModerationFrom::last_completion},
        Moderated{"a stream by its frames alone", u(5), 3, {u(10), u(14), u(18), u(22)}, {u(20)}, {u(18), u(27)}, ModerationFrom::last_completion},
        Moderated{"anew from what came masked", u(5), 0, {u(10), u(16), u(17)}, {u(18)}, {u(15), u(22)}, ModerationFrom::last_completion},
        Moderated{"armed with all taken", 0, 0, {u(10), u(11), u(12)}, {u(20)}, {u(10)}, ModerationFrom::last_interrupt, 3},
        Moderated{"armed with one not taken", 0, 0, {u(10), u(11), u(12)}, {u(20)}, {u(10), u(20)}, ModerationFrom::last_interrupt, 2},
        Moderated{"what was taken does not count", u(50), 3, {u(10), u(20), u(21), u(30)}, {u(25)}, {u(10), u(60)}, ModerationFrom::last_interrupt, 2},
        Moderated{"of a count that cannot be", 0, 0, {u(10), u(11)}, {u(20)}, {u(10)}, ModerationFrom::last_interrupt, 3}));

TEST(NicFaults, FlippedByteIsInMemoryNotInTheChecksum) {
  FaultPlan f{Fault::flip_nic, 1};
  NicBench b("bench", NicBench::quiet(), f);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  const Frame frame = tcp4_frame(500);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { for (int i = 0; i < 3; ++i) b.arrive(frame); });
  b.run(10 * kUs);
  EXPECT_EQ(r.bytes(r.packet(0), frame.size()), frame);
  Frame hit = r.bytes(r.packet(1), frame.size());
  EXPECT_NE(hit, frame);
  hit[54 + 250] ^= 0x20;
  EXPECT_EQ(hit, frame);
  EXPECT_FALSE(r.done(1).l4_error);
  EXPECT_EQ(r.bytes(r.packet(2), frame.size()), frame);
}

TEST(NicFaults, LostFrameIsNeitherHeldNorDropped) {
  NicBench b("bench", NicBench::quiet(), {Fault::lose_nic, 0});
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(100)), b.arrive(tcp4_frame(100)); });
  b.run(10 * kUs);
  EXPECT_EQ(b.nic.held(), 1u);
  const auto& c = b.frames.all();
  EXPECT_EQ(c.offered, 2u);
  EXPECT_EQ(c.dropped + c.delivered + c.consumed + b.nic.held(), 1u);
}

TEST(NicFaults, DmaAfterReturnIsAViolation) {
  NicBench b("bench", NicBench::quiet(), {Fault::dma_after_return, 0});
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(100)); });
  b.at(5 * kUs, [&] {
    b.nic.take_frame(0, 0);
    b.ownership.move(r.buffers[0], Owner::in_flight, Owner::skb, 5 * kUs, "test");
    EXPECT_EQ(b.ownership.violations(), 0u);
  });
  b.at(6 * kUs, [&] { b.arrive(tcp4_frame(100)); });
  b.run(10 * kUs);
  EXPECT_EQ(b.ownership.violations(), 1u);
  EXPECT_EQ(b.phys.load<std::uint64_t>(r.packet(0)), 0xeeeeeeeeeeeeeeeeULL);
}

// Nic, link, memory and interrupt controller as the system joins them.
struct Wired : sc_core::sc_module, OwnAgenda, Actor, InterruptSink {
  using OwnAgenda::agenda;
  PhysMem phys{64 << 20, 1};
  Ownership ownership;
  FrameTable frames;
  MemorySystem memory{"memory", agenda, phys, MemoryParams{}, 1};
  Pcie pcie{"pcie", agenda, PcieParams{}};
  InterruptController controller{"interrupts", agenda};
  Nic nic{"nic", agenda, NicBench::quiet(), phys, ownership, frames};
  tlm_utils::simple_initiator_socket<Wired> core{"core"};
  Hpa descriptors, buffers;
  Frame frame = tcp4_frame(1000);
  Time raised = 0;
  bool complete = false;

  explicit Wired(sc_core::sc_module_name name) : sc_module(name), Actor(agenda, rank::kCore) {
    nic.bus.bind(pcie.from_device);
    pcie.to_root.bind(memory.socket);
    pcie.to_interrupts.bind(controller.socket);
    core.bind(pcie.from_cpu);
    pcie.to_device.bind(nic.registers);
    controller.add(*this);
    descriptors = phys.alloc_contiguous(64 * 16, 4096);
    buffers = phys.alloc_contiguous(64 * 2048, 4096);
    for (unsigned i = 0; i < 64; ++i) {
      phys.store(descriptors + i * 16, buffers + i * 2048);
      ownership.add(buffers + i * 2048, 2048, Owner::posted, Ownership::Home::host);
    }
    RxQueueConfig c;
    c.ring = descriptors;
    c.size = 64;
    nic.configure_rx(0, c);
    nic.steer(0, 0, 0, 1);
    wake_at(0);
  }
  void act(Time now) override {
    if (now == 0) {
      tlm::tlm_generic_payload gp;
      std::uint32_t tail = 32;
      gp.set_command(tlm::TLM_WRITE_COMMAND);
      gp.set_address(reg::rx_tail(0));
      gp.set_data_ptr(reinterpret_cast<unsigned char*>(&tail));
      gp.set_data_length(4);
      gp.set_streaming_width(4);
      sc_core::sc_time d;
      core->b_transport(gp, d);
      return wake_at(10 * kUs);
    }
    const FrameRef f = frames.create();
    frames[f].bytes = frame.data();
    frames[f].length = static_cast<std::uint32_t>(frame.size());
    frames.offered(f, now);
    nic.frame_arrived(f, now);
  }
  void interrupt(std::uint32_t vector, Time now) override {
    EXPECT_EQ(vector, 0u);
    raised = now;
    const auto w = RxDescriptor::decode(phys.load<std::uint64_t>(descriptors), phys.load<std::uint64_t>(descriptors + 8));
    complete = w.done && w.packet_length == frame.size() && std::memcmp(phys.at(buffers), frame.data(), frame.size()) == 0;
  }
};

TEST(NicWired, InterruptFollowsTheDataOverTheLink) {
  Wired w("wired");
  sc_core::sc_start(to_sc(20 * kUs));
  EXPECT_TRUE(w.complete);
  const Time dma = w.frames[w.nic.take_frame(0, 0)].at[static_cast<int>(Stage::dma)];
  EXPECT_GT(dma, 10 * kUs + w.nic.params().rx_latency);
  EXPECT_GT(w.raised, dma);
  EXPECT_LT(w.raised, 12 * kUs);
  EXPECT_EQ(w.ownership.violations(), 0u);
}

}  // namespace interrupt_test
