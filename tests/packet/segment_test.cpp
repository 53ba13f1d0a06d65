// Segments of a merged packet: cutting what completion has put together gives the frames that came, byte for byte.
#include <gtest/gtest.h>

#include "models/packet/gro.h"
#include "models/packet/headers.h"
#include "models/packet/segment.h"
#include "tests/packet/frames.h"

namespace gd::test {
namespace segment_test {

struct Case {
  const char* name;
  bool v6;
  bool fixed_id;
  unsigned tag;
  Frame options;
  unsigned first_flags, last_flags;
  std::vector<std::size_t> lengths;
  unsigned first_id;
  bool accecn = false;             // CWR where the first has it
};

Frame options12() {
  Frame o;
  put(o, {1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8});
  return o;
}

std::vector<Case> cases() {
  return {{"ipv4", false, false, 0, {}, 0x10, 0x10, {1460, 1460, 1460}, 7},
          {"last one short", false, false, 0, {}, 0x10, 0x18, {1448, 1448, 3}, 7},
          {"id wraps", false, false, 0, {}, 0x10, 0x10, {100, 100, 100, 100}, 0xfffe},
          {"id fixed", false, true, 0, {}, 0x10, 0x10, {500, 500}, 0},
          {"options and odd lengths", false, false, 0, options12(), 0x10, 0x19, {1447, 1447, 1001}, 7},
          {"cwr on the first", false, false, 0, {}, 0x90, 0x10, {1460, 1460}, 7},
          {"cwr on all", false, false, 0, {}, 0x90, 0x98, {1460, 1460, 20}, 7, true},
          {"no cwr", false, false, 0, {}, 0x10, 0x10, {1460, 1460}, 7, true},
          {"vlan", false, false, 0x81000005u, {}, 0x10, 0x18, {1460, 1460}, 7},
          {"ipv6", true, false, 0, options12(), 0x10, 0x18, {1428, 1428, 700}, 0},
          {"ipv6 vlan", true, false, 0x81000005u, {}, 0x10, 0x10, {1440, 1440}, 0}};
}

std::vector<Frame> frames_of(const Case& c) {
  std::vector<Frame> all;
  std::uint32_t seq = 0xfffff800;
  for (std::size_t i = 0; i < c.lengths.size(); ++i) {
    const unsigned flags = i + 1 == c.lengths.size() ? c.last_flags : i == 0 || c.accecn ? c.first_flags : 0x10;
    Frame eth = c.tag ? ethernet(c.v6 ? 0x86dd : 0x0800, {c.tag}) : ethernet(c.v6 ? 0x86dd : 0x0800);
    const std::size_t l3 = eth.size();
    Frame data = payload(c.lengths[i]);
    for (auto& b : data) b = static_cast<std::uint8_t>(b + i);
    const Frame tcp = tcp_segment(seq, 200, flags, c.options, data);
    Ip4 o;
    o.id = (c.first_id + (c.fixed_id ? 0 : static_cast<unsigned>(i))) & 0xffff;
    Frame f = c.v6 ? ip6_packet(eth, 6, {}, tcp) : ip4_packet(eth, o, tcp);
    seal(f, l3, l3 + (c.v6 ? 40u : 20u), c.v6, 6);
    all.push_back(f);
    seq += static_cast<std::uint32_t>(c.lengths[i]);
  }
  return all;
}

// The merged packet as GRO completes it.
Frame merge(const Case& c, const std::vector<Frame>& frames) {
  const Parsed p = parse(frames[0].data(), static_cast<std::uint32_t>(frames[0].size()));
  Frame all = frames[0];
  GroInfo g;
  for (std::size_t i = 1; i < frames.size(); ++i) all.insert(all.end(), frames[i].begin() + p.header_length, frames[i].end());
  for (const Frame& f : frames) g.flags |= f[p.l4_offset() + tcp::kFlags];
  g.segments = static_cast<std::uint16_t>(frames.size());
  g.segment_payload = static_cast<std::uint16_t>(c.lengths[0]);
  g.l3_offset = static_cast<std::uint16_t>(p.l3_offset());
  g.l4_offset = static_cast<std::uint16_t>(p.l4_offset());
  g.header_length = p.header_length;
  g.ip_length = static_cast<std::uint32_t>(all.size()) - p.l3_offset();
  g.ipv6 = c.v6;
  gro_complete(all.data(), g);
  return all;
}

TEST(Segment, CutsWhatWasMerged) {
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const std::vector<Frame> frames = frames_of(c);
    const Frame all = merge(c, frames);
    const SegmentPlan plan = segment_plan(parse(all.data(), static_cast<std::uint32_t>(all.size())), static_cast<std::uint16_t>(c.lengths[0]), c.fixed_id,
                                           c.accecn);
    ASSERT_EQ(plan.segments(), frames.size());
    for (std::uint32_t i = 0; i < plan.segments(); ++i) {
      EXPECT_EQ(plan.payload_of(i), c.lengths[i]);
      Frame h(plan.header_length);
      segment_headers(h.data(), all.data(), plan, i, false, csum::sum(frames[i].data() + plan.header_length, plan.payload_of(i)));
      EXPECT_EQ(h, Frame(frames[i].begin(), frames[i].begin() + plan.header_length)) << "segment " << i;
      // Open checksum: the rest is the same, and completing it gives the frame.
      Frame f = frames[i];
      segment_headers(f.data(), all.data(), plan, i, true, 0);
      EXPECT_NE(f, frames[i]);
      EXPECT_TRUE(csum::complete_l4(f.data(), static_cast<std::uint32_t>(f.size())));
      EXPECT_EQ(f, frames[i]) << "segment " << i;
    }
  }
}

struct UdpCase {
  const char* name;
  bool v6, fixed_id, summed;
  unsigned tag;
  std::vector<std::size_t> lengths;
};

// Datagrams of one flow, and the packet that GRO's completion makes of them: lengths of the whole, the first one's headers.
TEST(Segment, CutsMergedDatagrams) {
  const UdpCase cases[] = {{"ipv4", false, false, true, 0, {1472, 1472, 1472}},
                           {"last one short", false, false, true, 0, {1200, 1200, 1}},
                           {"odd lengths", false, false, true, 0, {1201, 1201, 777}},
                           {"id fixed", false, true, true, 0, {500, 500}},
                           {"sent without a checksum", false, false, false, 0, {900, 900, 900}},
                           {"vlan", false, false, true, 0x81000005u, {1468, 1468}},
                           {"ipv6", true, false, true, 0, {1452, 1452, 3}},
                           {"one only", false, false, true, 0, {64}}};
  for (const UdpCase& c : cases) {
    SCOPED_TRACE(c.name);
    std::vector<Frame> frames;
    Frame all;
    std::uint32_t l3 = 0, l4 = 0;
    for (std::size_t i = 0; i < c.lengths.size(); ++i) {
      const Frame eth = c.tag ? ethernet(c.v6 ? 0x86dd : 0x0800, {c.tag}) : ethernet(c.v6 ? 0x86dd : 0x0800);
      Frame data = payload(c.lengths[i]);
      for (auto& b : data) b = static_cast<std::uint8_t>(b ^ (i + 1));
      Ip4 o;
      o.protocol = 17;
      o.id = 7 + (c.fixed_id ? 0 : static_cast<unsigned>(i));
      Frame f = c.v6 ? ip6_packet(eth, 17, {}, udp_segment(data)) : ip4_packet(eth, o, udp_segment(data));
      l3 = static_cast<std::uint32_t>(eth.size()), l4 = l3 + (c.v6 ? 40 : 20);
      if (c.summed) seal(f, l3, l4, c.v6, 17);
      if (i == 0) all = f;
      else all.insert(all.end(), f.begin() + l4 + udp::kHeader, f.end());
      frames.push_back(f);
    }
    const auto n = static_cast<std::uint32_t>(all.size());
    put_be16(&all[l3 + (c.v6 ? ip6::kPayloadLength : ip4::kTotalLength)], static_cast<std::uint16_t>(n - (c.v6 ? l4 : l3)));
    put_be16(&all[l4 + udp::kLength], static_cast<std::uint16_t>(n - l4));
    const SegmentPlan plan = segment_plan(parse(all.data(), n), static_cast<std::uint16_t>(c.lengths[0]), c.fixed_id, false);
    ASSERT_EQ(plan.segments(), frames.size());
    EXPECT_TRUE(plan.udp);
    for (std::uint32_t i = 0; i < plan.segments(); ++i) {
      const std::uint32_t h = plan.header_length;
      Frame out(h);
      segment_headers(out.data(), all.data(), plan, i, false, csum::sum(frames[i].data() + h, plan.payload_of(i)));
      EXPECT_EQ(out, Frame(frames[i].begin(), frames[i].begin() + h)) << "segment " << i;
      Frame f = frames[i];
      segment_headers(f.data(), all.data(), plan, i, true, 0);
      EXPECT_EQ(f == frames[i], !c.summed);
      if (c.summed) {
        EXPECT_TRUE(csum::complete_l4(f.data(), static_cast<std::uint32_t>(f.size())));
      }
      EXPECT_EQ(f, frames[i]) << "segment " << i;
    }
  }
}

TEST(Segment, InPlaceGivesTheSame) {
  const Case c = cases()[1];
  const std::vector<Frame> frames = frames_of(c);
  Frame all = merge(c, frames);
  const SegmentPlan plan = segment_plan(parse(all.data(), static_cast<std::uint32_t>(all.size())), 1448, false, false);
  segment_headers(all.data(), all.data(), plan, 0, false, csum::sum(frames[0].data() + plan.header_length, 1448));
  EXPECT_EQ(Frame(all.begin(), all.begin() + plan.header_length), Frame(frames[0].begin(), frames[0].begin() + plan.header_length));
}

}  // namespace segment_test
}  // namespace gd::test
