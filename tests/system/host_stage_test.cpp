// What the host does between GRO and tap, as whole runs with every design: the bytes that the guest gets are those that the
// rules say, every frame and replica ends once, and what it costs stands in the ledger.
#include <gtest/gtest.h>

#include "src/system/system.h"
#include "tests/system/run_child.h"

namespace gd::test {
namespace host_stage_test {

using Set = std::vector<std::string>;

struct Case {
  const char* name;
  const char* scenario;
  Set set;
  const char* counted;      // a metric that must not be zero
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"Mac", "host-rewrites.json", {"host.rewrite.kind=mac"}, "host.rewritten"},
      {"Ttl", "host-rewrites.json", {"host.rewrite.kind=ttl"}, "host.rewritten"},
      {"NatIpv6", "host-rewrites.json", {"host.rewrite.kind=nat", "traffic.ip=6"}, "host.rewritten"},
      {"NatUdpUnmerged", "host-rewrites.json", {"host.rewrite.kind=nat", "traffic.protocol=udp"}, "host.rewritten"},
      {"VlanPush", "host-rewrites.json", {"host.rewrite.kind=vlan-push"}, "host.rewritten"},
      {"VlanPop", "host-rewrites.json", {"host.rewrite.kind=vlan-pop", "traffic.vlan=5", "traffic.frame_bytes=1522"}, "host.rewritten"},
      {"Encapsulate", "encapsulation.json", {}, "host.rewritten"},
      {"EncapsulateMergedEverywhere", "encapsulation.json", {R"(guests=[{"virtio":{"used_offset":true,"split_layout":true}}])"}, "host.rewritten"},
      {"EncapsulateUnmerged", "encapsulation.json", {"host.gro.enabled=false", "guests.0.virtio.used_offset=true"}, "host.rewritten"},
      {"EncapsulateIpv6Tagged", "encapsulation.json", {"traffic.ip=6", "traffic.vlan=5"}, "host.rewritten"},
      {"EncapsulateBig", "encapsulation.json", {R"(guests=[{"virtio":{"rx_mode":"big","split_layout":true}}])"}, "host.rewritten"},
      {"EncapsulateSmallMode2635", "encapsulation.json", {R"(guests=[{"virtio":{"rx_mode":"small","driver":"linux-2.6.35"}}])"}, "host.rewritten"},
      {"EncapsulateUdp", "encapsulation.json", {"traffic.protocol=udp", "traffic.frame_bytes=200", "traffic.rate=500Mbps", "host.rewrite.share=100%"}, "host.rewritten"},
      {"EncapsulateTooLong", "encapsulation.json", {"traffic.frame_bytes=1514"}, "drops.oversize"},
      {"EncapsulatePcap", "pcap-vxlan-tcp4.json", {"host.rewrite.share=50%", "host.rewrite.kind=encapsulate", "nic.mtu=9000B"}, "host.rewritten"},
      {"SmallFramesVlanPush", "host-rewrites.json",
       {"host.rewrite.kind=vlan-push", "traffic.frame_bytes=128", "traffic.rate=300Mbps", "traffic.protocol=udp"}, "host.rewritten"},
      {"ForeignReturned", "foreign-frames.json", {"host.foreign=return"}, "packets.consumed_by_host"},
      {"ForeignReturnedScrubbed", "foreign-frames.json", {"host.foreign=return", "host.scrub=true"}, "packets.consumed_by_host"},
      {"ForeignDropped", "foreign-frames.json", {"host.foreign=drop"}, "drops.foreign"},
      {"FilterReturns", "filters.json", {"host.foreign=return"}, "drops.filtered"},
      {"FilterClosedLoop", "filters.json", {kOftenInterrupted, "traffic.tcp=closed", "host.filter.share=0.5%"}, "drops.filtered"},
      {"ClonesCopied", "clones.json", {"host.clone.action=copy"}, "host.cloned"},
      {"AllAtOnce", "foreign-frames.json",
       {"host.filter.share=3%", "host.rewrite.share=10%", "host.rewrite.kind=ttl", "host.clone.share=3%", "host.clone.action=hold"}, "host.rewritten"},
  };
  return all;
}

