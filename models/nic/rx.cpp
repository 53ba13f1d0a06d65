#include "models/nic/rx.h"

#include "models/packet/headers.h"
#include "models/packet/mac_control.h"
#include "models/packet/parse.h"
#include "models/packet/vxlan.h"

namespace gd::nic {

namespace {
constexpr std::uint64_t kStationMac = 0x020000ffff01;   // of the card's own frames: locally administered, nobody else's here
}

RxPath::RxPath(Engine& engine) : e_(engine), lines_(engine.params.rx_queues), turn_(engine.params.rx_queues) {
  RssFields fields;
  fields.udp4 = fields.udp6 = engine.params.rss_udp;
  steering_.fields(fields);
  steering_.rss(engine.params.rss);
  steering_.filters(engine.params.rss && engine.params.flow_filters);
  nodes_.grow(engine.params.fifo / footprint(0) + 1);
  if (engine.params.replicate) kept_.resize(nodes_.size());
}

void RxPath::set_levels(std::uint32_t fifo, const std::vector<std::uint32_t>& rings) {
  fifo_level_id_ = fifo;
  for (std::size_t i = 0; i < rings.size() && i < lines_.size(); ++i) lines_[i].level_id = rings[i];
}

void RxPath::push(Line& l, const RxInfo& info) {
  std::uint32_t n = unused_;
  if (free_ == UINT32_MAX) ++unused_;
  else n = free_, free_ = nodes_[n].next;
  nodes_[n] = {info, UINT32_MAX};
  if (FrameMeta& m = e_.frames[info.frame]; m.replica) {
    kept_[n].assign(m.bytes, m.bytes + m.length);
    m.bytes = kept_[n].data();
  }
  if (l.count++ == 0) l.first = n;
  else nodes_[l.last].next = n;
  l.last = n;
}

void RxPath::pop(Line& l) {
  const std::uint32_t n = l.first;
  l.first = nodes_[n].next;
  nodes_[n].next = free_;
  free_ = n;
  --l.count;
}

void RxPath::list(std::uint32_t q) {
  Line& l = lines_[q];
  if (l.listed || l.count == 0) return;
  l.listed = true;
  std::uint32_t at = turn_first_ + turn_count_++;
  if (at >= turn_.size()) at -= static_cast<std::uint32_t>(turn_.size());
  turn_[at] = q;
}

void RxPath::arrived(FrameRef f, Time now) {
  FrameMeta& m = e_.frames[f];
  ++e_.stats.frames;
  e_.stats.bytes += m.length;
  e_.frames.stamp(f, Stage::nic, now);
  if (e_.observer) e_.observer->wire_frame(m, now);
  if (e_.hit(Fault::lose_nic, f)) return e_.frames.lose(f);
  if (m.damage == Damage::runt) return e_.drop(f, Drop::runt, now);   // the MAC; nothing of them is stored
  if (m.damage == Damage::fcs) return e_.drop(f, Drop::bad_fcs, now);

  const Parsed p = parse(m.bytes, m.length);
  if (m.length > e_.params.mtu + ether::kHeader + ether::kTag * p.vlan_tags) return e_.drop(f, Drop::oversize, now);
  Steered s = steering_.steer(m.bytes, p);
  if (e_.hit(Fault::wrong_queue, f)) s.queue = (s.queue + 1) % static_cast<std::uint32_t>(lines_.size());
  if (!s.claimed || s.queue >= lines_.size() || !lines_[s.queue].queue) return e_.drop(f, Drop::filtered, now);

  csum::Checked l3 = csum::Checked::none, l4 = csum::Checked::none;
  if (e_.params.checksum_offload) {
    l3 = csum::check_l3(m.bytes, p);
    l4 = csum::check_l4(m.bytes, p);
    if (l3 == csum::Checked::bad || l4 == csum::Checked::bad) {
      ++e_.stats.bad_checksums;
      if (e_.params.drop_bad_checksum) return e_.drop(f, Drop::bad_checksum, now);
    }
  }

  RxInfo info;
  info.frame = f;
  info.hash = s.hash;
  info.header_length = p.header_length;
  info.tagged = p.vlan_tags != 0;
  info.tci = p.vlan_tci;
  info.decodable = p.ok() || p.decode == Decode::protocol;
  info.fragment = p.is_fragment;
  info.has_payload = p.payload_length != 0;
  info.pure_ack = p.pure_ack;
  info.transport = p.l4 != L4::none;
  info.tunnel = p.l4 == L4::udp && p.dst_port == vxlan::kPort;
  info.l3 = l3;
  info.l4 = l4;
  const bool everybody = e_.params.replicate && ether::is_multicast(m.bytes);
  const std::uint8_t* const bytes = m.bytes;
  if (everybody) {   // first, while the frame's bytes are sure to be there
    steering_.others(p.vlan_id(), s.queue, [&](std::uint32_t q) {
      if (q >= lines_.size() || !lines_[q].queue) return;
      RxInfo other = info;
      other.frame = e_.frames.replicate(f);
      e_.frames[other.frame].bytes = bytes;
      admit(q, other, now);
    });
  }
  admit(s.queue, info, now);
  pump(now);
}

// Into the FIFO and the queue's line, or dropped.
void RxPath::admit(std::uint32_t q, const RxInfo& info, Time now) {
  Line& l = lines_[q];
  const FrameRef f = info.frame;
  const std::uint32_t length = e_.frames[f].length;
  if ((e_.params.drop_when_no_descriptor || l.queue->drops_when_empty()) && l.queue->exhausted(l.count)) return e_.drop(f, l.queue->starved(), now);
  const Bytes bytes = footprint(length);
  if (used_ + bytes > e_.params.fifo)
    return e_.drop(f, l.queue->exhausted(0) ? l.queue->starved() : Drop::nic_fifo, now);
  used_ += bytes;
  e_.stats.fifo_peak = std::max(e_.stats.fifo_peak, used_);
  e_.level(fifo_level_id_, static_cast<std::int64_t>(used_), now);
  ++e_.held;
  if (e_.params.pause_high && used_ > e_.params.pause_high && !pausing_) pause(true, now);
  push(l, info);
  list(q);
}

void RxPath::kick(std::uint32_t q, Time now) {
  list(q);
  pump(now);
}

void RxPath::pump(Time now) {
  if (pumping_) return;   // a queue's own work may ask again
  pumping_ = true;
  while (turn_count_ > 0 && !e_.bus_busy()) {
    const std::uint32_t q = turn_[turn_first_];
    if (++turn_first_ == turn_.size()) turn_first_ = 0;
    --turn_count_;
    Line& l = lines_[q];
    l.listed = false;
    const RxInfo& info = nodes_[l.first].info;
    switch (l.queue->ready(info, now)) {
      case RxQueue::Ready::wait:
        continue;   // listed again by kick()
      case RxQueue::Ready::yes:
        l.queue->take(info, now);
        break;
      case RxQueue::Ready::never: {
        const std::uint32_t length = e_.frames[info.frame].length;
        e_.drop(info.frame, l.queue->refusal(), now);
        --e_.held;
        release(length, now);
      }
    }
    pop(l);
    list(q);
  }
  pumping_ = false;
}

void RxPath::release(std::uint32_t length, Time now) {
  used_ -= footprint(length);
  e_.level(fifo_level_id_, static_cast<std::int64_t>(used_), now);
  if (pausing_ && used_ <= e_.params.pause_low) pause(false, now);
}

// The far end shall stand still, or go on. No second PAUSE frame waits behind one that has not begun.
void RxPath::pause(bool stop, Time now) {
  pausing_ = stop;
  if (now >= pause_begins_) return tell(now);
  e_.events.push(pause_begins_, Ev::rx_pause, 0, ++pause_generation_);
}

// Sends a PAUSE frame. While the far end stands still, it is renewed at half its time, or when it has left the wire.
void RxPath::tell(Time now) {
  told_ = pausing_;
  ++(told_ ? e_.stats.pauses : e_.stats.resumes);
  ++pause_generation_;
  const std::uint16_t quanta = told_ ? e_.params.pause_quanta : 0;
  pause_begins_ = e_.wire ? std::max(now, e_.wire->free_at()) : now;
  Time next = pause_begins_ + static_cast<Time>(static_cast<unsigned __int128>(quanta) * mac_control::kQuantumBits * kSec / e_.params.link_rate / 2);
  if (e_.wire) {
    const PauseFrame f = pause_frame(kStationMac, quanta);
    e_.wire->transmit(f.data(), static_cast<std::uint32_t>(f.size()), now);
    next = std::max(next, e_.wire->free_at() + 1);   // a frame that waits for the wire goes first
  }
  if (told_) e_.events.push(next, Ev::rx_pause, 0, pause_generation_);
}

void RxPath::pause_due(std::uint64_t generation, Time now) {
  if (generation == pause_generation_ && (pausing_ || told_)) tell(now);
}

void RxPath::ring_level(std::uint32_t q, Time now) {
  if (e_.observer) e_.level(lines_[q].level_id, lines_[q].queue->available(), now);
}

}  // namespace gd::nic
