#include "models/nic/virtio.h"

#include <bit>
#include <cstring>
#include <utility>

#include "models/base/error.h"
#include "models/memory/phys.h"

namespace gd::nic {

VirtioRx::VirtioRx(Engine& engine, RxPath& path, std::uint32_t index, const VirtioQueueConfig& config)
    : e_(engine), path_(path), index_(index), q_(engine, index, config, true, *this), packets_(config.layout.size) {
  VringSide* side = config.layout.side;
  if (side && side->by_head.size() < config.layout.size) side->by_head.resize(config.layout.size);
  // Each descriptor of the ring, or of a table for each of its places, is a buffer of one page or two.
  const std::size_t most = config.layout.size * 2u * std::max<std::size_t>(1, config.layout.table_entries);
  given_.resize(std::bit_ceil(std::max<std::size_t>(64, most)), kNoBuffer);
}

RxQueue::Ready VirtioRx::ready(const RxInfo& info, Time now) {
  if (q_.broken()) return Ready::never;
  const std::uint32_t header = q_.config().layout.header_length;
  const std::uint32_t total = header + e_.frames[info.frame].length;
  std::uint32_t n = 0, capacity = 0;
  const std::uint32_t limit = q_.has(feature::kMergeRxBuffers) ? q_.cached() : std::min(1u, q_.cached());
  while (n < limit && capacity < total) capacity += q_.chain(n++).capacity;
  if (capacity < total || n == 0) {
    const bool more_helps = q_.cached() == 0 || q_.has(feature::kMergeRxBuffers);
    if (!more_helps || n >= e_.params.virtio_chain_cache || n >= q_.config().layout.size) return Ready::never;
    q_.fetch(n + 1, now);
    return Ready::wait;
  }
  plan_chains_ = n;
  return q_.used_room(n) ? Ready::yes : Ready::wait;
}

void VirtioRx::chains_fetched(Time now) {
  path_.ring_level(index_, now);
  path_.kick(index_, now);
}

// Header and frame as one run of bytes.
const std::uint8_t* VirtioRx::stage(const RxInfo& info, std::uint32_t chains) {
  const FrameMeta& m = e_.frames[info.frame];
  const unsigned length = q_.config().layout.header_length;
  VirtioNetHdr h;
  if (info.l4 == csum::Checked::good && info.l3 != csum::Checked::bad && q_.has(feature::kGuestCsum))
    h.flags = VirtioNetHdr::kDataValid;
  h.num_buffers = static_cast<std::uint16_t>(chains);
  h.hash_value = info.hash.value;
  h.hash_report = static_cast<std::uint16_t>(info.hash.type);   // RssType has the values of VIRTIO_NET_HASH_REPORT
  std::uint8_t* to = e_.staging.data();
  std::memcpy(to, &h, length);
  std::memcpy(to + length, m.bytes, m.length);
  if (m.payload_length > 0 && e_.hit(Fault::flip_nic, info.frame)) to[length + m.payload_offset + m.payload_length / 2] ^= 0x20;
  return to;
}

// The guest names the buffers: one that it did not post is its own fault, and nobody else's memory is reachable in its domain.
void VirtioRx::write(Packet& p, Iova a, const std::uint8_t* from, Bytes n, Time at) {
  while (n > 0) {
    const Bytes piece = in_page(a, n);
    const Transfer t = e_.data_write(at, a, from, piece, q_.config().domain);
    ++p.writes;
    p.done = std::max(p.done, t.done);
    if (t.fault()) {
      p.failed = true;
    } else {
      if (p.hpa == kNoAddress) p.hpa = t.hpa, p.iova = a;
      e_.ownership.wrote_for(index_, t.hpa, piece);
      const BufferId b = e_.ownership.find(t.hpa);
      const Owner o = b == kNoBuffer ? Owner::none : e_.ownership.owner(b);
      if (o == Owner::posted || o == Owner::in_flight) {
        e_.ownership.device_write(t.hpa, piece, at, "nic virtio rx");
        e_.landed(p.frame, t.hpa);
        if (o == Owner::posted && given_tail_ - given_head_ < given_.size()) give(p, b);
      } else {
        ++e_.stats.guest_faults;
      }
    }
    a += piece;
    from += piece;
    n -= piece;
  }
}

// The buffer changes hands with the packet's used entry.
void VirtioRx::give(Packet& p, BufferId b) {
  if (given_tail_ - given_head_ == given_.size()) broken("nic: more virtio buffers in flight than the ring has descriptors");
  given_[given_tail_++ & (given_.size() - 1)] = b;
  ++p.buffers;
}

// A segment of a used chain that the packet did not reach; the driver posts each buffer as one.
void VirtioRx::give_unwritten(Packet& p, Iova a, Time at) {
  const Gpa gpa = a - q_.config().iova_base;
  const GuestSpace* space = q_.config().space;
  const Hpa hpa = space ? space->translate(gpa) : gpa;
  const BufferId b = hpa == kNoAddress ? kNoBuffer : e_.ownership.find(hpa);
  if (b == kNoBuffer || e_.ownership.owner(b) != Owner::posted) return;
  e_.ownership.move(b, Owner::posted, Owner::in_flight, at, "nic takes with its chain");
  give(p, b);
}

void VirtioRx::take(const RxInfo& info, Time now) {
  const FrameMeta& m = e_.frames[info.frame];
  e_.plant_stale_write(info.frame, now);
  const std::uint32_t chains = plan_chains_;
  const std::uint8_t* bytes = stage(info, chains);
  std::uint32_t rest = q_.config().layout.header_length + m.length;
  if (e_.faults) {
    e_.faults->begin(m.id, bytes + q_.config().layout.header_length, m.length);
    if (e_.faults->loses_data()) ++e_.stats.lost_data_writes;
  }
  Packet p;
  p.frame = info.frame;
  p.length = m.length;
  p.head = q_.chain(0).head;
  for (std::uint32_t i = 0; i < chains; ++i) {
    const VirtChain& c = q_.chain(i);
    for (unsigned k = 0; k < c.count; ++k) {
      const std::uint32_t n = std::min(rest, c.segment[k].length);
      write(p, c.segment[k].address, bytes, n, now);
      if (n == 0 || p.failed) give_unwritten(p, c.segment[k].address, now);
      bytes += n;
      rest -= n;
    }
  }
  std::uint32_t place = 0;
  rest = q_.config().layout.header_length + m.length;
  for (std::uint32_t i = 0; i < chains; ++i) {
    const VirtChain& c = q_.chain(i);
    const std::uint32_t n = std::min(rest, c.capacity);
    place = q_.used_place();
    q_.use(c.head, p.failed ? 0 : n, !p.failed && n == c.capacity);   // blocked by the IOMMU: the buffers go back empty
    rest -= n;
  }
  p.writes += q_.finish(place, now, p.done, e_.rx_lag(m, now));
  packets_[place] = p;
  e_.writes_in_flight += p.writes;
  e_.bytes_in_flight += m.length;
  if (chains > 1) ++e_.stats.multi_descriptor;
  q_.consume(chains, now);
  path_.ring_level(index_, now);
}

void VirtioRx::used_visible(std::uint64_t cookie, bool lost, Time now) {
  Packet& p = packets_[cookie];
  const FrameRef f = std::exchange(p.frame, kNoFrame);
  e_.writes_in_flight -= p.writes;
  e_.bytes_in_flight -= p.length;
  path_.release(p.length, now);
  --e_.held;
  for (; p.buffers > 0; --p.buffers)
    e_.ownership.move(given_[given_head_++ & (given_.size() - 1)], Owner::in_flight, Owner::guest, now, "nic used");
  VringSide* side = q_.config().layout.side;
  if (p.failed || lost) {
    e_.drop(f, Drop::iommu_fault, now);
  } else if (!side) {
    e_.drop(f, Drop::guest_no_buffer, now);
  } else {
    e_.frames.stamp(f, Stage::dma, now);
    FrameChain& chain = side->by_head[p.head];
    if (!chain.empty()) {   // the guest posted the head again without looking at what it held
      ++e_.stats.guest_faults;
      e_.stats.drops[static_cast<int>(Drop::guest_no_buffer)] += chain.count;
      e_.frames.dropped(chain, Drop::guest_no_buffer, now);
      chain = FrameChain{};
    }
    e_.frames.append(chain, f);
    e_.returned = p.hpa;
    e_.returned_iova = p.iova;
    e_.returned_domain = q_.config().domain;
  }
  path_.kick(index_, now);
}

VirtioTx::VirtioTx(Engine& engine, TxPath& path, std::uint32_t index, const VirtioQueueConfig& config)
    : e_(engine), path_(path), index_(index), q_(engine, index | kTxSide, config, false, *this) {}

void VirtioTx::resume(Time now) {
  const std::uint32_t header = q_.config().layout.header_length;
  while (q_.cached() > 0 && q_.used_room(in_flight_ + 1)) {
    const VirtChain& c = q_.chain(0);
    const std::uint32_t slot = path_.alloc(index_);
    if (slot == kNoSlot) return;
    const bool fits = c.capacity >= header && c.capacity <= path_.slot_bytes();
    if (fits)
      for (unsigned k = 0; k < c.count; ++k) path_.read(slot, c.segment[k].address, c.segment[k].length, q_.config().domain, now);
    path_.start(slot, c.head, fits ? header : 0, !fits);
    ++in_flight_;
    q_.consume(1, now);
  }
}

void VirtioTx::sent(std::uint64_t tag, bool, Time now) {
  --in_flight_;
  q_.use(static_cast<std::uint16_t>(tag), 0, true);
  q_.finish(0, now, now, 0);
}

}  // namespace gd::nic