void bytes_and_books_are_right(const Case& c, const std::string& strategy) {
  const ChildResult r = run_child(c.scenario, strategy, c.set);
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.metrics.at("integrity.errors"), "0") << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.metrics.at("ownership.violations"), "0") << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_GT(r.value("packets.delivered"), 0);
  EXPECT_GT(r.value(c.counted), 0);
}

class HostStage : public ::testing::TestWithParam<Case> {};

TEST_P(HostStage, BytesAndBooksAreRight) {
  for_each_served(GetParam().scenario, GetParam().set, [](const std::string& s) { bytes_and_books_are_right(GetParam(), s); });
}

INSTANTIATE_TEST_SUITE_P(All, HostStage, ::testing::ValuesIn(cases()), [](const auto& i) { return test_name(i.param.name); });

TEST(HostStageChecks, AFlippedByteIsStillSeenInARewrittenFrame) {
  const ChildResult r = run_child("host-rewrites.json", "vhost-copy", {"host.rewrite.share=100%", "debug.fault.kind=flip-host", "debug.fault.frame=300"});
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.metrics.at("integrity.errors"), "1");
}

// The NIC's word counts for the outer headers only: the guest sums what is inside, and finds the byte itself.
TEST(HostStageChecks, AFlippedByteIsStillSeenInAnEncapsulatedFrame) {
  const ChildResult r = run_child("encapsulation.json", "vhost-copy", {kOftenInterrupted, "host.rewrite.share=100%", "debug.fault.kind=flip-host", "debug.fault.frame=300"});
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_EQ(r.metrics.at("integrity.errors"), "0");
  EXPECT_EQ(r.metrics.at("drops.bad-checksum"), "1");
}

// 50 bytes fit the header room of copy-header, a header page of its own, and host memory; not what else lies in the guest.
TEST(HostStageChecks, WithoutHeadroomAnEncapsulatedFrameIsCopied) {
  const Set plain = {"host.gro.enabled=false", R"(guests=[{"virtio":{"used_offset":true}}])"};
  const std::map<std::string, bool> copied = {{"vhost-copy", false}, {"guest-head", true}, {"copy-header", false}, {"page-frags", false}};
  for (const auto& [strategy, all] : copied) {
    const ChildResult r = run_child("encapsulation.json", strategy, plain);
    ASSERT_EQ(r.exit_code, 0) << r.error;
    EXPECT_GT(r.value("host.rewritten"), 0) << strategy;
    EXPECT_EQ(r.value("fallback.copied.headroom"), all ? r.value("host.rewritten") : 0) << strategy;
  }
}

TEST(HostStageChecks, TheGuestPaysForTheTunnel) {
  const ChildResult on = run_child("encapsulation.json", "vhost-copy", {"host.gro.enabled=false", "host.rewrite.share=100%"});
  const ChildResult off = run_child("encapsulation.json", "vhost-copy", {"host.gro.enabled=false", "host.rewrite.share=0%"});
  ASSERT_EQ(on.exit_code, 0) << on.error;
  ASSERT_EQ(off.exit_code, 0) << off.error;
  EXPECT_EQ(on.metrics.at("packets.delivered"), off.metrics.at("packets.delivered"));
  // Decapsulation and a second IP; what is inside is summed by software, 0.15 cycles a byte or so.
  EXPECT_GT(on.value("guest.cycles_per_packet"), off.value("guest.cycles_per_packet") + 900 + 500);
  EXPECT_GT(on.value("host.cycles_per_packet"), off.value("host.cycles_per_packet") + 900);
}

