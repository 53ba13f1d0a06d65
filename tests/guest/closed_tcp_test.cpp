// Closed-loop TCP: real ACK frames through the transmit ring.
#include "tests/guest/guest_fixture.h"

namespace gd::test {
namespace closed_tcp_test {

struct ClosedTcp : GuestBench {
  ClosedTcp() {
    params.tcp.closed = true;
    flow.protocol = ipproto::kTcp;
  }
  Parsed ack(std::size_t i) const { return parse(acks[i].data(), static_cast<std::uint32_t>(acks[i].size())); }
};

TEST_F(ClosedTcp, OneAckForTwoSegmentsAndTheLastByTheTimer) {
  build();
  for (std::uint32_t i = 0; i < 9; ++i) send(frame(1000, i * 1000));
  run(10 * kMs);
  ASSERT_EQ(acks.size(), 4u);
  EXPECT_EQ(ack(3).ack, 8000u);
  EXPECT_EQ(stats().acks_delayed, 0u);
  run(40 * kMs);
  ASSERT_EQ(acks.size(), 5u);
  EXPECT_EQ(ack(4).ack, 9000u);
  EXPECT_EQ(stats().acks_delayed, 1u);
  EXPECT_GE(ack_times[4], 40 * kMs);
  EXPECT_LT(ack_times[4], 41 * kMs);
  EXPECT_EQ(frames.all().delivered, 9u);
  expect_quiet();
}

TEST_F(ClosedTcp, AcksAreFramesThatAnswerTheFlow) {
  build();
  for (std::uint32_t i = 0; i < 2; ++i) send(frame(1000, i * 1000));
  run();
  ASSERT_EQ(acks.size(), 1u);
  const Parsed p = ack(0);
  EXPECT_TRUE(p.pure_ack);
  EXPECT_EQ(p.src_port, 6);
  EXPECT_EQ(p.dst_port, 5);
  EXPECT_EQ(csum::check_l3(acks[0].data(), p), csum::Checked::good);
  EXPECT_EQ(csum::check_l4(acks[0].data(), p), csum::Checked::good);
  EXPECT_EQ(acks[0][26], 11);   // source address: the guest's
  // 1000 B of payload take 1.8 kB of truesize.
  EXPECT_GT(static_cast<std::uint64_t>(p.window) << params.tcp.window_scale, params.app.socket_buffer / 2);
  EXPECT_LE(static_cast<std::uint64_t>(p.window) << params.tcp.window_scale, params.app.socket_buffer * 3 / 5);
}

TEST_F(ClosedTcp, AnOldDriverPutsTheHeaderIntoADescriptorOfItsOwn) {
  params.virtio.driver = GuestDriverRules::linux_2_6_35;
  build();
  EXPECT_EQ(guest->tx().header_length, 12u);   // mergeable, without VERSION_1
  for (std::uint32_t i = 0; i < 4; ++i) send(frame(1000, i * 1000));
  run();
  ASSERT_EQ(acks.size(), 2u);
  EXPECT_EQ(ack(1).ack, 4000u);
  EXPECT_EQ(csum::check_l4(acks[1].data(), ack(1)), csum::Checked::good);
  expect_quiet();
}

TEST_F(ClosedTcp, SegmentsAnAckAreASetting) {
  params.tcp.ack_segments = 4;
  build();
  for (std::uint32_t i = 0; i < 9; ++i) send(frame(1000, i * 1000));
  run(10 * kMs);
  ASSERT_EQ(acks.size(), 2u);
  EXPECT_EQ(ack(1).ack, 8000u);
}

TEST_F(ClosedTcp, AMergedPacketIsAcknowledgedAtOnce) {
  build();
  send(merged({frame(1448, 0), frame(1448, 1448), frame(1448, 2896)}));
  run();
  ASSERT_EQ(acks.size(), 1u);
  EXPECT_EQ(ack(0).ack, 4344u);
  expect_quiet();
}

TEST_F(ClosedTcp, AGapGivesDuplicateAcksAndTheStreamInOrder) {
  build();
  send(frame(1000, 0));
  const FrameRef late = frame(1000, 1000);
  for (std::uint32_t i = 2; i < 6; ++i) send(frame(1000, i * 1000));
  run();
  ASSERT_EQ(acks.size(), 4u);   // one per segment beyond the gap
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(ack(i).ack, 1000u);
  EXPECT_EQ(stats().out_of_order, 4u);
  EXPECT_EQ(guest->held(), 4u);
  send(late);
  run();
  ASSERT_EQ(acks.size(), 5u);
  EXPECT_EQ(ack(4).ack, 6000u);
  EXPECT_EQ(frames.all().delivered, 6u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  expect_quiet();
}

TEST_F(ClosedTcp, OldDataIsDroppedAndAnswered) {
  build();
  for (std::uint32_t i = 0; i < 2; ++i) send(frame(1000, i * 1000));
  send(frame(1000, 1000));              // a retransmission that was not needed
  send(frame(1500 - 100, 1900));        // overlaps by 100
  run();
  EXPECT_EQ(stats().stack_drops, 1u);
  EXPECT_EQ(frames.all().delivered, 3u);
  EXPECT_EQ(stats().user_copied, 3300u);
  EXPECT_EQ(stats().integrity_errors, 0u);
  EXPECT_EQ(ack(acks.size() - 1).ack, 2000u);
  expect_quiet();
}

TEST_F(ClosedTcp, AFullTransmitRingDelaysAcksButLosesNone) {
  params.virtio.tx_queue_size = 2;
  build();
  for (std::uint32_t i = 0; i < 60; ++i) send(frame(1000, i * 1000));
  run(5 * kMs);
  EXPECT_GT(acks.size(), 2u);
  EXPECT_EQ(ack(acks.size() - 1).ack, 60000u);
  EXPECT_EQ(frames.all().delivered, 60u);
  expect_quiet();
}

TEST_F(ClosedTcp, TheWindowClosesAndIsReopened) {
  params.app.socket_buffer = 64 * 1024;
  params.tcp.window_scale = 0;
  build();
  std::uint32_t offset = 0;
  std::uint32_t edge = 4000, least = UINT32_MAX;
  // A sender that fills the window and waits for ACKs.
  for (unsigned round = 0; round < 400 && offset < 1'000'000; ++round) {
    while (offset + 1000 <= edge && offset < 1'000'000) send(frame(1000, offset)), offset += 1000;
    run(200 * kUs);
    for (std::size_t i = 0; i < acks.size(); ++i) least = std::min<std::uint32_t>(least, ack(i).window);
    if (!acks.empty()) edge = ack(acks.size() - 1).ack + ack(acks.size() - 1).window;
  }
  EXPECT_EQ(offset, 1'000'000u);
  run(50 * kMs);
  EXPECT_EQ(frames.all().delivered, 1000u);
  EXPECT_EQ(stats().socket_drops, 0u);
  EXPECT_LT(least, 12'000u);
  EXPECT_EQ(ack(acks.size() - 1).ack, 1'000'000u);
  expect_quiet();
}

}  // namespace closed_tcp_test
}  // namespace gd::test
