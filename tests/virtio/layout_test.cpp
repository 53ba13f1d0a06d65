#include "tests/virtio/ring_fixture.h"

namespace gd {
namespace layout_test {

TEST(VringLayout, PartsLieAsTheSpecificationSays) {
  VirtQueueLayout l;
  l.desc = 0x1000, l.avail = 0x2000, l.used = 0x3000, l.size = 8;
  EXPECT_EQ(vring::desc_at(l, 3), 0x1030u);
  EXPECT_EQ(vring::avail_slot(l, 7), 0x2012u);
  EXPECT_EQ(vring::used_event(l), 0x2014u);
  EXPECT_EQ(vring::used_slot(l, 7), 0x303cu);
  EXPECT_EQ(vring::avail_event(l), 0x3044u);
  EXPECT_EQ(vring::avail_bytes(8), 22u);
  EXPECT_EQ(vring::used_bytes(8), 70u);
}

TEST(VringLayout, EventWindow) {
  struct Row {
    std::uint16_t event, now, old;
    bool expected;
  };
  for (const Row& r : {Row{0, 1, 0, true}, Row{1, 1, 0, false}, Row{4, 5, 0, true}, Row{5, 5, 0, false}, Row{0, 5, 1, false},
                       Row{0xffff, 0, 0xffff, true}, Row{0xffff, 3, 0xfffe, true}, Row{0xfffd, 3, 0xfffe, false},
                       Row{2, 3, 0xfffe, true}, Row{3, 3, 0xfffe, false}, Row{7, 7, 7, false}})
    EXPECT_EQ(vring::need_event(r.event, r.now, r.old), r.expected) << r.event << ' ' << r.now << ' ' << r.old;
}

TEST(PackedLayout, PositionsGoRoundAndBack) {
  struct Row {
    unsigned at;
    bool wrap;
    unsigned n, size, to;
    bool to_wrap;
  };
  for (const Row& r : {Row{0, true, 1, 1, 0, false}, Row{0, false, 1, 1, 0, true}, Row{4, true, 1, 5, 0, false}, Row{3, true, 1, 5, 4, true},
                       Row{3, false, 4, 5, 2, true}, Row{2, true, 5, 5, 2, false}, Row{0, true, 0, 5, 0, true}, Row{32767, true, 2, 32768, 1, false}}) {
    pvring::Position p{static_cast<std::uint16_t>(r.at), r.wrap};
    p.advance(r.n, r.size);
    EXPECT_EQ(p.at, r.to);
    EXPECT_EQ(p.wrap, r.to_wrap);
    p.retreat(r.n, r.size);
    EXPECT_EQ(p.at, r.at);
    EXPECT_EQ(p.wrap, r.wrap);
  }
}

TEST(PackedLayout, Marks) {
  using namespace pvring;
  for (const bool wrap : {false, true}) {
    EXPECT_TRUE(is_avail(avail_marks(wrap), wrap));
    EXPECT_TRUE(is_used(used_marks(wrap), wrap));
    for (const std::uint16_t other : {avail_marks(!wrap), used_marks(wrap), used_marks(!wrap)}) EXPECT_FALSE(is_avail(other, wrap));
    for (const std::uint16_t other : {used_marks(!wrap), avail_marks(wrap), avail_marks(!wrap)}) EXPECT_FALSE(is_used(other, wrap));
  }
  EXPECT_FALSE(is_avail(0, true));   // a fresh ring, counters at 1
  EXPECT_FALSE(is_used(0, true));
}

// Against the plain meaning, for every size from 1 to 5, every place, every step and every event within a turn.
TEST(PackedLayout, EventWindow) {
  for (int size = 1; size <= 5; ++size)
    for (int old = 0; old < 2 * size; ++old)
      for (int moved = 0; moved <= size; ++moved)
        for (int event = old - size + 1; event < old + size; ++event) {
          const auto position = [size](int n) {
            const int turn = 2 * size, m = (n % turn + turn) % turn;
            return pvring::Position{static_cast<std::uint16_t>(m % size), m < size};
          };
          EXPECT_EQ(pvring::need_event(pvring::off_wrap(position(event)), position(old + moved), static_cast<unsigned>(moved), static_cast<unsigned>(size)),
                    event >= old && event < old + moved)
              << size << ' ' << old << ' ' << moved << ' ' << event;
        }
  EXPECT_TRUE(pvring::need_event(0, {3, true}, 9, 8));   // more than a turn
}

TEST(PackedLayout, WhatAnEventStructureSays) {
  using namespace pvring;
  struct Row {
    std::uint16_t flags;
    bool event_idx, expected;
  };
  for (const Row& r : {Row{kEventEnable, false, true}, Row{kEventDisable, false, false}, Row{kEventEnable, true, true}, Row{kEventDisable, true, false},
                       Row{kEventDesc, true, false}, Row{kEventDesc, false, true} /* not valid: as enabled */, Row{3, true, true} /* reserved */,
                       Row{0xfffc, true, true} /* reserved bits are ignored */, Row{0xfffd, true, false}})
    EXPECT_EQ(wanted({off_wrap({7, true}), r.flags}, r.event_idx, {4, true}, 2, 8), r.expected) << r.flags << ' ' << r.event_idx;
}

TEST(UsedLen, LengthAndOffset) {
  struct Row {
    std::uint32_t length, offset;
  };
  for (const Row& r : {Row{0, 0}, Row{1514, 52}, Row{65535, 65535}, Row{4096, 0}}) {
    const std::uint32_t len = used_len::encode(r.length, r.offset);
    EXPECT_EQ(used_len::length(len), r.length);
    EXPECT_EQ(used_len::offset(len), r.offset);
  }
  EXPECT_EQ(used_len::encode(1514, 0), 1514u);   // as without the extension
}

TEST(VringLayout, RefusesWhatItCannotDo) {
  VirtQueueLayout l;
  for (const std::uint16_t size : {0, 3, 100, 40000}) {
    l.size = size;
    EXPECT_THROW(vring::check(l, "queue"), UserError) << size;
  }
  l.size = 32768;
  EXPECT_NO_THROW(vring::check(l, "queue"));
  l.features = feature::bit(feature::kPacked);
  for (const std::uint16_t size : {1, 3, 100, 32768}) {
    l.size = size;
    EXPECT_NO_THROW(vring::check(l, "queue")) << size;
  }
  for (const std::uint16_t size : {0, 32769, 65535}) {
    l.size = size;
    EXPECT_THROW(vring::check(l, "queue"), UserError) << size;
  }
}

}  // namespace layout_test
}  // namespace gd
