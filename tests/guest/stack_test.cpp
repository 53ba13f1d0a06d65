// Stack, socket queue, application and checker.
#include "models/packet/rewrite.h"
#include "models/packet/vxlan.h"
#include "tests/guest/guest_fixture.h"

namespace gd::test {
namespace stack_test {

TEST_F(GuestBench, SoftwareChecksumWhereNobodyVouched) {
  build();
  const FrameRef good = frame(999), bad = frame(1000), trusted = frame(1001);
  for (const FrameRef f : {good, bad, trusted}) {
    Packet p = packet(f);
    p.header.flags = f == trusted ? VirtioNetHdr::kDataValid : 0;
    if (f != good) p.bytes[40] ^= 1, sent.frames[frames[f].id][40] ^= 1;   // wrong already on the wire
    send(p);
  }
  run();
  EXPECT_EQ(stats().checksummed, 8u + 999 + 8 + 1000);
  EXPECT_EQ(stats().bad_checksums, 1u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::bad_checksum)], 1u);
  EXPECT_EQ(frames.all().delivered, 2u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

TEST_F(GuestBench, SoftwareChecksumAcrossBuffers) {
  flow.protocol = ipproto::kTcp;
  build();
  Packet p = merged({frame(1001, 1), frame(1003, 1002), frame(501, 2005)});
  ASSERT_TRUE(csum::complete_l4(p.bytes.data(), static_cast<std::uint32_t>(p.bytes.size())));
  p.header.flags = 0;
  send(p);
  run();
  EXPECT_EQ(stats().bad_checksums, 0u);
  EXPECT_EQ(stats().checksummed, 20u + 1001 + 1003 + 501);
  EXPECT_EQ(frames.all().delivered, 3u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

// Outer headers come off, are compared, and the inner frame is received with its checksum still to be looked at.
TEST_F(GuestBench, ATunnelEndsInTheGuest) {
  params.tunnel = true;
  build();
  const FrameRef good = frame(500), flipped = frame(500), plain = frame(500);
  for (const FrameRef f : {good, flipped, plain}) {
    Packet p = packet(f);
    if (f != plain) {
      std::vector<std::uint8_t> outer(vxlan::kOuter);
      vxlan::write_outer(outer.data(), p.bytes.data(), parse(p.bytes.data(), static_cast<std::uint32_t>(p.bytes.size())), 0x02686f737400);
      sent.outer = outer;
      if (f == flipped) outer[7] ^= 1;
      p.bytes.insert(p.bytes.begin(), outer.begin(), outer.end());
      FrameMeta& m = frames[f];
      m.rewrite = static_cast<std::uint8_t>(Rewrite::encapsulate);
      m.grown = 50, m.length += 50, m.payload_offset += 50;
    }
    send(p);
  }
  run();
  EXPECT_EQ(frames.all().delivered, 3u);
  EXPECT_EQ(frames.all().payload_delivered, 1500u);
  EXPECT_EQ(stats().integrity_errors, 1u);
  EXPECT_EQ(stats().user_copied, 1500u);                  // the application sees the payload as it was sent
  EXPECT_EQ(stats().checksummed, 2 * (8u + 500));         // DATA_VALID vouched for the outer header
  const auto calls = [&](const char* op) {
    std::uint64_t n = 0;
    for (std::size_t r = 0; r < ledger.rows().size(); ++r) n += ledger.cell(static_cast<Ledger::Row>(r), costs.get(op).op).calls;
    return n;
  };
  EXPECT_EQ(calls("guest.decapsulate"), 2u);
  EXPECT_EQ(calls("guest.ip"), 5u);
  expect_quiet();
}

struct Flip {
  const char* name;
  std::size_t at;       // byte of a 642-byte UDP frame, or of a merged TCP packet of 3 x 600
  bool merge;
  unsigned errors;      // frames
  bool tells = true;    // the source tells whole headers
};

class Flips : public GuestBench, public ::testing::WithParamInterface<Flip> {};

TEST_P(Flips, AreFound) {
  if (GetParam().merge) flow.protocol = ipproto::kTcp;
  sent.tells = GetParam().tells;
  build();
  Packet p = GetParam().merge ? merged({frame(600, 1), frame(600, 601), frame(600, 1201)}) : packet(frame(600));
  p.bytes[GetParam().at] ^= 0x40;
  send(p);
  run();
  EXPECT_EQ(stats().integrity_errors, GetParam().errors);
  ASSERT_EQ(guest->integrity_messages().size(), GetParam().errors);
  for (const std::string& m : guest->integrity_messages())
    EXPECT_NE(m.find(GetParam().merge && GetParam().at > 1300 ? "frame 2" : "frame 0"), std::string::npos) << m;
  EXPECT_EQ(frames.all().delivered, GetParam().merge ? 3u : 1u);
  expect_quiet();
}
INSTANTIATE_TEST_SUITE_P(All, Flips,
                         ::testing::Values(Flip{"mac", 3, false, 1}, Flip{"port", 35, false, 1}, Flip{"firstByte", 42, false, 1}, Flip{"lastByte", 641, false, 1},
                                           Flip{"mergedMac", 3, true, 1}, Flip{"mergedAck", 43, true, 1}, Flip{"mergedChecksum", 50, true, 0},
                                           Flip{"mergedFlags", 47, true, 1}, Flip{"mergedWindow", 48, true, 1}, Flip{"mergedUrgent", 52, true, 1},
                                           Flip{"mergedMacInPieces", 3, true, 1, false}, Flip{"mergedFlagsInPieces", 47, true, 1, false},
                                           Flip{"mergedWindowInPieces", 48, true, 1, false}, Flip{"mergedChecksumInPieces", 50, true, 0, false},
                                           Flip{"mergedPayload", 54 + 1300, true, 1}),
                         [](const auto& i) { return i.param.name; });

TEST_F(GuestBench, PaddingAndMissingBytesAreCompared) {
  build();
  Packet p = packet(frame(3));
  p.bytes[59] = 1;
  send(p);
  Packet q = packet(frame(200));
  q.bytes.resize(q.bytes.size() + 2);
  send(q);
  run();
  EXPECT_EQ(stats().integrity_errors, 2u);
  expect_quiet();
}

TEST_F(GuestBench, AStrippedTagMayBeMissing) {
  flow.tagged = true;
  flow.vlan_tci = 7;
  build();
  for (const bool stripped : {false, true}) {
    const FrameRef f = frame(300);
    frames[f].vlan = 7;
    Packet p = packet(f);
    if (stripped) p.bytes.erase(p.bytes.begin() + 12, p.bytes.begin() + 16);
    send(p);
  }
  run();
  EXPECT_EQ(frames.all().delivered, 2u);
  EXPECT_EQ(stats().integrity_errors, 0u) << guest->integrity_messages()[0];
  expect_quiet();
}

TEST_F(GuestBench, PlantedFlipIsFound) {
  faults = {Fault::flip_guest, 2, false};
  build();
  for (int i = 0; i < 5; ++i) send(frame(400));
  run();
  EXPECT_EQ(stats().integrity_errors, 1u);
  EXPECT_NE(guest->integrity_messages()[0].find("frame 2"), std::string::npos);
}

TEST_F(GuestBench, PlantedLossLeavesAFrameThatNobodyHolds) {
  faults = {Fault::lose_guest, 1, false};
  build();
  for (int i = 0; i < 5; ++i) send(frame(400));
  run();
  EXPECT_EQ(frames.all().delivered, 4u);
  EXPECT_EQ(frames.live(), 1u);
  EXPECT_EQ(guest->held(), 0u);
}

TEST_F(GuestBench, AFullSocketDropsByTruesize) {
  params.app.socket_buffer = 20'000;
  build();
  for (int i = 0; i < 30; ++i) send(frame(1400));
  run();
  // A frame of 1400 B holds a 1536 B buffer (a skb head besides, for want of room behind the data) and 576 B of skb.
  EXPECT_GT(stats().socket_drops, 0u);
  EXPECT_EQ(stats().socket_drops + frames.all().delivered, 30u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::socket_full)], stats().socket_drops);
  expect_quiet();
}

TEST_F(GuestBench, WhatHasNoPayloadEndsInTheStack) {
  build();
  const FrameRef f = frame(0);
  Packet arp = packet(frame(18));
  auto& b = sent.frames[1];
  b[12] = 8, b[13] = 6;
  frames[arp.frames.first].payload_offset = 14, frames[arp.frames.first].payload_length = 46;
  arp.bytes = b;
  send(f);
  send(arp);
  run();
  EXPECT_EQ(frames.all().delivered, 2u);
  EXPECT_EQ(stats().reads, 0u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

TEST_F(GuestBench, ReadsEndAtDatagramsAndGoOnInStreams) {
  params.app.read_size = 4096;
  build();
  for (int i = 0; i < 4; ++i) send(frame(1000));
  run();
  EXPECT_EQ(stats().reads, 4u);
  flow.protocol = ipproto::kTcp;
  for (std::uint32_t i = 0; i < 8; ++i) send(frame(1024, i * 1024));
  run();
  EXPECT_EQ(stats().reads - 4, 2u);
}

TEST_F(GuestBench, MalformedPacketsAreRefusedByTheStack) {
  build();
  const FrameRef f = frame(100);
  Packet p = packet(f);
  put_be16(&p.bytes[16], 2000);   // claims more than there is
  send(p);
  run();
  EXPECT_EQ(stats().stack_drops, 1u);
  expect_quiet();
}

struct Seen : Observer {
  std::vector<std::vector<std::uint8_t>> packets;
  void handed_up(std::uint32_t, const std::uint8_t* b, std::uint32_t n, Time) override { packets.emplace_back(b, b + n); }
  bool wants_handed_up() const override { return true; }
};

TEST_F(GuestBench, TheObserverSeesWholePacketsWithTagAndChecksum) {
  flow.protocol = ipproto::kTcp;
  Seen seen;
  build();
  guest->observe(&seen);
  send(merged({frame(700, 1), frame(700, 701)}));
  flow.protocol = ipproto::kUdp, flow.tagged = true, flow.vlan_tci = 9;
  const FrameRef f = frame(300);
  frames[f].vlan = 9;
  Packet p = packet(f);
  p.bytes.erase(p.bytes.begin() + 12, p.bytes.begin() + 16);
  send(p);
  run();
  ASSERT_EQ(seen.packets.size(), 2u);
  const auto& m = seen.packets[0];
  const Parsed q = parse(m.data(), static_cast<std::uint32_t>(m.size()));
  EXPECT_EQ(q.payload_length, 1400u);
  EXPECT_EQ(csum::check_l4(m.data(), q), csum::Checked::good);
  EXPECT_EQ(seen.packets[1], sent.frames[frames[f].id]);
}

}  // namespace stack_test
}  // namespace gd::test
