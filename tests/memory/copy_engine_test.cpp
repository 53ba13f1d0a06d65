// The host's copy engine: when copies take place, and in which order they are told.
#include <gtest/gtest.h>

#include <tlm_utils/simple_initiator_socket.h>

#include "models/memory/copy_engine.h"

namespace gd::test {
namespace copy_engine_test {

TEST(CopyTimes, RateOccupancyAndOrder) {
  CopyEngineParams p;
  p.rate = 1'000'000'000;   // a byte a nanosecond
  p.per_copy = 20 * kNs;
  struct Row {
    Time ready, channel_free, last_done;
    Bytes n;
    Time memory, begin, free, done;
  };
  for (const Row& r : {Row{100, 0, 0, 1000, 300, 100, 1120, 1120},          // the channel's rate decides
                       {100, 0, 0, 64, 300, 100, 184, 400},                 // the memory's latency decides
                       {100, 900, 0, 64, 300, 900, 984, 1200},              // behind the copy before
                       {100, 0, 5000, 64, 300, 100, 184, 5000}}) {          // never done before an older one
    const CopyTimes t = copy_times(p, r.ready * kNs, r.channel_free * kNs, r.last_done * kNs, r.n, r.memory * kNs);
    EXPECT_EQ(t.begin, r.begin * kNs);
    EXPECT_EQ(t.free, r.free * kNs);
    EXPECT_EQ(t.done, r.done * kNs);
  }
}

struct Idle : sc_core::sc_module {
  explicit Idle(sc_core::sc_module_name name) : sc_module(name), port("port") {}
  tlm_utils::simple_initiator_socket<Idle> port;
};

struct CopyEngineTest : ::testing::Test {
  struct Told : CopyEngine::Listener {
    void copies_done(Time now) override { at.push_back(now); }
    std::vector<Time> at;
  };
  CopyEngineTest() : agenda("agenda"), phys(16 << 20, 1), memory("memory", agenda, phys, {}, 1), idle("idle") { idle.port.bind(memory.socket); }
  CopyEngine& make(unsigned channels, std::uint32_t ring = 8) {
    CopyEngineParams p;
    p.channels = channels;
    p.rate = 1'000'000'000;
    p.per_copy = 0;
    p.start = 100 * kNs;
    p.ring = ring;
    engine = std::make_unique<CopyEngine>(agenda, 1, memory, p);
    return *engine;
  }
  void run(Time until) { sc_core::sc_start(to_sc(until) - sc_core::sc_time_stamp()); }
  Hpa filled(std::uint8_t v) {
    const Hpa a = phys.alloc_page();
    std::memset(phys.at(a), v, kPage);
    return a;
  }
  Agenda agenda;
  PhysMem phys;
  MemorySystem memory;
  Idle idle;
  std::unique_ptr<CopyEngine> engine;
};

TEST_F(CopyEngineTest, BytesMoveWhenTheCopyIsDoneAndNotBeforeTheDoorbell) {
  CopyEngine& e = make(1);
  const unsigned q = e.open();
  const Hpa from = filled(7), to = filled(0);
  ASSERT_NE(e.slot(q), 0u);
  EXPECT_EQ(e.add(q, to, from, 2000), 1u);
  run(10 * kUs);
  EXPECT_EQ(e.completed(q), 0u);
  const Time begun = from_sc(sc_core::sc_time_stamp());
  e.ring(q, 1, begun);
  Told told;
  e.await(q, 1, told, begun);
  run(begun + 2 * kUs);
  EXPECT_EQ(*phys.at(to), 0);
  run(begun + 10 * kUs);
  EXPECT_EQ(e.completed(q), 1u);
  EXPECT_EQ(phys.load<std::uint64_t>(e.status(q)), 1u);
  EXPECT_EQ(std::memcmp(phys.at(to), phys.at(from), 2000), 0);
  EXPECT_EQ(phys.at(to)[2000], 0);
  ASSERT_EQ(told.at.size(), 1u);
  EXPECT_GE(told.at[0], begun + 2 * kUs + 100 * kNs);   // rate and start
  EXPECT_LE(told.at[0], begun + 3 * kUs);
  e.await(q, 1, told, 42);
  EXPECT_EQ(told.at.back(), 42);                        // is done already
  EXPECT_EQ(e.stats().bytes, 2000u);
}

// The count is written when a copy is done: who looks at it meanwhile waits for memory alone, and finds the line gone thereafter.
TEST_F(CopyEngineTest, TheCountsLineIsTheCoresUntilACopyIsDone) {
  CopyEngine& e = make(1);
  const unsigned q = e.open();
  e.add(q, filled(0), filled(1), 4000);
  e.ring(q, 1, 0);
  run(kUs);
  const auto look = [&](Time at) { return memory.cpu(at, e.status(q), 8, Touch::load, false, 0); };
  EXPECT_NEAR(static_cast<double>(look(kUs)), 98e3, 3e3);   // 16 ns in the cache and 82 in memory, which the copy's bytes use
  EXPECT_EQ(look(kUs + 200 * kNs), 16 * kNs);
  run(3 * kUs);
  EXPECT_EQ(e.completed(q), 0u);
  const std::uint64_t written = memory.stats().ddio_hits;
  run(10 * kUs);
  EXPECT_EQ(e.completed(q), 1u);
  EXPECT_EQ(memory.stats().ddio_hits, written + 1);
}

TEST_F(CopyEngineTest, AQueueIsInOrderAndChannelsWorkSideBySide) {
  CopyEngine& e = make(2);
  const unsigned a = e.open(), b = e.open(), c = e.open();   // a and c share a channel
  const Hpa from = filled(1), to = filled(0);
  Told of[3];
  for (const auto& [q, bytes] : {std::pair{a, 4000u}, {a, 64u}, {b, 1000u}, {c, 1000u}}) e.add(q, to, from, bytes);
  e.ring(a, 2, 0);
  e.ring(b, 1, 0);
  e.ring(c, 1, 0);
  e.await(a, 2, of[0], 0);
  e.await(b, 1, of[1], 0);
  e.await(c, 1, of[2], 0);
  run(100 * kUs);
  for (const Told& t : of) ASSERT_EQ(t.at.size(), 1u);
  EXPECT_GE(of[0].at[0], 4 * kUs);          // the short copy waits for the long one
  EXPECT_LE(of[1].at[0], 2 * kUs);          // another channel
  EXPECT_GE(of[2].at[0], 5 * kUs);          // behind the first of the other queue, by turns
  EXPECT_EQ(e.stats().doorbells, 3u);
  EXPECT_NEAR(static_cast<double>(e.stats().busy), 6064e3, 10e3);
}

// A listener waits for one number of its queue; copies are done in the channel's order, queues in turn, each not before its descriptor
// is known.
struct Ring {
  unsigned queue, bytes;
  Time at;                            // of the doorbell, ns
};
struct Wait {
  unsigned queue;
  std::uint64_t number;
  Time from, to;                      // told between these, ns
};
struct Case {
  const char* name;
  unsigned channels;
  std::vector<Ring> rings;            // one copy each
  std::vector<Wait> waits;            // one for a queue
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.name; }
struct CopyOrder : CopyEngineTest, ::testing::WithParamInterface<Case> {};

TEST_P(CopyOrder, WhoWaitsIsToldInTime) {
  const Case& c = GetParam();
  CopyEngine& e = make(c.channels);
  for (unsigned q = 0; q < 3; ++q) e.open();
  const Hpa from = filled(1), to = filled(0);
  std::vector<Told> told(c.waits.size());
  for (std::size_t i = 0; i < c.waits.size(); ++i) e.await(c.waits[i].queue, c.waits[i].number, told[i], 0);
  std::uint64_t numbers[3] = {};
  for (const Ring& r : c.rings) {
    if (r.at) run(r.at * kNs);
    EXPECT_EQ(e.add(r.queue, to, from, r.bytes), ++numbers[r.queue]);
    for (int twice = 0; twice < 2; ++twice) e.ring(r.queue, numbers[r.queue], r.at * kNs);   // the second tells nothing new
  }
  EXPECT_EQ(e.stats().doorbells, c.rings.size());
  run(100 * kUs);
  for (std::size_t i = 0; i < c.waits.size(); ++i) {
    ASSERT_EQ(told[i].at.size(), 1u) << i;
    EXPECT_GE(told[i].at[0], c.waits[i].from * kNs) << i;
    EXPECT_LE(told[i].at[0], c.waits[i].to * kNs) << i;
  }
  EXPECT_EQ(e.stats().copies, c.rings.size());
}
// A byte takes 1 ns, a start 100; memory's latencies come to some hundred more. With one channel all queues share it, with two 0 and 2.
INSTANTIATE_TEST_SUITE_P(
    Rows, CopyOrder,
    ::testing::Values(Case{"the_second_of_a_queue", 1, {{0, 64, 0}, {0, 4000, 0}}, {{0, 2, 4164, 5200}}},
                      Case{"not_with_another_channels", 2, {{0, 4000, 0}, {1, 200, 0}, {1, 200, 0}}, {{0, 1, 4100, 5200}, {1, 2, 500, 1500}}},
                      Case{"queues_in_turn", 1, {{0, 1000, 0}, {0, 1000, 0}, {0, 1000, 0}, {1, 1000, 0}, {1, 1000, 0}}, {{0, 3, 5100, 6200}, {1, 1, 2100, 3000}}},
                      Case{"and_on", 1, {{0, 1000, 0}, {0, 1000, 0}, {0, 1000, 0}, {1, 1000, 0}, {1, 1000, 0}}, {{0, 2, 3100, 4000}, {1, 2, 4100, 5000}}},
                      Case{"when_it_is_known", 1, {{0, 64, 0}, {0, 64, 2000}, {1, 64, 2050}}, {{0, 2, 2164, 2800}, {1, 1, 2228, 3200}}}),
    [](const auto& i) { return i.param.name; });

TEST_F(CopyEngineTest, AFullRingTakesNothing) {
  CopyEngine& e = make(1, 8);
  const unsigned q = e.open();
  const Hpa from = filled(1), to = filled(0);
  for (int i = 0; i < 8; ++i) {
    ASSERT_NE(e.slot(q), 0u);
    e.add(q, to, from, 64);
  }
  EXPECT_EQ(e.slot(q), 0u);
  EXPECT_EQ(e.stats().full, 1u);
  e.ring(q, 8, 0);
  run(100 * kUs);
  EXPECT_EQ(e.completed(q), 8u);
  EXPECT_NE(e.slot(q), 0u);
}

}  // namespace copy_engine_test
}  // namespace gd::test
