// The card's own reader of a guest's virtqueue (passthrough): the guest fills ring, tables and descriptors with anything, at any
// moment between two steps of the card, while frames arrive (receive) or leave (transmit). First byte: features; second: size
// and side; third: the card; then acts. A guest that has only posted as a driver does must be served without a fault.
#include <tlm_utils/simple_target_socket.h>

#include <array>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "models/nic/virtio.h"
#include "tests/fuzz/fuzz.h"

namespace gd::fuzz {
namespace card {

constexpr Hpa kFrom = 0x100000, kTo = kFrom + 0x30000;   // the guest's memory; guest-physical addresses are host addresses
constexpr Gpa kDesc = kFrom, kAvail = kFrom + 0x2000, kUsed = kFrom + 0x3000, kTables = kFrom + 0x4000, kData = kFrom + 0x10000;
constexpr unsigned kTable = 4, kMostSize = 32;           // descriptors of a driver's table; of a ring
constexpr Bytes kBuffer = 1024;                          // of receive buffers: two a page at kData
constexpr Iova kBase = 1ULL << 40;                       // bus address less guest-physical address
constexpr Time kWrite = 400, kRead = 600;                // of the bus
constexpr unsigned kSteps = 20000;                       // of the card between two acts: more is a loop

// The bus: the IOMMU lets the card reach the guest's memory and nothing else.
class Bus : public sc_core::sc_module {
 public:
  explicit Bus(sc_core::sc_module_name name) : sc_module(name), memory(4 << 20, 1) {
    target.register_b_transport(this, &Bus::transport);
    socket.bind(target);
  }
  tlm_utils::simple_initiator_socket<Nic> socket{"socket"};
  tlm_utils::simple_target_socket<Bus> target{"target"};
  PhysMem memory;
  const VirtQueueLayout* layout = nullptr;

