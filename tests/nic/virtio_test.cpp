// Virtqueues in hardware: the guest's ring by DMA. Bus address = guest-physical = host address here.
#include "models/packet/parse.h"
#include "models/packet/toeplitz.h"
#include "models/virtio/layout.h"
#include "tests/nic/nic_bench.h"

using namespace gd;
using namespace gd::test;
using feature::bit;

namespace virtio_test {

constexpr std::uint64_t kMergeable = bit(feature::kMergeRxBuffers) | bit(feature::kVersion1);

// A guest's side of a ring, with one page a descriptor.
struct TestVq {
  NicBench& b;
  VirtioQueueConfig c;
  VringSide side;
  std::uint16_t avail = 0, used = 0;
  Hpa data;

  TestVq(NicBench& bench, std::uint16_t size, std::uint64_t features, std::uint32_t vector = 2) : b(bench) {
    VirtQueueLayout& l = c.layout;
    l.desc = b.phys.alloc_contiguous(vring::desc_bytes(size), 4096);
    l.avail = b.phys.alloc_contiguous(vring::avail_bytes(size), 4096);
    l.used = b.phys.alloc_contiguous(vring::used_bytes(size), 4096);
    l.size = size;
    l.features = features;
    l.header_length = feature::header_length(features);
    l.side = &side;
    c.vector = vector;
    data = b.phys.alloc_contiguous(size * kPage, 4096);
    for (unsigned i = 0; i < size; ++i) b.ownership.add(data + i * kPage, kPage, Owner::posted, Ownership::Home::guest);
  }
  Hpa page(unsigned i) const { return data + i * kPage; }
  void desc(unsigned i, Gpa addr, std::uint32_t len, unsigned flags, unsigned next = 0) {
    b.phys.store(c.layout.desc + i * 16, vring::Desc{addr, len, static_cast<std::uint16_t>(flags), static_cast<std::uint16_t>(next)});
  }
  void push(std::uint16_t head) { b.phys.store(vring::avail_slot(c.layout, avail++ % c.layout.size), head); }
  void publish() { b.phys.store(vring::avail_idx(c.layout), avail); }
  void notify(std::uint32_t q = 0) { b.write_register(reg::virtio_notify(q), avail); }
  // `n` single-descriptor buffers of `len` bytes from descriptor `first` on.
  void post(unsigned first, unsigned n, std::uint32_t len) {
    for (unsigned i = first; i < first + n; ++i) {
      desc(i, page(i), len, vring::kWrite);
      push(static_cast<std::uint16_t>(i));
    }
    publish();
    notify();
  }
  std::uint16_t used_idx() const { return b.phys.load<std::uint16_t>(vring::used_idx(c.layout)); }
  vring::UsedElem elem(unsigned slot) const { return b.phys.load<vring::UsedElem>(vring::used_slot(c.layout, slot % c.layout.size)); }
  VirtioNetHdr header(Hpa a) const {
    VirtioNetHdr h;
    std::memcpy(&h, b.phys.at(a), c.layout.header_length);
    return h;
  }
  Frame bytes(Hpa a, Bytes n) const { return Frame(b.phys.at(a), b.phys.at(a) + n); }
};

TEST(NicVirtioRx, OneFrameIntoOneBuffer) {
  NicBench b("bench");
  TestVq q(b, 64, kMergeable | bit(feature::kGuestCsum));
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(1000);
  FrameRef ref = kNoFrame;
  b.at(0, [&] { q.post(0, 32, 1536); });
  b.at(10 * kUs, [&] { ref = b.arrive(f); });
  const Time visible = 10 * kUs + NicParams{}.rx_latency + NicBench::kWrite;
  b.at(visible - 1, [&] {
    EXPECT_EQ(q.used_idx(), 0u);
    EXPECT_TRUE(q.side.by_head[0].empty());
  });
  b.at(visible, [&] { EXPECT_EQ(q.used_idx(), 1u); });
  b.run(20 * kUs);
  EXPECT_EQ(q.elem(0).id, 0u);
  EXPECT_EQ(q.elem(0).len, f.size() + 12);
  EXPECT_EQ(q.header(q.page(0)).flags, VirtioNetHdr::kDataValid);
  EXPECT_EQ(q.header(q.page(0)).num_buffers, 1u);
  EXPECT_EQ(q.bytes(q.page(0) + 12, f.size()), f);
  EXPECT_EQ(q.side.by_head[0].first, ref);
  EXPECT_EQ(b.nic.held(), 0u);
  ASSERT_EQ(b.messages.size(), 1u);   // after the suppression was read
  EXPECT_EQ(b.messages[0].issued, visible + NicBench::kRead);
  EXPECT_EQ(b.messages[0].value, 2u);
  EXPECT_EQ(b.ownership.violations(), 0u);
  EXPECT_EQ(b.nic.stats().guest_faults, 0u);
}

TEST(NicVirtioRx, TheHashIsReportedWhenNegotiated) {
  NicBench b("bench");
  TestVq q(b, 64, kMergeable | bit(feature::kHashReport));
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(1000);
  b.at(0, [&] { q.post(0, 32, 1536); });
  b.at(10 * kUs, [&] { b.arrive(f); });
  b.run(20 * kUs);
  EXPECT_EQ(q.elem(0).len, f.size() + 20);
  EXPECT_EQ(q.bytes(q.page(0) + 20, f.size()), f);
  EXPECT_EQ(q.header(q.page(0)).hash_report, 2u);   // TCP over IPv4
  EXPECT_EQ(q.header(q.page(0)).hash_value, Toeplitz().hash(f.data(), parse(f.data(), static_cast<std::uint32_t>(f.size())), RssFields{}).value);
}

// A frame for everybody goes into each queue of its VLAN, one for a guest into that guest's alone; without replication into one.
TEST(NicVirtioRx, ABroadcastIsReplicated) {
  NicParams p = NicBench::quiet();
  p.replicate = true;
  NicBench b("bench", p);
  TestVq a(b, 64, kMergeable), c(b, 64, kMergeable), tagged(b, 64, kMergeable);
  std::uint32_t queue = 0;
  for (TestVq* q : {&a, &c, &tagged}) b.nic.configure_virtio_rx(queue++, q->c);
  b.nic.steer(0x020000000001, 0, 0, 1);
  b.nic.steer(0x020000000002, 0, 1, 1);
  b.nic.steer(0x020000000003, 5, 2, 1);
  Frame all = tcp4_frame(1000), one = all, first = all;
  std::fill_n(all.begin(), 6, 0xff);
  for (Frame* f : {&one, &first}) *std::fill_n(f->begin() + 1, 4, 0) = f == &one ? 2 : 1, f->front() = 2;
  const auto post = [&](TestVq& q, std::uint32_t index, std::uint16_t i) {
    q.desc(i, q.page(i), 1536, vring::kWrite);
    q.push(i);
    q.publish();
    q.notify(index);
  };
  b.at(0, [&] { post(a, 0, 0), post(a, 0, 1), post(c, 1, 0), post(tagged, 2, 0); });
  b.at(10 * kUs, [&] { b.arrive(one); });        // takes the second queue's only buffer
  b.at(20 * kUs, [&] { b.arrive(all); });        // its replica waits
  b.at(30 * kUs, [&] {
    b.arrive(first);                             // and the original's bytes are gone
    EXPECT_EQ(a.used_idx(), 1u);
    EXPECT_EQ(c.used_idx(), 1u);
    EXPECT_EQ(b.nic.waiting(1), 1u);
    EXPECT_EQ(b.nic.fifo_level(), all.size() + first.size());
  });
  b.at(40 * kUs, [&] { post(c, 1, 1); });
  b.run(60 * kUs);
  EXPECT_EQ(a.used_idx(), 2u);
  EXPECT_EQ(c.used_idx(), 2u);
  EXPECT_EQ(tagged.used_idx(), 0u);
  EXPECT_EQ(a.bytes(a.page(0) + 12, all.size()), all);
  EXPECT_EQ(c.bytes(c.page(0) + 12, one.size()), one);
  EXPECT_EQ(c.bytes(c.page(1) + 12, all.size()), all);
  EXPECT_EQ(b.frames.all().replicas, 1u);
  EXPECT_EQ(b.nic.stats().frames, 3u);
  EXPECT_EQ(b.nic.held(), 0u);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
}

TEST(NicVirtioRx, DataValidOnlyWhenNegotiatedAndGood) {
  NicBench b("bench");
  TestVq q(b, 64, kMergeable | bit(feature::kGuestCsum)), plain(b, 64, 0);
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.configure_virtio_rx(1, plain.c);
  b.nic.steer(0, 0, 0, 1);
  b.nic.steer(0xaa0000000009, 0, 1, 1);
  Frame bad = tcp4_frame(100), other = tcp4_frame(100);
  bad[80] ^= 1;
  other[5] = 9;
  b.at(0, [&] {
    q.post(0, 8, 2048);
    plain.desc(0, plain.page(0), 10, vring::kWrite | vring::kNext, 1);
    plain.desc(1, plain.page(1), 1518, vring::kWrite);
    plain.push(0);
    plain.publish();
    plain.notify(1);
  });
  b.at(10 * kUs, [&] { b.arrive(bad), b.arrive(other); });
  b.run(20 * kUs);
  EXPECT_EQ(q.header(q.page(0)).flags, 0u);
  EXPECT_EQ(plain.header(plain.page(0)).flags, 0u);
  EXPECT_EQ(plain.elem(0).len, other.size() + 10);   // header descriptor, data descriptor
  EXPECT_EQ(plain.bytes(plain.page(1), other.size()), other);
}

TEST(NicVirtioRx, MergeableGathersBuffersByBytes) {
  NicParams p = NicBench::quiet();
  p.mtu = 9000;
  NicBench b("bench", p);
  TestVq q(b, 64, kMergeable);
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(3000);   // 3054 + 12 = 1024 + 1024 + 1018
  b.at(0, [&] { q.post(0, 32, 1024); });
  b.at(10 * kUs, [&] { b.arrive(f), b.arrive(tcp4_frame(100)); });
  b.run(30 * kUs);
  EXPECT_EQ(q.used_idx(), 4u);
  EXPECT_EQ(q.header(q.page(0)).num_buffers, 3u);
  for (unsigned i : {0u, 1u, 2u}) {
    EXPECT_EQ(q.elem(i).id, i);
    EXPECT_EQ(q.elem(i).len, i < 2 ? 1024u : 1018u);
  }
  Frame got = q.bytes(q.page(0) + 12, 1012);
  append(got, q.bytes(q.page(1), 1024));
  append(got, q.bytes(q.page(2), 1018));
  EXPECT_EQ(got, f);
  EXPECT_EQ(q.side.by_head[0].count, 1u);
  EXPECT_TRUE(q.side.by_head[1].empty());
  EXPECT_EQ(q.side.by_head[3].count, 1u);
}

TEST(NicVirtioRx, IndirectChains) {
  NicBench b("bench");
  TestVq q(b, 16, bit(feature::kIndirect));
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(1000);
  b.at(0, [&] {
    const Hpa table = q.page(10);
    b.phys.store(table, vring::Desc{q.page(0), 10, vring::kWrite | vring::kNext, 1});
    b.phys.store(table + 16, vring::Desc{q.page(0) + 16, 512, vring::kWrite | vring::kNext, 2});
    b.phys.store(table + 32, vring::Desc{q.page(1), 4096, vring::kWrite, 0});
    q.desc(4, table, 48, vring::kIndirect);
    q.push(4);
    q.publish();
    q.notify();
  });
  b.at(10 * kUs, [&] { b.arrive(f); });
  b.run(30 * kUs);
  ASSERT_EQ(q.used_idx(), 1u);
  EXPECT_EQ(q.elem(0).id, 4u);
  Frame got = q.bytes(q.page(0) + 16, 512);
  append(got, q.bytes(q.page(1), f.size() - 512));
  EXPECT_EQ(got, f);
}

TEST(NicVirtioRx, NoBufferWaitsInTheFifoThenDrops) {
  NicParams p = NicBench::quiet();
  p.fifo = 2048;
  NicBench b("bench", p);
  TestVq q(b, 64, kMergeable | bit(feature::kEventIdx));
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  b.at(10 * kUs, [&] { b.arrive(tcp4_frame(1000)); });
  b.at(20 * kUs, [&] {
    EXPECT_EQ(b.nic.held(), 1u);
    b.arrive(tcp4_frame(1000));
    EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::guest_no_buffer)], 1u);
    q.post(0, 4, 2048);
  });
  b.run(40 * kUs);
  EXPECT_EQ(q.used_idx(), 1u);
  EXPECT_EQ(b.nic.held(), 0u);
  // The device asked to be told of the next buffer.
  EXPECT_EQ(b.phys.load<std::uint16_t>(vring::avail_event(q.c.layout)), 4u);
}

