#include <gtest/gtest.h>

#include <set>

#include "models/base/error.h"
#include "models/nic/steering.h"
#include "tests/packet/frames.h"

using namespace gd;
using namespace gd::nic;

namespace steering_test {

constexpr std::uint64_t kA = 0x020000000001, kB = 0x020000000002, kBroadcast = 0xffffffffffff, kMulticast = 0x01005e000001;

struct Row {
  std::uint64_t mac;
  std::uint16_t vlan;
  int queue;   // -1: nobody's
};

int first_queue(const Steering& s, const Row& r) {
  const SteeringRule* rule = s.match(r.mac, r.vlan);
  return rule ? static_cast<int>(rule->first) : -1;
}

TEST(Steering, MostSpecificRuleWins) {
  Steering s;
  s.add({0, 0, 4, 1});
  s.add({0, 7, 3, 1});
  s.add({kA, 0, 2, 1});
  s.add({kA, 7, 1, 1});
  for (const Row& r : {Row{kA, 7, 1}, Row{kA, 8, 2}, Row{kA, 0, 2}, Row{kB, 7, 3}, Row{kB, 8, 4}, Row{kBroadcast, 7, 3},
                       Row{kBroadcast, 0, 4}, Row{kMulticast, 9, 4}})
    EXPECT_EQ(first_queue(s, r), r.queue) << std::hex << r.mac << " vlan " << r.vlan;
}

TEST(Steering, UnclaimedFramesBelongToNobody) {
  Steering s;
  s.add({kA, 0, 0, 1});
  s.add({kB, 5, 1, 1});
  for (const Row& r : {Row{kA, 3, 0}, Row{kB, 5, 1}, Row{kB, 0, -1}, Row{kB, 6, -1}})
    EXPECT_EQ(first_queue(s, r), r.queue) << std::hex << r.mac << " vlan " << r.vlan;
  s.add({kA, 0, 9, 1});   // the same key again replaces
  EXPECT_EQ(first_queue(s, {kA, 0, 0}), 9);
}

// Where every rule has a MAC they are accepted all the same: the first rule of their VLAN, else of any.
TEST(Steering, BroadcastAndMulticastHaveADefaultQueue) {
  Steering s;
  s.add({kA, 5, 0, 1});
  for (const Row& r : {Row{kBroadcast, 5, 0}, Row{kBroadcast, 6, -1}, Row{kMulticast, 0, -1}}) EXPECT_EQ(first_queue(s, r), r.queue) << r.vlan;
  s.add({kA, 0, 1, 1});
  s.add({kB, 0, 2, 1});
  for (const Row& r : {Row{kBroadcast, 5, 0}, Row{kBroadcast, 6, 1}, Row{kMulticast, 0, 1}}) EXPECT_EQ(first_queue(s, r), r.queue) << r.vlan;
}

TEST(Steering, RssUsesTheIndirectionTable) {
  Steering s;
  s.add({0, 0, 8, 4});
  const test::Frame f = test::tcp4_frame(100);
  const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
  const std::uint32_t hash = Toeplitz().hash(f.data(), p, RssFields{}).value;
  Steered got = s.steer(f.data(), p);
  EXPECT_TRUE(got.claimed);
  EXPECT_EQ(got.hash.value, hash);
  EXPECT_EQ(got.hash.type, RssType::tcp4);
  EXPECT_EQ(got.queue, 8 + (hash & 127) % 4);
  std::vector<std::uint8_t> table(128, 3);
  s.indirection(table);
  EXPECT_EQ(s.steer(f.data(), p).queue, 11u);
  table.pop_back();
  EXPECT_THROW(s.indirection(table), UserError);
}

// Filters: the flows in turn, each where it was first; without them by hash.
TEST(Steering, FiltersGiveTheFlowsToTheQueuesInTurn) {
  Steering s;
  s.add({0, 0, 2, 3});
  s.filters(true);
  const auto steered = [&](unsigned flow) {
    test::Frame f = test::tcp4_frame(100);
    f[34] = static_cast<std::uint8_t>(flow >> 8), f[35] = static_cast<std::uint8_t>(flow);   // source port
    return s.steer(f.data(), parse(f.data(), static_cast<std::uint32_t>(f.size())));
  };
  const auto queue = [&](unsigned flow) { return steered(flow).queue; };
  for (unsigned round = 0; round < 2; ++round)
    for (unsigned flow = 0; flow < 7; ++flow) EXPECT_EQ(queue(flow), 2 + flow % 3) << round << " " << flow;
  for (unsigned flow = 7; flow < Steering::kFilters; ++flow) queue(flow);
  bool by_hash = false;
  for (unsigned flow = Steering::kFilters; flow < Steering::kFilters + 64; ++flow) by_hash |= queue(flow) != queue(0) && queue(flow) != queue(1);
  EXPECT_TRUE(by_hash) << "no filter left: the indirection table";
  EXPECT_EQ(queue(6), 2u);
  s.filters(false);
  EXPECT_EQ(queue(6), 2 + (steered(6).hash.value & 127) % 3);
}

// The driver's GRO sorts flows by the hash, with one queue as well.
TEST(Steering, OneQueueReportsTheHashUnlessRssIsOff) {
  Steering s;
  s.add({0, 0, 2, 1});
  const test::Frame f = test::tcp4_frame(100);
  const Parsed p = parse(f.data(), static_cast<std::uint32_t>(f.size()));
  EXPECT_EQ(s.steer(f.data(), p).queue, 2u);
  EXPECT_EQ(s.steer(f.data(), p).hash.value, Toeplitz().hash(f.data(), p, RssFields{}).value);
  s.rss(false);
  EXPECT_EQ(s.steer(f.data(), p).queue, 2u);
  EXPECT_EQ(s.steer(f.data(), p).hash.value, 0u);
}

TEST(Steering, PortsSpreadTcpButNotUdpUnlessAsked) {
  auto queues = [](bool udp_frames, bool udp_ports) {
    Steering s;
    RssFields fields;
    fields.udp4 = fields.udp6 = udp_ports;
    s.fields(fields);
    s.add({0, 0, 0, 8});
    std::set<std::uint32_t> seen;
    for (unsigned port = 1000; port < 1064; ++port) {
      test::Frame f = udp_frames ? test::udp4_frame(50) : test::tcp4_frame(50);
      test::set16(f, 34, port);
      seen.insert(s.steer(f.data(), parse(f.data(), static_cast<std::uint32_t>(f.size()))).queue);
    }
    return seen.size();
  };
  EXPECT_EQ(queues(false, false), 8u);
  EXPECT_EQ(queues(true, false), 1u);
  EXPECT_EQ(queues(true, true), 8u);
}

}  // namespace steering_test
