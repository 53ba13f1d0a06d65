// Delivery forms A, B and C: where the bytes lie after GRO, what was pulled, and whose buffers go back.
#include "tests/host/gro_forms.h"

namespace gd::test {
namespace gro_forms_test {

Frame segment(unsigned i, std::size_t n = 1000, const Frame& options = {}) {
  Ip4 o;
  o.id = 7 + i;
  Frame f = ip4_packet(ethernet(0x0800), o, tcp_segment(100 + i * 1000, 200, 0x10, options, payload(n)));
  seal(f, 14, 34, false, 6);
  return f;
}
std::vector<Frame> segments(unsigned n) {
  std::vector<Frame> v;
  for (unsigned i = 0; i < n; ++i) v.push_back(segment(i));
  return v;
}

struct GroFormsTest : GroBench {
  // The packet's bytes: `first`'s headers as completion left them, then every payload.
  void expect_payload(Skb& k, const std::vector<Frame>& parts, std::size_t header) {
    Frame whole;
    for (const Frame& f : parts) append(whole, slice(f, header));
    const Frame got = all_bytes(k);
    ASSERT_EQ(got.size(), header + whole.size());
    EXPECT_EQ(k.length, got.size());
    EXPECT_EQ(slice(got, header), whole);
  }
};

TEST_F(GroFormsTest, HeldFramesInFragmentsHaveTheirHeadersPulled) {
  for (GroRules r : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    renew(rules(r));
    poll({segment(0)}, kFrags);
    ASSERT_EQ(up.packets.size(), 1u);
    Skb& k = *up.packets[0];
    EXPECT_EQ(k.head.addr, k.slab_addr);
    EXPECT_EQ(k.head.length, 54u);
    EXPECT_EQ(k.head.token, kNoToken);
    EXPECT_EQ(k.pulled, 54u);
    ASSERT_EQ(k.nr_frags, 1u);
    EXPECT_EQ(k.frags[0].length, 1000u);
    EXPECT_EQ(all_bytes(k), segment(0));
    EXPECT_EQ(gro->stats().pulled_bytes, 54u);
    drop_all();
    expect_clean();
  }
}

TEST_F(GroFormsTest, MergedFramesInFragmentsAreNotPulled) {
  for (GroRules r : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    renew(rules(r));
    poll(segments(5), kFrags);
    ASSERT_EQ(up.packets.size(), 1u);
    Skb& k = *up.packets[0];
    EXPECT_EQ(k.nr_frags, 5u);
    for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(k.frags[i].length, 1000u);
    EXPECT_EQ(k.pulled, 54u);
    expect_payload(k, segments(5), 54);
    // Linux 6 copies the Ethernet header of every packet at once; 2.6.35 copies nothing of what it merges.
    EXPECT_EQ(gro->stats().pulled_bytes, r == GroRules::linux_6 ? 54 + 4 * 14u : 54u);
    EXPECT_EQ(gro->stats().slow_headers, 0u);
    EXPECT_EQ(skbs_.in_use(), 2u);       // the packet and the spare shell, which every merged packet used
    EXPECT_EQ(skbs_.peak(), 2u);
    drop_all();
    expect_clean();
  }
}

TEST_F(GroFormsTest, AFragmentOfHeadersOnlyLeavesWhatIsHeldAndStaysInWhatIsMerged) {
  for (GroRules r : {GroRules::linux_6, GroRules::linux_2_6_35}) {
    renew(rules(r));
    pieces.emptied = 0;
    poll(segments(3), frags_at(54));
    ASSERT_EQ(up.packets.size(), 1u);
    Skb& k = *up.packets[0];
    EXPECT_EQ(pieces.emptied, 1u);       // the first packet's; handed to the path, which owns that page
    ASSERT_EQ(k.nr_frags, 5u);           // payload, then twice an empty one and a payload
    for (unsigned i : {1u, 3u}) {
      EXPECT_EQ(k.frags[i].length, 0u);
      EXPECT_NE(k.frags[i].token, kNoToken);
    }
    expect_payload(k, segments(3), 54);
    drop_all();
    expect_clean();
  }
}

TEST_F(GroFormsTest, EmptyFragmentsCostSlots) {
  // 17 slots: the first payload and eight pairs; the tenth packet goes on in a frag_list member (2.6.35 has 18: refused).
  poll(segments(12), frags_at(54));
  ASSERT_EQ(up.packets.size(), 1u);
  EXPECT_EQ(up.packets[0]->nr_frags, 17u);
  ASSERT_NE(up.packets[0]->list, nullptr);
  EXPECT_EQ(up.packets[0]->list->nr_frags, 6u);
  EXPECT_EQ(up.packets[0]->list->head.length, 0u);
  EXPECT_EQ(gro->stats().chained, 1u);
  expect_payload(*up.packets[0], segments(12), 54);
  drop_all();
  expect_clean();
  renew(rules(GroRules::linux_2_6_35));
  poll(segments(12), frags_at(54));
  ASSERT_EQ(up.packets.size(), 2u);
  EXPECT_EQ(up.packets[0]->nr_frags, 17u);   // one slot is left, a pair needs two
  EXPECT_EQ(up.packets[0]->frames.count, 9u);
  EXPECT_EQ(up.packets[1]->frames.count, 3u);
  EXPECT_EQ(gro->stats().flushes[static_cast<int>(GroReason::no_room)], 1u);
  drop_all();
  expect_clean();
}

TEST_F(GroFormsTest, OnlyParsedHeadersArePulledFromWhatIsNotMerged) {
  struct Row {
    Frame frame;
    std::uint32_t linux6, old;
  };
  Frame arp = ethernet(0x0806);
  arp.resize(60);
  Ip4 fragment;
  fragment.fragment = 0x2000;
  for (const Row& r : {Row{arp, 14, 14}, {udp4_frame(400), 34, 14}, {segment(0, 0), 54, 54},
                       {ip4_packet(ethernet(0x0800, {0x81000005}), {}, tcp_segment(1, 1, 0x10, {}, payload(300))), 0, 14}})
    for (GroRules x : {GroRules::linux_6, GroRules::linux_2_6_35}) {
      if (x == GroRules::linux_6 && r.linux6 == 0) continue;
      renew(rules(x));
      poll({r.frame}, kFrags);
      ASSERT_EQ(up.packets.size(), 1u);
      EXPECT_EQ(up.packets[0]->head.length, x == GroRules::linux_6 ? r.linux6 : r.old);
      EXPECT_EQ(all_bytes(*up.packets[0]), r.frame);
      drop_all();
      expect_clean();
    }
}

TEST_F(GroFormsTest, WithoutMergingTheHeadersAreStillPulled) {
  pieces.merge = false;
  poll(segments(2), kFrags);
  ASSERT_EQ(up.packets.size(), 2u);
  for (Skb* k : up.packets) EXPECT_EQ(k->head.length, 54u);
  drop_all();
  expect_clean();
}

TEST_F(GroFormsTest, TheShiftByBytesIsFoundAndNamesTheBuffer) {
  renew(rules(GroRules::linux_2_6_35, true));
  poll({segment(0)}, kFrags);                  // nothing is emptied: nothing happens
  EXPECT_EQ(own.violations(), 0u);
  EXPECT_EQ(up.packets.size(), 1u);
  drop_all();
  poll(segments(3), frags_at(54));
  EXPECT_TRUE(up.packets.empty());             // the packet's bytes cannot be copied: dropped
  EXPECT_EQ(frames.live(), 0u);
  EXPECT_EQ(own.violations(), 1u);
  EXPECT_EQ(own.count(Owner::skb), 1u);        // the payload of the first is nobody's any more
  const BufferId lost = pieces.ids[1];         // 0: headers (the buffer of the frame above, used again), 1: payload
  EXPECT_EQ(own.owner(lost), Owner::skb);
  ASSERT_EQ(own.messages().size(), 1u);
  char start[32];
  std::snprintf(start, sizeof start, "%llx", static_cast<unsigned long long>(own.start(lost)));
  EXPECT_NE(own.messages()[0].find(start), std::string::npos) << own.messages()[0];
  EXPECT_NE(own.messages()[0].find("moved down by 1 bytes"), std::string::npos) << own.messages()[0];
}

TEST_F(GroFormsTest, ThePullCostsItsBytes) {
  poll({segment(0)}, kLinearPage);
  const auto none = cycles("doer", "gro.pull");
  poll({segment(1)}, kFrags);
  EXPECT_EQ(none, 0u);
  EXPECT_GT(cycles("doer", "gro.pull"), 0u);
  EXPECT_EQ(copied("gro.pull"), 54u);
}

}  // namespace gro_forms_test
}  // namespace gd::test
