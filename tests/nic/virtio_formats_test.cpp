// The card's virtqueues against a driver, in every format. Bus address = guest-physical = host address here.
#include "models/base/rng.h"
#include "models/virtio/driver_ring.h"
#include "tests/nic/nic_bench.h"

using namespace gd;
using namespace gd::test;
using feature::bit;

namespace virtio_formats_test {

constexpr std::uint64_t kMergeable = bit(feature::kMergeRxBuffers) | bit(feature::kVersion1);
constexpr std::uint64_t kPacked = bit(feature::kPacked), kOrder = bit(feature::kInOrder), kEvents = bit(feature::kEventIdx),
                        kIndirect = bit(feature::kIndirect);

struct PhysView final : RingView {
  explicit PhysView(PhysMem& p) : phys(p) {}
  bool read(Gpa a, void* out, unsigned n) override { return std::memcpy(out, phys.at(a), n), true; }
  void write(Gpa a, const void* in, unsigned n) override { std::memcpy(phys.at(a), in, n); }
  void publish(Gpa a, const void* in, unsigned n) override { write(a, in, n); }
  PhysMem& phys;
};

// A guest's queue: a driver, one page a buffer, woken by the card's messages only.
struct GuestVq {
  static VirtQueueLayout place(NicBench& b, std::uint16_t size, std::uint64_t features, unsigned segments, VringSide& side) {
    VirtQueueLayout l;
    const auto zeroed = [&b](Bytes n) {
      const Hpa a = b.phys.alloc_contiguous(n, 4096);
      std::memset(b.phys.at(a), 0, n);
      return a;
    };
    l.size = size;
    l.features = features;
    l.header_length = feature::header_length(features);
    l.side = &side;
    l.desc = zeroed(vring::desc_bytes(size));
    l.avail = zeroed(vring::avail_bytes(size));
    l.used = zeroed(vring::used_bytes(size));
    if (features & kIndirect) {
      l.tables = zeroed(16ULL * segments * size);
      l.table_entries = static_cast<std::uint16_t>(segments);
    }
    return l;
  }
  GuestVq(NicBench& bench, std::uint32_t q, std::uint16_t size, std::uint64_t features, unsigned pieces)
      : b(bench), queue(q), segments(pieces), view(b.phys), layout(place(b, size, features, pieces, side)), driver(layout) {
    config.layout = layout;
    config.vector = q;
    data = b.phys.alloc_contiguous(size * kPage, 4096);
    for (unsigned i = 0; i < size; ++i) {
      b.ownership.add(data + i * kPage, kPage, Owner::guest, Ownership::Home::guest);
      idle.push_back(i);
    }
    b.nic.configure_virtio_rx(q, config);
    b.nic.steer(0xaa0000000001 + q, 0, q, 1);
  }
  Hpa page(std::uint32_t token) const { return data + token * kPage; }
  // 1024 bytes in `segments` pieces that do not lie next to each other.
  std::vector<Segment> pieces(std::uint32_t token) const {
    std::vector<Segment> s;
    for (unsigned k = 0; k < segments; ++k) s.push_back({page(token) + k * 1280, 1024 / segments + (k == 0 ? 1024 % segments : 0), true});
    return s;
  }
  Frame content(std::uint32_t token, std::uint32_t length) const {
    Frame f;
    for (const Segment& s : pieces(token)) {
      const std::uint32_t n = std::min(length, s.len);
      f.insert(f.end(), b.phys.at(s.gpa), b.phys.at(s.gpa) + n);
      length -= n;
    }
    return f;
  }
  void fill() {
    while (!idle.empty()) {
      const std::vector<Segment> s = pieces(idle.back());
      if (driver.add(view, s.data(), segments, idle.back()) == DriverRing::kFull) break;
      b.ownership.move(b.ownership.find(page(idle.back())), Owner::guest, Owner::posted, b.agenda.now(), "test posts");
      idle.pop_back();
    }
    driver.publish(view);
    if (!driver.kick_needed(view)) return;
    ++kicks;
    b.write_register(reg::virtio_notify(queue), 0);
  }
  // One look at the queue; asleep, only a message makes it.
  void tick() {
    std::size_t mine = 0;
    for (const auto& m : b.messages) mine += m.value == queue;
    awake |= mine != seen;
    seen = mine;
    if (!awake) return;
    driver.disable_callbacks(view);
    DriverRing::Used u;
    while (driver.get_used(view, u)) {
      if (left == 0) {
        VirtioNetHdr h;
        std::memcpy(static_cast<void*>(&h), b.phys.at(page(u.token)), 12);
        left = h.num_buffers;
        packet.clear();
        b.frames.delivered(b.frames.pop(side.by_head[u.head]), b.agenda.now());
      }
      if (left > 1) { EXPECT_EQ(u.len, 1024u) << "section 5.1.6.4.1: all buffers but the last are used to their full length"; }
      append(packet, content(u.token, u.len));
      idle.push_back(u.token);
      if (--left == 0) got.push_back(Frame(packet.begin() + 12, packet.end()));
    }
    EXPECT_EQ(left, 0u) << "section 5.1.6.4.1: a packet's buffers are seen together";
    fill();
    driver.enable_callbacks(view);
    awake = driver.more_used(view);
  }
  Frame frame(Bytes payload) const {
    Frame f = tcp4_frame(payload);
    f[5] = static_cast<std::uint8_t>(1 + queue);
    return f;
  }

