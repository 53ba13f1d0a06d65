#include "models/host/forwarder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "models/base/error.h"
#include "models/packet/headers.h"

namespace gd {

namespace {
constexpr std::uint32_t kAddresses = ether::kType;     // destination and source
constexpr std::uint32_t kAddress = ether::kSrc;

// Destination and source change places.
void swap_addresses(std::uint8_t* frame) { std::swap_ranges(frame, frame + kAddress, frame + kAddress); }
}  // namespace

Forwarder::Forwarder(std::uint32_t queue, const ForwarderParams& params, NicControl& nic, MmioBus& bus, PhysMem& phys, Iommu& iommu,
                     FrameTable& frames, FaultPlan& fault, Mempool& pool, CostBook& costs)
    : Task("forward", Priority::thread), queue_(queue), params_(params), nic_(nic), bus_(bus), phys_(phys), frames_(frames),
      fault_(fault), pool_(pool), cache_(pool, params.cache, costs), poll_(costs.get("forward.poll")), rx_(costs.get("forward.rx")),
      rewrite_(costs.get("forward.rewrite")), tx_(costs.get("forward.tx")), free_(costs.get("forward.free")),
      spin_(costs.account("forward.spin")), rx_objects_(params.ring_size, kNone), tx_objects_(params.tx_ring_size, kNone),
      reports_(params.tx_ring_size) {
  rx_ring_ = phys.alloc_contiguous(params_.ring_size * RxDescriptor::kSize, kPage);
  rx_iova_ = iommu.map_static(rx_ring_, params_.ring_size * RxDescriptor::kSize);
  tx_ring_ = phys.alloc_contiguous(params_.tx_ring_size * TxDescriptor::kSize, kPage);
  tx_iova_ = iommu.map_static(tx_ring_, params_.tx_ring_size * TxDescriptor::kSize);
  burst_.reserve(params_.burst);
}

void Forwarder::start() {
  RxQueueConfig r;
  r.ring = rx_iova_;
  r.size = params_.ring_size;
  r.packet_buffer = pool_.data_room();
  r.vector = UINT32_MAX;
  r.watcher = this;
  r.strip_vlan = false;
  nic_.configure_rx(queue_, r);
  TxQueueConfig t;
  t.ring = tx_iova_;
  t.size = params_.tx_ring_size;
  t.vector = UINT32_MAX;
  nic_.configure_tx(queue_, t);
  wake(0);
}

// The object takes the next free descriptor.
void Forwarder::post(Step& s, std::uint32_t object) {
  const Hpa at = rx_ring_ + fill_ * RxDescriptor::kSize;
  const auto d = RxDescriptor::read_format(pool_.iova(object), 0);
  phys_.store(at, d[0]);
  phys_.store(at + 8, d[1]);
  s.store(rx_.op, at, RxDescriptor::kSize);
  pool_.ownership().move(pool_.id(object), Owner::skb, Owner::posted, s.now(), "mbuf posted");
  rx_objects_[fill_] = object;
  fill_ = next(fill_, params_.ring_size);
  ++posted_;
}

// One written-back descriptor; false when the card has written none.
bool Forwarder::take(Step& s) {
  if (posted_ == 0) return false;
  const Hpa at = rx_ring_ + clean_ * RxDescriptor::kSize;
  s.load(rx_.op, at, RxDescriptor::kSize);
  const RxWriteback w = RxDescriptor::decode(phys_.load<std::uint64_t>(at), phys_.load<std::uint64_t>(at + 8));
  if (!w.done) return false;
  s.charge(rx_);
  const std::uint32_t object = rx_objects_[clean_];
  const FrameRef frame = nic_.take_frame(queue_, clean_);
  clean_ = next(clean_, params_.ring_size);
  --posted_;
  Ownership& own = pool_.ownership();
  const bool touched = w.packet_length > 0 || own.owner(pool_.id(object)) == Owner::in_flight;
  own.move(pool_.id(object), touched ? Owner::in_flight : Owner::posted, Owner::skb, s.now(), "mbuf received");
  if (frame != kNoFrame) frames_.stamp(frame, Stage::driver, s.now());
  std::uint32_t fresh = 0;
  if (frame == kNoFrame || !cache_.get(s, fresh)) {      // a blocked DMA, or no buffer: the frame's own stays in the ring
    if (frame != kNoFrame) {
      ++stats_.no_buffer;
      frames_.dropped(frame, Drop::mempool, s.now());
    }
    post(s, object);
    return true;
  }
  post(s, fresh);
  s.stream_store(rx_.op, pool_.mbuf(object), kLine);     // length, flags, hash
  if (fault_.hit(Fault::lose_host, frames_[frame].id)) {
    frames_.lose(frame);
    cache_.put(s, object);
    return true;
  }
  burst_.push_back({object, w.packet_length, frame});
  ++held_;
  return true;
}

void Forwarder::rewrite(Step& s, const Frame& f) {
  const Hpa at = pool_.data(f.object);
  s.charge(rewrite_);
  s.stream_load(rewrite_.op, at, ether::kHeader);        // prefetched with the burst: misses overlap
  s.stream_store(rewrite_.op, at, kAddresses);
  swap_addresses(phys_.at(at));
  if (fault_.hit(Fault::flip_host, frames_[f.frame].id)) *phys_.at(at + f.length - 1) ^= 0x40;
}

void Forwarder::send(Step& s, const Frame& f, bool last) {
  --held_;
  if (tx_used_ + 1 == params_.tx_ring_size) reclaim(s);
  if (tx_used_ + 1 == params_.tx_ring_size) {
    ++stats_.tx_full;
    frames_.dropped(f.frame, Drop::tx_full, s.now());
    cache_.put(s, f.object);
    return;
  }
  const Hpa at = tx_ring_ + tx_tail_ * TxDescriptor::kSize;
  ++tx_used_;
  const bool report = last || tx_used_ + 1 == params_.tx_ring_size;
  s.charge(tx_);
  phys_.store<std::uint64_t>(at, pool_.iova(f.object));
  phys_.store<std::uint64_t>(at + 8, f.length | TxDescriptor::kEop | (report ? TxDescriptor::kReport : 0));
  s.store(tx_.op, at, TxDescriptor::kSize);
  if (report) {
    std::uint32_t r = report_first_ + report_count_++;
    if (r >= reports_.size()) r -= static_cast<std::uint32_t>(reports_.size());
    reports_[r] = tx_tail_;
  }
  const std::uint64_t id = frames_[f.frame].id;
  if (fault_.hit(Fault::free_twice, id)) cache_.put(s, f.object);
  tx_objects_[tx_tail_] = fault_.hit(Fault::leak_buffer, id) ? kNone : f.object;
  unreclaimed_ += tx_objects_[tx_tail_] != kNone;
  frames_.stamp(f.frame, Stage::deliver, s.now());
  nic_.give_frame(queue_, tx_tail_, f.frame);
  tx_tail_ = next(tx_tail_, params_.tx_ring_size);
  ++sent_;
  ++stats_.forwarded;
}

// Buffers of the bursts that the card has reported go back to the pool.
void Forwarder::reclaim(Step& s) {
  while (report_count_) {
    const std::uint32_t slot = reports_[report_first_];
    const Hpa at = tx_ring_ + slot * TxDescriptor::kSize + 8;
    s.load(free_.op, at, 8);
    if (!(phys_.load<std::uint64_t>(at) & TxDescriptor::kDone)) return;
    report_first_ = next(report_first_, static_cast<std::uint32_t>(reports_.size()));
    --report_count_;
    for (bool more = true; more;) {
      more = tx_head_ != slot;
      const std::uint32_t object = std::exchange(tx_objects_[tx_head_], kNone);
      s.charge(free_);
      if (object != kNone) {
        s.stream_load(free_.op, pool_.mbuf(object), kLine);
        cache_.put(s, object);
        --unreclaimed_;
      }
      tx_head_ = next(tx_head_, params_.tx_ring_size);
      --tx_used_;
      ++stats_.reclaimed;
    }
  }
}

bool Forwarder::step(Step& s) {
  for (;;) {
    if (s.over()) return true;
    switch (phase_) {
      case Phase::fill: {
        std::uint32_t object = 0;
        if (posted_ + 1 < params_.ring_size) {
          require(cache_.get(s, object), "the mempool is smaller than the receive rings");
          post(s, object);
          break;
        }
        bus_.write(s, reg::rx_tail(queue_), fill_);
        phase_ = Phase::poll;
        break;
      }
      case Phase::poll:
        burst_.clear();
        at_ = sent_ = 0;
        s.charge(poll_);
        reclaim(s);
        phase_ = Phase::receive;
        break;
      case Phase::receive: {
        // A step sees what was visible at its start: a few frames, so that those which come meanwhile are seen too.
        const std::uint32_t end = std::min(at_ + kLook, params_.burst);
        bool more = true, fresh = true;
        while (at_ < end && (fresh = s.fresh(), more = take(s))) ++at_;
        if (at_ < params_.burst && (more || (at_ && !s.settled(fresh)))) return true;
        phase_ = burst_.empty() ? Phase::poll : Phase::rewrite;
        if (at_ == 0) {
          s.spin(spin_);
          return false;
        }
        bus_.write(s, reg::rx_tail(queue_), fill_);
        ++stats_.bursts;
        stats_.frames += at_;
        stats_.min_free = std::min<std::uint64_t>(stats_.min_free, pool_.in_ring() + cache_.held());
        at_ = 0;
        return true;
      }
      case Phase::rewrite:
        rewrite(s, burst_[at_]);
        if (++at_ < burst_.size()) break;
        at_ = 0;
        phase_ = Phase::send;
        break;
      case Phase::send:
        send(s, burst_[at_], at_ + 1 == burst_.size());
        if (++at_ < burst_.size()) break;
        if (sent_) bus_.write(s, reg::tx_tail(queue_), tx_tail_);
        phase_ = Phase::poll;
        return true;
    }
  }
}

void Departures::departed(FrameRef frame, const std::uint8_t* bytes, std::uint32_t length, bool sent, Time now) {
  if (!sent) return frames_.dropped(frame, Drop::tx_error, now);
  std::array<std::uint8_t, kAddresses> addresses;
  std::memcpy(addresses.data(), bytes, kAddresses);
  swap_addresses(addresses.data());
  check_.part(frame, 0, addresses.data(), kAddresses);
  check_.part(frame, kAddresses, bytes + kAddresses, frames_[frame].length - kAddresses);
  check_.length(frame, length);
  frames_.delivered(frame, now);
}

}  // namespace gd
