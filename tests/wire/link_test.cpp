#include "models/wire/link.h"

#include <gtest/gtest.h>

#include "models/base/error.h"
#include "models/packet/mac_control.h"
#include "models/wire/expected.h"
#include "models/wire/synthetic.h"
#include "tests/wire/support.h"

namespace gd {
namespace link_test {

using test::Collector;

struct Finish : LinkListener {
  void wire_finished(Time now) override {
    ++times;
    at = now;
  }
  int times = 0;
  Time at = 0;
};

struct FarSide : FarEnd {
  void from_nic(const std::uint8_t* b, std::uint32_t n, Time now) override { got.push_back({now, {}, {b, b + n}}); }
  std::vector<test::Arrival> got;
};

struct Bench {
  explicit Bench(const Synthetic::Params& sp, const Link::Params& lp, bool keep = true)
      : traffic(table, sp), nic(table, keep), link(agenda, rank::kWire, table, lp) {
    link.connect(traffic, nic);
    link.listen(&finish);
    link.start();
  }
  void run(Time t = kMs) {
    sc_core::sc_start(to_sc(t));
    if (agenda.failure()) std::rethrow_exception(agenda.failure());
  }
  Agenda agenda{"agenda"};
  FrameTable table;
  Synthetic traffic;
  Collector nic;
  Link link;
  Finish finish;
};

Synthetic::Params size(std::uint32_t bytes) {
  Synthetic::Params p;
  p.sizes = {{bytes, 1}};
  return p;
}
Link::Params limited(std::uint64_t rate, std::uint64_t frames) {
  Link::Params p;
  p.rate = rate;
  p.frames = frames;
  return p;
}

// 64-byte frames at 10 Gb/s: 67.2 ns a frame with preamble and gap; the last bit arrives 57.6 ns after the first.
TEST(Link, SmallFramesAtTenGigabit) {
  Bench b(size(64), limited(10'000'000'000, 1000));
  b.run();
  ASSERT_EQ(b.nic.got.size(), 1000u);
  for (std::size_t i = 0; i < 1000; ++i) ASSERT_EQ(b.nic.got[i].at, static_cast<Time>(i) * 67200 + 57600) << i;
  EXPECT_EQ(b.finish.times, 1);
  EXPECT_TRUE(b.link.finished());
  EXPECT_EQ(b.link.activations(), 1000u) << "one activation a frame";
  EXPECT_EQ(b.link.stats().busy, 1000 * 67200);
  EXPECT_EQ(b.link.stats().bytes, 60'000u);
  EXPECT_EQ(b.table.all().offered, 1000u);
  EXPECT_EQ(b.table.live(), 0u);
}

// An MTU of 1500 takes 1538 byte times.
TEST(Link, FullFramesAtTenGigabit) {
  Bench b(size(1518), limited(10'000'000'000, 101));
  b.run();
  ASSERT_EQ(b.nic.got.size(), 101u);
  EXPECT_EQ(b.nic.got[100].at - b.nic.got[0].at, 100 * Time{1538} * 800);
}

// 12,304 bits at 30 Gb/s are 410,133.3 ps: the remainder is carried.
TEST(Link, RemainderCarried) {
  Bench b(size(1518), limited(30'000'000'000, 1001));
  b.run();
  EXPECT_EQ(b.nic.got[1000].at - b.nic.got[0].at, 410'133'333) << "1000 frames of 1538 bytes at 266.67 ps a byte";
}

TEST(Link, PacedBelowAndAboveLinkRate) {
  Synthetic::Params p = size(1518);
  p.rate = 5'000'000'000;
  Bench b(p, limited(10'000'000'000, 200));
  b.run();
  for (std::size_t i = 1; i < 200; ++i) ASSERT_EQ(b.nic.got[i].at - b.nic.got[i - 1].at, 1518 * 1600);
}

TEST(Link, NeverFasterThanItself) {
  Synthetic::Params p = size(1518);
  p.rate = 99'000'000'000;
  Bench b(p, limited(10'000'000'000, 200));
  b.run();
  for (std::size_t i = 1; i < 200; ++i) ASSERT_EQ(b.nic.got[i].at - b.nic.got[i - 1].at, 1538 * 800);
}

TEST(Link, StopTakesNoFrameAtOrAfterTheTime) {
  Bench b(size(64), limited(10'000'000'000, UINT64_MAX));
  b.link.stop_at(57600 + 10 * 67200);   // the eleventh frame's last bit
  b.run();
  EXPECT_EQ(b.nic.got.size(), 10u);
  EXPECT_EQ(b.link.last_arrival(), 57600 + 9 * 67200);
  EXPECT_EQ(b.table.live(), 0u) << "no frame is left that never arrived";
  EXPECT_EQ(b.finish.times, 1);
  EXPECT_EQ(b.finish.at, 57600 + 10 * 67200) << "the time ended the traffic, not the frame before it";
}

// 10 frames at once, then nothing for 100 us. What ends the traffic says when it is over: the time, or the last frame.
TEST(Link, TheEndIsTheTimeOrTheLastFrame) {
  Synthetic::Params p = size(64);
  p.arrivals = Arrivals::burst;
  p.burst_frames = 10;
  p.burst_gap = 100 * kUs;
  const Time last = 57600 + 9 * 67200;
  struct Row {
    std::uint64_t frames;
    Time stop, end;
  };
  // In one simulation: a link each.
  Agenda agenda{"agenda"};
  FrameTable table;
  Collector nic(table, false);
  const Row rows[] = {{UINT64_MAX, 50 * kUs, 50 * kUs}, {UINT64_MAX, 90 * kUs, 90 * kUs}, {10, 50 * kUs, last}, {11, 50 * kUs, 50 * kUs}};
  std::vector<std::unique_ptr<Synthetic>> traffic;
  std::vector<std::unique_ptr<Link>> links;
  Finish finish[std::size(rows)];
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    traffic.push_back(std::make_unique<Synthetic>(table, p));
    links.push_back(std::make_unique<Link>(agenda, rank::kWire + static_cast<std::uint32_t>(i), table, limited(10'000'000'000, rows[i].frames)));
    links.back()->connect(*traffic.back(), nic);
    links.back()->listen(&finish[i]);
    links.back()->stop_at(rows[i].stop);
    links.back()->start();
  }
  sc_core::sc_start(to_sc(kMs));
  if (agenda.failure()) std::rethrow_exception(agenda.failure());
  for (std::size_t i = 0; i < std::size(rows); ++i) {
    EXPECT_EQ(finish[i].times, 1) << i;
    EXPECT_EQ(finish[i].at, rows[i].end) << i;
    EXPECT_EQ(links[i]->stats().frames, 10u) << i;
  }
}

TEST(Link, StopNow) {
  Bench b(size(64), limited(10'000'000'000, UINT64_MAX));
  b.run(kUs);
  const auto n = b.nic.got.size();
  b.link.stop_at(b.agenda.now());
  b.run(kUs);
  EXPECT_EQ(b.nic.got.size(), n);
  EXPECT_TRUE(b.link.finished());
  EXPECT_EQ(b.table.live(), 0u);
}

TEST(Link, TransmitDirection) {
  Link::Params lp = limited(10'000'000'000, 1);
  lp.propagation = 300 * kNs;
  lp.far_end_delay = 7 * kUs;
  Bench b(size(64), lp);
  FarSide far;
  b.link.far_end(&far);
  std::vector<std::uint8_t> bytes(200);
  const int n = 150;
  for (int i = 0; i < n; ++i) {   // more than the queue holds at first
    for (auto& v : bytes) v = static_cast<std::uint8_t>(i);
    b.link.transmit(bytes.data(), i == 0 ? 54 : 200, 0);
  }
  EXPECT_EQ(b.link.free_at(), (84 + (n - 1) * Time{224}) * 800);
  b.run();
  ASSERT_EQ(far.got.size(), static_cast<std::size_t>(n));
  EXPECT_EQ(far.got[0].bytes.size(), 54u) << "padding is the link's";
  EXPECT_EQ(far.got[0].at, 72 * 800 + 600 * kNs + 7 * kUs);
  for (int i = 1; i < n; ++i) {
    ASSERT_EQ(far.got[i].at, (84 + (i - 1) * Time{224} + 212) * 800 + 600 * kNs + 7 * kUs);
    ASSERT_EQ(far.got[i].bytes, std::vector<std::uint8_t>(200, static_cast<std::uint8_t>(i)));
  }
  EXPECT_EQ(b.link.stats().tx_frames, static_cast<std::uint64_t>(n));
  EXPECT_EQ(b.link.stats().tx_busy, b.link.free_at());
}

// The planted fault: one frame, right by its checksum, wrong by the source.
TEST(Link, FlippedByteIsFoundByTheSourceOnly) {
  const Synthetic::Params p = size(1518);
  Bench b(p, limited(10'000'000'000, 20));
  FaultPlan plan{Fault::flip_wire, 7, false};
  b.link.plant(&plan);
  b.run();
  EXPECT_TRUE(plan.done);
  StreamExpected e(p.flows, p.seed);
  for (const auto& a : b.nic.got) {
    EXPECT_TRUE(test::checksums_good(a.bytes.data(), a.meta.length));
    EXPECT_EQ(e.matches(a.meta, 0, a.bytes.data(), a.meta.length), a.meta.id != 7) << a.meta.id;
  }
}

TEST(Link, ObserverSeesEveryFrame) {
  struct Watch : Observer {
    void wire_frame(const FrameMeta& m, Time t) override { ++n, last = t, bytes += m.length; }
    std::uint64_t n = 0, bytes = 0;
    Time last = 0;
  } watch;
  Bench b(size(64), limited(10'000'000'000, 30));
  b.link.observe(&watch);
  b.run();
  EXPECT_EQ(watch.n, 30u);
  EXPECT_EQ(watch.last, b.nic.last);
  EXPECT_EQ(watch.bytes, 1800u);
}

// 60 B from the NIC at time 0: the last bit leaves after 57.6 ns, the far end has it 1 us later (propagation both ways) and
// obeys 200 ns after that, at 1257.6 ns. The frame on the wire then (67.2 ns each: number 18) goes on; number 19 waits.
struct PauseCase {
  std::uint16_t quanta;
  bool resumed;       // a second PAUSE frame of 0 quanta follows at once, 67.2 ns behind
  Time first_bit;     // of frame 19
};
class LinkPause : public ::testing::TestWithParam<PauseCase> {};
INSTANTIATE_TEST_SUITE_P(, LinkPause, ::testing::Values(PauseCase{10, false, 1'257'600 + 10 * 51'200}, PauseCase{0, false, 19 * 67'200},
                                                        PauseCase{1000, true, 1'324'800}, PauseCase{0xffff, false, kNever}));

TEST_P(LinkPause, HoldsWhatHasNotBegun) {
  Link::Params lp = limited(10'000'000'000, 40);
  lp.pause_response = 200 * kNs;
  Bench b(size(64), lp);
  const PauseFrame stop = pause_frame(0x020000000001, GetParam().quanta), go = pause_frame(0x020000000001, 0);
  b.link.transmit(stop.data(), 60, 0);
  if (GetParam().resumed) b.link.transmit(go.data(), 60, 0);
  b.run();
  EXPECT_EQ(b.link.stats().pauses, GetParam().resumed ? 2u : 1u);
  EXPECT_EQ(b.link.stats().tx_frames, 0u) << "frames of the link layer are not traffic";
  if (GetParam().first_bit == kNever) {
    EXPECT_EQ(b.nic.got.size(), 19u);
    EXPECT_FALSE(b.link.finished()) << "the pause is longer than the run";
    return;
  }
  ASSERT_EQ(b.nic.got.size(), 40u);
  EXPECT_EQ(b.nic.got[18].at, 18 * Time{67'200} + 57'600);
  EXPECT_EQ(b.nic.got[19].at, GetParam().first_bit + 57'600);
  EXPECT_EQ(b.nic.got[39].at, b.nic.got[19].at + 20 * Time{67'200}) << "what waited follows back to back";
  EXPECT_EQ(b.link.stats().paused, GetParam().first_bit - 19 * Time{67'200});
}

// More PAUSE frames under way than are cleared away together, each obeyed in its turn: the last one lets the far end go on.
TEST(Link, ManyPauseFramesUnderWay) {
  Link::Params lp = limited(10'000'000'000, 40);
  lp.propagation = kMs;
  Bench b(size(64), lp);
  const PauseFrame stop = pause_frame(0x020000000001, 1), go = pause_frame(0x020000000001, 0);
  for (int i = 0; i < 9'999; ++i) b.link.transmit(stop.data(), 60, 0);
  b.link.transmit(go.data(), 60, 0);
  b.run(4 * kMs);
  EXPECT_EQ(b.link.stats().pauses, 10'000u);
  EXPECT_EQ(b.nic.got.size(), 40u);
  EXPECT_TRUE(b.link.finished());
}

// What a pause holds back at the end of the run was never offered.
TEST(Link, StopDuringAPause) {
  Bench b(size(64), limited(10'000'000'000, 1000));
  const PauseFrame stop = pause_frame(0x020000000001, 0xffff);
  b.link.transmit(stop.data(), 60, 0);
  b.link.stop_at(5 * kUs);
  b.run();
  EXPECT_EQ(b.finish.times, 1);
  EXPECT_EQ(b.finish.at, 5 * kUs);
  EXPECT_EQ(b.table.all().offered, b.nic.got.size());
  EXPECT_LT(b.nic.last, 1200 * kNs);
}

TEST(Link, RateZeroRefused) {
  Agenda a("agenda");
  FrameTable t;
  EXPECT_THROW(Link(a, rank::kWire, t, limited(0, 1)), UserError);
}

}  // namespace link_test
}  // namespace gd
