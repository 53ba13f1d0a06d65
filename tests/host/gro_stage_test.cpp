// GRO on real frames: what is merged, why packets leave, what completed headers say, checksums.
#include "tests/host/host_bench.h"

namespace gd::test {
namespace gro_stage_test {

struct GroStageTest : HostBench {
  Frame segment(unsigned i, std::size_t n = 1000, unsigned flags = 0x10) {
    Ip4 o;
    o.id = 7 + i;
    Frame f = ip4_packet(ethernet(0x0800), o, tcp_segment(100 + i * 1000, 200, flags, {}, payload(n)));
    seal(f, 14, 34, false, 6);
    return f;
  }
  std::uint64_t flushed(GroReason r) const { return gro->stats().flushes[static_cast<int>(r)]; }
};

TEST_F(GroStageTest, MergesWithinAPollAndCompletesHeaders) {
  start("vhost-copy");
  Frame whole = segment(0);
  receive(segment(0));
  for (unsigned i = 1; i < 5; ++i) {
    append(whole, slice(segment(i), 54));
    receive(segment(i));
  }
  wait();
  ASSERT_EQ(up.packets.size(), 1u);
  Skb& k = *up.packets[0];
  EXPECT_EQ(k.frames.count, 5u);
  EXPECT_EQ(k.gso_size, 1000);
  EXPECT_EQ(k.gso_segments, 5);
  EXPECT_EQ(k.gso_type, VirtioNetHdr::kGsoTcpV4);
  EXPECT_EQ(k.header_length, 54);
  EXPECT_EQ(k.checksum, Checksum::partial);
  EXPECT_EQ(k.csum_start, 34);
  EXPECT_EQ(k.csum_offset, 16);
  Frame got = all_bytes(k);
  EXPECT_EQ(slice(got, 54), slice(whole, 54));
  EXPECT_EQ(naive_sum(&got[14], 20), 0xffffu);
  ASSERT_TRUE(csum::complete_l4(got.data(), static_cast<std::uint32_t>(got.size())));
  EXPECT_EQ(csum::check_l4(got.data(), parse(got.data(), static_cast<std::uint32_t>(got.size()))), csum::Checked::good);
  EXPECT_EQ(gro->stats().merged, 4u);
  EXPECT_EQ(gro->stats().chained, 0u);
  EXPECT_EQ(flushed(GroReason::complete), 1u);             // the end of the poll
  EXPECT_EQ(gro->held_frames(), 0u);
  EXPECT_EQ(k.frames.count, 5u);
  EXPECT_EQ(skbs_.in_use(), 1u);                           // shells were recycled
  expect_no_violation();
}

TEST_F(GroStageTest, ReasonsToLeave) {
  start("vhost-copy");
  struct Row {
    std::vector<Frame> frames;
    std::size_t packets;
    GroReason reason;
  };
  for (const Row& r : {Row{{segment(0), segment(1, 1000, 0x18)}, 1, GroReason::closing_flags},
                       {{segment(0), segment(1, 400)}, 1, GroReason::short_segment},
                       {{segment(0), segment(2)}, 2, GroReason::out_of_order},
                       {{segment(0, 1000), udp4_frame(400)}, 2, GroReason::no_handler},
                       {{segment(0), segment(1, 0)}, 2, GroReason::pure_ack}}) {
    up.packets.clear();
    const std::uint64_t before = flushed(r.reason);
    for (const Frame& f : r.frames) receive(f);
    wait();
    EXPECT_EQ(up.packets.size(), r.packets) << gro_reason_name(r.reason);
    EXPECT_GT(flushed(r.reason), before) << gro_reason_name(r.reason);
    EXPECT_EQ(gro->held_frames(), 0u);
  }
}

TEST_F(GroStageTest, SoftwareChecksumWhenTheNicGivesNone) {
  start("vhost-copy");
  receive(segment(0), false);
  receive(segment(1), false);
  Frame bad = segment(2);
  bad[100] ^= 1;
  receive(bad, false);
  wait();
  ASSERT_EQ(up.packets.size(), 2u);
  EXPECT_EQ(up.packets[0]->checksum, Checksum::none);      // the bad one, at once: nobody has found it right
  EXPECT_EQ(up.packets[1]->frames.count, 2u);              // the others, merged, at the end of the poll
  EXPECT_EQ(flushed(GroReason::bad_checksum), 1u);
  EXPECT_GT(cycles("softirq", "gro.checksum"), 0u);
}

// The sum over a packet's runs is that over its bytes in a row, wherever they are cut and whatever stands behind the IP packet.
TEST_F(GroStageTest, TheChecksumOfRunsIsThatOfTheBytes) {
  const auto flip = [](Frame f, std::size_t at) {
    f[at] ^= 1;
    return f;
  };
  const auto no_sum = [](Frame f, std::size_t at) {
    f[at] = f[at + 1] = 0;
    return f;
  };
  Frame padded = tcp4_frame(1);
  padded.resize(60, 0xee);
  Ip4 part;
  part.protocol = 17, part.fragment = 0x2000;
  struct Row {
    const char* what;
    Frame bytes;
    csum::Checked says;
  };
  Frame udp4 = udp4_frame(333), udp6 = ip6_packet(ethernet(0x86dd), 17, {}, udp_segment(payload(334))), tcp4 = tcp4_frame(1001), tcp6 = tcp6_frame(1000);
  for (Frame* f : {&udp4, &udp6, &tcp4, &tcp6, &padded}) ASSERT_TRUE(csum::complete_l4(f->data(), static_cast<std::uint32_t>(f->size())));
  for (const Row& r : {Row{"tcp4", tcp4, csum::Checked::good}, {"tcp4 flipped", flip(tcp4, 700), csum::Checked::bad}, {"tcp4, last byte", flip(tcp4, tcp4.size() - 1), csum::Checked::bad},
                       {"tcp4, port", flip(tcp4, 34), csum::Checked::bad}, {"tcp4, without", no_sum(tcp4, 50), csum::Checked::bad}, {"tcp6", tcp6, csum::Checked::good},
                       {"padded", padded, csum::Checked::good}, {"padding flipped", flip(padded, 59), csum::Checked::good}, {"udp4", udp4, csum::Checked::good},
                       {"udp4 flipped", flip(udp4, 100), csum::Checked::bad}, {"udp4, without", no_sum(udp4, 40), csum::Checked::none}, {"udp6", udp6, csum::Checked::good},
                       {"udp6, without", no_sum(udp6, 60), csum::Checked::bad},
                       {"a fragment", ip4_packet(ethernet(0x0800), part, udp_segment(payload(100))), csum::Checked::none},
                       {"neither TCP nor UDP", ip6_packet(ethernet(0x86dd), 58, {}, payload(64)), csum::Checked::none}}) {
    const Parsed p = parse(r.bytes.data(), static_cast<std::uint32_t>(r.bytes.size()));
    for (const auto& cuts : {std::vector<std::size_t>{}, {14}, {54}, {55}, {57, 58}, {34, 35, 59}}) {
      SCOPED_TRACE(::testing::Message() << r.what << " " << ::testing::PrintToString(cuts));
      Skb skb{};
      std::size_t from = 0;
      for (std::size_t i = 0; i <= cuts.size(); ++i) {
        const std::size_t to = i < cuts.size() ? cuts[i] : r.bytes.size();
        const Hpa at = phys.alloc_page();
        std::memcpy(phys.at(at), r.bytes.data() + from, to - from);
        (i == 0 ? skb.head : skb.frags[skb.nr_frags++]) = {at, static_cast<std::uint32_t>(to - from), kNoToken};
        from = to;
      }
      EXPECT_EQ(packet_checksum(phys, skb, r.bytes.data(), p), r.says);
    }
  }
}

TEST_F(GroStageTest, BadChecksumOfTheNicPassesUnmerged) {
  start("vhost-copy");
  receive(segment(0));
  receive(segment(1), true, true);
  wait();
  ASSERT_EQ(up.packets.size(), 2u);
  EXPECT_EQ(up.packets[0]->checksum == Checksum::bad || up.packets[1]->checksum == Checksum::bad, true);
  EXPECT_EQ(gro->stats().merged, 0u);
}

TEST_F(GroStageTest, OldRulesPutANewHeadBeforeLinearSegments) {
  start("vhost-copy", nullptr, {}, GroRules::linux_2_6_35);
  Frame whole = segment(0);
  receive(segment(0));
  for (unsigned i = 1; i < 4; ++i) {
    append(whole, slice(segment(i), 54));
    receive(segment(i));
  }
  wait();
  ASSERT_EQ(up.packets.size(), 1u);
  Skb& k = *up.packets[0];
  EXPECT_EQ(k.head.length, 54u);                           // headers only
  EXPECT_EQ(k.nr_frags, 0);
  EXPECT_EQ(gro->stats().chained, 3u);
  EXPECT_EQ(skbs_.in_use(), 5u);
  EXPECT_EQ(k.frames.count, 4u);
  EXPECT_EQ(slice(all_bytes(k), 54), slice(whole, 54));
  in_step([&](Step& s) {
    frames.dropped(k.frames, Drop::stack, s.now());
    path->release(s, &k);
  });
  EXPECT_EQ(own.count(Owner::skb), 0u);
  EXPECT_EQ(skbs_.in_use(), 0u);
  expect_no_violation();
}

TEST_F(GroStageTest, OffPassesAll) {
  env.gro = false;
  start("vhost-copy");
  for (unsigned i = 0; i < 3; ++i) receive(segment(i));
  wait();
  EXPECT_EQ(up.packets.size(), 3u);
}

}  // namespace gro_stage_test
}  // namespace gd::test
