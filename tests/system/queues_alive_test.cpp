// Queues of well-behaved guests go on delivering, whatever keeps buffers from the card: copies that wait, quotas, limits, other guests.
#include <gtest/gtest.h>

#include "tests/system/run_child.h"

namespace gd::test {
namespace queues_alive_test {

using Set = std::vector<std::string>;

struct Case {
  const char* name;
  const char* scenario;
  std::vector<std::string> labels, set;
  double delivered;      // at least so much of what was offered
};

const std::vector<std::string> kZeroCopy = {"guest-head", "copy-header", "page-frags"};
const std::string kPush = "host.rewrite.kind=vlan-push", kOnePercent = "host.rewrite.share=1%", kOffset = "guests.0.virtio.used_offset=true",
                  kOld = "guests.0.virtio.driver=linux-2.6.35", kShort = "time.measure=2ms";

std::string headers(int of_8) { return R"(strategies=[{"name":"copy-header","headers_of_8":)" + std::to_string(of_8) + "}]"; }

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      {"SegmentsOfGuestHead", "quickstart.json", {"guest-head"}, {"vhost.backend=raw-socket", kOffset, kShort}, 1},
      {"QuotaBesideCopies", "today-bulk-1500.json", kZeroCopy, {"traffic.rate=5Gbps", "defences.buffer_quota=64", kPush, kOnePercent, kShort}, 0.9},
      {"MemlockBesideCopies", "memlock-limit.json", {"guest-head-stall", "copy-header-stall", "page-frags-stall", "page-frags-copy"}, {kPush, kOnePercent, kOftenInterrupted}, 0.9},
      {"FewPagesBesideCopies", "today-bulk-1500.json", {"copy-header"}, {"traffic.rate=5Gbps", headers(7), "traffic.foreign.multicast=1%", kShort}, 0.9},
      {"NothingButCopiesIn2635", "today-bulk-1500.json", {"guest-head", "page-frags"},
       {"traffic.rate=1Gbps", "host.rewrite.kind=encapsulate", "traffic.frame_bytes=1400", "host.rewrite.share=100%", kOld, kShort}, 0.9},
      {"NothingButCopiesInASmallRing", "today-bulk-1500.json", {"guest-head"},
       {"traffic.rate=1Gbps", kPush, "host.rewrite.share=100%", "guests.0.virtio.queue_size=16", kShort}, 0.5},
      {"QuotaOfTwoKinds", "quickstart.json", {"copy-header"}, {"defences.buffer_quota=64", kShort, kOftenInterrupted}, 1},
      {"SmallQuotaOfTwoKinds", "quickstart.json", {"copy-header"}, {"defences.buffer_quota=16", kShort, kOftenInterrupted}, 0.3},
      {"FewPagesOf2635", "quickstart.json", {"copy-header"}, {headers(7), kOld, kShort, kOftenInterrupted}, 0.9},
      {"FewHeadersOf2635", "quickstart.json", {"copy-header"}, {headers(1), kOld, kShort}, 0.9},
      {"MergedFor2635", "today-bulk-1500.json", kZeroCopy,
       {"traffic.rate=5Gbps", "traffic.flows=1", "traffic.arrival=burst", "traffic.burst_frames=32", kOld, kOffset, kShort}, 1},
      {"JumboInASmallRing", "today-bulk-1500.json", {"page-frags"},
       {"nic.mtu=9000B", "traffic.frame_bytes=9018", "traffic.rate=1Gbps", "guests.0.virtio.queue_size=8", kShort}, 0.9},
  };
  return all;
}

struct Run {
  std::size_t of;
  std::string label;
};

class QueuesAlive : public ::testing::TestWithParam<Run> {};

TEST_P(QueuesAlive, Deliver) {
  const Case& c = cases()[GetParam().of];
  const ChildResult r = run_child(c.scenario, GetParam().label, c.set);
  ASSERT_EQ(r.exit_code, 0) << r.error;
  EXPECT_GT(r.value("packets.offered"), 0);
  EXPECT_GE(r.value("packets.delivered"), c.delivered * r.value("packets.offered"));
  EXPECT_EQ(r.metrics.at("integrity.errors"), "0") << (r.messages.empty() ? "" : r.messages.front());
  EXPECT_EQ(r.value("ownership.guest_faults"), 0);
}

