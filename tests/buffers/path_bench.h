// A receive path between a scripted NIC and a scripted guest: rings, buffers and frames are real bytes, every operation
// costs 10 cycles of a 1 GHz core (post.untrack: 100, vhost.packet: 400), memory and IOMMU are
// the models. What a test does to a path it does inside a step.
#pragma once
#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <vector>

#include "models/buffers/host_page_path.h"
#include "models/buffers/strategy.h"
#include "models/memory/copy_engine.h"
#include "models/nic/split.h"
#include "models/packet/parse.h"
#include "models/virtio/driver_ring.h"
#include "tests/cpu/machine.h"
#include "tests/packet/frames.h"

namespace gd::test {

// A guest without a driver: the test posts buffers of its choice and looks at the used entries.
struct StubGuest : GuestPort, InterruptSink {
  bool asleep() const override { return sleeps; }
  struct Posted {
    Gpa gpa;
    std::uint32_t length;
    BufferId id;
  };
  StubGuest(PhysMem& phys, Ownership& o, std::uint16_t size, std::uint64_t features, Bytes backing = kPage)
      : own(o), memory(phys, std::max<Bytes>(1 << 20, backing), backing), view(memory), rx_(vring::place(memory, size, features)),
        tx_(vring::place(memory, size, features)), driver(rx_), tx_driver(tx_) {
    side.by_head.resize(size);
    tx_side.by_head.resize(size);
    rx_.side = &side;
    tx_.side = &tx_side;
  }
  // Posts one buffer of `length` bytes at `align` (0: such that it crosses no page) + `shift`; visible at once. Returns its
  // number.
  std::uint32_t post(std::uint32_t length, Bytes align = 0, Bytes shift = 0) {
    if (align == 0) align = std::bit_ceil(length);
    const Gpa gpa = memory.alloc(length + shift, align) + shift;
    const BufferId id = own.add(memory.translate(gpa), length, Owner::guest, Ownership::Home::guest);
    posted.push_back({gpa, length, id});
    again(static_cast<std::uint32_t>(posted.size() - 1));
    return static_cast<std::uint32_t>(posted.size() - 1);
  }
  void again(std::uint32_t n) {
    own.move(posted[n].id, Owner::guest, Owner::posted, 0, "guest posts");
    const Segment g{posted[n].gpa, posted[n].length, true};
    EXPECT_NE(driver.add(view, &g, 1, n), DriverRing::kFull);
    driver.publish(view);
  }
  // Used entries since the last call; token = the buffer's number.
  std::vector<DriverRing::Used> used() {
    std::vector<DriverRing::Used> all;
    for (DriverRing::Used u; driver.get_used(view, u);) all.push_back(u);
    return all;
  }
  Frame bytes(std::uint32_t n, std::uint32_t at, std::uint32_t length) {
    Frame f(length);
    if (length) memory.read(posted[n].gpa + at, f.data(), length);
    return f;
  }
  VirtioNetHdr header(std::uint32_t n, std::uint32_t at = 0) {
    VirtioNetHdr h;
    memory.read(posted[n].gpa + at, &h, rx_.header_length);
    return h;
  }

  std::uint32_t index() const override { return 0; }
  const std::string& name() const override { return name_; }
  GuestSpace& space() override { return memory; }
  const VirtQueueLayout& rx() const override { return rx_; }
  const VirtQueueLayout& tx() const override { return tx_; }
  InterruptSink& interrupts() override { return *this; }
  void on_kick(KickSink& k) override { kicks = &k; }
  void interrupt(std::uint32_t vector, Time now) override { injected.push_back({vector, now}); }

