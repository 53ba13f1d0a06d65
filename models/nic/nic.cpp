#include "models/nic/nic.h"

#include <cstring>
#include <string>

#include "models/base/error.h"
#include "models/nic/engine.h"
#include "models/nic/rx_ring.h"
#include "models/nic/tx.h"
#include "models/nic/virtio.h"

namespace gd {
namespace {

using nic::Ev;

void in_range(const char* name, std::uint64_t v, std::uint64_t low, std::uint64_t high) {
  if (v < low || v > high)
    throw UserError(std::string("nic: ") + name + " is " + std::to_string(v) + "; allowed: " + std::to_string(low) + ".." + std::to_string(high));
}

void aligned(const char* what, Iova a, Bytes to) {
  if (a % to != 0) throw UserError(std::string("nic: the ") + what + " lies at " + std::to_string(a) + ", not at a multiple of " + std::to_string(to));
}

// A queue number, its ring and its vector.
void check_queue(const char* kind, std::uint32_t queue, std::uint32_t queues, std::uint32_t vector, std::uint32_t vectors) {
  in_range(kind, queue, 0, queues - 1);
  if (vector != nic::kNoVector) in_range("vector", vector, 0, vectors - 1);
}
void check_ring(Iova ring, std::uint32_t size) {
  in_range("ring size", size, 8, 8192);
  if (size % 8 != 0) throw UserError("nic: the ring size must be a multiple of 8, not " + std::to_string(size));
  aligned("descriptor ring", ring, 128);
}
void check_virtqueue(const VirtioQueueConfig& c) {
  vring::check(c.layout, "nic virtqueue");
  aligned("descriptor table", c.layout.desc + c.iova_base, 16);
  aligned("driver area", c.layout.avail + c.iova_base, 4);   // of a split ring virtio asks for 2; flags and index are read together
  aligned("device area", c.layout.used + c.iova_base, 4);
}

const NicParams& checked(const NicParams& p) {
  in_range("rx_queues", p.rx_queues, 1, 512);
  in_range("tx_queues", p.tx_queues, 1, 512);
  in_range("vectors", p.vectors, 1, 4096);
  in_range("mtu", p.mtu, 68, 16000);
  in_range("fifo", p.fifo, p.mtu + 22, 1ULL << 30);
  in_range("tx_fifo", p.tx_fifo, p.mtu + 22, 1ULL << 30);
  in_range("descriptor_cache", p.descriptor_cache, 1, 4096);
  in_range("fetch_batch", p.fetch_batch, 1, 4096);
  in_range("tx_fetch_batch", p.tx_fetch_batch, 1, 4096);
  in_range("max_outstanding_writes", p.max_outstanding_writes, 1, 1 << 20);
  in_range("max_outstanding_bytes", p.max_outstanding_bytes, 1, 1ULL << 30);
  in_range("max_outstanding_reads", p.max_outstanding_reads, 1, 1 << 20);
  in_range("writeback_batch", p.writeback_batch, 1, 64);
  if (p.pause_high) in_range("pause_high", p.pause_high, 1, p.fifo), in_range("pause_low", p.pause_low, 0, p.pause_high - 1);
  in_range("pause_quanta", p.pause_quanta, 1, 0xffff);
  in_range("virtio_chain_cache", p.virtio_chain_cache, 2, 4096);
  in_range("virtio_fetch_batch", p.virtio_fetch_batch, 1, 4096);
  in_range("write_tlp", p.write_tlp, 64, 4096);
  for (std::uint32_t share : {p.lost_data_writes, p.lost_writebacks, p.lost_interrupts}) in_range("share of faults", share, 0, 1'000'000);
  return p;
}

}  // namespace

struct Nic::Impl {
  Impl(Nic& n, const NicParams& p, PhysMem& memory, Ownership& ownership, FrameTable& frames, FaultPlan* plan,
       Observer* observer, std::uint16_t index)
      : engine(n.bus, n.agenda(), p, memory, ownership, frames, plan, observer, index),
        rx(engine), tx(engine), rings(p.rx_queues), virtio_rx(p.rx_queues), tx_rings(p.tx_queues), virtio_tx(p.tx_queues) {}
  void apply(std::uint64_t offset, std::uint32_t value, Time now);
  void dispatch(const nic::Event& ev, Time now);
  nic::VirtQueue* virtqueue(std::uint32_t id) {
    if (id & nic::kTxSide) return &virtio_tx[id & ~nic::kTxSide]->ring();
    return &virtio_rx[id]->ring();
  }

