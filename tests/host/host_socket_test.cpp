// The host's own socket: protocol, limit, the reader's cut copies, the byte check.
#include "tests/host/host_bench.h"

namespace gd::test {
namespace host_socket_test {

struct HostSocketTest : HostBench {
  HostSocketTest() : expected(sent) {
    env.consumer = Consumer::host_socket;
  }
  void open(HostSocketParams p = {}) {
    socket = std::make_unique<HostSocket>(p, phys, frames, expected, costs);
    path = find_strategy("vhost-copy")->make_path(context());
    add_core().attach(*socket);
    start("vhost-copy", socket.get());
  }
  void expect_quiet() {
    EXPECT_EQ(frames.live(), 0u);
    EXPECT_EQ(socket->held(), 0u);
    EXPECT_EQ(own.count(Owner::skb), 0u);
    EXPECT_EQ(socket->check().errors(), 0u) << (socket->check().messages().empty() ? "" : socket->check().messages()[0]);
    expect_no_violation();
  }
  Sent expected;
  std::unique_ptr<HostSocket> socket;
};

TEST_F(HostSocketTest, EveryByteReachesTheReader) {
  HostSocketParams p;
  p.read_size = 1000;                                      // several reads a packet
  p.copy_chunk = 300;
  open(p);
  std::uint64_t payload_bytes = 0;
  for (std::size_t n : {1460, 6, 2500, 700}) {
    receive(tcp4_frame(n));
    payload_bytes += n;
  }
  wait();
  EXPECT_EQ(socket->stats().user_copied, payload_bytes);
  EXPECT_EQ(frames.all().delivered, 4u);
  EXPECT_EQ(socket->stats().reads, (payload_bytes + 999) / 1000);   // one connection: a read goes on into the next packet
  expect_quiet();
}

TEST_F(HostSocketTest, EverySecondSegmentIsAcknowledged) {
  env.gro = false;
  open();
  TxDriver tx(0, 64, nic, phys, *iommu_, mmio, costs);
  socket->transmit_by(tx);
  std::uint32_t seq = 100;
  for (std::uint32_t n : {1460, 1460, 1460, 1460, 700}) {
    receive(tcp4_frame(n, seq));
    seq += n;
  }
  wait();
  ASSERT_EQ(socket->acks(), 2u);
  EXPECT_EQ(nic.count(reg::tx_tail(0)), 2u);
  for (std::uint32_t i : {0u, 1u}) {
    const std::uint64_t at = phys.load<std::uint64_t>(nic.tx.ring + i * TxDescriptor::kSize);
    const std::uint32_t length = phys.load<std::uint64_t>(nic.tx.ring + i * TxDescriptor::kSize + 8) & 0xffff;
    const Parsed p = parse(phys.at(at), length);
    EXPECT_EQ(p.l4, L4::tcp);
    EXPECT_EQ(p.ack, 100u + (i + 1) * 2 * 1460);
    EXPECT_EQ(p.payload_length, 0u);
  }
  expect_quiet();
}

// A sender that has timed out sends what came before, and goes on only when that is acknowledged.
TEST_F(HostSocketTest, DataThatCameBeforeIsAcknowledgedAtOnce) {
  env.gro = false;
  open();
  TxDriver tx(0, 64, nic, phys, *iommu_, mmio, costs);
  socket->transmit_by(tx);
  receive(tcp4_frame(1460, 100));
  receive(tcp4_frame(1460, 100 + 2 * 1460));               // the second one was lost
  wait();
  ASSERT_EQ(socket->acks(), 1u);
  receive(tcp4_frame(700, 100 + 3 * 1460));
  wait();
  ASSERT_EQ(socket->acks(), 1u);
  receive(tcp4_frame(1460, 100 + 1460));
  wait();
  ASSERT_EQ(socket->acks(), 2u);
  const std::uint64_t at = phys.load<std::uint64_t>(nic.tx.ring + TxDescriptor::kSize);
  EXPECT_EQ(parse(phys.at(at), 60).ack, 100u + 3 * 1460 + 700);
  expect_quiet();
}

// The window is half of what is free; when the reader has made room, it says so by itself.
TEST_F(HostSocketTest, WindowsFollowTheRoom) {
  HostSocketParams p;
  p.windows = true;
  p.socket_buffer = 64 * 1024;
  env.gro = false;
  open(p);
  TxDriver tx(0, 64, nic, phys, *iommu_, mmio, costs);
  socket->transmit_by(tx);
  std::vector<std::uint32_t> windows;
  const auto look = [&] {
    for (std::size_t i = windows.size(); i < socket->acks(); ++i) {
      const Hpa at = phys.load<std::uint64_t>(nic.tx.ring + i * TxDescriptor::kSize);
      const Parsed a = parse(phys.at(at), 60);
      windows.push_back(static_cast<std::uint32_t>(a.window) << TcpAcks::kWindowScale);
    }
  };
  std::uint32_t seq = 100;
  for (int i = 0; i < 24; ++i) {
    receive(tcp4_frame(1460, seq));
    seq += 1460;
  }
  wait();
  look();
  ASSERT_GE(windows.size(), 12u);
  EXPECT_LT(*std::min_element(windows.begin(), windows.end()), 32u * 1024 - 2 * 1460);
  for (std::uint32_t w : windows) EXPECT_LE(w, 32u * 1024);
  EXPECT_EQ(socket->stats().socket_drops, 0u);
  expect_quiet();
}

TEST_F(HostSocketTest, ASocketMovesBetweenTheCoresThatUseIt) {
  open();                                                  // softirq on the first core, the reader on one of its own
  for (std::uint32_t i = 0; i < 3; ++i) {
    receive(udp4_frame(300));
    wait();
  }
  std::uint64_t by_softirq = 0, by_reader = 0;
  const OpId op = costs.get("stack.socket_move").op;
  for (std::size_t r = 0; r < ledger.rows().size(); ++r)
    (ledger.rows()[r].context == "softirq" ? by_softirq : by_reader) += ledger.cell(static_cast<Ledger::Row>(r), op).calls;
  EXPECT_EQ(by_softirq, 2u);                               // not for the first packet
  EXPECT_EQ(by_reader, 3u);
}

TEST_F(HostSocketTest, AMergedPacketIsAcknowledgedAtOnceAndReadsGoOnWithinAConnection) {
  open();
  TxDriver tx(0, 64, nic, phys, *iommu_, mmio, costs);
  socket->transmit_by(tx);
  for (std::uint32_t i = 0; i < 8; ++i) receive(tcp4_frame(1460, 100 + i * 1460));
  receive(udp4_frame(300));
  receive(udp4_frame(300));
  wait();
  EXPECT_EQ(socket->stats().packets, 3u);          // one of eight segments, two datagrams
  EXPECT_EQ(socket->acks(), 1u);
  EXPECT_EQ(socket->stats().reads, 3u);
  expect_quiet();
}

TEST_F(HostSocketTest, FlippedByteIsFound) {
  open();
  fault.kind = Fault::flip_host;
  receive(tcp4_frame(1460));
  wait();
  EXPECT_GT(socket->check().errors(), 0u);
}

TEST_F(HostSocketTest, SegmentsWithoutPayloadEndInTheProtocol) {
  open();
  receive(tcp4_frame(0));
  wait();
  EXPECT_EQ(socket->stats().reads, 0u);
  EXPECT_EQ(frames.all().delivered, 1u);
  expect_quiet();
}

TEST_F(HostSocketTest, ChecksumsInSoftware) {
  env.gro = false;
  open();
  receive(udp4_frame(500), false);
  Frame bad = udp4_frame(500);
  bad[200] ^= 1;
  receive(bad, false);
  receive(tcp4_frame(500), true, true);                    // the NIC says that it is wrong
  wait();
  EXPECT_EQ(socket->stats().packets, 1u);
  EXPECT_EQ(socket->stats().bad_checksums, 2u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::bad_checksum)], 2u);
  EXPECT_EQ(socket->stats().checksummed, 2u * 542);
  expect_quiet();
}

TEST_F(HostSocketTest, SocketLimitDropsAndBuffersReturn) {
  HostSocketParams p;
  p.socket_buffer = 4000;                                  // one packet of 1514 with 768 of overhead; not two
  env.gro = false;
  open(p);
  for (int i = 0; i < 10; ++i) receive(tcp4_frame(1460));
  wait();
  EXPECT_GT(socket->stats().socket_drops, 0u);
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::socket_full)], socket->stats().socket_drops);
  EXPECT_EQ(frames.all().delivered + socket->stats().socket_drops, 10u);
  EXPECT_EQ(napi->posted(), 63u);
  expect_quiet();
}

TEST_F(HostSocketTest, HeadersCutByTheNicArePulled) {
  env.split = SplitMode::always;
  open();
  Frame ext(160, 0);                                       // 234 bytes of headers, a header buffer of 128
  ext[0] = 6, ext[1] = 19;
  receive(tcp6_frame(600, 60, ext));
  wait();
  EXPECT_EQ(socket->stats().user_copied, 600u);
  expect_quiet();
}

}  // namespace host_socket_test
}  // namespace gd::test
