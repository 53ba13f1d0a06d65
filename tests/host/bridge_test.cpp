// The host between GRO and tap: filters, foreign frames, clones, rewrites and replicas, with host pages and with a path
// whose packets lie in the guest's memory.
#include "models/host/bridge.h"
#include "models/packet/headers.h"
#include "tests/host/vhost_bench.h"

namespace gd::test {
namespace bridge_test {

// A path in host memory that says its packets are the guest's, and notes what the host asks of it.
struct GuestMemoryPath final : HostPagePath {
  using HostPagePath::HostPagePath;
  bool guest_memory() const override { return true; }
  bool move_start(Step& s, Skb& skb, std::uint32_t headers, int by) override {
    return room && HostPagePath::move_start(s, skb, headers, by);
  }
  void edited(Step&, Skb&, std::uint32_t from, std::uint32_t to) override { edits.push_back({from, to}); }
  void scrub(Step& s, Skb& skb, const Cost& c) override {
    s.charge(c, skb.length);
    for_each_frag(skb, [&](Frag& f) { std::memset(c_.phys.at(f.addr), 0, f.length); });
    ++scrubs;
  }
  Progress deliver(Step&, Skb*) override { return Progress::done; }
  bool room = true;
  int scrubs = 0;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> edits;
};

struct BridgeTest : VhostTest {
  // GRO feeds the bridge, the bridge a tap whose worker does not run: what comes out lies in the queue.
  void open_bridge(BridgeParams p, bool in_guest = false, bool merging = false) {
    env.gro = merging;
    make_driver();
    bind("vhost-copy");
    if (in_guest) {
      auto own_path = std::make_unique<GuestMemoryPath>(context());
      memory_path = own_path.get();
      path = std::move(own_path);
    }
    bridge = std::make_unique<HostBridge>(p, context(), 4900);
    for (auto* q : {&tap, &other}) *q = std::make_unique<TapQueue>(100, phys, skbs_, frames, costs, "tap", TapOffloads::of(kModern));
    add_core().attach(sleeper);
    tap->connect(sleeper);
    other->connect(sleeper);
    bridge->connect(*tap);
    add_core().attach(bridge->reader());
    start("vhost-copy", bridge.get());
  }
  Frame to(std::uint64_t mac, Frame f = udp4_frame(300)) {
    for (unsigned i = 0; i < 6; ++i) f[i] = static_cast<std::uint8_t>(mac >> (40 - 8 * i));
    return f;
  }
  std::uint64_t calls(const char* op) {
    std::uint64_t n = 0;
    for (std::size_t r = 0; r < ledger.rows().size(); ++r) n += ledger.cell(static_cast<Ledger::Row>(r), costs.get(op).op).calls;
    return n;
  }
  // Takes one packet out of a queue as its bytes; its frames are delivered, its buffers given back.
  Frame take(TapQueue& q, FrameMeta* meta = nullptr) {
    Skb* skb = q.pop();
    if (!skb) return {};
    Frame f = all_bytes(*skb);
    if (meta && !skb->frames.empty()) *meta = frames[skb->frames.first];
    in_step([&](Step& s) {
      for (FrameRef r; (r = frames.pop(skb->frames)) != kNoFrame;) frames.delivered(r, s.now());
      skb->path->release(s, skb);
    });
    return f;
  }
  void expect_clean() {
    EXPECT_EQ(frames.live(), 0u);
    EXPECT_EQ(own.count(Owner::skb), 0u);
    EXPECT_EQ(skbs_.in_use(), 0u);
    expect_no_violation();
  }
  Doer sleeper{"sleeper", Priority::thread};
  std::unique_ptr<HostBridge> bridge;
  std::unique_ptr<TapQueue> other;
  GuestMemoryPath* memory_path = nullptr;
};

constexpr std::uint32_t kAll = 1'000'000;
const BridgeParams kPlain;

TEST_F(BridgeTest, WhatIsForTheGuestPasses) {
  open_bridge(kPlain);
  const Frame f = tcp4_frame(500);
  receive(f);
  wait();
  EXPECT_EQ(take(*tap), f);
  EXPECT_EQ(calls("host.filter") + calls("host.rewrite"), 0u);
  expect_clean();
}

TEST_F(BridgeTest, AFilterDropsItsShare) {
  BridgeParams p;
  p.filter = 300'000;
  open_bridge(p);
  unsigned passed = 0;
  for (int i = 0; i < 400; ++i) {
    receive(udp4_frame(300));
    wait(20 * kUs);
    while (!take(*tap).empty()) ++passed;
  }
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::filtered)], bridge->stats().filtered);
  EXPECT_NEAR(bridge->stats().filtered, 120, 30);
  EXPECT_EQ(passed + bridge->stats().filtered, 400u);
  EXPECT_EQ(calls("host.filter"), 400u);
  expect_clean();
}