std::vector<Run> runs() {
  std::vector<Run> all;
  for (std::size_t i = 0; i < cases().size(); ++i)
    for (const std::string& s : cases()[i].labels) all.push_back({i, s});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, QueuesAlive, ::testing::ValuesIn(runs()), [](const auto& i) {
  return test_name(std::string(cases()[i.param.of].name) + "_" + i.param.label);
});

// A guest of 2.6.35 that gets nothing but copies of a neighbour's broadcasts refills at half its ring, which the card keeps.
TEST(QueuesAliveChecks, AStandstillIsSaid) {
  for (const char* share : {"0%", "100%"}) {
    const ChildResult r = run_child("broadcast.json", "guest-head",
                                    {"traffic.flows=1", std::string("traffic.foreign.broadcast=") + share, "traffic.foreign.multicast=0%", kOld,
                                     "guests.1.virtio.driver=linux-2.6.35", "time.measure=4ms"});
    ASSERT_EQ(r.exit_code, 0) << r.error;
    EXPECT_EQ(!r.standstills.empty(), r.value("packets.in_flight") > 0) << share;
    EXPECT_TRUE(r.messages.empty()) << r.messages.front();
  }
}

// Pages that may be pinned go to one kind of copy-header's buffers alone: frames are dropped, or wait in the card.
TEST(QueuesAliveChecks, AStandstillAtALimitSaysWhich) {
  const auto said = [](const char* scenario, const char* label, const Set& set) {
    const ChildResult r = run_child(scenario, label, set);
    EXPECT_EQ(r.exit_code, 0) << r.error;
    EXPECT_EQ(r.standstills.empty(), r.value("packets.delivered") > 0);
    return r.standstills.empty() ? "" : r.standstills.front();
  };
  const Set few = {"host.pin=per-buffer", "host.memlock_limit=32KiB", "traffic.rate=5Gbps", kShort};
  const auto with = [&](const std::string& key) {
    Set set = few;
    set.push_back(key);
    return set;
  };
  EXPECT_NE(said("memlock-limit.json", "copy-header-stall", {"host.memlock_limit=16KiB", kOftenInterrupted}).find("at host.memlock_limit, which"), std::string::npos);
  for (int of_8 : {1, 7}) EXPECT_NE(said("today-bulk-1500.json", "copy-header", with(headers(of_8))).find("be pinned"), std::string::npos) << of_8;
  EXPECT_EQ(said("today-bulk-1500.json", "copy-header", few), "");
  EXPECT_EQ(said("today-bulk-1500.json", "guest-head", few), "");
  EXPECT_FALSE(can_serve("memlock-limit.json", "copy-header-stall", {"host.memlock_limit=4KiB"}));
  EXPECT_TRUE(can_serve("memlock-limit.json", "copy-header-copy", {"host.memlock_limit=4KiB"}));
  EXPECT_TRUE(can_serve("memlock-limit.json", "guest-head-stall", {"host.memlock_limit=4KiB"}));
}

// A changed first byte of a MAC may make the frame a multicast one: the neighbour gets a copy of the scribbled bytes, which it has
// not spoilt, and loses nothing of its own for it.
TEST(QueuesAliveChecks, AScribblerFloodsItsNeighbour) {
  for (const char* work : {"host.clone.share=1%", "host.rewrite.share=1%"})
    for (const std::string& s : kZeroCopy) {
      const ChildResult r = run_child("adversity/header-scribbler.json", s, {work});
      ASSERT_EQ(r.exit_code, 0) << s << ": " << r.error;
      EXPECT_EQ(r.value("guest.victim.packets.lost_share"), 0) << s << ", " << work;
      EXPECT_EQ(r.metrics.at("integrity.errors"), "0") << (r.messages.empty() ? "" : r.messages.front());
    }
}

}  // namespace queues_alive_test
}  // namespace gd::test