  nic::Engine engine;
  nic::RxPath rx;
  nic::TxPath tx;
  // What kind each queue is: at most one of the two is set; RxPath and TxPath own them.
  std::vector<nic::RxRing*> rings;
  std::vector<nic::VirtioRx*> virtio_rx;
  std::vector<nic::TxRing*> tx_rings;
  std::vector<nic::VirtioTx*> virtio_tx;
};

Nic::Nic(sc_core::sc_module_name name, Agenda& agenda_ref, const NicParams& params, PhysMem& memory, Ownership& ownership,
         FrameTable& frames, FaultPlan* plan, Observer* observer, std::uint16_t index)
    : sc_module(name), Actor(agenda_ref, rank::kNic + index), bus("bus"), registers("registers", *this), params_(checked(params)),
      impl_(std::make_unique<Impl>(*this, params_, memory, ownership, frames, plan, observer, index)) {}

Nic::~Nic() = default;

void Nic::connect(TxWire* wire) { impl_->engine.wire = wire; }
void Nic::connect(DepartureSink* departures) { impl_->engine.departures = departures; }
void Nic::set_levels(std::uint32_t fifo_id, const std::vector<std::uint32_t>& ring_ids) { impl_->rx.set_levels(fifo_id, ring_ids); }

void Nic::configure_rx(std::uint32_t queue, const RxQueueConfig& c) {
  check_queue("receive queue", queue, params_.rx_queues, c.vector, params_.vectors);
  check_ring(c.ring, c.size);
  in_range("packet buffer", c.packet_buffer, 64, 16384);
  in_range("header buffer", c.header_buffer, 0, 1024);
  if (c.split != SplitMode::off && (c.header_buffer < 64 || c.header_buffer % 64 != 0))
    throw UserError("nic: header split needs a header buffer of 64..1024 bytes in steps of 64, not " + std::to_string(c.header_buffer));
  if (c.completions) {
    if (c.completion_size != 64 && c.completion_size != 128)
      throw UserError("nic: completion entries have 64 or 128 bytes, not " + std::to_string(c.completion_size));
    if (c.compress && c.completion_size != 64) throw UserError("nic: compressed completions need entries of 64 bytes");
    aligned("completion queue", c.completions, 4096);
  }
  auto q = std::make_unique<nic::RxRing>(impl_->engine, impl_->rx, queue, c);
  impl_->rings[queue] = q.get();
  impl_->virtio_rx[queue] = nullptr;
  impl_->rx.install(queue, std::move(q));
  if (c.moderation && c.vector != nic::kNoVector) impl_->engine.moderation.set(c.vector, c.moderation, 0);
}

void Nic::configure_tx(std::uint32_t queue, const TxQueueConfig& c) {
  check_queue("transmit queue", queue, params_.tx_queues, c.vector, params_.vectors);
  check_ring(c.ring, c.size);
  auto q = std::make_unique<nic::TxRing>(impl_->engine, impl_->tx, queue, c);
  impl_->tx_rings[queue] = q.get();
  impl_->virtio_tx[queue] = nullptr;
  impl_->tx.install(queue, std::move(q));
}

void Nic::configure_virtio_rx(std::uint32_t queue, const VirtioQueueConfig& c) {
  check_queue("receive queue", queue, params_.rx_queues, c.vector, params_.vectors);
  check_virtqueue(c);
  auto q = std::make_unique<nic::VirtioRx>(impl_->engine, impl_->rx, queue, c);
  impl_->virtio_rx[queue] = q.get();
  impl_->rings[queue] = nullptr;
  impl_->rx.install(queue, std::move(q));
}

void Nic::configure_virtio_tx(std::uint32_t queue, const VirtioQueueConfig& c) {
  check_queue("transmit queue", queue, params_.tx_queues, c.vector, params_.vectors);
  check_virtqueue(c);
  auto q = std::make_unique<nic::VirtioTx>(impl_->engine, impl_->tx, queue, c);
  impl_->virtio_tx[queue] = q.get();
  impl_->tx_rings[queue] = nullptr;
  impl_->tx.install(queue, std::move(q));
}

void Nic::steer(std::uint64_t mac, std::uint16_t vlan, std::uint32_t first, std::uint32_t count) {
  in_range("first queue of a steering rule", first, 0, params_.rx_queues - 1);
  in_range("queues of a steering rule", count, 1, params_.rx_queues - first);
  impl_->rx.steering().add({mac, vlan, first, count});
}

FrameRef Nic::take_frame(std::uint32_t queue, std::uint32_t slot) {
  nic::RxQueue* q = queue < params_.rx_queues ? impl_->rx.queue(queue) : nullptr;
  return q ? q->take_frame(slot) : kNoFrame;
}

void Nic::give_frame(std::uint32_t queue, std::uint32_t slot, FrameRef frame) {
  require(queue < params_.tx_queues && impl_->tx_rings[queue] && impl_->engine.departures, "a frame was given to a card that cannot say when it leaves");
  impl_->tx_rings[queue]->give(slot, frame);
}

std::uint64_t Nic::held() const { return impl_->engine.held; }
std::uint32_t Nic::waiting(std::uint32_t queue) const { return impl_->rx.waiting(queue); }
std::uint64_t Nic::untaken() const { return impl_->engine.untaken; }
std::uint32_t Nic::rx_head(std::uint32_t queue) const {
  const nic::RxRing* q = queue < params_.rx_queues ? impl_->rings[queue] : nullptr;
  return q ? q->head() : 0;
}
bool Nic::rx_drained(std::uint32_t queue) const {
  if (queue >= params_.rx_queues) return false;
  if (impl_->virtio_rx[queue]) return impl_->virtio_rx[queue]->ring().drained();
  return impl_->rings[queue] && impl_->rings[queue]->drained();
}
Bytes Nic::fifo_level() const { return impl_->rx.level(); }
std::uint32_t Nic::available(std::uint32_t queue) const {
  const nic::RxQueue* q = queue < params_.rx_queues ? impl_->rx.queue(queue) : nullptr;
  return q ? q->available() : 0;
}
const NicStats& Nic::stats() const { return impl_->engine.stats; }

void Nic::frame_arrived(FrameRef frame, Time now) {
  impl_->rx.arrived(frame, now);
  wake_at(impl_->engine.events.next());
}

void Nic::mmio(tlm::tlm_generic_payload& gp, sc_core::sc_time& delay) {
  if (!gp.is_write() || gp.get_data_length() != 4) {
    gp.set_response_status(tlm::TLM_COMMAND_ERROR_RESPONSE);
    return;
  }
  std::uint32_t value;
  std::memcpy(&value, gp.get_data_ptr(), 4);
  const Time at = agenda().now() + from_sc(delay);
  impl_->engine.events.push(at, Ev::mmio, 0, gp.get_address() << 32 | value);
  gp.set_response_status(tlm::TLM_OK_RESPONSE);
  wake_at(at);
}

void Nic::act(Time now) {
  nic::EventQueue& events = impl_->engine.events;
  while (events.next() <= now) impl_->dispatch(events.pop(), now);
  if (events.next() != kNever) wake_at(events.next());
}

void Nic::Impl::apply(std::uint64_t offset, std::uint32_t value, Time now) {
  ++engine.stats.doorbells;
  const std::uint32_t q = static_cast<std::uint32_t>((offset & 0xfff) / reg::kStride);
  const bool receives = q < rings.size(), transmits = q < tx_rings.size();
  switch (offset & ~0xfffULL) {
    case reg::kRxTail:
      if (receives && rings[q]) return rings[q]->doorbell(value, now);
      break;
    case reg::kRxEnable:
      if (receives && rings[q] && value <= 1) return rings[q]->enable(value, now);
      if (receives && virtio_rx[q]) {   // a guest's own register: it may write what it likes
        nic::VirtQueue& ring = virtio_rx[q]->ring();
        if (value == 0) return ring.disable(now);
        if (value == 1 && ring.drained()) return ring.enable();
      }
      break;
    case reg::kTxTail:
      if (transmits && tx_rings[q]) return tx_rings[q]->doorbell(value, now);
      break;
    case reg::kIrqEnable: {
      const std::uint32_t a = receives && rings[q] ? rings[q]->vector() : nic::kNoVector;
      const std::uint32_t b = transmits && tx_rings[q] ? tx_rings[q]->vector() : nic::kNoVector;
      if (!(value & 1) || (a == nic::kNoVector && b == nic::kNoVector)) break;
      if (a != nic::kNoVector) engine.moderation.enable(a, now);
      if (b != nic::kNoVector && b != a) engine.moderation.enable(b, now);
      return;
    }
    case reg::kRxArm: {
      if (!receives || !rings[q] || rings[q]->vector() == nic::kNoVector) break;
      const std::uint32_t untaken = rings[q]->reported() - value;
      if (untaken > rings[q]->size()) break;
      return engine.moderation.enable_behind(rings[q]->vector(), untaken, now);
    }
    case reg::kModeration:
      if (!receives || !rings[q] || rings[q]->vector() == nic::kNoVector) break;
      return engine.events.push(now + engine.params.moderation_command, Ev::moderation, rings[q]->vector(), value);
    case reg::kIrqCause:
      if (!receives || !rings[q] || rings[q]->vector() == nic::kNoVector || !(value & 1)) break;
      return engine.moderation.raise(rings[q]->vector(), now);
    case reg::kVirtioNotify: {
      const bool r = receives && virtio_rx[q], t = transmits && virtio_tx[q];
      if (r) virtio_rx[q]->ring().notify(now);
      if (t) virtio_tx[q]->ring().notify(now);
      if (r || t) return;
      break;
    }
    default:
      break;
  }
  ++engine.stats.bad_doorbells;
}

void Nic::Impl::dispatch(const nic::Event& ev, Time now) {
  const std::uint32_t q = ev.queue;
  switch (ev.kind) {
    case Ev::mmio: return apply(ev.arg >> 32, static_cast<std::uint32_t>(ev.arg), now);
    case Ev::rx_fetch: return rings[q]->fetched(now);
    case Ev::rx_data: return rings[q]->data_visible(ev.arg, now);
    case Ev::rx_flush: return rings[q]->flush_due(ev.arg, now);
    case Ev::rx_pause: return rx.pause_due(ev.arg, now);
    case Ev::rx_writeback: return rings[q]->written_back(ev.arg, now);
    case Ev::vector: return engine.moderation.timer(q, now);
    case Ev::moderation:
      ++engine.stats.moderation_changes;
      return engine.moderation.set(q, static_cast<std::uint32_t>(ev.arg), now);
    case Ev::tx_fetch: return tx_rings[q]->fetched(now);
    case Ev::tx_writeback: return tx_rings[q]->written_back(ev.arg, now);
    case Ev::tx_data: return tx.data_here(static_cast<std::uint32_t>(ev.arg), now);
    case Ev::tx_wire: return tx.wire_free(now);
    case Ev::vq_index: return virtqueue(q)->index_read(now);
    case Ev::vq_avail: return virtqueue(q)->avail_read(now);
    case Ev::vq_desc: return virtqueue(q)->descriptors_read(now);
    case Ev::vq_armed: return virtqueue(q)->event_armed(now);
    case Ev::vq_used: return virtqueue(q)->used_written(ev.arg, now);
    case Ev::vq_suppress: return virtqueue(q)->suppression_read(now);
    case Ev::vq_timer: return virtqueue(q)->timer(now);
  }
}

}  // namespace gd
