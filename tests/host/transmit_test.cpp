// The MMIO bus and the driver's transmit ring.
#include "models/base/error.h"
#include "tests/host/host_bench.h"

namespace gd::test {
namespace transmit_test {

struct TransmitTest : HostBench {};

TEST_F(TransmitTest, RegisterWritesLeaveAtTheEndOfTheStep) {
  Time start = 0;
  in_step([&](Step& s) {
    start = s.start();
    mmio.write(s, reg::rx_tail(3), 17);
    mmio.write(s, reg::irq_enable(3), 1);
    s.charge(work, 500);
    EXPECT_TRUE(nic.writes.empty());
  });
  ASSERT_EQ(nic.writes.size(), 2u);
  EXPECT_EQ(nic.writes[0].offset, reg::rx_tail(3));
  EXPECT_EQ(nic.writes[0].value, 17u);
  EXPECT_EQ(nic.writes[1].offset, reg::irq_enable(3));
  EXPECT_GE(nic.writes[0].at, start + 520 * kNs);          // two writes of 10 cycles and 500 of work
  mmio.post(reg::virtio_notify(1), 5);
  EXPECT_EQ(nic.writes.back().offset, reg::virtio_notify(1));
  nic.refuse = true;
  EXPECT_THROW(mmio.post(0, 0), InvariantError);
}

TEST_F(TransmitTest, RingFillsDrainsAndWraps) {
  TxDriver tx(0, 4, nic, phys, *iommu_, mmio, costs);
  std::uint32_t next = 0;
  const auto send = [&](unsigned n) {
    unsigned sent_now = 0;
    in_step([&](Step& s) {
      for (; sent_now < n; ++sent_now) {
        const Hpa at = tx.reserve(s);
        if (at == 0) break;
        *phys.at(at) = static_cast<std::uint8_t>(next + sent_now);
        tx.xmit(s, 60 + sent_now);
      }
      tx.flush(s);
      tx.flush(s);
    });
    next += sent_now;
    return sent_now;
  };
  EXPECT_EQ(send(5), 3u);                                  // one descriptor stays free
  EXPECT_EQ(nic.count(reg::tx_tail(0)), 1u);               // one doorbell for all
  EXPECT_EQ(nic.writes.back().value, 3u);
  for (std::uint32_t i = 0; i < 3; ++i) {
    const std::uint64_t b = phys.load<std::uint64_t>(nic.tx.ring + i * 16 + 8);
    EXPECT_EQ(b & 0xffff, 60u + i);
    EXPECT_TRUE(b & TxDescriptor::kEop);
    EXPECT_EQ(*phys.at(phys.load<std::uint64_t>(nic.tx.ring + i * 16)), i);
  }
  EXPECT_EQ(send(1), 0u);
  EXPECT_EQ(nic.count(reg::tx_tail(0)), 1u);
  for (std::uint32_t i = 0; i < 2; ++i)
    phys.store(nic.tx.ring + i * 16 + 8, phys.load<std::uint64_t>(nic.tx.ring + i * 16 + 8) | TxDescriptor::kDone);
  EXPECT_EQ(send(5), 2u);
  EXPECT_EQ(nic.writes.back().value, 1u);
  EXPECT_EQ(tx.sent(), 5u);
}

// Each frame has its mapping while it is on the ring: as many unmaps as cleaned descriptors.
TEST_F(TransmitTest, FramesAreMappedForTheirTimeOnTheRing) {
  TxDriver tx(0, 8, nic, phys, *iommu_, mmio, costs, true);
  const auto send = [&](unsigned n) {
    in_step([&](Step& s) {
      for (unsigned i = 0; i < n; ++i) {
        const Hpa at = tx.reserve(s);
        ASSERT_NE(at, 0u);
        tx.xmit(s, 60);
        EXPECT_EQ(phys.load<std::uint64_t>(nic.tx.ring + (tx.sent() - 1) % 8 * 16), at) << "without an IOMMU, the buffer's own address";
      }
      tx.flush(s);
    });
  };
  send(5);
  EXPECT_EQ(spent("dma.map").calls, 5u);
  EXPECT_EQ(spent("dma.unmap").calls, 0u);
  for (std::uint32_t i = 0; i < 3; ++i)
    phys.store(nic.tx.ring + i * 16 + 8, phys.load<std::uint64_t>(nic.tx.ring + i * 16 + 8) | TxDescriptor::kDone);
  send(1);
  EXPECT_EQ(spent("dma.map").calls, 6u);
  EXPECT_EQ(spent("dma.unmap").calls, 0u) << "sending cleans only a full ring";
  in_step([&](Step& s) { EXPECT_FALSE(tx.clean(s)); });
  EXPECT_EQ(spent("dma.unmap").calls, 3u);
}

}  // namespace transmit_test
}  // namespace gd::test