TEST(NicVirtioRx, ManyFramesWrapTheRing) {
  NicBench b("bench");
  TestVq q(b, 16, kMergeable);
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  std::uint64_t got = 0;
  b.at(0, [&] { q.post(0, 16, 2048); });
  for (unsigned i = 0; i < 200; ++i)
    b.at((10 + i) * kUs, [&] {
      b.arrive(tcp4_frame(100));
      if (static_cast<std::uint16_t>(q.used_idx() - q.used) < 8) return;
      for (; q.used != q.used_idx(); ++q.used, ++got) {
        const auto e = q.elem(q.used);
        b.frames.delivered(b.frames.pop(q.side.by_head[e.id]), b.agenda.now());
        q.push(static_cast<std::uint16_t>(e.id));
      }
      q.publish();
      q.notify();
    });
  b.run(300 * kUs);
  EXPECT_GE(got, 184u);
  EXPECT_EQ(q.used_idx(), 200u);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::guest_no_buffer)], 0u);
  EXPECT_EQ(b.ownership.violations(), 0u);
}

TEST(NicVirtioRx, SuppressionIsReadOncePerBurstAndObeyed) {
  NicParams p = NicBench::quiet();
  NicBench b("bench", p);
  TestVq flags(b, 64, kMergeable), event(b, 64, kMergeable | bit(feature::kEventIdx), 3);
  b.nic.configure_virtio_rx(0, flags.c);
  b.nic.configure_virtio_rx(1, event.c);
  b.nic.steer(0xaa0000000001, 0, 0, 1);
  b.nic.steer(0xaa0000000009, 0, 1, 1);
  Frame other = tcp4_frame(100);
  other[5] = 9;
  b.at(0, [&] {
    flags.post(0, 32, 2048);
    b.phys.store(vring::avail_flags(flags.c.layout), vring::kNoInterrupt);
    for (unsigned i = 0; i < 32; ++i) event.desc(i, event.page(i), 2048, vring::kWrite), event.push(static_cast<std::uint16_t>(i));
    event.publish();
    event.notify(1);
    b.phys.store(vring::used_event(event.c.layout), std::uint16_t{5});   // wants the sixth
  });
  for (unsigned i = 0; i < 10; ++i) b.at(10 * kUs, [&] { b.arrive(tcp4_frame(100)); });
  for (unsigned i = 0; i < 8; ++i) b.at((20 + 5 * static_cast<int>(i)) * kUs, [&] { b.arrive(other); });
  b.at(19 * kUs, [&] { EXPECT_EQ(b.nic.stats().suppression_reads, 2u); });   // the first entry, then the rest
  b.run(100 * kUs);
  ASSERT_EQ(b.messages.size(), 2u);   // the first always, then used_event
  EXPECT_EQ(b.messages[0].value, 3u);
  EXPECT_EQ(b.messages[1].issued, 45 * kUs + NicParams{}.rx_latency + NicBench::kWrite + NicBench::kRead);
}

