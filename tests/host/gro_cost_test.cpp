// What each delivery form costs in GRO: which operation appears in the ledger, how often, with how many bytes.
#include "tests/host/gro_forms.h"

namespace gd::test {
namespace gro_cost_test {

Frame segment(unsigned i, const Frame& options = {}) {
  Ip4 o;
  o.id = 7 + i;
  Frame f = ip4_packet(ethernet(0x0800), o, tcp_segment(100 + i * 500, 200, 0x10, options, payload(500)));
  seal(f, 14, 34, false, 6);
  return f;
}
std::vector<Frame> segments(unsigned n) {
  std::vector<Frame> v;
  for (unsigned i = 0; i < n; ++i) v.push_back(segment(i));
  return v;
}

struct GroCostTest : GroBench {
  GroCostTest() { in_step([](Step&) {}); }   // the ledger counts from the first run on
  struct Work {
    std::uint64_t calls, bytes;
  };
  Work work(std::string_view op) {
    const auto& c = ledger.cell(ledger.row(core().name(), "doer"), costs.get(op).op);
    return {c.calls, c.bytes};
  }
  std::uint64_t spent(std::string_view op) { return cycles("doer", op); }
};

TEST_F(GroCostTest, OperationsOfEachForm) {
  struct Row {
    Form form;
    GroRules rules;
    std::uint64_t moved;       // gro.merge_frag: merges by moving descriptors
    std::uint64_t chained;     // gro.chain
    std::uint64_t pulled;      // bytes of gro.pull
    std::uint64_t slow;        // bytes of gro.slow_pull
    std::uint64_t shells, freed;
  };
  const GroRules now6 = GroRules::linux_6, old = GroRules::linux_2_6_35;
  for (const Row& r : {
           Row{kLinearPage, now6, 3, 0, 0, 0, 3, 0},           // the head becomes a fragment: stolen
           {kLinearPage, old, 0, 4, 0, 0, 0, 0},               // three in the list, and the new head's copy
           {split_at(54), now6, 3, 0, 0, 0, 0, 3},             // struct and head are freed
           {split_at(54), old, 3, 0, 0, 0, 0, 3},
           {split_at(14), now6, 3, 0, 40, 0, 0, 3},            // frag0 is read in place; what is held is pulled
           {split_at(14), old, 3, 0, 0, 4 * 40, 0, 3},         // made linear before the look, merged ones too
           {split_at(30), now6, 3, 0, 0, 4 * 24, 0, 3},        // a split that stops short of the headers
           {kFrags, now6, 3, 0, 54 + 3 * 14, 0, 3, 0},         // the Ethernet header of each at once
           {kFrags, old, 3, 0, 54, 0, 3, 0},
           {frags_at(30), now6, 3, 0, 4 * 14, 4 * 40, 3, 0},   // the first fragment ends within the headers
       }) {
    SCOPED_TRACE(std::string(r.form.name) + " " + std::to_string(r.form.linear) + (r.rules == old ? ", linux-2.6.35" : ", linux-6"));
    renew(rules(r.rules));
    const Work moved = work("gro.merge_frag"), chained = work("gro.chain"), pulled = work("gro.pull"), slow = work("gro.slow_pull");
    const Work shells = work("skb.recycle_shell"), freed = work("skb.free");
    poll(segments(4), r.form);
    ASSERT_EQ(up.packets.size(), 1u);
    EXPECT_EQ(work("gro.merge_frag").calls - moved.calls, r.moved);
    EXPECT_EQ(work("gro.chain").calls - chained.calls, r.chained);
    EXPECT_EQ(work("gro.pull").bytes - pulled.bytes, r.pulled);
    EXPECT_EQ(work("gro.slow_pull").bytes - slow.bytes, r.slow);
    EXPECT_EQ(work("skb.recycle_shell").calls - shells.calls, r.shells);
    EXPECT_EQ(work("skb.free").calls - freed.calls, r.freed);
    drop_all();
    expect_clean();
  }
}

TEST_F(GroCostTest, ComparisonsByEntry) {
  for (unsigned port = 0; port < 4; ++port) {
    Frame f = segment(0);
    set16(f, 34, 2000 + port);
    seal(f, 14, 34, false, 6);
    poll({f}, kLinearPage, false);
  }
  EXPECT_EQ(spent("gro.compare"), 10 * (0 + 1 + 2 + 3u));   // 10 cycles each in this bench
  EXPECT_GE(spent("gro.match"), 10 * (0 + 1 + 2 + 3u));     // one bucket, one hash: all are compared
  hash = 8;                                                  // same bucket, another hash
  const auto compared = spent("gro.compare"), matched = spent("gro.match");
  poll({segment(0)}, kLinearPage, false);
  EXPECT_EQ(spent("gro.compare") - compared, 40u);
  EXPECT_EQ(spent("gro.match"), matched);
  end_poll();
  drop_all();
}

TEST_F(GroCostTest, HeadersAreReadWhereTheyLie) {
  // The same frame cold (written by a device outside the cache's ways) and read a second time.
  Skb* k = nullptr;
  in_step([&](Step& s) { k = make(s, segment(0), kLinearPage); });
  const auto before = spent("gro.receive");
  in_step([&](Step& s) { gro->receive(s, k, pieces, up); });
  const auto cold = spent("gro.receive") - before;
  end_poll();
  drop_all();
  in_step([&](Step& s) {
    k = make(s, segment(1), kLinearPage);
    s.load(costs.get("test.work").op, k->head.addr, 128);
  });
  const auto between = spent("gro.receive");
  in_step([&](Step& s) { gro->receive(s, k, pieces, up); });
  EXPECT_LT(spent("gro.receive") - between, cold);
  end_poll();
  drop_all();
}

TEST_F(GroCostTest, SoftwareChecksumReadsTheSegment) {
  checksum = Checksum::none;
  poll(segments(2), kFrags);
  EXPECT_GT(spent("gro.checksum"), 0u);
  const auto once = spent("gro.checksum");
  checksum = Checksum::unnecessary;
  poll(segments(2), kFrags);
  EXPECT_EQ(spent("gro.checksum"), once);
  drop_all();
}

TEST_F(GroCostTest, AHeaderChainBeyondTheLinearRoomGrowsTheHead) {
  Frame ext(96, 0);
  ext[0] = 6;
  ext[1] = 11;                                   // (11 + 1) * 8 bytes
  Frame f = ip6_packet(ethernet(0x86dd), 60, ext, tcp_segment(1, 1, 0x10, {}, payload(300)));
  seal(f, 14, 54 + ext.size(), true, 6);
  poll({f}, kFrags);
  ASSERT_EQ(up.packets.size(), 1u);
  EXPECT_EQ(up.packets[0]->head.length, 54u + 96 + 20);
  EXPECT_EQ(work("gro.expand_head").calls, 1u);
  EXPECT_EQ(work("gro.slow_pull").bytes, 54u + 96 + 20 - 14);
  EXPECT_EQ(all_bytes(*up.packets[0]), f);
  drop_all();
  expect_clean();
}

}  // namespace gro_cost_test
}  // namespace gd::test
