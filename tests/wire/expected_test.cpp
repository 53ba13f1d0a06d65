#include "models/wire/expected.h"

#include <gtest/gtest.h>

#include "models/wire/replay.h"
#include "models/wire/synthetic.h"
#include "tests/wire/support.h"

namespace gd {
namespace expected_test {

// Whole frames and any part of them match; a flipped bit is found at every byte; bytes beyond the frame never match.
void examine(ExpectedBytes& e, const FrameMeta& m) {
  std::vector<std::uint8_t> b(m.bytes, m.bytes + m.length);
  ASSERT_TRUE(e.matches(m, 0, b.data(), m.length));
  ASSERT_TRUE(e.matches(m, m.payload_offset, b.data() + m.payload_offset, m.payload_length));
  ASSERT_TRUE(e.matches(m, m.length, b.data(), 0));
  for (std::uint32_t from = 0; from < m.length; from += 13)
    for (std::uint32_t len = 1; from + len <= m.length; len += 37) ASSERT_TRUE(e.matches(m, from, b.data() + from, len));
  for (std::uint32_t i = 0; i < m.length; ++i) {
    b[i] ^= 0x10;
    ASSERT_FALSE(e.matches(m, 0, b.data(), m.length)) << "byte " << i << " of frame " << m.id;
    ASSERT_FALSE(e.matches(m, i, b.data() + i, 1));
    b[i] ^= 0x10;
  }
  b.push_back(0);
  ASSERT_FALSE(e.matches(m, 0, b.data(), m.length + 1));
  ASSERT_FALSE(e.matches(m, m.length + 1, b.data(), 0));
}

TEST(Expected, Synthetic) {
  for (bool udp : {false, true}) {
    FlowPlan flows;
    flows.count = 3;
    flows.udp = udp;
    flows.vlan = 5;
    FrameTable t;
    Synthetic::Params p;
    p.flows = make_flows(flows);
    p.sizes = {{64, 1}, {1518, 1}};
    p.psh_every = 3;
    Synthetic s(t, p);
    StreamExpected e(p.flows, p.seed), other(p.flows, p.seed + 1);
    for (int i = 0; i < 20; ++i) {
      Plan plan;
      s.plan(0, plan);
      const FrameRef r = s.emit(0);
      examine(e, t[r]);
      EXPECT_FALSE(other.matches(t[r], 0, t[r].bytes, t[r].length)) << "another seed is another payload";
      // A frame in the place of the next one of its flow.
      FrameMeta wrong = t[r];
      wrong.offset += wrong.payload_length;
      EXPECT_FALSE(e.matches(wrong, wrong.payload_offset, t[r].bytes + wrong.payload_offset, wrong.payload_length));
    }
  }
}

TEST(Expected, PaddedSegment) {
  const auto flows = make_flows({});
  const Stream s(flows, 1);
  StreamExpected e(flows, 1);
  StreamSegment g;
  g.payload = 1, g.offset = 77;
  std::vector<std::uint8_t> b(60);
  s.write(b.data(), g);
  FrameMeta m;
  s.describe(m, g);
  m.bytes = b.data();
  EXPECT_EQ(m.length, 60u);
  examine(e, m);
}

TEST(Expected, CaptureInEveryPass) {
  for (const char* name : {"bulk-tcp6.pcap", "ip-fragments.pcap", "web-responses.pcap"}) {
    const Capture c = Capture::load(test::shipped(name));
    FrameTable t;
    Replay::Params p;
    p.loop = 2;
    Replay r(t, c, p);
    CaptureExpected e(c);
    Plan plan;
    while (r.plan(0, plan) == Next::frame) {
      const FrameRef f = r.emit(0);
      if (t[f].id % 97 == 0) examine(e, t[f]);
      ASSERT_TRUE(e.matches(t[f], 0, t[f].bytes, t[f].length));
      if (t[f].loop == 1) {
        FrameMeta wrong = t[f];
        wrong.loop = 2;
        const bool may_differ = c.records()[wrong.source_index].patched > 0;
        ASSERT_EQ(e.matches(wrong, 0, t[f].bytes, t[f].length), !may_differ);
      }
      t.dropped(f, Drop::filtered, 1);
    }
  }
}

}  // namespace expected_test
}  // namespace gd