TEST(NicVirtioRx, AMalformedRingStopsTheQueueOnly) {
  NicBench b("bench");
  TestVq q(b, 16, kMergeable), fine(b, 16, kMergeable);
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.configure_virtio_rx(1, fine.c);
  b.nic.steer(0xaa0000000001, 0, 0, 1);
  b.nic.steer(0xaa0000000009, 0, 1, 1);
  Frame other = tcp4_frame(100);
  other[5] = 9;
  b.at(0, [&] {
    q.desc(0, q.page(0), 64, vring::kWrite | vring::kNext, 1);   // a loop
    q.desc(1, q.page(1), 64, vring::kWrite | vring::kNext, 0);
    q.push(0);
    q.publish();
    q.notify();
    fine.desc(0, fine.page(0), 2048, vring::kWrite);
    fine.push(0);
    fine.publish();
    fine.notify(1);
  });
  b.at(200 * kUs, [&] { b.arrive(tcp4_frame(100)), b.arrive(other); });
  b.run(kMs);
  EXPECT_EQ(b.nic.stats().guest_faults, 1u);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::guest_no_buffer)], 1u);   // and does not sit in the FIFO
  EXPECT_EQ(b.nic.fifo_level(), 0u);
  EXPECT_EQ(q.used_idx(), 0u);
  EXPECT_EQ(fine.used_idx(), 1u);
}