  NicBench& b;
  std::uint32_t queue;
  unsigned segments;
  VringSide side;
  PhysView view;
  VirtQueueLayout layout;
  DriverRing driver;
  VirtioQueueConfig config;
  Hpa data = 0;
  std::vector<std::uint32_t> idle;
  std::vector<Frame> got, sent;
  Frame packet;
  unsigned left = 0, kicks = 0;
  std::size_t seen = 0;
  bool awake = true;
};

// Four queues, 300 frames each, of which some come in bursts that the ring cannot take at once.
void many_frames(std::initializer_list<std::tuple<unsigned, std::uint64_t, unsigned>> rows) {
  NicParams p = NicBench::quiet();
  p.mtu = 9000;
  NicBench b("bench", p);
  std::vector<std::unique_ptr<GuestVq>> q;
  for (const auto& [size, features, segments] : rows)
    q.push_back(std::make_unique<GuestVq>(b, static_cast<std::uint32_t>(q.size()), static_cast<std::uint16_t>(size), kMergeable | features, segments));
  Rng rng(5, "frames");
  Time t = 10 * kUs;
  for (int i = 0; i < 300; ++i, t += static_cast<Time>(rng.below(8)) * kUs)
    for (auto& x : q) {
      x->sent.push_back(x->frame(60 + rng.below(i % 3 ? 800 : 2900)));
      b.at(t, [&b, f = x->sent.back()] { b.arrive(f); });
    }
  b.at(0, [&] { for (auto& x : q) x->fill(), x->driver.enable_callbacks(x->view); });
  for (Time at = 9 * kUs; at < t + 300 * kUs; at += kUs) b.at(at, [&] { for (auto& x : q) x->tick(); });
  b.run(t + 300 * kUs);
  for (auto& x : q) {
    ASSERT_EQ(x->got.size(), x->sent.size()) << x->queue;
    for (std::size_t i = 0; i < x->got.size(); ++i) ASSERT_EQ(x->got[i], x->sent[i]) << x->queue << ' ' << i;
    EXPECT_EQ(x->driver.errors(), 0u);
    EXPECT_GT(x->kicks, 5u) << x->queue;
  }
  EXPECT_EQ(b.nic.stats().guest_faults + b.nic.stats().ring_faults, 0u);
  EXPECT_EQ(b.ownership.violations(), 0u);
  EXPECT_EQ(b.nic.held(), 0u);
}

TEST(NicVirtqueue, SplitFormats) { many_frames({{16, 0, 1}, {16, kEvents, 2}, {16, kOrder | kEvents, 1}, {8, kIndirect | kEvents, 3}}); }
TEST(NicVirtqueue, PackedFormats) { many_frames({{16, kPacked, 1}, {15, kPacked | kEvents, 2}, {17, kPacked | kOrder | kEvents, 3}, {7, kPacked | kIndirect | kEvents, 3}}); }
TEST(NicVirtqueue, PackedFormatsAgain) { many_frames({{7, kPacked | kOrder, 2}, {9, kPacked | kOrder | kIndirect, 2}, {100, kPacked | kEvents, 3}, {5, kPacked | kIndirect, 3}}); }

// A guest sends 60 frames through each of four transmit queues, header and frame in two segments, with few descriptors.
TEST(NicVirtqueue, TransmitInEveryFormat) {
  NicBench b("bench");
  struct Queue {
    VringSide side;
    VirtQueueLayout layout;
    std::unique_ptr<DriverRing> driver;
    Hpa data = 0;
    std::vector<std::uint32_t> idle = {0, 1, 2, 3};
    unsigned posted = 0, reclaimed = 0;
  };
  PhysView view(b.phys);
  Queue q[4];
  const std::pair<unsigned, std::uint64_t> formats[] = {{8, kIndirect | kEvents}, {7, kPacked}, {9, kPacked | kOrder | kEvents}, {5, kPacked | kIndirect}};
  for (std::uint32_t i = 0; i < 4; ++i) {
    q[i].layout = GuestVq::place(b, static_cast<std::uint16_t>(formats[i].first), formats[i].second | bit(feature::kVersion1), 2, q[i].side);
    q[i].driver = std::make_unique<DriverRing>(q[i].layout);
    q[i].data = b.phys.alloc_contiguous(4 * kPage, 4096);
    VirtioQueueConfig c;
    c.layout = q[i].layout;
    c.vector = 4 + i;
    b.nic.configure_virtio_tx(i, c);
  }
  const auto frame = [](std::uint32_t queue, unsigned n) {
    Frame f = tcp4_frame(40 + 13 * n);
    f[11] = static_cast<std::uint8_t>(queue);
    return f;
  };
  const auto tick = [&] {
    for (std::uint32_t i = 0; i < 4; ++i) {
      Queue& x = q[i];
      DriverRing::Used u;
      while (x.driver->get_used(view, u)) x.idle.push_back(u.token), ++x.reclaimed;
      while (!x.idle.empty() && x.posted < 60) {
        const Hpa at = x.data + x.idle.back() * kPage;
        const Frame f = frame(i, x.posted);
        const Segment s[] = {{at, 12, false}, {at + 64, static_cast<std::uint32_t>(f.size()), false}};
        std::memset(b.phys.at(at), 0, 12);
        std::memcpy(b.phys.at(at + 64), f.data(), f.size());
        if (x.driver->add(view, s, 2, x.idle.back()) == DriverRing::kFull) break;
        x.idle.pop_back();
        ++x.posted;
      }
      x.driver->publish(view);
      if (x.driver->kick_needed(view)) b.write_register(reg::virtio_notify(i), 0);
    }
  };
  for (int i = 1; i < 400; ++i) b.at(i * kUs, tick);
  b.run(kMs);
  ASSERT_EQ(b.sent.size(), 240u);
  unsigned next[4] = {};
  for (const auto& s : b.sent) {
    const std::uint32_t i = s.bytes[11];
    ASSERT_LT(i, 4u);
    EXPECT_EQ(s.bytes, frame(i, next[i]++)) << i;
  }
  for (const Queue& x : q) {
    EXPECT_EQ(x.reclaimed, 60u);
    EXPECT_EQ(x.driver->errors(), 0u);
  }
  EXPECT_EQ(b.nic.stats().guest_faults + b.nic.stats().ring_faults + b.nic.stats().tx_errors, 0u);
}

// Chains of three pages, of which a frame reaches two, and a blocked one none: with the used entry all are the guest's.
void chains_go_back_whole(std::initializer_list<std::uint64_t> rows) {
  NicBench b("bench");
  std::vector<std::unique_ptr<GuestVq>> q;
  for (const std::uint64_t features : rows)
    q.push_back(std::make_unique<GuestVq>(b, static_cast<std::uint32_t>(q.size()), 16, bit(feature::kVersion1) | features, 3));
  const auto owner = [&b](const GuestVq& x, unsigned page) { return b.ownership.owner(b.ownership.find(x.page(page))); };
  const auto expect = [&](const GuestVq& x, unsigned chain, bool guests) {
    for (unsigned page = 3 * chain; page < 3 * chain + 3; ++page) EXPECT_EQ(owner(x, page) == Owner::guest, guests) << x.queue << ' ' << page;
  };
  b.at(0, [&] {
    for (auto& x : q) {
      for (unsigned page = 0; page < 9; ++page) b.ownership.move(b.ownership.find(x->page(page)), Owner::guest, Owner::posted, 0, "test posts");
      for (unsigned c = 0; c < 3; ++c) {
        const Segment s[] = {{x->page(3 * c) + 100, 64, true}, {x->page(3 * c + 1), 1024, true}, {x->page(3 * c + 2), 1024, true}};
        ASSERT_NE(x->driver.add(x->view, s, 3, c), DriverRing::kFull);
      }
      x->driver.publish(x->view);
      b.write_register(reg::virtio_notify(x->queue), 0);
    }
  });
  for (auto& x : q) {
    const Time at = (10 + 40 * static_cast<int>(x->queue)) * kUs, visible = at + NicParams{}.rx_latency + NicBench::kWrite;
    b.at(at, [&] { b.arrive(x->frame(200)); });
    b.at(visible - 1, [&] { expect(*x, 0, false); });
    b.at(visible, [&] { expect(*x, 0, true), expect(*x, 1, false); });
    b.at(at + 20 * kUs, [&] {
      b.blocked_from = x->page(3), b.blocked_to = x->page(4);
      b.arrive(x->frame(200));
    });
  }
  b.run(200 * kUs);
  for (auto& x : q) {
    expect(*x, 1, true), expect(*x, 2, false);
    DriverRing::Used u;
    ASSERT_TRUE(x->driver.get_used(x->view, u));
    EXPECT_EQ(u.len, 12u + 254);
    ASSERT_TRUE(x->driver.get_used(x->view, u));
    EXPECT_EQ(u.len, 0u);
    EXPECT_FALSE(x->driver.get_used(x->view, u));
  }
  EXPECT_EQ(b.ownership.violations(), 0u);
  EXPECT_EQ(b.nic.held(), 0u);
}
TEST(NicVirtqueue, SplitChainsGoBackWhole) { chains_go_back_whole({0, kIndirect, kOrder, kOrder | kIndirect}); }
TEST(NicVirtqueue, PackedChainsGoBackWhole) { chains_go_back_whole({kPacked, kPacked | kIndirect, kPacked | kOrder, kPacked | kOrder | kIndirect}); }

// A packet of three buffers: with IN_ORDER one used entry, at the place of the first, with the id of the last.
TEST(NicVirtqueue, InOrderAPacketHasOneEntry) {
  NicParams p = NicBench::quiet();
  p.mtu = 9000;
  NicBench b("bench", p);
  GuestVq split(b, 0, 16, kMergeable | kOrder, 1), packed(b, 1, 16, kMergeable | kOrder | kPacked, 1);
  b.at(0, [&] { split.fill(), packed.fill(); });
  b.at(10 * kUs, [&] { b.arrive(split.frame(2500)), b.arrive(packed.frame(2500)); });
  b.at(40 * kUs, [&] {
    EXPECT_EQ(b.accesses(split.layout.used + 4, 128, true).size(), 1u);
    const auto e = b.phys.load<vring::UsedElem>(vring::used_slot(split.layout, 0));
    EXPECT_EQ(e.id, 2u);
    EXPECT_EQ(e.len, 2554u + 12 - 2048);
    EXPECT_EQ(b.phys.load<std::uint16_t>(vring::used_idx(split.layout)), 3u);
    EXPECT_EQ(b.accesses(packed.layout.desc, 256, true).size(), 1u);
    const auto d = b.phys.load<pvring::Desc>(packed.layout.desc);
    EXPECT_EQ(d.id, 2u);
    EXPECT_EQ(d.len, 2554u + 12 - 2048);
    EXPECT_TRUE(pvring::is_used(d.flags, true));
    split.tick(), packed.tick();
    for (GuestVq* q : {&split, &packed}) {
      ASSERT_EQ(q->got.size(), 1u);
      EXPECT_EQ(q->got[0], q->frame(2500));
    }
  });
  b.run(60 * kUs);
}

TEST(Spec_5_1_6_3_2, WithoutMergeableBuffersOneIsUsedAndNumBuffersIsOne) {
  NicBench b("bench");
  GuestVq q(b, 0, 16, bit(feature::kVersion1) | kPacked, 1);
  b.at(0, [&] { q.fill(); });
  b.at(10 * kUs, [&] { b.arrive(q.frame(1100)), b.arrive(q.frame(900)); });   // two would hold the first
  b.at(40 * kUs, [&] {
    VirtioNetHdr h;
    std::memcpy(static_cast<void*>(&h), b.phys.at(q.page(15)), 12);
    EXPECT_EQ(h.num_buffers, 1);
    EXPECT_EQ(h.flags, 0);                                                    // section 5.1.6.4.1: no GUEST_CSUM
    EXPECT_EQ(h.gso_type, VirtioNetHdr::kGsoNone);
    q.tick();
    ASSERT_EQ(q.got.size(), 1u);
    EXPECT_EQ(q.got[0], q.frame(900));
  });
  b.run(60 * kUs);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::oversize)], 1u);
}