 private:
  void transport(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
    DmaInfo* info = gp.get_extension<DmaInfo>();
    const Iova a = gp.get_address();
    const Bytes n = gp.get_data_length();
    delay = sc_core::sc_time::from_value(delay.value() + static_cast<sc_dt::uint64>(gp.is_write() ? kWrite : kRead));
    gp.set_response_status(tlm::TLM_OK_RESPONSE);
    if (gp.is_write() && a - kMsiBase < kMsiSize) return;
    must(n > 0 && a / kPage == (a + n - 1) / kPage, "a transaction that is empty or crosses a page");
    const Hpa h = a - kBase;
    if (h < kFrom || h >= kTo || n > kTo - h) {
      info->fault = true;
      gp.set_response_status(tlm::TLM_ADDRESS_ERROR_RESPONSE);
      return;
    }
    info->hpa = h;
    if (info->timing_only) {
      if (gp.is_write()) must(writable(h, n), "the card reports where it may not");
      return;
    }
    if (gp.is_write()) std::memcpy(memory.at(h), gp.get_data_ptr(), n);
    else std::memcpy(gp.get_data_ptr(), memory.at(h), n);
  }
  // Used entries and notification fields. Data is the guest's own business.
  bool writable(Hpa h, Bytes n) const {
    const VirtQueueLayout& l = *layout;
    const bool packed = feature::has(l.features, feature::kPacked);
    const Hpa from = packed ? l.desc : l.used;
    const Bytes bytes = packed ? pvring::desc_bytes(l.size) : vring::used_bytes(l.size);
    const bool event = packed && h >= l.used && h + n <= l.used + pvring::event_bytes;
    return event || (h >= from && h + n <= from + bytes);
  }
};

struct Wire final : TxWire {
  void transmit(const std::uint8_t* bytes, std::uint32_t length, Time) override {
    for (std::uint32_t i = 0; i < length; ++i) sum += bytes[i];   // each is there to be read
    ++frames;
  }
  Time free_at() const override { return 0; }
  std::uint64_t sum = 0, frames = 0;
};

// What outlives an input: elaboration happens once, and the frame table's histograms are large.
struct World {
  Agenda agenda{"agenda"};
  Bus bus{"bus"};
  FrameTable frames{256};
  static World& get() {
    static World* w = new World;
    return *w;
  }
};

NicParams params(unsigned choice) {
  NicParams p;
  p.fifo = 8192;
  p.tx_fifo = 8192;
  p.vectors = 1;
  p.moderation_delay = choice & 1 ? 5000 : 0;
  p.virtio_chain_cache = choice & 2 ? 2 : 16;
  p.virtio_fetch_batch = choice & 4 ? 3 : 8;
  p.max_outstanding_writes = choice & 8 ? 2 : 64;
  p.mtu = choice & 16 ? 3000 : 1500;
  p.lost_writebacks = choice & 32 ? 200'000 : 0;
  p.lost_data_writes = choice & 64 ? 200'000 : 0;
  return p;
}

class Play {
 public:
  explicit Play(Input& in) : world_(World::get()), frames_(world_.frames) {
    if (frames_.live() != 0) frames_ = FrameTable(256);   // the input before had a finding
    const unsigned f = in.byte(), size = in.byte();
    receive_ = !(size & 0x80);
    for (const auto& [mask, number] : {std::pair{1u, feature::kPacked}, {2u, feature::kIndirect}, {4u, feature::kEventIdx}, {8u, feature::kInOrder}, {16u, feature::kMergeRxBuffers}, {32u, feature::kVersion1}, {64u, feature::kHashReport}})
      if (f & mask) l_.features |= feature::bit(number);
    l_.size = static_cast<std::uint16_t>(f & 1 ? 1 + size % kMostSize : 1u << size % 6);
    l_.desc = kDesc, l_.avail = kAvail, l_.used = kUsed, l_.tables = kTables, l_.table_entries = kTable;
    l_.header_length = feature::header_length(l_.features);
    l_.side = &side_;
    params_ = params(in.byte());
    world_.bus.layout = &l_;
    std::memset(memory().at(kFrom - kPage), 0, kTo - kFrom + 2 * kPage);
    ownership_.belongs(kFrom, kTo - kFrom, 0, false);
    for (Hpa a = kData; a < kData + l_.size * kTable * kBuffer; a += kBuffer) ownership_.add(a, kBuffer, Owner::posted, Ownership::Home::guest);
    VirtioQueueConfig c;
    c.layout = l_;
    c.iova_base = kBase;
    c.drop_when_empty = f & 128;
    engine_.wire = &wire_;
    if (receive_) {
      auto q = std::make_unique<nic::VirtioRx>(engine_, rx_.emplace(engine_), 0, c);
      ring_ = &q->ring();
      rx_->install(0, std::move(q));
      rx_->steering().add({0, 0, 0, 1});
    } else {
      auto q = std::make_unique<nic::VirtioTx>(engine_, tx_.emplace(engine_), 0, c);
      ring_ = &q->ring();
      tx_->install(0, std::move(q));
    }
  }

  void act(Input& in) {
    switch (in.byte() % 17) {
      case 0: write(in, kDesc, 16u * l_.size); break;
      case 1: write(in, kAvail, static_cast<unsigned>(packed() ? pvring::event_bytes : vring::avail_bytes(l_.size))); break;
      case 2: write(in, kTables, 16u * kTable * l_.size); break;
      case 3: write(in, kUsed, static_cast<unsigned>(packed() ? pvring::event_bytes : vring::used_bytes(l_.size))); break;
      case 4: descriptor(in, kDesc, l_.size); break;
      case 5: descriptor(in, kTables, kTable * l_.size); break;
      case 6: offer(in); break;
      case 7: case 8: case 9: post(in); break;
      case 10: reap(); break;
      case 11: case 12: arrive(in); break;
      case 13: steps(in.byte() % 8); break;
      case 14: steps(kSteps); break;
      case 15: ring_->notify(now_); break;
      case 16: reset(); break;
    }
    check();
  }