TEST_F(BridgeTest, TheHostTakesItsOwn) {
  open_bridge(kPlain);
  receive(to(kPlain.host_mac));
  receive(to(kPlain.neighbour_mac));
  wait();
  EXPECT_TRUE(tap->empty());
  EXPECT_EQ(frames.all().consumed, 2u);
  EXPECT_EQ(calls("host.local"), 1u);
  EXPECT_EQ(calls("host.forward"), 1u);
  EXPECT_EQ(bridge->stats().copied_foreign, 0u);
  expect_clean();
}

TEST_F(BridgeTest, ForeignInGuestMemoryIsCopiedAndLeaks) {
  open_bridge(kPlain, true);
  const Frame f = to(kPlain.host_mac);
  receive(f);
  wait();
  EXPECT_EQ(frames.all().consumed, 1u);
  EXPECT_EQ(bridge->stats().copied_foreign, 1u);
  EXPECT_EQ(memory_path->scrubs, 0);
  EXPECT_TRUE(tap->empty());
  expect_clean();
}

TEST_F(BridgeTest, ForeignInGuestMemoryIsReturnedByTheWorker) {
  BridgeParams p;
  p.foreign = ForeignAction::give_back;
  p.scrub = true;
  open_bridge(p, true);
  receive(to(p.neighbour_mac));
  wait();
  ASSERT_NE(tap->front(), nullptr);
  EXPECT_TRUE(tap->front()->returned);
  EXPECT_TRUE(tap->front()->frames.empty());
  EXPECT_EQ(bridge->stats().copied_foreign, 0u);
  EXPECT_EQ(bridge->stats().scrubbed_bytes, udp4_frame(300).size());
  EXPECT_EQ(memory_path->scrubs, 1);
  EXPECT_EQ(take(*tap), Frame(udp4_frame(300).size(), 0));
  expect_clean();
}

TEST_F(BridgeTest, ForeignIsDropped) {
  BridgeParams p;
  p.foreign = ForeignAction::drop;
  open_bridge(p, true);
  receive(to(p.host_mac));
  wait();
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::foreign)], 1u);
  EXPECT_EQ(memory_path->scrubs, 0);
  expect_clean();
}

TEST_F(BridgeTest, ABroadcastReachesEverybodyOnce) {
  rss_type = RxDescriptor::kRssUdp4;
  open_bridge(kPlain);
  bridge->peer(*other);
  const Frame f = to(0xffffffffffff, udp4_frame(1400));
  receive(f);
  wait();
  EXPECT_EQ(frames.all().replicas, 2u);                     // the other guest's and the host's own
  EXPECT_EQ(frames.all().consumed, 1u);
  for (TapQueue* q : {tap.get(), other.get()}) EXPECT_EQ(q->front()->hash_type, rss_type);
  EXPECT_EQ(take(*tap), f);                                 // the first owner frees before the replica is read
  FrameMeta m;
  EXPECT_EQ(take(*other, &m), f);
  EXPECT_TRUE(m.replica);
  EXPECT_EQ(m.id, 0u);
  EXPECT_EQ(bridge->stats().copied_shared, 0u);
  EXPECT_EQ(frames.all().offered + frames.all().replicas, frames.all().delivered + frames.all().consumed);
  const FrameRef next = frames.create();
  EXPECT_EQ(frames[next].id, 1u);                           // ids count wire frames
  frames.dropped(next, Drop::link_down, now());
  expect_clean();
}