TEST(NicVirtqueue, PackedEventsAreAskedForAndObeyed) {
  NicBench b("bench");
  GuestVq off(b, 0, 8, kMergeable | kPacked, 1), place(b, 1, 8, kMergeable | kPacked | kEvents, 1);
  const auto event = [&b](Gpa a, std::uint16_t off_wrap, std::uint16_t flags) { b.phys.store(a, pvring::Event{off_wrap, flags}); };
  b.at(0, [&] {
    off.fill(), place.fill();
    event(pvring::driver_event(off.layout), 0, pvring::kEventDisable);
    event(pvring::driver_event(place.layout), 1 << 15 | 2, pvring::kEventDesc);   // wants the third
  });
  for (int i = 0; i < 4; ++i) b.at((20 + 10 * i) * kUs, [&] { b.arrive(off.frame(100)), b.arrive(place.frame(100)); });
  b.run(100 * kUs);
  ASSERT_EQ(b.messages.size(), 1u);
  EXPECT_EQ(b.messages[0].value, 1u);
  EXPECT_GT(b.messages[0].issued, 40 * kUs);
  EXPECT_LT(b.messages[0].issued, 50 * kUs);
  // All eight were seen: it wants to be told of the first of the next turn.
  const auto e = b.phys.load<pvring::Event>(pvring::device_event(place.layout));
  EXPECT_EQ(e.flags, pvring::kEventDesc);
  EXPECT_EQ(e.off_wrap, 0u);
  EXPECT_EQ(b.phys.load<pvring::Event>(pvring::device_event(off.layout)).flags, pvring::kEventEnable);
}