TEST(NicVirtioRx, AResetEndsWhatIsUnderWayAndForgetsTheRest) {
  NicBench b("bench");
  TestVq q(b, 64, kMergeable);
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  const Frame f = tcp4_frame(1000);
  FrameRef first = kNoFrame, third = kNoFrame;
  b.at(0, [&] { q.post(0, 32, 1536); });
  b.at(10 * kUs, [&] {
    first = b.arrive(f);
    b.write_register(reg::rx_enable(0), 0);
    EXPECT_FALSE(b.nic.rx_drained(0));
  });
  b.at(10 * kUs + 2 * NicBench::kMmio, [&] {
    EXPECT_FALSE(b.nic.rx_drained(0));                  // the first frame's report is on its way
    b.write_register(reg::rx_enable(0), 1);             // too early: nothing
    b.arrive(f);
  });
  b.at(20 * kUs, [&] {
    EXPECT_TRUE(b.nic.rx_drained(0));
    EXPECT_EQ(q.used_idx(), 1u);
    EXPECT_EQ(q.side.by_head[0].first, first);
    EXPECT_EQ(b.nic.available(0), 0u);
    b.arrive(f);                                        // nothing is taken before the queue is begun again
    std::memset(b.phys.at(q.c.layout.avail), 0, vring::avail_bytes(64));
    std::memset(b.phys.at(q.c.layout.used), 0, vring::used_bytes(64));
    q.avail = 0;
    b.write_register(reg::rx_enable(0), 1);
    q.post(40, 8, 1536);
  });
  b.at(30 * kUs, [&] { third = b.arrive(f); });
  b.run(40 * kUs);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::guest_no_buffer)], 2u);
  EXPECT_EQ(b.nic.stats().bad_doorbells, 1u);
  EXPECT_EQ(q.used_idx(), 1u);
  EXPECT_EQ(q.elem(0).id, 40u);
  EXPECT_EQ(q.side.by_head[40].first, third);
  EXPECT_EQ(b.ownership.owner(b.ownership.find(q.page(1))), Owner::posted);   // fetched, forgotten, never written
  EXPECT_EQ(b.nic.held(), 0u);
  EXPECT_EQ(b.ownership.violations(), 0u);
}