TEST_F(BridgeTest, AReplicaOfAGuestsPageIsACopy) {
  open_bridge(kPlain, true);
  bridge->peer(*other);
  const Frame f = to(0x01005e010101, udp4_frame(1400));
  receive(f);
  wait();
  EXPECT_EQ(frames.all().replicas, 1u);                     // a group of guests: not the host
  EXPECT_EQ(bridge->stats().copied_shared, 1u);
  EXPECT_NE(tap->front()->head.addr, other->front()->head.addr);
  EXPECT_EQ(take(*other), f);
  EXPECT_EQ(take(*tap), f);
  expect_clean();
}

TEST_F(BridgeTest, AHeldCloneKeepsAGuestsPageBack) {
  BridgeParams p;
  p.cloned = kAll;
  p.clone = CloneAction::hold;
  p.clone_hold = 100 * kUs;
  open_bridge(p, true);
  receive(udp4_frame(300));
  wait(60 * kUs);
  EXPECT_TRUE(tap->empty());
  EXPECT_EQ(bridge->held(), 1u);
  wait(100 * kUs);
  EXPECT_EQ(bridge->held(), 0u);
  EXPECT_EQ(calls("clone.read"), 1u);
  EXPECT_EQ(take(*tap), udp4_frame(300));
  EXPECT_EQ(bridge->stats().copied_shared, 0u);
  expect_clean();
}

TEST_F(BridgeTest, ACopiedCloneDoesNot) {
  BridgeParams p;
  p.cloned = kAll;
  p.clone_hold = 100 * kUs;
  open_bridge(p, true);
  receive(udp4_frame(300));
  wait(60 * kUs);
  EXPECT_FALSE(tap->empty());
  EXPECT_EQ(calls("clone.read"), 0u);
  EXPECT_EQ(take(*tap), udp4_frame(300));
  EXPECT_EQ(bridge->stats().copied_shared, 1u);
  wait(100 * kUs);
  EXPECT_EQ(calls("clone.read"), 1u);
  expect_clean();
}

TEST_F(BridgeTest, ClonesShareHostPagesAndAFullSocketDropsThem) {
  BridgeParams p;
  p.cloned = kAll;
  p.clone_hold = 50 * kMs;
  open_bridge(p);
  for (unsigned i = 0; i < CloneReader::kQueue + 10; ++i) {
    receive(udp4_frame(300));
    wait(20 * kUs);
    EXPECT_EQ(take(*tap), udp4_frame(300));
  }
  EXPECT_EQ(bridge->stats().clone_drops, 10u);
  EXPECT_EQ(bridge->stats().copied_shared, 0u);
  wait(60 * kMs);
  EXPECT_EQ(calls("clone.read"), CloneReader::kQueue);
  expect_clean();
}

struct RewriteCase {
  Rewrite kind;
  int grown;
};

TEST_F(BridgeTest, EveryRewriteInHostMemory) {
  BridgeParams p;
  p.rewritten = kAll;
  open_bridge(p);
  for (const RewriteCase& c : {RewriteCase{Rewrite::mac, 0}, {Rewrite::ttl, 0}, {Rewrite::nat, 0}, {Rewrite::vlan_push, 4}, {Rewrite::encapsulate, 50}}) {
    p.rewrite = c.kind;
    bridge = std::make_unique<HostBridge>(p, context(), 4901 + static_cast<std::uint32_t>(c.kind));
    bridge->connect(*tap);
    napi->connect(*path, *gro, *bridge);
    for (const Frame& f : {udp4_frame(60), tcp4_frame(1400)}) {      // in the slab (copybreak), in a page
      const Parsed q = parse(f.data(), static_cast<std::uint32_t>(f.size()));
      Frame want(q.header_length + static_cast<std::uint32_t>(c.grown));
      rewrite_headers(want.data(), f.data(), q, c.kind, p.values, false);
      want.insert(want.end(), f.begin() + q.header_length, f.end());
      receive(f);
      wait();
      FrameMeta m;
      EXPECT_EQ(take(*tap, &m), want) << static_cast<int>(c.kind);
      EXPECT_EQ(m.length, want.size());
      EXPECT_EQ(m.grown, c.grown);
      EXPECT_EQ(static_cast<Rewrite>(m.rewrite), c.kind);
    }
    EXPECT_EQ(bridge->stats().copied_headroom, 0u);
  }
  EXPECT_EQ(calls("skb.expand"), 4u);
  EXPECT_EQ(calls("host.encapsulate"), 2u);
  expect_clean();
}