TEST(NicVirtqueue, AMalformedPackedRingStopsTheQueueOnly) {
  NicBench b("bench");
  GuestVq fine(b, 0, 8, kMergeable | kPacked, 1), endless(b, 1, 8, kMergeable | kPacked, 1), twice(b, 2, 8, kMergeable | kPacked, 1),
      table(b, 3, 8, kMergeable | kPacked, 1);
  const auto desc = [&b](GuestVq& q, unsigned at, std::uint16_t id, unsigned flags) {
    b.phys.store(pvring::desc_at(q.layout, at), pvring::Desc{q.page(at), 1024, id, static_cast<std::uint16_t>(flags | vring::kWrite | pvring::kAvail)});
  };
  b.at(0, [&] {
    fine.fill();
    for (unsigned i = 0; i < 8; ++i) desc(endless, i, 0, vring::kNext);
    for (unsigned i = 0; i < 2; ++i) desc(twice, i, 3, 0);
    desc(table, 0, 0, vring::kIndirect);     // not negotiated
    for (std::uint32_t q = 1; q < 4; ++q) b.write_register(reg::virtio_notify(q), 0);
  });
  b.at(100 * kUs, [&] { for (GuestVq* q : {&fine, &endless, &twice, &table}) b.arrive(q->frame(100)); });
  b.run(kMs);
  EXPECT_EQ(b.nic.stats().guest_faults, 3u);
  EXPECT_EQ(b.nic.stats().drops[static_cast<int>(Drop::guest_no_buffer)], 3u);
  EXPECT_EQ(b.nic.fifo_level(), 0u);
  EXPECT_TRUE(pvring::is_used(b.phys.load<pvring::Desc>(fine.layout.desc).flags, true));
}

}  // namespace virtio_formats_test
