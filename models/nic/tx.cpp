#include "models/nic/tx.h"

#include "models/packet/checksum.h"
#include "models/packet/headers.h"
#include "models/virtio/layout.h"

namespace gd::nic {

TxPath::TxPath(Engine& engine)
    : e_(engine),
      slot_bytes_(static_cast<std::uint32_t>(align_up(engine.params.mtu + ether::kHeader + 2 * ether::kTag + sizeof(VirtioNetHdr), 64))),
      queues_(engine.params.tx_queues),
      waiting_(engine.params.tx_queues) {
  const std::size_t n = std::max<std::size_t>(1, engine.params.tx_fifo / slot_bytes_);
  slots_.resize(n);
  order_.resize(n);
  memory_.grow(n * slot_bytes_);
  for (std::size_t i = n; i-- > 0;) free_.push_back(static_cast<std::uint32_t>(i));
}

std::uint32_t TxPath::alloc(std::uint32_t id) {
  if (free_.empty() || reads_in_flight_ >= e_.params.max_outstanding_reads) {
    waiting_[id] = any_waiting_ = true;
    return kNoSlot;
  }
  const std::uint32_t s = free_.back();
  free_.pop_back();
  slots_[s] = Slot{};
  slots_[s].queue = id;
  return s;
}

void TxPath::read(std::uint32_t slot, Iova a, Bytes n, std::uint16_t domain, Time now) {
  Slot& s = slots_[slot];
  while (n > 0) {
    const Bytes piece = in_page(a, n);
    const Transfer t = e_.bus.read(now, a, bytes(slot) + s.length, piece, domain, false);
    ++s.reads;
    ++reads_in_flight_;
    s.failed |= t.fault();
    s.done = std::max(s.done, t.done);
    s.length += static_cast<std::uint32_t>(piece);
    a += piece;
    n -= piece;
  }
}

void TxPath::start(std::uint32_t slot, std::uint64_t tag, std::uint32_t skip, bool discard, FrameRef frame) {
  Slot& s = slots_[slot];
  s.frame = frame;
  s.tag = tag;
  s.skip = skip;
  s.discard = discard;
  std::uint32_t at = order_first_ + order_count_++;
  if (at >= order_.size()) at -= static_cast<std::uint32_t>(order_.size());
  order_[at] = slot;
  e_.events.push(std::max(s.done, e_.agenda.now()), Ev::tx_data, 0, slot);
}

void TxPath::data_here(std::uint32_t slot, Time now) {
  slots_[slot].ready = true;
  slots_[slot].done = now + e_.params.tx_latency;
  reads_in_flight_ -= slots_[slot].reads;
  drain(now);
}

void TxPath::wire_free(Time now) {
  wire_timer_ = false;
  drain(now);
}

void TxPath::transmit(Slot& s, std::uint32_t slot, Time now) {
  std::uint8_t* frame = bytes(slot) + s.skip;
  const std::uint32_t length = s.length - s.skip;
  if (s.skip != 0) {
    const std::uint8_t* header = bytes(slot);
    if (header[1] != VirtioNetHdr::kGsoNone) s.discard = true;   // no segmentation in this card
    else if (header[0] & VirtioNetHdr::kNeedsCsum) csum::complete_l4(frame, length);
  }
  if (s.discard || s.failed || length < ether::kHeader) {
    s.discard = true;
    ++e_.stats.tx_errors;
    return;
  }
  ++e_.stats.tx_frames;
  e_.stats.tx_bytes += length;
  if (e_.wire) e_.wire->transmit(frame, length, now);
}

void TxPath::drain(Time now) {
  if (draining_) return;   // the far end may answer within transmit()
  draining_ = true;
  while (order_count_ > 0) {
    const std::uint32_t slot = order_[order_first_];
    Slot& s = slots_[slot];
    if (!s.ready) break;
    const Time at = std::max(s.done, e_.wire ? e_.wire->free_at() : now);
    if (at > now) {
      if (!wire_timer_) {
        wire_timer_ = true;
        e_.events.push(at, Ev::tx_wire, 0, 0);
      }
      break;
    }
    transmit(s, slot, now);
    if (s.frame != kNoFrame) {
      --e_.held;
      e_.departures->departed(s.frame, bytes(slot) + s.skip, s.length - s.skip, !s.discard, now);
    }
    if (++order_first_ == order_.size()) order_first_ = 0;
    --order_count_;
    free_.push_back(slot);
    queues_[s.queue]->sent(s.tag, s.discard, now);
  }
  draining_ = false;
  if (!any_waiting_) return;
  any_waiting_ = false;
  for (std::uint32_t i = 0; i < waiting_.size(); ++i)
    if (waiting_[i]) {
      waiting_[i] = false;
      queues_[i]->resume(now);
    }
}

}  // namespace gd::nic