TEST(NicVirtioRx, ABlockedWriteReturnsTheBufferEmpty) {
  NicBench b("bench");
  TestVq q(b, 16, kMergeable);
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  b.blocked_from = q.page(0);
  b.blocked_to = q.page(1);
  b.at(0, [&] { q.post(0, 8, 2048); });
  b.at(10 * kUs, [&] { b.arrive(tcp4_frame(100)), b.arrive(tcp4_frame(100)); });
  b.run(30 * kUs);
  EXPECT_EQ(q.used_idx(), 2u);
  EXPECT_EQ(q.elem(0).len, 0u);
  EXPECT_EQ(q.elem(1).len, 166u);
  EXPECT_TRUE(q.side.by_head[0].empty());
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::iommu_fault)], 1u);
  EXPECT_EQ(b.nic.held(), 0u);
}

TEST(NicVirtioRx, AGuestThatReusesABufferHarmsItselfOnly) {
  NicBench b("bench");
  TestVq q(b, 16, kMergeable);
  b.nic.configure_virtio_rx(0, q.c);
  b.nic.steer(0, 0, 0, 1);
  b.at(0, [&] {
    q.desc(0, q.page(0), 2048, vring::kWrite);
    for (int i = 0; i < 16; ++i) q.push(0);   // one buffer, posted as often as the ring allows
    q.publish();
    q.notify();
  });
  for (int i = 0; i < 40; ++i)
    b.at((10 + i) * kUs, [&] {
      b.arrive(tcp4_frame(100));
      q.push(0);
      q.publish();
      q.notify();
    });
  b.run(200 * kUs);
  const auto& c = b.frames.all();
  EXPECT_EQ(c.offered, c.dropped + b.nic.held() + q.side.by_head[0].count);
  EXPECT_EQ(q.side.by_head[0].count, 1u);
  EXPECT_GE(b.nic.stats().guest_faults, 38u);
}

TEST(NicVirtioTx, FrameLeavesWithoutTheHeaderAndIsUsed) {
  NicBench b("bench");
  TestVq q(b, 16, kMergeable);
  b.nic.configure_virtio_tx(0, q.c);
  const Frame f = tcp4_frame(300);
  Frame partial = f;
  set16(partial, 50, 0);
  b.at(0, [&] {
    VirtioNetHdr h;
    h.flags = VirtioNetHdr::kNeedsCsum;
    for (unsigned head : {0u, 2u}) {
      std::memcpy(b.phys.at(q.page(head)), &h, 12);
      h.gso_type = VirtioNetHdr::kGsoTcpV4;   // the second cannot be served
      std::memcpy(b.phys.at(q.page(head + 1)), partial.data(), partial.size());
      q.desc(head, q.page(head), 12, vring::kNext, head + 1);
      q.desc(head + 1, q.page(head + 1), static_cast<std::uint32_t>(partial.size()), 0);
      q.push(static_cast<std::uint16_t>(head));
    }
    q.publish();
    q.notify();
  });
  b.run(50 * kUs);
  ASSERT_EQ(b.sent.size(), 1u);
  EXPECT_EQ(b.sent[0].bytes, f);   // the card completed the checksum
  EXPECT_EQ(q.used_idx(), 2u);
  EXPECT_EQ(q.elem(0).id, 0u);
  EXPECT_EQ(q.elem(0).len, 0u);
  EXPECT_EQ(b.nic.stats().tx_errors, 1u);
  EXPECT_EQ(b.messages.size(), 2u);
}

}  // namespace virtio_test