TEST_F(BridgeTest, WithoutHeadroomThePacketIsCopied) {
  BridgeParams p;
  p.rewritten = kAll;
  p.rewrite = Rewrite::vlan_push;
  open_bridge(p, true);
  memory_path->room = false;
  const Frame f = tcp4_frame(1000);
  receive(f);
  wait();
  EXPECT_EQ(bridge->stats().copied_headroom, 1u);
  ASSERT_NE(tap->front(), nullptr);
  EXPECT_NE(tap->front()->path, path.get());                // deliver_copy() takes it
  const Frame got = take(*tap);
  EXPECT_EQ(got.size(), f.size() + 4);
  EXPECT_EQ(be16(got.data() + 12), ether::kVlan);
  expect_clean();
}

// A merged packet is cut, its checksums completed, and each segment gets its own outer headers.
void encapsulates_a_merged_packet(BridgeTest& t, bool in_guest) {
  BridgeParams p;
  p.rewritten = kAll;
  p.rewrite = Rewrite::encapsulate;
  t.gro_on = true;
  t.open_bridge(p, in_guest, true);
  std::vector<Frame> in;
  for (unsigned i = 0; i < 4; ++i) {
    Ip4 o;
    o.id = 7 + i;
    Frame f = ip4_packet(ethernet(0x0800), o, tcp_segment(100 + i * 1400, 200, i == 3 ? 0x18 : 0x10, {}, payload(i == 3 ? 777 : 1400)));
    seal(f, 14, 34, false, 6);
    in.push_back(f);
  }
  for (const Frame& f : in) t.receive(f);
  t.wait();
  for (const Frame& f : in) {
    const Parsed q = parse(f.data(), static_cast<std::uint32_t>(f.size()));
    Frame want(q.header_length + 50u);
    rewrite_headers(want.data(), f.data(), q, Rewrite::encapsulate, p.values, false);
    want.insert(want.end(), f.begin() + q.header_length, f.end());
    FrameMeta m;
    EXPECT_EQ(t.take(*t.tap, &m), want);
    EXPECT_EQ(m.grown, 50);
  }
  EXPECT_TRUE(t.tap->empty());
  EXPECT_EQ(t.calls("gso.segment"), 4u);
  EXPECT_EQ(t.calls("host.encapsulate"), 4u);
  EXPECT_EQ(t.bridge->stats().copied_headroom, in_guest ? 4u : 0u);
  t.expect_clean();
}

TEST_F(BridgeTest, AMergedPacketIsCutBeforeItIsEncapsulated) { encapsulates_a_merged_packet(*this, false); }
TEST_F(BridgeTest, SegmentsOfAGuestsMemoryAreCopiedForOuterHeaders) { encapsulates_a_merged_packet(*this, true); }

TEST_F(BridgeTest, WhatOuterHeadersMakeTooLongIsDropped) {
  BridgeParams p;
  p.rewritten = kAll;
  p.rewrite = Rewrite::encapsulate;
  open_bridge(p);
  receive(tcp4_frame(1500 - 40 - 50));          // 1550 bytes without the link header do not fit
  receive(tcp4_frame(1500 - 40 - 50 + 1));
  wait();
  EXPECT_EQ(take(*tap).size(), 14u + 1500);
  EXPECT_TRUE(tap->empty());
  EXPECT_EQ(frames.all().drops[static_cast<int>(Drop::oversize)], 1u);
  expect_clean();
}

TEST_F(BridgeTest, TheDesignIsToldWhichBytesChanged) {
  BridgeParams p;
  p.rewritten = kAll;
  p.rewrite = Rewrite::ttl;
  open_bridge(p, true);
  receive(tcp4_frame(1000));
  wait();
  ASSERT_EQ(memory_path->edits.size(), 1u);
  EXPECT_EQ(memory_path->edits[0], (std::pair<std::uint32_t, std::uint32_t>{22, 26}));
  take(*tap);
  expect_clean();
}

}  // namespace bridge_test
}  // namespace gd::test
