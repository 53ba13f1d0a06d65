// What a faulty card or bus loses, and what it leaves behind.
#include "models/nic/faults.h"

#include "models/packet/headers.h"
#include "tests/nic/nic_bench.h"

namespace gd::test {
namespace nic_faults_test {

RxQueueConfig ring() {
  RxQueueConfig c;
  c.size = 64;
  c.vector = 0;
  return c;
}
NicParams with(std::uint32_t data, std::uint32_t reports, std::uint32_t messages) {
  NicParams p = NicBench::quiet();
  p.lost_data_writes = data, p.lost_writebacks = reports, p.lost_interrupts = messages;
  return p;
}

// One TLP of the frame keeps what lay there before, the rest is the frame's, and the report says that all is well.
TEST(NicFaults, ALostWriteLeavesOneTlpOfTheOldBytes) {
  NicBench b("bench", with(1'000'000, 0, 0));
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  std::memset(b.phys.at(r.packet(0)), 0xa5, 64 * 2048);
  const Frame sent = tcp4_frame(1000);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] { for (int i = 0; i < 16; ++i) b.arrive(sent); });
  b.run(100 * kUs);
  EXPECT_EQ(b.nic.stats().lost_data_writes, 16u);
  bool places[8] = {};
  for (std::uint32_t i = 0; i < 16; ++i) {
    ASSERT_TRUE(r.done(i).done);
    EXPECT_EQ(r.done(i).packet_length, sent.size());
    EXPECT_FALSE(r.done(i).l4_error);
    const Frame got = r.bytes(r.packet(i), sent.size());
    std::size_t torn = sent.size();
    for (std::size_t at = 0; at < sent.size(); at += 256)
      if (!std::equal(got.begin() + static_cast<long>(at), got.begin() + static_cast<long>(std::min(at + 256, sent.size())), sent.begin() + static_cast<long>(at))) {
        EXPECT_EQ(torn, sent.size()) << "one TLP alone";
        torn = at;
        places[at / 256] = true;
        for (std::size_t k = at; k < std::min(at + 256, sent.size()); ++k) ASSERT_EQ(got[k], 0xa5) << k;
      }
    EXPECT_LT(torn, sent.size());
  }
  EXPECT_GE(places[0] + places[1] + places[2] + places[3] + places[4], 3);
  EXPECT_EQ(b.accesses(r.packet(0), 2048, true).size(), 1u);   // one transaction, as without the fault
  EXPECT_EQ(b.accesses(r.packet(0), 2048, true)[0].length, sent.size());
}

TEST(NicFaults, ALostReportLeavesItsDescriptorAndTheHeadGoesOn) {
  NicBench b("bench", with(0, 1'000'000, 0));
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(100)), b.arrive(tcp4_frame(200)); });
  b.run(20 * kUs);
  EXPECT_FALSE(r.done(0).done);
  EXPECT_FALSE(r.done(1).done);
  EXPECT_EQ(b.nic.rx_head(0), 2u);
  EXPECT_EQ(b.nic.stats().lost_writebacks, 2u);
  EXPECT_EQ(b.frames.all().drops[static_cast<int>(Drop::dma_lost)], 2u);
  EXPECT_EQ(b.nic.held(), 0u);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
  EXPECT_EQ(b.nic.untaken(), 2u);
  EXPECT_EQ(b.nic.take_frame(0, 0), kNoFrame);                 // the driver takes the descriptor back
  EXPECT_EQ(b.nic.untaken(), 1u);
}

// A frame of three descriptors is reported in one write, and lost as a whole.
TEST(NicFaults, AReportOfSeveralDescriptorsIsLostWhole) {
  NicParams p = with(0, 1'000'000, 0);
  p.mtu = 9000;
  NicBench b("bench", p);
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(5000)); });
  b.run(30 * kUs);
  for (std::uint32_t i = 0; i < 3; ++i) EXPECT_FALSE(r.done(i).done);
  EXPECT_EQ(b.nic.untaken(), 3u);
  EXPECT_EQ(b.nic.stats().lost_writebacks, 1u);
}

// The vector is masked after a message that did not arrive; only software's own request brings another.
TEST(NicFaults, ALostInterruptIsMadeUpForByTheCauseRegister) {
  NicBench b("bench", with(0, 0, 500'000));
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(32); });
  for (Time i = 1; i <= 20; ++i) b.at(i * 10 * kUs, [&] { b.arrive(tcp4_frame(100)); });
  b.run(300 * kUs);
  const std::uint64_t lost = b.nic.stats().lost_interrupts;
  EXPECT_EQ(lost + b.messages.size(), 1u);                     // no message of 20 frames after the first, lost or not
  for (Time i = 0; i < 20; ++i) b.at((310 + i * 10) * kUs, [&] { b.write_register(reg::irq_cause(0), 1); });
  b.run(600 * kUs);
  EXPECT_EQ(b.nic.stats().interrupts, 21u);
  EXPECT_GE(b.nic.stats().lost_interrupts, 5u);
  EXPECT_EQ(b.nic.stats().lost_interrupts + b.messages.size(), 21u);
  ASSERT_FALSE(b.messages.empty());
  EXPECT_EQ((b.messages.back().issued - NicBench::kMmio) % (10 * kUs), 0);   // at once
}

TEST(NicFaults, NoneCostNothing) {
  NicBench b("bench", with(0, 0, 0));
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] { b.arrive(tcp4_frame(1000)); });
  b.run(20 * kUs);
  EXPECT_TRUE(r.done(0).done);
  EXPECT_EQ(b.nic.stats().lost_data_writes + b.nic.stats().lost_writebacks + b.nic.stats().lost_interrupts, 0u);
  EXPECT_EQ(r.bytes(r.packet(0), 1054), tcp4_frame(1000));
}

