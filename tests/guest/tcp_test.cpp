#include "models/guest/tcp.h"

#include <gtest/gtest.h>

#include "models/packet/headers.h"

namespace gd {
namespace tcp_test {

using V = TcpReceiver::Verdict;

struct Row {
  std::uint32_t seq, length;
  V verdict;
  std::uint32_t skip;
  bool ack;
  std::uint32_t next;   // after it and what it released
};

void play(TcpReceiver& r, const std::vector<Row>& rows) {
  std::uint32_t cookie = 0;
  for (const Row& row : rows) {
    const auto a = r.segment(row.seq, row.length, tcp::kAckFlag, 100, cookie++);
    EXPECT_EQ(a.verdict, row.verdict) << "segment " << row.seq;
    EXPECT_EQ(a.skip, row.skip) << "segment " << row.seq;
    EXPECT_EQ(a.ack_now, row.ack) << "segment " << row.seq;
    std::uint32_t c = 0, skip = 0;
    bool old = false;
    while (r.pop(c, skip, old)) {}
    EXPECT_EQ(r.next(), row.next) << "segment " << row.seq;
    if (a.ack_now) r.acknowledged();
  }
}

TEST(TcpReceiver, EverySecondSegmentIsAcknowledged) {
  TcpReceiver r(1000, 4);
  play(r, {{1000, 100, V::deliver, 0, false, 1100}, {1100, 100, V::deliver, 0, true, 1200}, {1200, 100, V::deliver, 0, false, 1300},
           {1300, 300, V::deliver, 0, true, 1600}, {1600, 0, V::deliver, 0, false, 1600}});
}

TEST(TcpReceiver, GapsOverlapsAndTheWrapOfTheSequenceNumber) {
  TcpReceiver r(0xffffff9c, 2);   // 100 before the wrap
  play(r, {{0, 100, V::keep, 0, true, 0xffffff9c},
           {200, 100, V::keep, 0, true, 0xffffff9c},
           {0, 100, V::old, 0, true, 0xffffff9c},             // already kept
           {400, 100, V::refuse, 0, true, 0xffffff9c},        // no room
           {0xffffff9c, 100, V::deliver, 0, true, 100},       // fills the first gap, releases the first
           {50, 100, V::deliver, 50, true, 150},              // half of it is old
           {0, 100, V::old, 0, true, 150},
           {150, 50, V::deliver, 0, true, 300}});
  EXPECT_EQ(r.waiting(), 0u);
}

TEST(TcpReceiver, KeptSegmentsComeBackInOrderWithTheirOverlap) {
  TcpReceiver r(0, 8);
  r.segment(300, 100, 0, 100, 3);
  r.segment(100, 100, 0, 100, 1);
  r.segment(150, 200, 0, 100, 2);
  r.segment(120, 40, 0, 100, 9);   // lies within the one before
  EXPECT_EQ(r.segment(0, 100, 0, 100, 0).verdict, V::deliver);
  std::uint32_t cookie = 0, skip = 0;
  bool old = false;
  struct Out {
    std::uint32_t cookie, skip;
    bool old;
  };
  for (const Out& o : {Out{1, 0, false}, Out{9, 0, true}, Out{2, 50, false}, Out{3, 50, false}}) {
    ASSERT_TRUE(r.pop(cookie, skip, old));
    EXPECT_EQ(cookie, o.cookie);
    EXPECT_EQ(skip, o.skip);
    EXPECT_EQ(old, o.old);
  }
  EXPECT_FALSE(r.pop(cookie, skip, old));
  EXPECT_EQ(r.next(), 400u);
}

TEST(TcpReceiver, SynAndFinTakeANumber) {
  TcpReceiver r(7, 4);
  EXPECT_TRUE(r.segment(7, 0, tcp::kSyn, 0, 0).ack_now);
  EXPECT_EQ(r.next(), 8u);
  EXPECT_TRUE(r.segment(8, 10, tcp::kFin | tcp::kAckFlag, 10, 0).ack_now);
  EXPECT_EQ(r.next(), 19u);
}

}  // namespace tcp_test
}  // namespace gd