  // The card finishes what it can; then every frame has ended, waits in the FIFO, or lies in a used buffer.
  void end() {
    steps(kSteps);
    must(engine_.events.next() == kNever, "the card never comes to rest");
    must(engine_.writes_in_flight == 0 && engine_.bytes_in_flight == 0, "writes in flight without an event");
    check();
    for (FrameChain& c : side_.by_head) frames_.dropped(c, Drop::stack, now_);
    must(frames_.live() == engine_.held, "a frame was lost");
    for (const FrameRef f : arrived_)
      if (frames_.live() > 0 && frames_[f].fate == Fate::live) frames_.dropped(f, Drop::stack, now_);
    if (ring_->broken()) must(engine_.held == 0, "frames wait for a queue that is broken");
    for (Hpa a = kFrom - kPage; a < kFrom; a += 8) must(memory().load<std::uint64_t>(a) == 0 && memory().load<std::uint64_t>(a - kFrom + kPage + kTo) == 0, "a write beside the guest's memory");
  }

 private:
  PhysMem& memory() { return world_.bus.memory; }
  bool packed() const { return feature::has(l_.features, feature::kPacked); }
  bool indirect() const { return feature::has(l_.features, feature::kIndirect); }

  void check() const {
    must(ownership_.violations() == 0, "a violation by a guest that spoils only its own memory");
    if (spoilt_ || resetting_) return;
    must(!ring_->broken() && engine_.stats.guest_faults == 0 && engine_.stats.ring_faults == 0, "a driver's ring was refused");
    must(ownership_.guest_faults() == faults_, "a driver's buffer made a wrong move");
  }
  void steps(unsigned n) {
    using nic::Ev;
    while (n-- > 0 && engine_.events.next() != kNever) {
      const nic::Event e = engine_.events.pop();
      now_ = std::max(now_, e.at);
      switch (e.kind) {
        case Ev::vq_index: ring_->index_read(now_); break;
        case Ev::vq_avail: ring_->avail_read(now_); break;
        case Ev::vq_desc: ring_->descriptors_read(now_); break;
        case Ev::vq_armed: ring_->event_armed(now_); break;
        case Ev::vq_used: ring_->used_written(e.arg, now_); break;
        case Ev::vq_suppress: ring_->suppression_read(now_); break;
        case Ev::vq_timer: ring_->timer(now_); break;
        case Ev::tx_data: tx_->data_here(static_cast<std::uint32_t>(e.arg), now_); break;
        case Ev::tx_wire: tx_->wire_free(now_); break;
        default: must(false, "an event that a virtqueue does not have");
      }
      check();
    }
  }

  // What a guest may do that does wrong: any bytes anywhere in its own memory.
  void write(Input& in, Gpa at, unsigned bytes) {
    spoilt_ = true;
    const unsigned offset = in.word() % bytes;
    std::size_t got;
    const std::uint8_t* from = in.bytes(std::min<std::size_t>(in.byte(), bytes - offset), got);
    std::memcpy(memory().at(at + offset), from, got);
  }
  void descriptor(Input& in, Gpa at, unsigned count) {
    spoilt_ = true;
    const unsigned place = in.byte() % count, kind = in.byte();
    vring::Desc d;
    d.addr = kind & 1 ? (std::uint64_t{in.wide()} << 32 | in.wide()) : kind & 2 ? kTables + 16u * (in.byte() % 128) : kData + 64u * in.word();
    d.len = kind & 4 ? in.wide() : kind & 8 ? 16u * (in.byte() % 70) : in.word() % 4096;
    d.flags = in.byte() & 7;
    d.next = in.byte() % (count + 1);
    if (packed()) memory().store(at + 16u * place, pvring::Desc{d.addr, d.len, d.next, static_cast<std::uint16_t>(d.flags | (kind & 16 ? pvring::kAvail : pvring::kUsed))});
    else memory().store(at + 16u * place, d);
  }
  void offer(Input& in) {
    if (packed()) return;
    spoilt_ = true;
    const unsigned head = in.byte() % (l_.size + 1u), more = in.byte() % (l_.size + 2u);
    const auto old = memory().load<std::uint16_t>(vring::avail_idx(l_));
    memory().store(vring::avail_slot(l_, old & (l_.size - 1u)), static_cast<std::uint16_t>(head));
    memory().store(vring::avail_idx(l_), static_cast<std::uint16_t>(old + more));
  }

