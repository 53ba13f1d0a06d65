// What a guest without merged frames or open checksums gets: segments as they came, checksums complete, costs charged.
#include "tests/host/vhost_bench.h"

namespace gd::test {
namespace gso_test {

constexpr std::uint64_t kBase = feature::bit(feature::kVersion1) | feature::bit(feature::kMergeRxBuffers) | feature::bit(feature::kEventIdx);
constexpr std::uint64_t kCsumOnly = kBase | feature::bit(feature::kGuestCsum);
constexpr std::uint64_t kTso4Only = kCsumOnly | feature::bit(feature::kGuestTso4);

TEST(TapOffloads, PassTable) {
  struct Row {
    std::uint64_t features;
    std::uint8_t gso;
    bool pass;
  };
  constexpr std::uint8_t v4 = VirtioNetHdr::kGsoTcpV4, v6 = VirtioNetHdr::kGsoTcpV6, ecn = VirtioNetHdr::kGsoEcn;
  const std::uint64_t all = kTso4Only | feature::bit(feature::kGuestTso6) | feature::bit(feature::kGuestEcn);
  const Row rows[] = {{all, v4, true},         {all, v6, true},        {all, v4 | ecn, true},       {all & ~feature::bit(feature::kGuestEcn), v4 | ecn, false},
                      {kTso4Only, v4, true},   {kTso4Only, v6, false}, {kTso4Only, v4 | ecn, false}, {kCsumOnly, v4, false},
                      {all & ~feature::bit(feature::kGuestCsum), v4, false}, {0, 0, true}};
  for (const Row& r : rows) EXPECT_EQ(TapOffloads::of(r.features).pass(r.gso), r.pass) << r.features << " " << int(r.gso);
  EXPECT_FALSE(TapOffloads::none().pass(v4));
}

struct GsoTest : VhostTest {
  // One burst of a flow; what the guest got, packet by packet.
  std::vector<Frame> burst(std::uint64_t features, const std::vector<Frame>& in, const char* back = "tap") {
    gro_on = true;
    backend = back;
    open("vhost-copy", 1000, {}, 256, features);
    post(60, 4096);
    for (const Frame& f : in) receive(f);
    wait();
    std::vector<Frame> out;
    for (const auto& u : guest->used()) {
      out.push_back(guest->bytes(u.token, 12, u.len - 12));
      headers.push_back(guest->header(u.token));
    }
    EXPECT_EQ(take_frames(), in.size());
    EXPECT_EQ(own.count(Owner::skb), 0u);
    EXPECT_EQ(skbs_.in_use(), env.split == SplitMode::off ? 0u : napi->posted());   // header buffers are skbs
    expect_no_violation();
    return out;
  }
  std::vector<Frame> flow(std::size_t bytes, std::size_t last, unsigned n, unsigned flags = 0x10) {
    std::vector<Frame> all;
    for (unsigned i = 0; i < n; ++i) {
      Ip4 o;
      o.id = 7 + i;
      Frame f = ip4_packet(ethernet(0x0800), o, tcp_segment(100 + i * static_cast<std::uint32_t>(bytes), 200, flags, {}, payload(i + 1 == n ? last : bytes)));
      seal(f, 14, 34, false, 6);
      all.push_back(f);
    }
    return all;
  }
  std::vector<VirtioNetHdr> headers;
};

TEST_F(GsoTest, AGuestThatNegotiatedGetsOnePacket) {
  const auto out = burst(kTso4Only, flow(1000, 1000, 3));
  ASSERT_EQ(out.size(), 1u);
  EXPECT_EQ(out[0].size(), 54u + 3000);
  EXPECT_EQ(headers[0].gso_type, VirtioNetHdr::kGsoTcpV4);
}

TEST_F(GsoTest, FramesThatAllCarryCwrAreCutAgainAsTheyCame) {
  const auto in = flow(1460, 333, 4, 0x90);   // accurate ECN counts with CWR in each frame
  auto out = burst(kTso4Only, in);   // no GUEST_ECN
  ASSERT_EQ(out.size(), in.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    EXPECT_EQ(headers[i].gso_type, VirtioNetHdr::kGsoNone);
    EXPECT_TRUE(csum::complete_l4(out[i].data(), static_cast<std::uint32_t>(out[i].size())));
    EXPECT_EQ(out[i], in[i]);
  }
  EXPECT_EQ(gro->stats().merged, 3u);
}

TEST_F(GsoTest, WithoutAnyOffloadTheFramesAreThoseThatCame) {
  const auto in = flow(1460, 333, 5);
  const auto out = burst(kBase, in);
  EXPECT_EQ(out, in);                                                        // bytes and checksums
  for (const auto& h : headers) EXPECT_EQ(h.flags | h.gso_type, 0);
  EXPECT_EQ(tap->segmented().packets, 1u);
  EXPECT_EQ(tap->segmented().segments, 5u);
  EXPECT_EQ(tap->segmented().summed_bytes, 4u * 1460 + 333);
  EXPECT_EQ(ledger.cell(napi->row(), costs.get("gso.segment").op).calls, 5u);
  EXPECT_EQ(ledger.cell(napi->row(), costs.get("gso.checksum").op).calls, 5u);
}

TEST_F(GsoTest, WithChecksumsAloneTheSegmentsStayOpen) {
  const auto in = flow(1460, 1460, 3);
  auto out = burst(kCsumOnly, in);
  ASSERT_EQ(out.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(headers[i].flags, VirtioNetHdr::kNeedsCsum);
    EXPECT_EQ(headers[i].csum_start, 34);
    EXPECT_EQ(headers[i].csum_offset, 16);
    EXPECT_TRUE(csum::complete_l4(out[i].data(), static_cast<std::uint32_t>(out[i].size())));
    EXPECT_EQ(out[i], in[i]);
  }
  EXPECT_EQ(tap->segmented().summed_bytes, 0u);
}

TEST_F(GsoTest, SmallFramesInAFragListAreCutToo) {
  const auto in = flow(150, 150, 12);       // copybreak: linear in the skbs' slabs, chained
  const auto out = burst(kBase, in);
  EXPECT_EQ(out, in);
  EXPECT_GT(gro->stats().chained, 0u);
}

TEST_F(GsoTest, MoreSegmentsThanFragments) {
  const auto in = flow(700, 700, 30);
  const auto out = burst(kBase, in);
  EXPECT_EQ(out, in);
}

TEST_F(GsoTest, HeaderSplitFramesAreCut) {
  env.split = SplitMode::split;
  const auto in = flow(1200, 77, 20);
  const auto out = burst(kBase, in);
  EXPECT_EQ(out, in);
}

TEST_F(GsoTest, ScatteredFramesKeepTheirPieces) {
  env.rx_buffer = 1024;
  const auto in = flow(3000, 3000, 4);
  const auto out = burst(kBase, in);
  EXPECT_EQ(out, in);
}

TEST_F(GsoTest, ARawSocketPassesNothing) {
  const auto in = flow(1460, 333, 4);
  const auto out = burst(kModern, in, "raw_socket");
  EXPECT_EQ(out, in);
  for (const auto& h : headers) EXPECT_EQ(h.flags | h.gso_type, 0);
}

// skb_segment gives each segment the packet's hash: the guest does not see whether its frames were merged on the way.
struct GsoHash : GsoTest, ::testing::WithParamInterface<std::size_t> {};

TEST_P(GsoHash, SegmentsKeepIt) {
  gro_on = true;
  rss_hash = 0x12345678;
  rss_type = RxDescriptor::kRssTcp4;
  open("vhost-copy", 1000, {}, 256, kBase | feature::bit(feature::kHashReport));
  post(16, 4096);
  for (const Frame& f : flow(GetParam(), GetParam(), 3)) receive(f);
  wait();
  const auto used = guest->used();
  EXPECT_EQ(tap->segmented().segments, 3u);
  ASSERT_EQ(used.size(), 3u);
  for (const auto& u : used) {
    EXPECT_EQ(guest->header(u.token).hash_report, 2);   // VIRTIO_NET_HASH_REPORT_TCPv4
    EXPECT_EQ(guest->header(u.token).hash_value, 0x12345678u);
  }
  take_frames();
}
INSTANTIATE_TEST_SUITE_P(Runs, GsoHash, ::testing::Values(std::size_t{1460}, std::size_t{150}));   // pages; copied, in a frag_list

TEST_F(GsoTest, AnUnmergedFramePassesAsItIs) {
  const auto in = flow(1000, 1000, 1);
  EXPECT_EQ(burst(kBase, in), in);
  EXPECT_EQ(tap->segmented().packets, 0u);
}

}  // namespace gso_test
}  // namespace gd::test