TEST(HostStageChecks, UnusedItCostsNothing) {
  const ChildResult off = run_child("foreign-frames.json", "vhost-copy", {"traffic.foreign.host=0%", "traffic.foreign.other_guest=0%"});
  ASSERT_EQ(off.exit_code, 0) << off.error;
  EXPECT_EQ(off.everything.find("/host/"), std::string::npos);   // no line of the ledger
}

// Although each guest's rule has a MAC, broadcast and multicast reach all of them, by the card's rules and by the host's.
TEST(HostStageChecks, BroadcastReachesGuestsThatAllHaveAMac) {
  for (const char* steering : {"nic.steering=true", "nic.steering=false"}) {
    const ChildResult r = run_child("broadcast.json", "vhost-copy", {steering, "nic.rx_queues=1", "guests.0.mac=52:54:00:00:00:0a"});
    ASSERT_EQ(r.exit_code, 0) << r.error;
    EXPECT_EQ(r.value("drops.filtered"), 0) << steering;
    EXPECT_GT(r.value("packets.replicas"), 0) << steering;
    EXPECT_EQ(r.metrics.at("integrity.errors"), "0") << steering;
  }
}

TEST(HostStageChecks, TheChoiceOfFramesIsTheSameForEveryDesign) {
  const Set set = {"host.gro.enabled=false"};
  const ChildResult a = run_child("filters.json", "vhost-copy", set), b = run_child("filters.json", "guest-head", set);
  ASSERT_EQ(a.exit_code, 0) << a.error;
  ASSERT_EQ(b.exit_code, 0) << b.error;
  EXPECT_EQ(a.metrics.at("drops.filtered"), b.metrics.at("drops.filtered"));
}

// Known from the traffic and from memory: headers of copy-header never were the guest's, and what is wiped has not leaked.
TEST(HostStageChecks, WhatLeaksIsWhatLiesInTheGuestsMemory) {
  const auto leaked = [](const char* scenario, const char* strategy, Set set = {}) {
    set.push_back(kOftenInterrupted);
    const ChildResult r = run_child(scenario, strategy, set);
    EXPECT_EQ(r.exit_code, 0) << r.error;
    return r.value("security.leaked_bytes");
  };
  const double whole = leaked("foreign-frames.json", "guest-head");
  EXPECT_GT(whole, 0);
  EXPECT_EQ(leaked("foreign-frames.json", "page-frags"), whole);
  EXPECT_LT(leaked("foreign-frames.json", "copy-header"), whole);
  EXPECT_GT(leaked("foreign-frames.json", "copy-header"), whole / 2);
  EXPECT_EQ(leaked("foreign-frames.json", "vhost-copy"), 0);
  EXPECT_EQ(leaked("foreign-frames.json", "copy-header", {"host.scrub=true"}), 0);
  EXPECT_EQ(leaked("encapsulation.json", "guest-head"), 0);   // dropped for their length: the guest's own
  EXPECT_GT(leaked("filters.json", "page-frags", {"host.scrub=false", "expect=[]"}), 0);
}

// The host's second look at headers in the guest's memory, by the bridge, is watched as the first one is.
TEST(HostStageChecks, TheBridgesLookAtHeadersIsWatched) {
  const char* scribbler = "adversity/header-scribbler.json";
  const Set often = {"guests.1.misbehaviour.share=100%", "guests.1.misbehaviour.interval=2us", "time.measure=6ms"};
  Set filtered = often;
  filtered.push_back("host.filter.share=0.1%");
  const ChildResult none = run_child(scribbler, "guest-head", often), looks = run_child(scribbler, "guest-head", filtered);
  Set without_gro = filtered;            // the filter's look is the only one
  without_gro.push_back("host.gro.enabled=false");
  const ChildResult only = run_child(scribbler, "guest-head", without_gro);
  const ChildResult safe = run_child(scribbler, "guest-head", {"host.filter.share=0.1%", "defences.header_snapshot=true"});
  for (const ChildResult* r : {&none, &looks, &only, &safe}) ASSERT_EQ(r->exit_code, 0) << r->error;
  EXPECT_GT(looks.value("toctou.exposed_bytes"), none.value("toctou.exposed_bytes"));
  EXPECT_GT(only.value("toctou.exposed_bytes"), 0);
  EXPECT_GT(only.value("toctou.acted_on"), 0);
  EXPECT_EQ(safe.value("toctou.exposed_bytes"), 0);
  EXPECT_EQ(safe.value("toctou.acted_on"), 0);
}

