// Which ring buffers a packet takes: tables of vhost's arithmetic.
#include <gtest/gtest.h>

#include "models/buffers/vhost_gather.h"

namespace gd {
namespace vhost_gather_test {

TEST(VhostGather, Quota) {
  EXPECT_EQ(gather_quota(VhostRules::linux_6, true), 1024u);
  EXPECT_EQ(gather_quota(VhostRules::linux_6, false), 1u);
  EXPECT_EQ(gather_quota(VhostRules::linux_2_6_35, true), 1u);    // no mergeable buffers then
  EXPECT_EQ(gather_quota(VhostRules::linux_2_6_35, false), 1u);
}

TEST(VhostGather, HeadsAreTakenByByteCount) {
  struct Row {
    std::uint64_t need, room;
    unsigned heads, quota;
    Gather next;
  };
  const Row rows[] = {
      {1526, 0, 0, 1024, Gather::more},          // nothing taken yet
      {1526, 1525, 1, 1024, Gather::more},       // one byte short
      {1526, 1526, 1, 1024, Gather::complete},   // exactly
      {1526, 4096, 1, 1024, Gather::complete},
      {1526, 1525, 1, 1, Gather::overrun},       // no second one without mergeable buffers
      {65562, 65561, 1024, 1024, Gather::overrun},
      {65562, 65562, 1024, 1024, Gather::complete},
      {12, 0, 0, 1, Gather::more},               // even an empty packet takes a head
      {0, 0, 0, 1, Gather::more},
  };
  for (const Row& r : rows) EXPECT_EQ(gather_next(r.need, r.room, r.heads, r.quota), r.next) << r.need << " in " << r.room;
}

TEST(VhostGather, TheLastHeadIsReduced) {
  struct Row {
    std::uint64_t need, before;
    std::uint32_t capacity, used;
  };
  const Row rows[] = {{1526, 0, 2048, 1526}, {3000, 0, 1536, 1536}, {3000, 1536, 1536, 1464}, {3072, 1536, 1536, 1536}, {3000, 3000, 64, 0}};
  for (const Row& r : rows) EXPECT_EQ(used_length(r.need, r.before, r.capacity), r.used) << r.need << " after " << r.before;
}

}  // namespace vhost_gather_test
}  // namespace gd
