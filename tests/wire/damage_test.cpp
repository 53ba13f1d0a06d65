// Frames that come damaged, and a link that goes down.
#include "models/wire/damage.h"

#include <gtest/gtest.h>

#include "models/wire/expected.h"
#include "models/wire/link.h"
#include "models/wire/synthetic.h"
#include "tests/wire/support.h"

namespace gd {
namespace damage_test {

struct Bench {
  Bench(const Synthetic::Params& sp, const Link::Params& lp) : traffic(table, sp), nic(table), link(agenda, rank::kWire, table, lp) {
    link.connect(traffic, nic);
    link.start();
    sc_core::sc_start(to_sc(kMs));
    if (agenda.failure()) std::rethrow_exception(agenda.failure());
  }
  Agenda agenda{"agenda"};
  FrameTable table;
  Synthetic traffic;
  test::Collector nic;
  Link link;
};

Synthetic::Params frames(std::uint32_t bytes, bool udp = false) {
  Synthetic::Params p;
  p.sizes = {{bytes, 1}};
  FlowPlan plan;
  plan.udp = udp;
  p.flows = make_flows(plan);
  return p;
}
Link::Params damaged(const DamageParams& d) {
  Link::Params p;
  p.frames = 400;
  p.damage = d;
  return p;
}

// A runt takes the wire for what is left of it: preamble, its bytes and the FCS, then the gap.
TEST(Damage, RuntsAreShortOnTheWire) {
  DamageParams d;
  d.runts = 1'000'000;
  Bench b(frames(1518), damaged(d));
  ASSERT_EQ(b.nic.got.size(), 400u);
  Time begin = 0;
  std::uint32_t shortest = 60, longest = 0;
  for (const test::Arrival& a : b.nic.got) {
    ASSERT_EQ(a.meta.damage, Damage::runt);
    ASSERT_GE(a.meta.length, 14u);
    ASSERT_LT(a.meta.length, 60u);
    ASSERT_EQ(a.at, begin + (8 + a.meta.length + 4) * Time{800});
    begin = a.at + 12 * 800;
    shortest = std::min(shortest, a.meta.length), longest = std::max(longest, a.meta.length);
  }
  EXPECT_LT(shortest, 20u);
  EXPECT_GT(longest, 54u);
}

TEST(Damage, GiantsAreLongerThanTheCardTakes) {
  DamageParams d;
  d.giants = 1'000'000;
  Bench b(frames(64), damaged(d));
  for (const test::Arrival& a : b.nic.got) {
    ASSERT_EQ(a.meta.damage, Damage::giant);
    ASSERT_GT(a.meta.length, 1500u + 14 + 8);
    ASSERT_LE(a.meta.length, 1500u + 14 + 8 + 256);
    ASSERT_EQ(a.bytes.back(), 0);
  }
}

TEST(Damage, AWrongFcsIsOneFlippedBit) {
  DamageParams d;
  d.fcs = 1'000'000;
  Bench b(frames(200), damaged(d));
  StreamExpected sent(make_flows({}), 1);
  for (test::Arrival& a : b.nic.got) {
    ASSERT_FALSE(sent.matches(a.meta, 0, a.bytes.data(), a.meta.length));
    unsigned restored = 0;
    for (unsigned bit = 0; bit < 8 * a.meta.length; ++bit) {
      a.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
      restored += sent.matches(a.meta, 0, a.bytes.data(), a.meta.length);
      a.bytes[bit / 8] ^= static_cast<std::uint8_t>(1u << bit % 8);
    }
    ASSERT_EQ(restored, 1u);
  }
}

struct Sum {
  const char* name;
  bool udp;
  std::uint32_t l3, l4;
};

TEST(Damage, ChecksumsAreWrongAndNothingElse) {
  for (const Sum& row : {Sum{"ip", false, 1'000'000, 0}, {"tcp", false, 0, 1'000'000}, {"udp", true, 0, 1'000'000}}) {
    FrameTable table;
    DamageParams d;
    d.l3_checksum = row.l3, d.l4_checksum = row.l4;
    Synthetic traffic(table, frames(300, row.udp));
    WireDamage damage(table, d);
    DamagedExpected sent(std::make_unique<StreamExpected>(frames(300, row.udp).flows, 1));
    for (int i = 0; i < 2000; ++i) {
      Plan plan;
      traffic.plan(0, plan);
      ASSERT_EQ(damage.plan(plan.length), plan.length);
      const FrameRef r = traffic.emit(0);
      damage.apply(r);
      const FrameMeta& m = table[r];
      const Parsed p = parse(m.bytes, m.length);
      ASSERT_EQ(csum::check_l3(m.bytes, p) == csum::Checked::bad, row.l3 != 0) << row.name << i;
      ASSERT_EQ(csum::check_l4(m.bytes, p) == csum::Checked::bad, row.l4 != 0) << row.name << i;
      ASSERT_TRUE(sent.matches(m, 0, m.bytes, m.length));
      std::vector<std::uint8_t> copy(m.bytes, m.bytes + m.length);
      const std::uint32_t check = damaged_checksum(p, m.damage);
      copy[check + 1] ^= 0x80;                            // a further error there is one of the models
      ASSERT_FALSE(sent.matches(m, check, copy.data() + check, 2));
      table.delivered(r, 0);
    }
  }
}

TEST(Damage, WhatHasNoChecksumStaysWhole) {
  FrameTable table;
  DamageParams d;
  d.l3_checksum = 1'000'000;
  Synthetic::Params p = frames(300);
  FlowPlan six;
  six.ipv6 = true;
  p.flows = make_flows(six);
  Synthetic traffic(table, p);
  WireDamage damage(table, d);
  Plan plan;
  traffic.plan(0, plan);
  damage.plan(plan.length);
  const FrameRef r = traffic.emit(0);
  const std::uint8_t* bytes = table[r].bytes;
  damage.apply(r);
  EXPECT_EQ(table[r].damage, Damage::none);
  EXPECT_EQ(table[r].bytes, bytes);
}

TEST(Damage, SharesAreKept) {
  DamageParams d;
  d.runts = 100'000, d.giants = 50'000, d.fcs = 200'000, d.l3_checksum = 10'000, d.l4_checksum = 150'000;
  FrameTable table;
  WireDamage damage(table, d);
  Synthetic traffic(table, frames(300));
  std::uint64_t seen[6] = {};
  for (int i = 0; i < 100'000; ++i) {
    Plan plan;
    traffic.plan(0, plan);
    damage.plan(plan.length);
    const FrameRef r = traffic.emit(0);
    damage.apply(r);
    ++seen[static_cast<int>(table[r].damage)];
    table.delivered(r, 0);
  }
  const std::uint64_t want[6] = {49'000, 10'000, 5'000, 20'000, 1'000, 15'000};
  for (int k = 0; k < 6; ++k) EXPECT_NEAR(static_cast<double>(seen[k]), static_cast<double>(want[k]), 400) << k;
}

// Down from 10 us to 13 us and every 20 us: frames of 1518 B take 1230.4 ns, the last bit of the first comes after 1220.8 ns.
TEST(LinkDown, FramesThatTouchItAreLost) {
  Link::Params p;
  p.frames = 40;
  p.down_at = 10 * kUs, p.down_length = 3 * kUs, p.down_period = 20 * kUs;
  Bench b(frames(1518), p);
  std::vector<bool> lost(40, true);
  for (const test::Arrival& a : b.nic.got) lost[a.meta.id] = false;
  std::uint64_t n = 0;
  for (Time i = 0; i < 40; ++i) {
    const Time first = i * 1'230'400, last = first + 1'220'800;
    bool down = false;
    for (Time at : {10 * kUs, 30 * kUs}) down = down || (last >= at && first < at + 3 * kUs);
    EXPECT_EQ(lost[static_cast<std::size_t>(i)], down) << i;
    n += down;
  }
  EXPECT_EQ(b.table.all().drops[static_cast<int>(Drop::link_down)], n);
  EXPECT_EQ(b.table.all().offered, 40u);
  EXPECT_EQ(b.link.stats().frames, 40 - n);
  EXPECT_GE(n, 6u);
}

TEST(LinkDown, OnceWithoutAPeriod) {
  Link::Params p;
  p.frames = 200;
  p.down_at = 5 * kUs, p.down_length = 2 * kUs;
  Bench b(frames(1518), p);
  EXPECT_EQ(b.table.all().drops[static_cast<int>(Drop::link_down)], 2u);   // frames 4 and 5 touch [5, 7)
}

// Shapes: each is what its name says, a parser finds the payload where the books have it, and the source knows its bytes.
TEST(Shapes, AreWhatTheyAreCalled) {
  struct Row {
    Shape shape;
    bool udp, ipv6;
    std::uint32_t header;       // without a tag
  };
  for (const Row& row : {Row{Shape::fragment, true, false, 34}, {Shape::fragment, true, true, 62}, {Shape::tunnel, true, false, 42},
                         {Shape::unknown_l4, true, false, 34}, {Shape::unknown_l4, true, true, 54}, {Shape::long_headers, false, true, 266},
                         {Shape::pure_ack, false, false, 54}}) {
    FlowPlan plan;
    plan.udp = row.udp, plan.ipv6 = row.ipv6;
    Synthetic::Params p;
    p.flows = make_flows(plan);
    FlowHeader odd = p.flows.front();
    odd.shape = row.shape;
    odd.udp_checksum = row.shape != Shape::tunnel;
    p.flows.push_back(odd);
    p.drawn = {500'000};
    p.sizes = {{100, 1}, {1000, 1}};
    FrameTable table;
    Synthetic traffic(table, p);
    StreamExpected expected(p.flows, p.seed);
    unsigned shaped = 0;
    for (int i = 0; i < 400; ++i) {
      Plan out;
      traffic.plan(0, out);
      const FrameRef r = traffic.emit(0);
      const FrameMeta& m = table[r];
      ASSERT_EQ(m.length, out.length);
      ASSERT_TRUE(expected.matches(m, 0, m.bytes, m.length));
      ASSERT_TRUE(test::checksums_good(m.bytes, m.length));
      const Parsed q = parse(m.bytes, m.length);
      ASSERT_EQ(q.payload_offset, m.payload_offset);
      ASSERT_EQ(q.payload_length, m.payload_length);
      if (m.flow == 1) {
        ++shaped;
        ASSERT_EQ(q.header_length, row.header);
        ASSERT_EQ(q.is_fragment, row.shape == Shape::fragment);
        ASSERT_EQ(q.decode == Decode::protocol, row.shape == Shape::unknown_l4);
        ASSERT_EQ(q.pure_ack, row.shape == Shape::pure_ack);
        if (row.shape == Shape::tunnel) {                 // a frame that a parser understands begins behind the VXLAN header
          const Parsed inner = parse(m.bytes + 50, m.length - 50);
          ASSERT_TRUE(inner.ok());
          ASSERT_EQ(inner.l4, L4::udp);
          ASSERT_EQ(inner.padding(), 0u);
          ASSERT_TRUE(test::checksums_good(m.bytes + 50, m.length - 50));
        }
      }
      table.delivered(r, 0);
    }
    EXPECT_GT(shaped, 150u);
  }
}

}  // namespace damage_test
}  // namespace gd