  // What a driver does: list `id` of up to kTable buffers from its own part of kData, in the ring or in a table.
  void post(Input& in) {
    const unsigned how = in.byte(), n = 1 + how % kTable;
    const bool table = indirect() && how & 8;
    const unsigned slots = table ? 1 : n;
    if (held_ + slots > l_.size) return;
    unsigned id = 0;
    if (packed()) {
      while (lists_[id].slots != 0) ++id;   // as many ids as places
    } else {
      while (id + slots <= l_.size && !free(id, slots)) ++id;
      if (id + slots > l_.size) return;
    }
    const std::uint16_t write = receive_ ? vring::kWrite : 0;
    lists_[id] = {slots, n};
    held_ += slots;
    std::uint16_t first_flags = 0;
    const pvring::Position first = put_;
    for (unsigned i = 0; i < n; ++i) {
      const Gpa buffer = kData + (id * kTable + i) * kBuffer;
      const auto next = static_cast<std::uint16_t>(i + 1 < n ? vring::kNext : 0);
      const std::uint32_t length = receive_ ? kBuffer : how & 16 ? 400 : 60;
      if (table) {
        const Gpa at = kTables + 16u * (id * kTable + i);
        if (packed()) memory().store(at, pvring::Desc{buffer, length, 0, write});
        else memory().store(at, vring::Desc{buffer, length, static_cast<std::uint16_t>(write | next), static_cast<std::uint16_t>(i + 1)});
        continue;
      }
      if (packed()) put(buffer, length, id, static_cast<std::uint16_t>(write | next), i == 0, first_flags);
      else memory().store(kDesc + 16u * (id + i), vring::Desc{buffer, length, static_cast<std::uint16_t>(write | next), static_cast<std::uint16_t>(id + i + 1)});
    }
    if (table) {
      const Gpa at = kTables + 16u * id * kTable;
      if (packed()) put(at, 16 * n, id, vring::kIndirect, true, first_flags);
      else memory().store(kDesc + 16u * id, vring::Desc{at, 16 * n, vring::kIndirect, 0});
    }
    if (packed()) {
      memory().store(pvring::desc_at(l_, first.at) + pvring::kFlagsAt, first_flags);
    } else {
      const auto idx = memory().load<std::uint16_t>(vring::avail_idx(l_));
      memory().store(vring::avail_slot(l_, idx & (l_.size - 1u)), static_cast<std::uint16_t>(id));
      memory().store(vring::avail_idx(l_), static_cast<std::uint16_t>(idx + 1));
    }
    if (feature::has(l_.features, feature::kInOrder)) order_.push_back(id);
    if (how & 32) ring_->notify(now_);
  }
  bool free(unsigned id, unsigned slots) const {
    for (unsigned i = 0; i < l_.size; ++i)
      if (lists_[i].slots != 0 && i < id + slots && id < i + lists_[i].slots) return false;
    return true;
  }
  // The first descriptor of a list becomes available last.
  void put(Gpa a, std::uint32_t length, unsigned id, std::uint16_t flags, bool first, std::uint16_t& first_flags) {
    flags = static_cast<std::uint16_t>(flags | pvring::avail_marks(put_.wrap));
    const Gpa at = pvring::desc_at(l_, put_.at);
    const auto old = memory().load<pvring::Desc>(at).flags;
    if (first) first_flags = flags;
    memory().store(at, pvring::Desc{a, length, static_cast<std::uint16_t>(id), first ? old : flags});
    put_.advance(1, l_.size);
  }
  // The driver takes used entries, frees their buffers for posting, and the frames in them end.
  void reap() {
    if (spoilt_) return;
    for (;;) {
      std::uint32_t id;
      if (packed()) {
        const auto d = memory().load<pvring::Desc>(pvring::desc_at(l_, get_.at));
        if (!pvring::is_used(d.flags, get_.wrap)) return;
        id = d.id;
      } else {
        if (memory().load<std::uint16_t>(vring::used_idx(l_)) == used_) return;
        id = memory().load<vring::UsedElem>(vring::used_slot(l_, used_ & (l_.size - 1u))).id;
      }
      must(id < l_.size && lists_[id].slots != 0, "a buffer was used that the card does not have");
      if (!feature::has(l_.features, feature::kInOrder)) {
        take_back(id);
        continue;
      }
      for (bool last = false; !last;) {   // the entry may speak for those before it
        must(!order_.empty(), "a buffer was used out of order");
        last = order_.front() == id;
        take_back(order_.front());
        order_.pop_front();
      }
    }
  }
  void take_back(unsigned id) {
    List& list = lists_[id];
    if (packed()) get_.advance(list.slots, l_.size);
    else ++used_;
    held_ -= list.slots;
    if (receive_) {
      for (unsigned i = 0; i < list.buffers; ++i)
        ownership_.move(ownership_.find(kData + (id * kTable + i) * kBuffer), Owner::guest, Owner::posted, now_, "driver");
      frames_.dropped(side_.by_head[id], Drop::stack, now_);
      side_.by_head[id] = {};
    }
    list = {};
  }

