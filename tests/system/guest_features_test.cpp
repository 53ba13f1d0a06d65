// What the guest negotiates changes the run, key by key.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace guest_features_test {

ChildResult run(const char* scenario, const char* strategy, std::vector<std::string> set) {
  set.push_back("nic.virtio_rings=true");
  const ChildResult r = run_child(scenario, strategy, set);
  EXPECT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.metrics.at("integrity.errors"), "0");
  EXPECT_EQ(r.metrics.at("ownership.violations"), "0");
  EXPECT_GT(r.value("packets.delivered"), 0);
  EXPECT_EQ(r.value("ownership.guest_faults"), 0);
  return r;
}

// A guest's part of the cohort, of frames on the wire: for the only guest, all of it, with a capture as with made-up traffic.
TEST(GuestFeatures, TheOnlyGuestHasTheWholeCohort) {
  for (const char* scenario : {"quickstart.json", "bulk-1500.json"}) {
    const std::string guest = scenario == std::string("quickstart.json") ? "guest.web." : "guest.g0.";
    const ChildResult r = run(scenario, "vhost-copy", {"time.measure=2ms", "nic.ring_size=16", "traffic.rate=10Gbps"});
    EXPECT_GE(r.value("drops.total"), scenario == std::string("quickstart.json") ? 1 : 0) << scenario;
    EXPECT_GT(r.value("packets.delivered"), r.value(guest + "stack.packets") + 10) << scenario << ": merged packets count once there";
    for (const char* m : {"packets.offered", "packets.delivered", "packets.dropped", "drops.total", "drops.no-descriptor", "latency.p50", "latency.p99"})
      EXPECT_EQ(r.value(guest + m), r.value(m)) << scenario << " " << m;
    EXPECT_EQ(r.value(guest + "throughput.accepted"), r.value("throughput.goodput")) << scenario;
  }
}

TEST(GuestFeatures, WithoutGuestCsumTheGuestSumsAndGetsNothingMerged) {
  for (const char* strategy : {"vhost-copy", "copy-header", "passthrough"}) {
    const std::vector<std::string> no_gro = {"guests.0.gro.enabled=false", "traffic.rate=1Gbps"};
    auto without = no_gro;
    without.push_back("guests.0.virtio.guest_csum=false");
    const ChildResult a = run("bulk-1500.json", strategy, no_gro), b = run("bulk-1500.json", strategy, without);
    EXPECT_GT(b.value("guest.cycles_per_packet"), a.value("guest.cycles_per_packet")) << strategy;
    EXPECT_EQ(b.value("guest.g0.gro.segments_per_packet"), 1.0) << strategy;
    EXPECT_EQ(b.value("drops.bad_checksum"), 0.0) << strategy;
  }
}

TEST(GuestFeatures, MergedFramesReachOnlyAGuestThatTakesThem) {
  const struct {
    std::vector<std::string> set;
    bool merged;
  } rows[] = {{{}, true},
              {{"guests.0.virtio.guest_tso6=false"}, true},   // the traffic is IPv4
              {{"guests.0.virtio.guest_tso4=false", "guests.0.virtio.guest_tso6=false"}, false},
              {{"guests.0.virtio.guest_csum=false"}, false}};
  for (const auto& r : rows) {
    auto set = r.set;
    set.push_back("guests.0.gro.enabled=false");
    const double segments = run("bulk-1500.json", "vhost-copy", set).value("guest.g0.gro.segments_per_packet");
    EXPECT_EQ(segments > 2.0, r.merged) << segments;
    EXPECT_EQ(segments == 1.0, !r.merged) << segments;
  }
}

// A receive hash spreads 32 flows over GRO's buckets, where they share one of 8 entries without.
TEST(GuestFeatures, AHashReportHelpsTheGuestsGro) {
  const std::vector<std::string> set = {"traffic.flows=32", "host.gro.enabled=false"};
  auto with = set;
  with.push_back("guests.0.virtio.hash_report=true");
  for (const char* strategy : {"passthrough", "vhost-copy"})
    EXPECT_GT(run("bulk-1500.json", strategy, with).value("guest.g0.gro.segments_per_packet"),
              run("bulk-1500.json", strategy, set).value("guest.g0.gro.segments_per_packet"))
        << strategy;
}

TEST(GuestFeatures, TheLegacyHeaderIsTwoBytesShorter) {
  const std::vector<std::string> set = {"guests.0.virtio.rx_mode=small", "traffic.rate=1Gbps"};
  auto legacy = set;
  legacy.push_back("guests.0.virtio.version_1=false");
  for (const char* strategy : {"vhost-copy", "guest-head", "passthrough"}) {
    const ChildResult a = run("bulk-1500.json", strategy, set), b = run("bulk-1500.json", strategy, legacy);
    EXPECT_EQ(a.metrics.at("packets.delivered"), b.metrics.at("packets.delivered")) << strategy;
    EXPECT_NE(a.everything, b.everything) << strategy;
  }
}

// Each changes what lies in memory and what it costs, and nothing that arrives.
TEST(GuestFeatures, RingFormatsDeliverTheSame) {
  const std::vector<std::string> slow = {"traffic.rate=1Gbps", "host.gro.enabled=false"};
  const std::vector<std::vector<std::string>> keys = {{"guests.0.virtio.ring=packed"},
                                                      {"guests.0.virtio.ring=packed", "guests.0.virtio.queue_size=300"},
                                                      {"guests.0.virtio.in_order=true"},
                                                      {"guests.0.virtio.event_idx=false"},
                                                      {"guests.0.virtio.rx_mode=big", "guests.0.virtio.indirect=true"},
                                                      {"guests.0.virtio.rx_mode=big", "guests.0.virtio.indirect=false"}};
  const ChildResult base = run("bulk-1500.json", "vhost-copy", slow);
  std::string before;
  for (const auto& k : keys) {
    auto set = slow;
    set.insert(set.end(), k.begin(), k.end());
    const ChildResult r = run("bulk-1500.json", "vhost-copy", set);
    EXPECT_EQ(r.metrics.at("packets.delivered"), base.metrics.at("packets.delivered")) << k[0];
    EXPECT_NE(r.everything, base.everything) << k[0];
    EXPECT_NE(r.everything, before) << k.back();
    before = r.everything;
  }
}

TEST(GuestFeatures, IpAlignmentOf2635MakesTheLinearPartLonger) {
  const std::vector<std::string> unaligned = {"guests.0.virtio.ip_align=0"};
  for (const char* scenario : {"guest-2635-mergeable.json", "guest-2635-big.json"}) {
    const double with = run(scenario, "vhost-copy", {}).value("copy.guest_bytes_per_packet");
    EXPECT_GT(with, run(scenario, "vhost-copy", unaligned).value("copy.guest_bytes_per_packet")) << scenario;
  }
}

}  // namespace guest_features_test
}  // namespace gd::test
