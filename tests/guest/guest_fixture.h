// A guest on one core, and a scripted device that fills its receive ring and empties its transmit ring.
#pragma once
#include <gtest/gtest.h>
#include <tlm_utils/simple_initiator_socket.h>

#include <memory>
#include <string>
#include <vector>

#include "models/base/error.h"
#include "models/guest/guest.h"
#include "models/packet/build.h"
#include "models/packet/checksum.h"
#include "models/virtio/device_ring.h"

namespace gd::test {

// Frames as they were sent, by id.
struct SentFrames : ExpectedBytes {
  std::vector<std::vector<std::uint8_t>> frames;
  std::vector<std::uint8_t> outer;   // of a frame that the host encapsulated
  bool matches(const FrameMeta& f, std::uint32_t at, const std::uint8_t* data, std::uint32_t len) override {
    const auto& b = frames[f.id];
    if (f.rewrite) return at + len <= outer.size() && std::memcmp(&outer[at], data, len) == 0;
    return at + len <= b.size() && std::memcmp(&b[at], data, len) == 0;
  }
  bool tells = true;                 // original()
  bool original(const FrameMeta& f, std::uint8_t* out, std::uint32_t n) override {
    if (!tells || n > frames[f.id].size()) return false;
    std::memcpy(out, frames[f.id].data(), n);
    return true;
  }
};

struct Dma : sc_core::sc_module {
  explicit Dma(sc_core::sc_module_name name) : sc_module(name), port("port") {}
  tlm_utils::simple_initiator_socket<Dma> port;
};

// A packet as the device hands it over.
struct Packet {
  std::vector<std::uint8_t> bytes;
  FrameChain frames;
  VirtioNetHdr header;
  std::uint32_t header_bytes = 54;   // header_pages, room: what goes into the header buffer or the room
};

struct AgendaHolder {
  Agenda kernel{"agenda"};
};

// Costs: every operation 100 cycles, copies and checksums 1 cycle per 4 bytes; 1 GHz.
struct GuestBench : ::testing::Test, AgendaHolder, Actor, KickSink {
  explicit GuestBench(Bytes backing = 2 << 20)
      : Actor(kernel, rank::kNic), phys(64 << 20, 1), memory("memory", kernel, phys, {}, 1), dma("dma"), space(phys, 16 << 20, backing) {
    dma.port.bind(memory.socket);
    for (const char* name : {"sched.context_switch", "sched.wakeup", "irq.entry", "vm.world_switch", "vm.halt", "vm.exit_kick", "vm.exit_inject", "vm.exit_eoi", "vm.exit_user", "vhost.signal", "guest.irq", "guest.napi_poll",
                             "guest.napi_complete", "guest.used_entry", "guest.driver_packet", "guest.skb_alloc", "guest.frag", "guest.refill", "guest.indirect_table", "guest.page_alloc",
                             "guest.page_free", "guest.skb_free", "guest.ip", "guest.decapsulate", "guest.tcp", "guest.udp", "guest.udp_no_port", "guest.raw", "guest.socket_queue", "guest.read",
                             "guest.gro_receive", "guest.gro_compare", "guest.gro_merge", "guest.gro_complete",
                             "guest.tcp_ack", "guest.tx_xmit", "guest.tx_reclaim", "guest.doorbell"})
      costs.define(name, 100'000, 0, "");
    for (const char* name : {"guest.linear_copy", "guest.checksum", "guest.copy_user"}) costs.define(name, 0, 250, "byte");
    params.virtio.queue_size = 64;
    params.gro.enabled = false;   // packets as the driver makes them; GuestGroBench has it on
    flow.protocol = ipproto::kUdp;
    flow.src_port = 5, flow.dst_port = 6;
    flow.src_ip[0] = 10, flow.dst_ip[0] = 11;
  }
  // Makes the guest; call once, after setting `params`.
  void build() {
    CoreParams cp;
    cp.hz = 1'000'000'000;
    core = std::make_unique<Core>(kernel, 0, cp, memory, ledger, costs);
    guest = std::make_unique<Guest>(params, Guest::Environment{kernel, space, ownership, frames, costs, sent, &faults}, rank::kCore + 100);
    vcpu = std::make_unique<Vcpu>("vcpu", costs);
    core->attach(*vcpu);
    guest->attach(*vcpu, *core, *vcpu, *core);
    guest->on_kick(*this);
    ledger.seal(costs.entries().size());
    ring = std::make_unique<DeviceRing>(guest->rx(), space.size());
    tx = std::make_unique<DeviceRing>(guest->tx(), space.size());
  }

  // A frame of the flow with `payload` bytes; TCP ones from stream offset `seq`.
  FrameRef frame(std::uint32_t payload, std::uint32_t seq = 0, std::uint8_t flags = tcp::kAckFlag) {
    HeaderTemplate t(flow);
    const FrameRef f = frames.create();
    FrameMeta& m = frames[f];
    std::vector<std::uint8_t> data(payload);
    for (std::uint32_t i = 0; i < payload; ++i) data[i] = static_cast<std::uint8_t>((seq + i) * 7 + (seq + i) / 251 + 3 * (flow.protocol == ipproto::kUdp ? m.id : 0));
    FrameFields fields;
    fields.payload_length = payload;
    fields.payload_sum = csum::sum(data.data(), payload);
    fields.seq = seq;
    fields.flags = flags;
    std::vector<std::uint8_t> b(t.length());
    t.write(b.data(), fields);
    b.insert(b.end(), data.begin(), data.end());
    m.payload_offset = static_cast<std::uint16_t>(t.length());
    m.payload_length = payload;
    if (b.size() < 60) b.resize(60);
    m.length = static_cast<std::uint32_t>(b.size());
    sent.frames.resize(m.id + 1);
    sent.frames[m.id] = b;
    frames.offered(f, kernel.now());
    return f;
  }
  Packet packet(FrameRef f) {
    Packet p;
    p.bytes = sent.frames[frames[f].id];
    p.header_bytes = frames[f].payload_offset;
    p.header.flags = VirtioNetHdr::kDataValid;
    frames.append(p.frames, f);
    return p;
  }
  // As the host's GRO makes it of consecutive TCP frames: lengths and sums of the whole, checksum left to complete.
  Packet merged(const std::vector<FrameRef>& list) {
    Packet p = packet(list[0]);
    for (std::size_t i = 1; i < list.size(); ++i) {
      const auto& b = sent.frames[frames[list[i]].id];
      p.bytes.insert(p.bytes.end(), b.begin() + frames[list[i]].payload_offset, b.end());
      frames.append(p.frames, list[i]);
    }
    put_be16(&p.bytes[16], static_cast<std::uint16_t>(p.bytes.size() - 14));
    put_be16(&p.bytes[24], 0);
    put_be16(&p.bytes[24], static_cast<std::uint16_t>(~csum::sum(&p.bytes[14], 20)));
    p.header.flags = VirtioNetHdr::kNeedsCsum;
    p.header.csum_start = 34, p.header.csum_offset = tcp::kCheck;
    p.header.gso_type = VirtioNetHdr::kGsoTcpV4;
    p.header.gso_size = static_cast<std::uint16_t>(frames[list[0]].payload_length);
    p.header.hdr_len = 54;
    return p;
  }
  void send(const Packet& p) { queue.push_back(p); }
  void send(FrameRef f) { queue.push_back(packet(f)); }

  // The device: at each act, everything that fits; one publication, one decision.
  void act(Time now) override {
    for (bool more = true; more && !queue.empty();) {
      more = hand_over(queue.front(), now);
      if (more) queue.erase(queue.begin());
    }
    publish(now);
    ring->enable_notify(view);
    if (!queue.empty() && ring->recheck(view)) wake_at(now + kNs);
  }
  void publish(Time now) {
    ring->publish(view);
    if (ring->signal_needed(view)) ++signals, guest->interrupts().interrupt(0, now);
  }
  bool take(std::vector<Segment>& segments, DeviceRing::Taken& t) {
    segments.resize(32);
    if (!ring->take(view, segments.data(), 32, t)) return false;
    EXPECT_EQ(t.error, RingError::none);
    segments.resize(t.segments);
    return true;
  }
  // Uses one chain: gives its buffers back to the guest and pushes it with `len`.
  void use(const DeviceRing::Taken& t, const std::vector<Segment>& segments, std::uint32_t len, Time now) {
    for (const Segment& s : segments) {
      Bytes n = 0;
      for (Bytes done = 0; done < s.len; done += std::min<Bytes>(n, s.len - done)) {
        const BufferId b = ownership.find(space.translate(s.gpa + done, &n));
        if (!keep_ownership && ownership.owner(b) == Owner::posted) ownership.move(b, Owner::posted, Owner::guest, now, "device");
      }
    }
    ring->push(view, t.head, len);
  }
  // Header and packet across as many ring buffers as it takes.
  bool give(const Packet& p, Time now) {
    const unsigned hl = guest->rx().header_length;
    std::vector<std::uint8_t> all(hl);
    all.insert(all.end(), p.bytes.begin(), p.bytes.end());
    std::vector<DeviceRing::Taken> taken;
    std::vector<std::vector<Segment>> parts;
    std::size_t room = 0;
    while (room < all.size()) {
      DeviceRing::Taken t;
      std::vector<Segment> s;
      if (!take(s, t)) {
        ring->untake(static_cast<unsigned>(taken.size()));
        return false;
      }
      taken.push_back(t), parts.push_back(s), room += t.writable;
    }
    VirtioNetHdr h = p.header;
    h.num_buffers = static_cast<std::uint16_t>(taken.size());
    std::memcpy(all.data(), &h, hl);
    std::size_t at = 0;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      std::uint32_t written = 0;
      for (const Segment& s : parts[i]) {
        const std::size_t n = std::min<std::size_t>(s.len, all.size() - at);
        if (n) space.write(s.gpa, &all[at], n);
        at += n, written += static_cast<std::uint32_t>(n);
      }
      if (i == 0) guest->rx().side->by_head[taken[0].head] = p.frames;
      use(taken[i], parts[i], written, now);
    }
    return true;
  }
  bool hand_over(const Packet& p, Time now) {
    switch (params.layout.kind) {
      case GuestRxLayout::Kind::header_pages: return params.virtio.rx_mode == GuestRxMode::big ? chain(p, now) : split(p, now);
      case GuestRxLayout::Kind::room: return in_room(p, now);
      default: return give(p, now);
    }
  }
  // A chain of a header buffer and pages: the used length runs over the hole behind the header.
  bool chain(const Packet& p, Time now) {
    DeviceRing::Taken t;
    std::vector<Segment> s;
    if (!take(s, t)) return false;
    VirtioNetHdr h = p.header;
    h.hdr_len = static_cast<std::uint16_t>(p.header_bytes);
    const unsigned hl = guest->rx().header_length;
    space.write(s[0].gpa, &h, hl);
    space.write(s[0].gpa + hl, p.bytes.data(), p.header_bytes);
    std::uint32_t written = s[0].len;
    for (std::size_t i = 1, at = p.header_bytes; at < p.bytes.size(); at += kPage, ++i) {
      const std::size_t n = std::min<std::size_t>(kPage, p.bytes.size() - at);
      space.write(s[i].gpa, &p.bytes[at], n);
      written += static_cast<std::uint32_t>(n);
    }
    guest->rx().side->by_head[t.head] = p.frames;
    use(t, s, written, now);
    return true;
  }
  // Virtio header, a hole, the packet's header up to the room's end, payload; further buffers without a room.
  bool in_room(const Packet& p, Time now) {
    const std::size_t first = std::min<std::size_t>(p.bytes.size() - p.header_bytes, params.layout.buffer - params.layout.room);
    const std::size_t rest = p.bytes.size() - p.header_bytes - first, more = (rest + params.layout.buffer - 1) / params.layout.buffer;
    std::vector<DeviceRing::Taken> t(1 + more);
    std::vector<std::vector<Segment>> s(1 + more);
    for (unsigned i = 0; i <= more; ++i)
      if (!take(s[i], t[i])) {
        ring->untake(i);
        return false;
      }
    VirtioNetHdr h = p.header;
    h.hdr_len = static_cast<std::uint16_t>(p.header_bytes);
    h.num_buffers = static_cast<std::uint16_t>(1 + more);
    const Gpa payload = s[0][0].gpa + params.layout.room;
    space.write(s[0][0].gpa, &h, guest->rx().header_length);
    space.write(payload - p.header_bytes, p.bytes.data(), p.header_bytes + first);
    guest->rx().side->by_head[t[0].head] = p.frames;
    use(t[0], s[0], static_cast<std::uint32_t>(params.layout.room + first), now);
    for (std::size_t i = 1, at = p.header_bytes + first; i <= more; ++i, at += params.layout.buffer) {
      const std::size_t n = std::min<std::size_t>(params.layout.buffer, p.bytes.size() - at);
      space.write(s[i][0].gpa, &p.bytes[at], n);
      use(t[i], s[i], static_cast<std::uint32_t>(n), now);
    }
    return true;
  }
  // copy-header's way: header buffer first, then whole pages, told apart by size.
  bool split(const Packet& p, Time now) {
    const unsigned hl = guest->rx().header_length;
    for (DeviceRing::Taken t;;) {
      std::vector<Segment> s;
      if (!take(s, t)) break;
      (s[0].len < kPage ? headers : pages).push_back({t, s});
    }
    const std::size_t payload = p.bytes.size() - p.header_bytes, need = (payload + kPage - 1) / kPage;
    if (headers.empty() || pages.size() < need) return false;
    VirtioNetHdr h = p.header;
    h.num_buffers = static_cast<std::uint16_t>(1 + need);
    const auto [ht, hs] = headers.front();
    headers.erase(headers.begin());
    space.write(hs[0].gpa, &h, hl);
    space.write(hs[0].gpa + hl, p.bytes.data(), p.header_bytes);
    guest->rx().side->by_head[ht.head] = p.frames;
    use(ht, hs, hl + p.header_bytes, now);
    for (std::size_t at = 0; at < payload; at += kPage) {
      const auto [pt, ps] = pages.front();
      pages.erase(pages.begin());
      const std::size_t n = std::min<std::size_t>(kPage, payload - at);
      space.write(ps[0].gpa, &p.bytes[p.header_bytes + at], n);
      use(pt, ps, static_cast<std::uint32_t>(n), now);
    }
    return true;
  }
  // Kicks: receive ones let the device go on; transmit ones make it take the frames.
  bool asleep() const override { return worker_sleeps; }
  void kick(std::uint32_t q, Time now) override {
    ++kicks[q];
    if (q == 0) return wake_at(now + kNs);
    Segment s[4];
    for (DeviceRing::Taken t; tx->take(view, s, 4, t);) {
      std::vector<std::uint8_t> b;
      for (unsigned i = 0; i < t.segments; ++i) {
        const std::size_t at = b.size();
        b.resize(at + s[i].len);
        space.read(s[i].gpa, &b[at], s[i].len);
      }
      b.erase(b.begin(), b.begin() + guest->tx().header_length);
      acks.push_back(b);
      ack_times.push_back(now);
      tx->push(view, t.head, 0);
    }
    tx->publish(view);
    tx->enable_notify(view);
    if (tx->signal_needed(view)) guest->interrupts().interrupt(1, now);
  }
  // Hands over what is queued and runs for `d`.
  void run(Time d = kMs) {
    wake_at(from_sc(sc_core::sc_time_stamp()));
    sc_core::sc_start(to_sc(d));
    if (kernel.failure()) std::rethrow_exception(kernel.failure());
  }
  // All is delivered or dropped, and every buffer is where the books say.
  void expect_quiet() {
    EXPECT_EQ(guest->held(), 0u);
    EXPECT_EQ(frames.live(), 0u);
    EXPECT_EQ(ownership.violations(), 0u) << (ownership.messages().empty() ? "" : ownership.messages()[0]);
    EXPECT_EQ(ownership.count(Owner::posted), guest->posted_buffers());
    EXPECT_EQ(ownership.count(Owner::posted) + ownership.count(Owner::guest), guest->registered_buffers());
    EXPECT_EQ(guest->queued(), 0u);
  }
  const GuestStats& stats() const { return guest->stats(); }

  PhysMem phys;
  MemorySystem memory;
  Dma dma;
  GuestSpace space;
  SpaceView view{space};
  Ownership ownership;
  FrameTable frames;
  CostBook costs;
  Ledger ledger;
  SentFrames sent;
  FaultPlan faults;
  GuestParams params;
  FlowHeader flow;
  std::unique_ptr<Core> core;
  std::unique_ptr<Guest> guest;
  std::unique_ptr<Vcpu> vcpu;
  std::unique_ptr<DeviceRing> ring, tx;
  std::vector<Packet> queue;
  std::vector<std::pair<DeviceRing::Taken, std::vector<Segment>>> headers, pages;
  std::vector<std::vector<std::uint8_t>> acks;
  std::vector<Time> ack_times;
  unsigned kicks[2] = {}, signals = 0;
  bool worker_sleeps = false;
  bool keep_ownership = false;
};

}  // namespace gd::test
