// Receive descriptors: when the card fetches them, what a driver may post, how many a frame may take.
#include "models/nic/cut.h"
#include "tests/nic/nic_bench.h"

using namespace gd;
using namespace gd::test;

namespace rx_fetch_test {

RxQueueConfig of_size(std::uint32_t size) {
  RxQueueConfig c;
  c.size = size;
  return c;
}

// PTHRESH and HTHRESH of the 82599: below the first, descriptors are fetched once the second lie in the ring; with none cached at once.
TEST(NicRxFetch, PrefetchWaitsForEnoughInTheRing) {
  NicParams p = NicBench::quiet();
  p.fetch_batch = 4;
  NicBench b("bench", p);
  TestRing r(b, 0, of_size(64));
  const auto reads = [&b] { return b.nic.stats().fetch_reads; };
  b.at(0, [&] { r.post(1); });
  b.at(5 * kUs, [&] {
    EXPECT_EQ(reads(), 1u) << "one, and none cached";
    r.post(p.prefetch_host - 1);
  });
  b.at(10 * kUs, [&] {
    EXPECT_EQ(reads(), 1u);
    r.post(1);
  });
  b.run(15 * kUs);
  EXPECT_EQ(reads(), 2u);
  EXPECT_EQ(b.nic.stats().descriptors_fetched, 5u);
}

TEST(NicRxFetch, AFaultIsNotTriedAgainBeforeTheNextDoorbell) {
  NicBench b("bench");
  TestRing r(b, 0, of_size(64));
  b.nic.steer(0, 0, 0, 1);
  b.blocked_from = r.c.ring;
  b.blocked_to = r.c.ring + 1024;
  b.at(0, [&] { r.post(16); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(100)); });
  b.at(10 * kUs, [&] {
    EXPECT_EQ(b.nic.stats().ring_faults, 1u);
    EXPECT_EQ(b.nic.stats().fetch_reads, 1u);
    EXPECT_FALSE(r.done(0).done);
    b.blocked_from = 1, b.blocked_to = 0;
  });
  b.at(20 * kUs, [&] {
    EXPECT_FALSE(r.done(0).done) << "nobody has rung";
    r.post(1);
  });
  b.run(30 * kUs);
  EXPECT_TRUE(r.done(0).done);
  EXPECT_EQ(b.nic.stats().ring_faults, 1u);
}

TEST(NicRxFetch, OneSlotOfTheRingStaysFree) {
  NicBench b("bench");
  TestRing r(b, 0, of_size(64));
  b.at(0, [&] { r.post(63); });
  b.at(5 * kUs, [&] {
    EXPECT_EQ(b.nic.stats().bad_doorbells, 0u);
    b.write_register(reg::rx_tail(0), 0);
  });
  b.run(10 * kUs);
  EXPECT_EQ(b.nic.stats().bad_doorbells, 1u);
  EXPECT_EQ(b.nic.available(0), 63u);
}

// A frame may take no more descriptors than the ring can have posted, nor than the card can hold.
struct Row { const char* what; std::uint32_t size, cache; std::size_t payload; bool arrives; };
struct NicRxFetchOf : testing::TestWithParam<Row> {};

TEST_P(NicRxFetchOf, DescriptorsForOneFrame) {
  const Row& row = GetParam();
  NicParams p = NicBench::quiet();
  p.mtu = 9000;
  p.descriptor_cache = row.cache;
  NicBench b("bench", p);
  RxQueueConfig c = of_size(row.size);
  c.packet_buffer = 1024;
  TestRing ring(b, 0, c);
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { ring.post(row.size - 1); });
  b.at(5 * kUs, [&] { b.arrive(tcp4_frame(row.payload)); });
  b.run(20 * kUs);
  EXPECT_EQ(ring.done(0).done, row.arrives);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::oversize)], row.arrives ? 0u : 1u);
}
INSTANTIATE_TEST_SUITE_P(Rows, NicRxFetchOf,
                         testing::Values(Row{"seven_of_a_ring_of_eight", 8, 64, 7 * 1024 - 54, true}, Row{"eight_of_eight", 8, 64, 7 * 1024 - 53, false},
                                         Row{"as_many_as_the_card_holds", 64, 4, 4 * 1024 - 54, true}, Row{"one_more_than_it_holds", 64, 4, 4 * 1024 - 53, false}),
                         [](const auto& r) { return r.param.what; });

TEST(NicRxFetch, AFrameAtTheThresholdIsSmall) {
  NicBench b("bench");
  RxQueueConfig c = of_size(64);
  c.split = SplitMode::split;
  c.header_buffer = 128;
  c.split_threshold = 256;
  TestRing r(b, 0, c);
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(16); });
  b.at(5 * kUs, [&] { b.arrive(tcp4_frame(256 - 54)), b.arrive(tcp4_frame(257 - 54)); });
  b.run(10 * kUs);
  EXPECT_EQ(b.nic.stats().cuts[static_cast<int>(Cut::small)], 1u);
  EXPECT_EQ(b.nic.stats().cuts[static_cast<int>(Cut::transport)], 1u);
}

}  // namespace rx_fetch_test