TEST(HostStageChecks, PassthroughIsRefusedWithTheReason) {
  for (const char* s : {"host-rewrites.json", "foreign-frames.json", "filters.json", "broadcast.json", "clones.json", "encapsulation.json"})
    EXPECT_FALSE(can_serve(s, "passthrough")) << s;
}

TEST(VhostGenerations, TheOldOneSignalsMoreAndCannotMerge) {
  const Set now = {"vhost.rules=linux-6"};
  const ChildResult old = run_child("vhost-2010.json", "vhost-copy"), today = run_child("vhost-2010.json", "vhost-copy", now);
  ASSERT_EQ(old.exit_code, 0) << old.error;
  ASSERT_EQ(today.exit_code, 0) << today.error;
  EXPECT_GT(old.value("host.cycles_per_packet"), today.value("host.cycles_per_packet"));
  const ChildResult refused = run_child("vhost-2010.json", "vhost-copy", {R"(guests=[{"virtio":{"rx_mode":"mergeable"}}])"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.error.find("does not offer mergeable buffers"), std::string::npos) << refused.error;
  EXPECT_EQ(run_child("vhost-2010.json", "vhost-copy", {"vhost.busy_poll=50us"}).exit_code, 2);
}

TEST(BusyPolling, FewerWakeUpsLessLatencyMoreCpu) {
  const ChildResult on = run_child("busy-poll.json", "vhost-copy"), off = run_child("busy-poll.json", "vhost-copy", {"vhost.busy_poll=0us"});
  ASSERT_EQ(on.exit_code, 0) << on.error;
  ASSERT_EQ(off.exit_code, 0) << off.error;
  EXPECT_LT(on.value("vhost.wakeups"), off.value("vhost.wakeups") / 2);
  EXPECT_LT(on.value("latency.p50"), off.value("latency.p50"));
  EXPECT_GT(on.value("cpu.utilisation.cpu1"), off.value("cpu.utilisation.cpu1"));
}

// The same packets reach the guest sooner; delivery's cycles move from the worker to the softirq, which wakes it for buffers only.
TEST(SoftirqPublication, NoWorkerOnTheWay) {
  for (const char* strategy : {"guest-head", "copy-header", "page-frags"}) {
    const Set set = {"host.gro.enabled=false", "traffic.rate=2Gbps", kOftenInterrupted};
    Set worker = set;
    worker.push_back("vhost.publish=vhost");
    const ChildResult a = run_child("softirq-publish.json", strategy, set), b = run_child("softirq-publish.json", strategy, worker);
    ASSERT_EQ(a.exit_code, 0) << a.error;
    ASSERT_EQ(b.exit_code, 0) << b.error;
    EXPECT_EQ(a.metrics.at("packets.delivered"), b.metrics.at("packets.delivered")) << strategy;
    EXPECT_EQ(a.metrics.at("ownership.violations"), "0") << strategy;
    EXPECT_EQ(a.metrics.at("integrity.errors"), "0") << strategy;
    EXPECT_LT(a.value("vhost.wakeups"), b.value("vhost.wakeups") / 4) << strategy;
    EXPECT_LT(a.value("latency.stage.deliver.p50"), 0.6 * b.value("latency.stage.deliver.p50")) << strategy;
    EXPECT_GT(a.value("host.cycles.softirq"), b.value("host.cycles.softirq")) << strategy;
    EXPECT_LT(a.value("host.cycles.vhost"), b.value("host.cycles.vhost")) << strategy;
  }
  EXPECT_FALSE(can_serve("softirq-publish.json", "vhost-copy"));
  EXPECT_EQ(run_child("softirq-publish.json", "page-frags", {"vhost.busy_poll=50us"}).exit_code, 2);
}

TEST(SoftirqPublication, EveryGuestAndLoadIsServed) {
  const std::vector<Set> sets = {{"guests.0.virtio.ring=packed"}, {"guests.0.virtio.queue_size=16"}, {"traffic.rate=9.5Gbps"},
                                 {"traffic.frame_bytes=64", "traffic.protocol=udp", "traffic.rate=1Gbps"},
                                 {"host.filter.share=10%", "host.foreign=return"}, {"host.clone.share=5%", "host.clone.action=hold"},
                                 {"traffic.tcp=closed"}, {"host.pin=per-buffer", "iommu.mode=strict"}, {"host.memlock_limit=256KiB"}};
  for (const Set& set : sets)
    for (const char* strategy : {"guest-head", "copy-header", "page-frags"}) {
      if (!can_serve("softirq-publish.json", strategy, set)) continue;
      const ChildResult r = run_child("softirq-publish.json", strategy, set);
      ASSERT_EQ(r.exit_code, 0) << r.error << strategy << set[0];
      EXPECT_EQ(r.metrics.at("ownership.violations"), "0") << strategy << set[0];
      EXPECT_EQ(r.metrics.at("integrity.errors"), "0") << strategy << set[0];
      EXPECT_EQ(r.metrics.at("ownership.guest_faults"), "0") << strategy << set[0];
      EXPECT_GT(r.value("packets.delivered"), 100) << strategy << set[0];
    }
}

// VIRTIO 1.2, 5.1.6.4: a guest that did not negotiate GUEST_TSO6 gets no merged IPv6 packet, whoever hands it over.
TEST(Segmentation, SoftirqCutsWhatTheGuestCannotTake) {
  for (const char* strategy : {"guest-head", "copy-header", "page-frags"}) {
    const Set takes = {"traffic.ip=6", "traffic.flows=1", "traffic.arrival=burst", "guests.0.gro.enabled=false"};
    Set no = takes;
    no.push_back("guests.0.virtio.guest_tso6=false");
    const ChildResult a = run_child("softirq-publish.json", strategy, takes), b = run_child("softirq-publish.json", strategy, no);
    ASSERT_EQ(a.exit_code, 0) << a.error;
    ASSERT_EQ(b.exit_code, 0) << b.error;
    EXPECT_GT(a.value("guest.g0.gro.segments_per_packet"), 1.5) << strategy;
    EXPECT_EQ(a.value("gso.packets"), 0) << strategy;
    EXPECT_EQ(b.value("guest.g0.gro.segments_per_packet"), 1) << strategy;
    EXPECT_GT(b.value("gso.packets"), 10) << strategy;
    EXPECT_GT(b.value("packets.delivered"), 0.9 * a.value("packets.delivered")) << strategy;
    EXPECT_EQ(b.metrics.at("integrity.errors"), "0") << strategy;
    EXPECT_EQ(b.metrics.at("ownership.violations"), "0") << strategy;
  }
  for (const char* backend : {"vhost.backend=macvtap", "vhost.backend=raw-socket"})
    EXPECT_EQ(run_child("softirq-publish.json", "page-frags", {backend}).exit_code, 2) << backend;
}

// The packets are those that came, whether the host merges and cuts them, or does neither.
TEST(Segmentation, AGuestWithoutMergedFramesGetsTheFramesThatCame) {
  const Set common = {"traffic.flows=1", "time.measure=1ms"};
  Set off = common;
  off.push_back("host.gro.enabled=false");
  const auto cut = handed_up("no-offloads.json", "vhost-copy", common), plain = handed_up("no-offloads.json", "vhost-copy", off);
  ASSERT_GT(cut.size(), 100u);
  ASSERT_EQ(cut.size(), plain.size());
  EXPECT_EQ(cut, plain);
}

}  // namespace host_stage_test
}  // namespace gd::test
