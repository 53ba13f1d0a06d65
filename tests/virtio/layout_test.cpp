#include "tests/virtio/ring_fixture.h"

namespace gd {
namespace {

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

TEST(VringLayout, HeaderLengthFollowsFeatures) {
  using namespace feature;
  EXPECT_EQ(header_length(0), 10u);
  EXPECT_EQ(header_length(bit(kMergeRxBuffers)), 12u);
  EXPECT_EQ(header_length(bit(kVersion1)), 12u);
  EXPECT_EQ(header_length(bit(kVersion1) | bit(kHashReport)), 20u);
  EXPECT_STREQ(name(kMergeRxBuffers), "MRG_RXBUF");
  EXPECT_EQ(name(3), nullptr);
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

TEST(VringLayout, RefusesWhatItCannotDo) {
  VirtQueueLayout l;
  for (const std::uint16_t size : {0, 3, 100, 40000}) {
    l.size = size;
    EXPECT_THROW(vring::check(l, "queue"), UserError) << size;
  }
  l.size = 32768;
  EXPECT_NO_THROW(vring::check(l, "queue"));
  for (const unsigned f : {feature::kPacked, feature::kInOrder}) {
    l.features = feature::bit(f);
    EXPECT_THROW(DeviceRing(l, 1 << 20), UserError);
    EXPECT_THROW(DriverRing{l}, UserError);
  }
}

}  // namespace
}  // namespace gd
