#include "models/wire/newreno.h"

#include <gtest/gtest.h>

#include "models/base/error.h"

namespace gd {
namespace newreno_test {

constexpr std::uint32_t kMss = 1000;

NewReno::Params params() {
  NewReno::Params p;
  p.mss = kMss;
  p.initial_window = 4;
  p.max_window = 100 * kMss;
  p.rto = 5 * kMs;
  return p;
}

// Sends all that may be sent; returns how many segments.
int pump(NewReno& t, Time now) {
  int n = 0;
  std::uint64_t o;
  for (std::uint32_t l; t.next(o, l); ++n) t.sent(now);
  return n;
}
constexpr std::uint64_t kWide = 1 << 20;
void ack(NewReno& t, std::uint64_t segments, Time now, std::uint64_t window = kWide) { t.acked(segments * kMss, window, true, now); }

// A sender that knows the wide window already, so that the first duplicate is not a window update.
NewReno established() {
  NewReno t(params());
  t.acked(0, kWide, true, 0);
  return t;
}

TEST(NewReno, SlowStartThenAvoidance) {
  NewReno t = established();
  EXPECT_EQ(pump(t, 0), 4);
  for (int i = 1; i <= 4; ++i) ack(t, i, kMs);
  EXPECT_EQ(t.cwnd(), 8u * kMss);
  EXPECT_EQ(pump(t, kMs), 8);
  ack(t, 12, 2 * kMs);   // one stretch acknowledgement is worth as much as eight
  EXPECT_EQ(t.cwnd(), 16u * kMss);
  EXPECT_EQ(pump(t, 2 * kMs), 16);
  // Timeout: half of 16 in flight remains as the threshold.
  t.expired(t.deadline());
  EXPECT_EQ(t.ssthresh(), 8u * kMss);
  EXPECT_EQ(t.cwnd(), 1u * kMss);
  std::uint64_t done = 12;
  Time now = 20 * kMs;
  for (std::uint64_t expect : {2, 4, 8}) {
    done += pump(t, now);
    ack(t, done, now += kMs);
    EXPECT_EQ(t.cwnd(), expect * kMss);
  }
  for (std::uint64_t expect : {9, 10, 11}) {   // one segment a round trip
    done += pump(t, now);
    ack(t, done, now += kMs);
    EXPECT_EQ(t.cwnd(), expect * kMss);
  }
}

TEST(NewReno, WindowIsTheLeastOfThree) {
  NewReno t = established();
  pump(t, 0);
  ack(t, 4, 1, 2500);   // the peer's: two whole segments
  EXPECT_EQ(pump(t, 1), 2);
  EXPECT_EQ(t.flight(), 2u * kMss);
  NewReno::Params p = params();
  p.max_window = 6 * kMss;
  NewReno u(p);
  pump(u, 0);
  ack(u, 4, 1);
  pump(u, 1);
  ack(u, 10, 2);
  EXPECT_EQ(u.cwnd(), 6u * kMss);
  EXPECT_EQ(pump(u, 2), 6);
}

TEST(NewReno, SmallWindowIntoEmptyPipe) {
  NewReno t(params());
  pump(t, 0);
  ack(t, 4, 0, 300);
  std::uint64_t o;
  std::uint32_t l;
  ASSERT_TRUE(t.next(o, l));
  EXPECT_EQ(l, 300u);
  t.sent(0);
  EXPECT_FALSE(t.next(o, l)) << "no second short segment";
}

TEST(NewReno, FastRetransmitAndFullRecovery) {
  NewReno t = established();
  pump(t, 0);
  ack(t, 4, 1);
  pump(t, 1);   // 8 in flight, segments 4..11; 4 is lost
  ack(t, 4, 2), ack(t, 4, 2);
  EXPECT_FALSE(t.recovering());
  EXPECT_EQ(pump(t, 2), 0);
  ack(t, 4, 2);
  EXPECT_TRUE(t.recovering());
  EXPECT_EQ(t.ssthresh(), 4u * kMss);
  EXPECT_EQ(t.cwnd(), 7u * kMss);
  std::uint64_t o;
  std::uint32_t l;
  ASSERT_TRUE(t.next(o, l));
  EXPECT_EQ(o, 4u * kMss);
  EXPECT_EQ(pump(t, 2), 1) << "the hole alone: 8 in flight, window 7";
  ack(t, 4, 3), ack(t, 4, 3);   // inflation: 9
  EXPECT_EQ(pump(t, 3), 1);
  ack(t, 12, 4);                 // full
  EXPECT_FALSE(t.recovering());
  EXPECT_EQ(t.cwnd(), 2u * kMss) << "min(ssthresh, flight + one segment)";
  EXPECT_EQ(t.stats().fast_retransmits, 1u);
  EXPECT_EQ(t.stats().retransmits, 1u);
  EXPECT_EQ(t.stats().timeouts, 0u);
}

TEST(NewReno, PartialAcknowledgementResendsTheNextHole) {
  NewReno t = established();
  pump(t, 0);
  ack(t, 4, 1);
  pump(t, 1);                                   // 4..11; 4, 7 and 9 are lost
  for (int i = 0; i < 5; ++i) ack(t, 4, 2);
  pump(t, 2);
  ack(t, 7, 3);                                 // partial
  EXPECT_TRUE(t.recovering());
  EXPECT_EQ(t.deadline(), 3 + t.rto()) << "the first partial one restarts the timer";
  std::uint64_t o;
  std::uint32_t l;
  ASSERT_TRUE(t.next(o, l));
  EXPECT_EQ(o, 7u * kMss);
  t.sent(3);
  ack(t, 9, 4);
  EXPECT_TRUE(t.recovering());
  EXPECT_EQ(t.deadline(), 3 + t.rto()) << "the others do not (RFC 6582, section 3.2, impatient)";
  ASSERT_TRUE(t.next(o, l));
  EXPECT_EQ(o, 9u * kMss);
  t.sent(4);
  ack(t, 12, 5);
  EXPECT_FALSE(t.recovering());
  EXPECT_EQ(t.stats().fast_retransmits, 1u);
  EXPECT_EQ(t.stats().retransmits, 3u);
}

TEST(NewReno, WindowUpdatesAreNoDuplicates) {
  NewReno t = established();
  pump(t, 0);
  for (std::uint64_t w = 1; w <= 5; ++w) ack(t, 0, 1, kWide + w);
  t.acked(0, kWide + 5, false, 1);   // carries data
  EXPECT_EQ(t.stats().duplicate_acks, 0u);
  EXPECT_FALSE(t.recovering());
  // A window that shrinks as the peer's queue fills hides no duplicate.
  for (std::uint64_t w = 1; w <= 3; ++w) ack(t, 0, 1, kWide - w * 1000);
  EXPECT_TRUE(t.recovering());
  EXPECT_EQ(t.peer_window(), kWide + 5);
}

TEST(NewReno, TimeoutBacksOffAndGoesBack) {
  NewReno t = established();
  pump(t, 0);
  EXPECT_EQ(t.deadline(), 5 * kMs);
  t.expired(4 * kMs);
  EXPECT_EQ(t.stats().timeouts, 0u) << "not yet";
  Time due = 5 * kMs, wait = 10 * kMs;
  for (int i = 0; i < 5; ++i, wait *= 2) {
    t.expired(due);
    EXPECT_EQ(pump(t, due), 1);
    EXPECT_EQ(t.deadline(), due + wait);
    due += wait;
  }
  EXPECT_EQ(t.stats().timeouts, 5u);
  EXPECT_EQ(t.stats().retransmits, 5u);
  // The rest was there all along: the acknowledgement jumps over what would be sent again.
  ack(t, 4, due);
  EXPECT_EQ(t.nxt(), 4u * kMss);
  EXPECT_EQ(t.rto(), wait / 2) << "backed off until a round trip is measured (Karn)";
  pump(t, due);
  ack(t, 5, due + kMs);
  EXPECT_EQ(t.rto(), 5 * kMs);
}

TEST(NewReno, NoFastRetransmitFromGoBackDuplicates) {
  NewReno t = established();
  pump(t, 0);
  t.expired(5 * kMs);
  for (int i = 0; i < 5; ++i) ack(t, 0, 6 * kMs);
  EXPECT_EQ(t.stats().fast_retransmits, 0u);
}

TEST(NewReno, RoundTripEstimate) {
  NewReno t = established();
  pump(t, 0);
  ack(t, 4, 40 * kMs);
  EXPECT_EQ(t.smoothed_rtt(), 40 * kMs);
  EXPECT_EQ(t.rto(), 120 * kMs);   // srtt + 4 * rtt/2
}

TEST(NewReno, ZeroWindowIsProbed) {
  NewReno t = established();
  pump(t, 0);
  ack(t, 4, kMs, 0);
  EXPECT_EQ(pump(t, kMs), 0);
  ASSERT_EQ(t.deadline(), 6 * kMs);
  Time at = t.deadline();
  for (int i = 0; i < 3; ++i) {
    t.expired(at);
    std::uint64_t o;
    std::uint32_t l;
    ASSERT_TRUE(t.next(o, l));
    EXPECT_EQ(l, 1u);
    EXPECT_EQ(o, 4u * kMss);
    t.sent(at);
    t.acked(4 * kMss, 0, true, at + 1);
    EXPECT_GT(t.deadline(), at);
    at = t.deadline();
  }
  EXPECT_EQ(t.stats().probes, 3u);
  EXPECT_EQ(t.cwnd(), 8u * kMss) << "a closed window is no congestion";
  t.acked(4 * kMss + 1, kWide, true, at);
  EXPECT_GT(pump(t, at), 5);
}

TEST(NewReno, LimitEndsWithAShortSegment) {
  NewReno::Params p = params();
  p.limit = 2500;
  NewReno t(p);
  EXPECT_EQ(pump(t, 0), 3);
  EXPECT_EQ(t.nxt(), 2500u);
  EXPECT_FALSE(t.done());
  t.acked(2500, kWide, true, 1);
  EXPECT_TRUE(t.done());
  EXPECT_EQ(t.deadline(), kNever);
}

TEST(NewReno, NonsenseIsIgnored) {
  NewReno t = established();
  pump(t, 0);
  t.acked(5 * kMss, kWide, true, 1);   // never sent
  EXPECT_EQ(t.una(), 0u);
  ack(t, 2, 1);
  ack(t, 1, 1);                        // old
  EXPECT_EQ(t.una(), 2u * kMss);
  for (auto spoil : {+[](NewReno::Params& p) { p.mss = 0; }, +[](NewReno::Params& p) { p.initial_window = 0; },
                     +[](NewReno::Params& p) { p.max_window = 999; }, +[](NewReno::Params& p) { p.rto = 0; }}) {
    NewReno::Params p = params();
    spoil(p);
    EXPECT_THROW(NewReno{p}, UserError);
  }
}

}  // namespace newreno_test
}  // namespace gd