TEST(NicFaults, SharesAreKeptAndKindsAreIndependent) {
  nic::Faults alone(7, 100'000, 0, 0, 256), all(7, 100'000, 300'000, 500'000, 256);
  std::uint64_t data = 0, reports = 0, messages = 0;
  const std::uint8_t bytes[1000] = {};
  for (std::uint64_t i = 0; i < 20'000; ++i) {
    alone.begin(i, bytes, 1000);
    all.begin(i, bytes, 1000);
    ASSERT_EQ(alone.loses_data(), all.loses_data());
    data += all.loses_data(), reports += all.loses_report(), messages += all.loses_message();
  }
  EXPECT_NEAR(static_cast<double>(data), 2'000, 150);
  EXPECT_NEAR(static_cast<double>(reports), 6'000, 250);
  EXPECT_NEAR(static_cast<double>(messages), 10'000, 300);
}

// The last 8 bytes of the fragment's payload are beyond what is reported, the first 8 are what lay there before.
void fragment_of(bool erratum) {
  NicParams p = NicBench::quiet();
  p.misplaced_fragments = erratum;
  NicBench b("bench", p);
  RxQueueConfig c = ring();
  c.split = SplitMode::split;
  c.header_buffer = 256;
  TestRing r(b, 0, c);
  b.nic.steer(0, 0, 0, 1);
  std::memset(b.phys.at(r.packet(0)), 0xa5, 4 * 2048);
  Frame f = udp4_frame(400);
  put_be16(f.data() + 14 + ip4::kFragment, 185);              // the last fragment
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] { b.arrive(f, 34), b.arrive(udp4_frame(400), 42); });
  b.run(30 * kUs);
  ASSERT_TRUE(r.done(0).done && r.done(1).done);
  EXPECT_EQ(r.done(0).header_length, 34u);
  const Frame payload(f.begin() + 34, f.end());
  EXPECT_EQ(r.done(0).packet_length, payload.size());
  if (erratum) {
    EXPECT_EQ(r.bytes(r.packet(0), 8), Frame(8, 0xa5));
  }
  EXPECT_EQ(r.bytes(r.packet(0) + (erratum ? 8 : 0), payload.size()), payload);
  const Frame whole = udp4_frame(400);
  EXPECT_EQ(r.bytes(r.packet(1), 400), Frame(whole.begin() + 42, whole.end()));   // others are right
  EXPECT_EQ(b.nic.stats().misplaced, erratum ? 1u : 0u);
}
TEST(NicErratum, FragmentsAreMisplaced) { fragment_of(true); }
TEST(NicErratum, WithoutItFragmentsAreRight) { fragment_of(false); }

TEST(NicRx, FramesWithAWrongFcsAndRuntsEndInTheMac) {
  NicBench b("bench");
  TestRing r(b, 0, ring());
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] {
    for (Damage d : {Damage::runt, Damage::fcs, Damage::l4_checksum}) {
      static const Frame f = tcp4_frame(100);
      const FrameRef ref = b.frames.create();
      FrameMeta& m = b.frames[ref];
      m.bytes = f.data();
      m.length = d == Damage::runt ? 40 : static_cast<std::uint32_t>(f.size());
      m.damage = d;
      b.frames.offered(ref, b.agenda.now());
      b.nic.frame_arrived(ref, b.agenda.now());
    }
  });
  b.run(20 * kUs);
  EXPECT_EQ(b.frames.all().drops[static_cast<int>(Drop::runt)], 1u);
  EXPECT_EQ(b.frames.all().drops[static_cast<int>(Drop::bad_fcs)], 1u);
  EXPECT_EQ(r.reap(), 1u);                                     // the mark of a wrong checksum is for the books alone
  EXPECT_EQ(b.nic.held(), 0u);
}

// Where split cut the frames, and where the bytes of those lie that were not cut behind TCP or UDP.
TEST(NicCuts, AreCountedByReason) {
  NicBench b("bench");
  RxQueueConfig c = ring();
  c.split = SplitMode::split;
  c.header_buffer = 128;
  c.split_threshold = 80;
  TestRing r(b, 0, c);
  b.nic.steer(0, 0, 0, 1);
  Frame fragment = udp4_frame(400), other = udp4_frame(400), tunnel = udp4_frame(400), arp = udp4_frame(400);
  put_be16(fragment.data() + 14 + ip4::kFragment, 185);
  other[14 + ip4::kProtocol] = 253;
  put_be16(tunnel.data() + 34 + udp::kDstPort, 4789);
  put_be16(arp.data() + 12, 0x0806);
  b.at(0, [&] { r.post(32); });
  b.at(2 * kUs, [&] {
    for (const Frame& f : {fragment, other, tunnel, arp, udp4_frame(400), udp4_frame(20)}) b.arrive(f, 42);
  });
  b.run(50 * kUs);
  const NicStats& s = b.nic.stats();
  const auto cut = [&](Cut k) { return s.cuts[static_cast<int>(k)]; };
  for (Cut k : {Cut::fragment, Cut::unknown_l4, Cut::tunnel, Cut::undecodable, Cut::transport, Cut::small}) EXPECT_EQ(cut(k), 1u) << cut_name(k);
  EXPECT_EQ(s.unsplit_header_bytes, 34u + 34 + 42);
  const std::size_t small = udp4_frame(20).size();
  EXPECT_EQ(s.unsplit_packet_bytes, 408u + 408 + 400 + 442 + small);
}

}  // namespace nic_faults_test
}  // namespace gd::test
