#include <gtest/gtest.h>

#include "models/virtio/features.h"

namespace gd {
namespace features_test {
using namespace feature;

constexpr std::uint64_t kAll = ~std::uint64_t{0};

template <class... N>
constexpr std::uint64_t bits(N... n) { return (std::uint64_t{0} | ... | bit(n)); }

TEST(Features, HeaderLengthFollowsThem) {
  EXPECT_EQ(header_length(0), 10u);
  EXPECT_EQ(header_length(bit(kMergeRxBuffers)), 12u);
  EXPECT_EQ(header_length(bit(kVersion1)), 12u);
  EXPECT_EQ(header_length(bits(kVersion1, kHashReport)), 20u);
}

TEST(Features, Names) {
  EXPECT_STREQ(name(kMergeRxBuffers), "MRG_RXBUF");
  EXPECT_STREQ(name(kHostEcn), "HOST_ECN");
  EXPECT_EQ(name(3), nullptr);
}

// Section 5.1.3.1 and what packed rings, order and hashes need; each row as wanted, everything being offered.
TEST(Spec_5_1_3_1, WhatABitRequires) {
  struct Row {
    std::uint64_t wanted, agreed;
  };
  const Row rows[] = {
      {bits(kGuestTso4), 0},
      {bits(kGuestTso6, kCsum), bits(kCsum)},
      {bits(kGuestTso4, kGuestTso6, kGuestCsum), bits(kGuestTso4, kGuestTso6, kGuestCsum)},
      {bits(kGuestEcn, kGuestCsum), bits(kGuestCsum)},
      {bits(kGuestEcn, kGuestTso4), 0},
      {bits(kGuestEcn, kGuestTso6, kGuestCsum), bits(kGuestEcn, kGuestTso6, kGuestCsum)},
      {bits(kGuestUfo), 0},
      {bits(kGuestUfo, kGuestCsum), bits(kGuestUfo, kGuestCsum)},
      {bits(kGuestUso4, kGuestUso6), 0},
      {bits(kGuestUso4, kGuestUso6, kGuestCsum), bits(kGuestUso4, kGuestUso6, kGuestCsum)},
      {bits(kHostTso4, kHostTso6, kHostUfo, kHostUso, kHostEcn), 0},
      {bits(kHostTso4, kHostEcn, kCsum), bits(kHostTso4, kHostEcn, kCsum)},
      {bits(kHostEcn, kCsum), bits(kCsum)},
      {bits(kHostUfo, kHostUso, kCsum), bits(kHostUfo, kHostUso, kCsum)},
      {bits(kPacked, kInOrder, kHashReport, kAccessPlatform), 0},
      {bits(kPacked, kInOrder, kHashReport, kVersion1), bits(kPacked, kInOrder, kHashReport, kVersion1)},
      {bits(kUsedOffset), 0},
      {bits(kUsedOffset, kMergeRxBuffers), bits(kUsedOffset, kMergeRxBuffers)},
      {bits(kSplitLayout, kIndirect, kEventIdx), bits(kSplitLayout, kIndirect, kEventIdx)},
      {bits(kNotifyOnEmpty, kAnyLayout), bits(kNotifyOnEmpty, kAnyLayout)},
      {bits(kNotifyOnEmpty, kAnyLayout, kVersion1), bits(kVersion1)},
  };
  for (const Row& r : rows) {
    EXPECT_EQ(negotiate(kAll, r.wanted), r.agreed) << std::hex << r.wanted;
    EXPECT_EQ(negotiate(r.wanted, kAll), r.agreed) << std::hex << r.wanted;   // whoever it is that leaves the rest out
  }
}

// Section 2.2.1: the driver accepts nothing that the device did not offer.
TEST(Spec_2_2_1, NothingThatWasNotOffered) {
  EXPECT_EQ(negotiate(0, kAll), 0u);
  EXPECT_EQ(negotiate(bits(kGuestTso4, kMac), kAll), bits(kMac));   // its requirement was not offered
  EXPECT_EQ(negotiate(bits(kPacked), bits(kPacked, kVersion1)), 0u);
  for (unsigned offered = 0; offered < 64; ++offered)
    for (unsigned wanted = 0; wanted < 64; ++wanted) {
      const std::uint64_t f = negotiate(bit(offered), bit(wanted));
      EXPECT_EQ(f & ~(bit(offered) & bit(wanted)), 0u);
    }
}

TEST(Features, WhatIsAgreedStaysAgreed) {
  for (unsigned a = 0; a < 64; ++a)
    for (unsigned b = 0; b < 64; ++b) {
      const std::uint64_t f = negotiate(~bit(a), ~bit(b));
      EXPECT_EQ(negotiate(f, f), f) << a << ' ' << b;
    }
}

}  // namespace features_test
}  // namespace gd