  Ownership& own;
  GuestSpace memory;
  SpaceView view;
  VirtQueueLayout rx_, tx_;
  VringSide side, tx_side;
  DriverRing driver, tx_driver;
  KickSink* kicks = nullptr;
  std::vector<Posted> posted;
  std::vector<std::pair<std::uint32_t, Time>> injected;
  std::string name_ = "g0";
  bool sleeps = false;
};

struct BusStub : sc_core::sc_module {
  explicit BusStub(sc_core::sc_module_name n) : sc_module(n), device("device"), memory("memory") {
    memory.register_b_transport(this, &BusStub::transport);
  }
  void transport(tlm::tlm_generic_payload& gp, sc_core::sc_time&) { gp.set_response_status(tlm::TLM_OK_RESPONSE); }
  tlm_utils::simple_initiator_socket<BusStub> device;
  tlm_utils::simple_target_socket<BusStub> memory;
};

constexpr std::uint64_t kModern = feature::bit(feature::kVersion1) | feature::bit(feature::kMergeRxBuffers) |
                                  feature::bit(feature::kEventIdx) | feature::bit(feature::kCsum) |
                                  feature::bit(feature::kGuestCsum) | feature::bit(feature::kGuestTso4) |
                                  feature::bit(feature::kGuestTso6);

struct PathBench : Machine {
  explicit PathBench(IommuMode mode = IommuMode::off, Time lazy_timeout = 10 * kMs)
      : bus("bus_stub"), iommu_(make_iommu(mode, lazy_timeout)), skbs_(phys, own, *iommu_, costs, 64), doer("doer", Priority::thread) {
    core().attach(doer);
    env.ring_size = 64;
    env.header_buffer = 128;
    env.guest_memory = 1 << 20;
  }
  void define_costs() {
    for (const char* n :
         {"copy_engine.submit", "copy_engine.doorbell", "copy_engine.reap", "copy_engine.interrupt", "skb.alloc", "skb.free", "skb.recycle_shell", "page.alloc", "page.recycle", "page.free", "copybreak.copy", "vhost.packet", "vhost.copy",
          "vhost.head", "vhost.log_write", "defence.validate", "defence.read_once", "defence.quota", "defence.snapshot", "vhost.header", "vhost.used", "vhost.publish", "vhost.signal", "post.track", "post.untrack", "pin.page", "unpin.page",
          "pool.lookup", "zerocopy.packet", "shinfo.shadow", "shinfo.guest", "page_frags.write_back", "page_frags.move", "destructor.skb", "destructor.shared_info", "destructor.page_hash", "header.copy", "header.pull", "unsplit.copy", "dma.map", "dma.unmap", "iommu.map",
          "iommu.unmap", "iommu.invalidate", "iommu.flush", "gro.receive", "gro.compare", "gro.merge_frag", "gro.chain", "gro.complete",
          "gro.checksum", "gro.match", "gro.pull", "gro.slow_pull", "gro.expand_head", "napi.timer", "napi.arm_timer", "napi.poll", "napi.frame",
          "napi.refill", "napi.complete", "napi.dim", "napi.dim_apply", "napi.cqe_expand", "irq.handler", "mmio.write", "netif.tap", "netif.raw_socket",
          "tap.enqueue", "gso.segment", "gso.header", "gso.checksum", "skb.expand", "host.filter", "host.rewrite", "host.encapsulate", "softirq.deliver", "host.local",
          "host.forward", "host.clone", "host.scrub", "host.steer", "host.copy", "clone.read",
          "vhost.wakeup", "vhost.work", "vhost.batch", "vhost.tx", "vhost.tx_copy", "vhost.post_round", "tx.xmit", "tx.clean", "stack.ip", "stack.tcp",
          "uring.refill", "uring.recv", "uring.cqe", "uring.copy", "uring.enter", "uring.app_cqe", "uring.app_read",
          "stack.udp", "stack.raw", "stack.checksum", "stack.queue", "stack.tcp_ack", "stack.socket_move", "app.read", "app.copy"})
      costs.define(n, std::string_view(n) == "post.untrack" ? 100'000 : std::string_view(n) == "vhost.packet" ? 400'000 : 10'000, 0, "");
  }
  std::unique_ptr<Iommu> make_iommu(IommuMode mode, Time lazy_timeout) {
    define_costs();
    IommuParams p;
    p.mode = mode;
    p.lazy_timeout = lazy_timeout;
    auto i = std::make_unique<Iommu>("iommu", agenda, p, memory, costs, 1);
    bus.device.bind(i->from_bus);
    i->to_memory.bind(bus.memory);
    return i;
  }
  PathContext context() {
    PathContext c(phys, own, *iommu_, skbs_, costs, frames, fault, agenda, env);
    c.guest = guest.get();
    c.softirq = softirq;
    c.interrupt_rank = 4600;
    c.copy_engine = engine.get();
    return c;
  }
  // The guest and the path of strategy `name`.
  RxPath& bind(const char* name, std::uint16_t ring = 64, std::uint64_t features = kModern, bool with_guest = true) {
    env.queue_size = ring;
    env.header_length = feature::header_length(features);
    env.mergeable = feature::has(features, feature::kMergeRxBuffers);
    if (with_guest) guest = std::make_unique<StubGuest>(phys, own, ring, features);
    const Strategy* s = find_strategy(name);
    EXPECT_EQ(s->refuse(env), std::nullopt);
    layout = s->guest_layout(env);
    path = s->make_path(context());
    path->shape(queue);
    slots.assign(env.ring_size, {});
    return *path;
  }

  Time now() const { return from_sc(sc_core::sc_time_stamp()); }
  // Runs `f` as one step; 100 us pass.
  void in_step(std::function<void(Step&)> f) {
    doer.f = std::move(f);
    script.at(now() + kUs, [this](Time t) { doer.wake(t); });
    run(now() + 100 * kUs);
    ASSERT_FALSE(doer.f) << "the step did not run";
  }
  // A wire frame that must end; its bytes are kept as `sent[id]`.
  FrameRef wire(const Frame& bytes) {
    const FrameRef f = frames.create();
    FrameMeta& m = frames[f];
    sent.push_back(bytes);
    m.length = static_cast<std::uint32_t>(bytes.size());
    const Parsed p = parse(bytes.data(), m.length);
    m.payload_offset = static_cast<std::uint16_t>(p.payload_offset);
    m.payload_length = p.payload_length;
    frames.offered(f, now());
    return f;
  }
  // Fills up to `n` more descriptors; returns how many could be filled.
  unsigned refill(unsigned n) {
    unsigned done = 0;
    for (bool fresh = false; done < n && !fresh;)
      in_step([&](Step& s) {
        for (; done < n; ++done, ++tail) {
          fresh = s.fresh();
          if (!path->refill(s, tail % env.ring_size, slots[tail % env.ring_size])) return;
        }
        fresh = true;
      });
    return done;
  }
  // The NIC writes `bytes` by the queue's split rules; the driver takes the descriptors. Null: no packet came of it.
  Skb* arrive(const Frame& bytes, FrameRef f, bool checked = true) {
    const std::vector<RxWriteback> done = dma(bytes, checked);
    Skb* skb = nullptr;
    in_step([&](Step& s) {
      for (std::size_t i = 0; i < done.size(); ++i, ++head)
        skb = path->receive(s, head % env.ring_size, done[i], i + 1 == done.size() ? f : kNoFrame);
      if (skb) skb->path = path.get();
    });
    return skb;
  }
  Skb* arrive(const Frame& bytes) { return arrive(bytes, wire(bytes)); }
  // What the NIC does: header and pieces into the buffers of the next descriptors. Bus addresses are translated by the
  // path's own knowledge in tests with an IOMMU: there the test runs with mode off.
  std::vector<RxWriteback> dma(const Frame& bytes, bool checked = true) {
    const Parsed p = parse(bytes.data(), static_cast<std::uint32_t>(bytes.size()));
    nic::SplitInput in;
    in.mode = queue.split;
    in.header_buffer = static_cast<std::uint32_t>(queue.header_buffer);
    in.threshold = static_cast<std::uint32_t>(queue.split_threshold);
    in.length = static_cast<std::uint32_t>(bytes.size());
    in.header_length = p.header_length;
    in.decodable = p.ok() || p.decode == Decode::protocol;
    in.has_payload = p.payload_length != 0;
    const nic::SplitDecision d = nic::split(in);
    std::vector<RxWriteback> all;
    std::uint32_t at = d.to_header;
    if (d.to_header) write(slots[head % env.ring_size][1], bytes.data(), d.to_header);
    do {
      const auto n = static_cast<std::uint32_t>(std::min<Bytes>(bytes.size() - at, queue.packet_buffer));
      if (n) write(slots[(head + all.size()) % env.ring_size][0], bytes.data() + at, n);
      at += n;
      RxWriteback w;
      w.done = true;
      w.packet_length = static_cast<std::uint16_t>(n);
      if (all.empty()) w.header_length = static_cast<std::uint16_t>(d.header_length), w.split = d.sph, w.header_overflow = d.hbo;
      w.end_of_packet = at == bytes.size();
      w.l4_checked = w.ip_checked = checked;
      w.rss_hash = rss_hash, w.rss_type = rss_type;
      all.push_back(w);
    } while (at < bytes.size());
    return all;
  }
  void write(Iova a, const std::uint8_t* from, Bytes n) {
    own.device_write(a, n, now(), "nic");
    std::memcpy(phys.at(a), from, n);
  }
  // All bytes of a packet in order.
  Frame all_bytes(Skb& skb) {
    Frame f;
    for_each_frag(skb, [&](Frag& g) { f.insert(f.end(), phys.at(g.addr), phys.at(g.addr) + g.length); });
    return f;
  }
  // Hands a packet over, in as many steps as it takes; then publishes and settles.
  Progress deliver(Skb* skb, unsigned* steps = nullptr) {
    Progress p = Progress::more;
    for (unsigned i = 0; p == Progress::more && i < 100; ++i) {
      in_step([&](Step& s) { p = path->deliver(s, skb); });
      if (steps) *steps = i + 1;
    }
    publish();
    return p;
  }
  void publish() {
    in_step([&](Step& s) { path->publish(s); });
    in_step([&](Step& s) { path->settle(s); });
  }
  void post_all() {
    bool more = true;
    while (more) in_step([&](Step& s) { more = path->post(s); });
  }
  std::array<std::uint64_t, 6> counts() const {
    std::array<std::uint64_t, 6> c{};
    for (int i = 0; i < 6; ++i) c[static_cast<std::size_t>(i)] = own.count(static_cast<Owner>(i));
    return c;
  }
  // What all contexts have spent on an operation.
  Ledger::Cell spent(const char* operation) {
    Ledger::Cell sum;
    for (std::size_t r = 0; r < ledger.rows().size(); ++r) {
      const Ledger::Cell& c = ledger.cell(static_cast<Ledger::Row>(r), costs.get(operation).op);
      sum.mc += c.mc, sum.bytes += c.bytes, sum.calls += c.calls;
    }
    return sum;
  }
  void expect_no_violation() { EXPECT_EQ(own.violations(), 0u) << (own.messages().empty() ? "" : own.messages()[0]); }
  // Ends the frames that lie in used buffers, as a guest would.
  std::uint32_t take_frames() {
    std::uint32_t n = 0;
    for (FrameChain& c : guest->side.by_head)
      for (FrameRef f; (f = frames.pop(c)) != kNoFrame; ++n) frames.delivered(f, now());
    return n;
  }

  struct Doer : Task {
    using Task::Task;
    bool step(Step& s) override {
      if (auto g = std::exchange(f, nullptr)) g(s);
      return false;
    }
    std::function<void(Step&)> f;
  };
  BusStub bus;
  Ownership own;
  FrameTable frames;
  FaultPlan fault;
  std::unique_ptr<Iommu> iommu_;
  SkbPool skbs_;
  Doer doer;
  BindEnvironment env;
  GuestRxLayout layout;
  RxQueueConfig queue;
  Task* softirq = nullptr;
  std::unique_ptr<StubGuest> guest;
  std::unique_ptr<CopyEngine> engine;
  std::unique_ptr<RxPath> path;
  std::vector<std::array<std::uint64_t, 2>> slots;
  unsigned head = 0, tail = 0;
  std::uint32_t rss_hash = 0;      // what the card says of each frame
  std::uint8_t rss_type = 0;
  std::vector<Frame> sent;
};

inline Frame slice(const Frame& f, std::size_t from, std::size_t n = SIZE_MAX) {
  const std::size_t to = n == SIZE_MAX ? f.size() : std::min(f.size(), from + n);
  return Frame(f.begin() + static_cast<std::ptrdiff_t>(from), f.begin() + static_cast<std::ptrdiff_t>(to));
}
inline Frame operator+(Frame a, const Frame& b) {
  append(a, b);
  return a;
}

}  // namespace gd::test
