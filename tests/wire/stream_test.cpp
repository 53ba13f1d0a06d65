#include "models/wire/stream.h"

#include <gtest/gtest.h>

#include <set>

#include "models/base/error.h"
#include "tests/wire/support.h"

namespace gd {
namespace stream_test {

struct Case {
  const char* name;
  bool udp, ipv6, timestamps;
  std::uint16_t vlan;
  std::uint32_t header;
};

void PrintTo(const Case& c, std::ostream* os) { *os << c.name; }

class StreamTable : public testing::TestWithParam<Case> {};

TEST_P(StreamTable, HeadersAndChecksums) {
  const Case& c = GetParam();
  FlowPlan plan;
  plan.count = 5;
  plan.udp = c.udp, plan.ipv6 = c.ipv6, plan.timestamps = c.timestamps, plan.vlan = c.vlan;
  plan.destinations = {{0x02aabbccdd01, 0}, {0x02aabbccdd02, 0}};
  const Stream s(make_flows(plan), 7);
  std::vector<std::uint8_t> b(70000);
  std::uint64_t offset = 0;
  std::uint32_t index = 65530;
  for (std::uint32_t payload : {1u, 2u, 6u, 17u, 18u, 999u, 1448u, 1460u, 8999u, 65000u}) {
    for (std::uint32_t f = 0; f < 5; ++f) {
      StreamSegment g;
      g.flow = f, g.offset = offset, g.source_index = index, g.payload = payload, g.push = payload & 1;
      s.write(b.data(), g);
      const std::uint32_t n = s.frame_length(g);
      const Parsed p = parse(b.data(), n);
      ASSERT_TRUE(p.ok()) << c.name << " " << payload;
      EXPECT_EQ(csum::check_l4(b.data(), p), csum::Checked::good) << c.name << " " << payload << " " << offset;
      EXPECT_NE(csum::check_l3(b.data(), p), csum::Checked::bad);
      EXPECT_EQ(p.payload_offset, c.header);
      EXPECT_EQ(p.payload_length, payload);
      EXPECT_EQ(p.vlan_id(), c.vlan);
      EXPECT_EQ(p.l3, c.ipv6 ? L3::ipv6 : L3::ipv4);
      EXPECT_EQ(p.l4, c.udp ? L4::udp : L4::tcp);
      EXPECT_EQ(b[5], f % 2 ? 2 : 1) << "flows take the destinations in turn";
      if (!c.udp) {
        EXPECT_EQ(p.seq, Stream::isn(f) + static_cast<std::uint32_t>(offset));
        EXPECT_EQ(p.flags, g.push ? 0x18 : 0x10);
      }
      EXPECT_TRUE(s.pattern().equal(b.data() + p.payload_offset, f, offset, payload));
      FrameMeta m;
      s.describe(m, g);
      EXPECT_EQ(m.length, n);
      EXPECT_EQ(m.payload_offset, c.header);
      const StreamSegment back = s.segment(m);
      EXPECT_EQ(back.offset, g.offset);
      EXPECT_EQ(back.push, g.push);
      EXPECT_EQ(back.source_index, g.source_index);
    }
    offset += 0x7fffff77;   // sequence numbers wrap
    ++index;
  }
}

INSTANTIATE_TEST_SUITE_P(All, StreamTable,
                         testing::Values(Case{"tcp4", false, false, false, 0, 54}, Case{"tcp6", false, true, false, 0, 74},
                                         Case{"tcp4vlan", false, false, false, 100, 58},
                                         Case{"tcp4ts", false, false, true, 0, 66}, Case{"tcp6tsvlan", false, true, true, 4094, 90},
                                         Case{"udp4", true, false, false, 0, 42}, Case{"udp6", true, true, false, 0, 62},
                                         Case{"udp4vlan", true, false, false, 7, 46}),
                         [](const auto& i) { return std::string(i.param.name); });

TEST(Stream, FlowsDiffer) {
  FlowPlan plan;
  plan.count = 70000;
  const auto flows = make_flows(plan);
  std::set<std::string> tuples;
  for (const FlowHeader& f : flows)
    tuples.insert(std::string(reinterpret_cast<const char*>(f.src_ip), 4) + std::to_string(f.src_port));
  EXPECT_EQ(tuples.size(), flows.size());
  plan.destinations.clear();
  EXPECT_THROW(make_flows(plan), UserError);
  EXPECT_THROW(Stream({}, 1), UserError);
}

}  // namespace stream_test
}  // namespace gd