  // The queue's reset: what is under way ends, then both sides begin with an empty ring.
  void reset() {
    if (!receive_) return;
    resetting_ = true;
    ring_->disable(now_);
    must(ring_->broken() && ring_->cached() == 0, "a queue in reset keeps chains");
    steps(kSteps);
    must(ring_->drained(), "a reset never ends");
    std::memset(memory().at(kDesc), 0, kTables - kDesc);
    for (FrameChain& c : side_.by_head) frames_.dropped(c, Drop::stack, now_), c = {};
    for (Hpa a = kData; a < kData + l_.size * kTable * kBuffer; a += kBuffer) {
      const BufferId b = ownership_.find(a);
      if (ownership_.owner(b) == Owner::guest) ownership_.move(b, Owner::guest, Owner::posted, now_, "driver");
    }
    lists_ = {};
    order_.clear();
    held_ = 0;
    put_ = get_ = {};
    used_ = 0;
    spoilt_ = false;
    engine_.stats.guest_faults = engine_.stats.ring_faults = 0;
    faults_ = ownership_.guest_faults();
    ring_->enable();
    resetting_ = false;
    must(!ring_->broken(), "broken after a reset");
  }

  void arrive(Input& in) {
    if (!receive_) return;
    const FrameRef f = frames_.create();
    FrameMeta& m = frames_[f];
    static const std::array<std::uint8_t, 4096> bytes{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x88, 0xb5};
    m.id = arrived_.size();   // faults are drawn by it
    arrived_.push_back(f);
    m.bytes = bytes.data();
    m.length = 14 + in.word() % 3100;
    m.payload_offset = 14;
    m.payload_length = m.length - 14;
    frames_.offered(f, now_);
    rx_->arrived(f, now_);
  }

  struct List {
    unsigned slots = 0, buffers = 0;
  };
  World& world_;
  VirtQueueLayout l_;
  NicParams params_;
  VringSide side_;
  Ownership ownership_;
  FrameTable& frames_;
  std::vector<FrameRef> arrived_;
  Wire wire_;
  nic::Engine engine_{world_.bus.socket, world_.agenda, params_, world_.bus.memory, ownership_, frames_, nullptr, nullptr, 0};
  std::optional<nic::RxPath> rx_;   // the one that is played: its tables take longer than the acts
  std::optional<nic::TxPath> tx_;
  nic::VirtQueue* ring_ = nullptr;
  bool receive_ = true, spoilt_ = false, resetting_ = false;
  std::uint64_t faults_ = 0;   // before the last reset
  Time now_ = 0;
  // The driver's own: lists posted, by id; places held; the next to use.
  std::array<List, kMostSize> lists_{};
  std::deque<unsigned> order_;   // with IN_ORDER
  unsigned held_ = 0;
  pvring::Position put_, get_;
  std::uint16_t used_ = 0;
};

}  // namespace card
}  // namespace gd::fuzz

GD_FUZZ_TARGET(virtqueue) {
  using namespace gd::fuzz;
  Input in(data, size);
  card::Play play(in);
  for (unsigned acts = 0; !in.empty() && acts < 512; ++acts) play.act(in);
  play.end();
}
