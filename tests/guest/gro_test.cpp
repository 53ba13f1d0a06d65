// Guest GRO: what it merges, when it lets go, what the stack, the application and the checker make of it.
#include "tests/guest/guest_fixture.h"

namespace gd::test {
namespace gro_test {

struct GuestGroBench : GuestBench {
  GuestGroBench() {
    params.gro.enabled = true;
    flow.protocol = ipproto::kTcp;
  }
  // Consecutive segments of `payload` bytes, to be polled together.
  void stream(unsigned count, std::uint32_t payload, std::uint32_t from = 0) {
    for (unsigned i = 0; i < count; ++i) send(frame(payload, from + i * payload));
  }
  std::uint64_t calls(const char* name) {
    const OpId op = costs.get(name).op;
    std::uint64_t n = 0;
    for (Ledger::Row r = 0; r < ledger.rows().size(); ++r) n += ledger.cell(r, op).calls;
    return n;
  }
  void expect_whole(std::uint64_t delivered) {
    EXPECT_TRUE(queue.empty());
    EXPECT_EQ(frames.all().delivered, delivered);
    EXPECT_EQ(stats().integrity_errors, 0u) << (guest->integrity_messages().empty() ? "" : guest->integrity_messages()[0]);
    EXPECT_EQ(stats().gro_frames_out, stats().frames);
    expect_quiet();
  }
};

TEST_F(GuestGroBench, SegmentsInOrderBecomeOnePacket) {
  build();
  stream(12, 1000);
  run();
  EXPECT_EQ(stats().packets, 12u);
  EXPECT_EQ(stats().gro_packets_in, 12u);
  EXPECT_EQ(stats().gro_merged, 11u);
  EXPECT_EQ(stats().gro_packets_out, 1u);
  EXPECT_EQ(stats().user_copied, 12'000u);
  EXPECT_EQ(stats().checksummed, 0u);
  EXPECT_EQ(calls("guest.tcp"), 1u);
  EXPECT_EQ(calls("guest.gro_complete"), 1u);
  EXPECT_EQ(calls("guest.gro_receive"), 12u);
  expect_whole(12);
}

TEST_F(GuestGroBench, EntriesLeaveAtTheEndOfThePoll) {
  build();
  for (std::uint32_t i = 0; i < 3; ++i) {
    stream(5, 1000, i * 5000);
    run();
    EXPECT_EQ(stats().gro_packets_out, i + 1);
    EXPECT_EQ(frames.all().delivered, 5 * (i + 1));
  }
  expect_whole(15);
}

TEST_F(GuestGroBench, ARoundThatUsedItsBudgetFlushes) {
  params.napi_budget = 4;
  build();
  stream(10, 1000);
  run();
  EXPECT_EQ(stats().gro_packets_out, 3u);   // 4, 4, 2
  expect_whole(10);
}

TEST_F(GuestGroBench, OldRulesHoldOnBeyondTheBudget) {
  params.napi_budget = 4;
  params.gro.rules = GroRules::linux_2_6_35;
  build();
  // Without a rising IP id nothing merges; each segment takes the entry's place.
  stream(10, 1000);
  run();
  EXPECT_EQ(stats().gro_packets_out, 10u);
  EXPECT_EQ(stats().gro_merged, 0u);
  expect_whole(10);
}

TEST_F(GuestGroBench, WhatTheHostMergedPassesAndKeepsTheOrder) {
  build();
  stream(2, 1000);
  send(merged({frame(1000, 2000), frame(1000, 3000), frame(1000, 4000)}));
  stream(2, 1000, 5000);
  run();
  EXPECT_EQ(stats().gro_packets_in, 5u);
  EXPECT_EQ(stats().gro_packets_out, 3u);
  EXPECT_EQ(stats().gro_merged, 2u);
  expect_whole(7);
}

TEST_F(GuestGroBench, TheDriverOf2635HasNone) {
  params.virtio.driver = GuestDriverRules::linux_2_6_35;
  build();
  stream(6, 1000);
  run();
  EXPECT_EQ(stats().gro_packets_in, 0u);
  EXPECT_EQ(stats().gro_packets_out, 6u);
  EXPECT_EQ(calls("guest.gro_receive"), 0u);
  expect_whole(6);
}

TEST_F(GuestGroBench, SwitchedOffItCostsNothing) {
  params.gro.enabled = false;
  build();
  stream(6, 1000);
  run();
  EXPECT_EQ(stats().gro_packets_in, 0u);
  EXPECT_EQ(calls("guest.tcp"), 6u);
  EXPECT_EQ(calls("guest.gro_receive"), 0u);
  expect_whole(6);
}

TEST_F(GuestGroBench, SoftwareSumsOnceWhereNobodyVouched) {
  build();
  for (unsigned i = 0; i < 4; ++i) {
    Packet p = packet(frame(1000, i * 1000));
    p.header.flags = 0;
    send(p);
  }
  run();
  EXPECT_EQ(stats().gro_packets_out, 1u);
  EXPECT_EQ(stats().checksummed, 4u * 1020);
  expect_whole(4);
  Packet p = packet(frame(1000, 4000));   // alone: not merged, and not summed again by the stack
  p.header.flags = 0;
  send(p);
  run();
  EXPECT_EQ(stats().checksummed, 5u * 1020);
  expect_whole(5);
}

TEST_F(GuestGroBench, AWrongChecksumIsNotMergedAndTheStackDropsIt) {
  build();
  for (unsigned i = 0; i < 4; ++i) {
    const FrameRef f = frame(1000, i * 1000);
    Packet p = packet(f);
    p.header.flags = 0;
    if (i == 1) p.bytes[500] ^= 1, sent.frames[frames[f].id][500] ^= 1;   // wrong already on the wire
    send(p);
  }
  run();
  EXPECT_EQ(stats().bad_checksums, 1u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::bad_checksum)], 1u);
  EXPECT_EQ(stats().gro_packets_out, 3u);   // the first, the wrong one, the two after the gap
  EXPECT_EQ(stats().checksummed, 5u * 1020);
  expect_whole(3);
}

TEST_F(GuestGroBench, AFlippedByteInsideAMergedPacketIsFound) {
  build();
  for (unsigned i = 0; i < 6; ++i) {
    Packet p = packet(frame(1000, i * 1000));
    if (i == 3) p.bytes[54 + 700] ^= 0x40;
    send(p);
  }
  run();
  EXPECT_EQ(stats().gro_packets_out, 1u);
  EXPECT_EQ(stats().integrity_errors, 1u);
  ASSERT_EQ(guest->integrity_messages().size(), 1u);
  EXPECT_NE(guest->integrity_messages()[0].find("frame 3"), std::string::npos) << guest->integrity_messages()[0];
  expect_quiet();
}

TEST_F(GuestGroBench, AFlippedHeaderByteIsFound) {
  build();
  for (unsigned i = 0; i < 3; ++i) {
    Packet p = packet(frame(1000, i * 1000));
    p.bytes[3] ^= 1;   // of an address that no checksum covers, the same in all: they merge
    send(p);
  }
  run();
  EXPECT_EQ(stats().gro_packets_out, 1u);
  EXPECT_EQ(stats().integrity_errors, 1u);
  expect_quiet();
}

TEST_F(GuestGroBench, APlantedFlipIsFound) {
  faults = {Fault::flip_guest, 0, false};
  build();
  stream(5, 1000);
  run();
  EXPECT_EQ(stats().gro_packets_out, 1u);
  EXPECT_EQ(stats().integrity_errors, 1u);
}

TEST_F(GuestGroBench, ALostSegmentIsMissedAndSplitsTheStream) {
  faults = {Fault::lose_guest, 2, false};
  build();
  stream(6, 1000);
  run();
  EXPECT_EQ(frames.all().delivered, 5u);
  EXPECT_EQ(frames.live(), 1u);            // nobody holds it
  EXPECT_EQ(guest->held(), 0u);
  EXPECT_EQ(stats().gro_packets_out, 2u);
  EXPECT_EQ(stats().integrity_errors, 0u);
}

TEST_F(GuestGroBench, FramesHeldInTheTableAreCounted) {
  build();
  stream(40, 1000);
  wake_at(from_sc(sc_core::sc_time_stamp()));
  for (unsigned i = 0; i < 400; ++i) {
    sc_core::sc_start(to_sc(500 * kNs));
    std::uint64_t waiting = queue.size();
    for (const FrameChain& c : guest->rx().side->by_head) waiting += c.count;
    ASSERT_EQ(frames.live(), waiting + guest->held()) << i;
  }
  expect_whole(40);
}

TEST_F(GuestGroBench, AcksFollowWhatIsDelivered) {
  params.tcp.closed = true;
  build();
  stream(10, 1000);
  run();
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(parse(acks[0].data(), static_cast<std::uint32_t>(acks[0].size())).ack, 10'000u);
  expect_whole(10);
}

TEST_F(GuestGroBench, FlowsAreKeptApartAndTheNinthEvictsTheOldest) {
  build();
  for (unsigned round = 0; round < 2; ++round)
    for (unsigned f = 0; f < 9; ++f) {
      flow.src_port = static_cast<std::uint16_t>(100 + f);
      send(frame(500, round * 500));
    }
  run();
  EXPECT_EQ(stats().gro_merged, 0u);       // each flow's entry has left when its second segment comes
  EXPECT_EQ(stats().gro_packets_out, 18u);
  for (unsigned round = 0; round < 2; ++round)
    for (unsigned f = 0; f < 8; ++f) {
      flow.src_port = static_cast<std::uint16_t>(100 + f);
      send(frame(500, 1000 + round * 500));
    }
  run();
  EXPECT_EQ(stats().gro_merged, 8u);
  expect_whole(34);
}

struct Seen : Observer {
  std::vector<std::vector<std::uint8_t>> packets;
  void handed_up(std::uint32_t, const std::uint8_t* b, std::uint32_t n, Time) override { packets.emplace_back(b, b + n); }
  bool wants_handed_up() const override { return true; }
};

TEST_F(GuestGroBench, TheObserverSeesWhatTheDriverHandedUp) {
  Seen seen;
  build();
  guest->observe(&seen);
  stream(5, 1000);
  run();
  ASSERT_EQ(seen.packets.size(), 5u);
  for (unsigned i = 0; i < 5; ++i) EXPECT_EQ(seen.packets[i], sent.frames[i]) << i;
  EXPECT_EQ(stats().gro_packets_out, 1u);
}

// Every layout: page fragments, skb heads built around the buffer, linear payloads, frag_list members.
struct Shape {
  const char* name;
  GuestRxMode mode;
  GuestRxLayout layout;
  std::uint32_t payload;
  bool ipv6, tagged;
  std::uint64_t chained;   // of 40 segments
};

class GroShapes : public GuestGroBench, public ::testing::WithParamInterface<Shape> {};

TEST_P(GroShapes, ArriveUnharmed) {
  const Shape& g = GetParam();
  params.virtio.rx_mode = g.mode;
  params.layout = g.layout;
  params.virtio.queue_size = g.mode == GuestRxMode::big ? 1024 : 256;
  flow.ipv6 = g.ipv6;
  flow.tagged = g.tagged;
  flow.vlan_tci = 9;
  build();
  constexpr unsigned kSegments = 40;
  std::uint32_t seq = 0;
  for (unsigned round = 0; round < 6; ++round) {
    stream(kSegments, g.payload, seq);
    seq += kSegments * g.payload;
    run();
    EXPECT_EQ(stats().gro_packets_out, round + 1) << round;
  }
  EXPECT_EQ(stats().gro_chained, 6 * g.chained);
  EXPECT_EQ(stats().user_copied, seq);
  expect_whole(6 * kSegments);
}

const GuestRxLayout kHead{GuestRxLayout::Kind::head, 2048, 64, 320, 0, 0, 4};
const GuestRxLayout kHeaderPages{GuestRxLayout::Kind::header_pages, 0, 0, 0, 0, 256, 4};
INSTANTIATE_TEST_SUITE_P(All, GroShapes,
                         ::testing::Values(Shape{"small", GuestRxMode::small, {}, 1448, false, false, 2},
                                           Shape{"smallTiny", GuestRxMode::small, {}, 20, false, false, 2},
                                           Shape{"big", GuestRxMode::big, {}, 1448, false, false, 2},
                                           Shape{"mergeable", GuestRxMode::mergeable, {}, 1448, false, false, 2},
                                           Shape{"mergeableTiny", GuestRxMode::mergeable, {}, 20, false, false, 39},
                                           Shape{"mergeableSix", GuestRxMode::mergeable, {}, 1428, true, false, 2},
                                           Shape{"mergeableTagged", GuestRxMode::mergeable, {}, 1448, false, true, 2},
                                           Shape{"head", GuestRxMode::small, kHead, 1448, false, false, 2},
                                           Shape{"headerPages", GuestRxMode::mergeable, kHeaderPages, 1448, false, false, 2}),
                         [](const auto& i) { return i.param.name; });

}  // namespace gro_test
}  // namespace gd::test
