#include "models/host/softirq_delivery.h"

#include <utility>

#include "models/base/error.h"

namespace gd {

SoftirqDelivery::SoftirqDelivery(const VhostParams& params, std::uint32_t capacity, PhysMem& phys, SkbPool& skbs, FrameTable& frames,
                                 CostBook& costs, TapOffloads offloads)
    : Task("softirq", Priority::softirq), params_(params), frames_(frames), offloads_(offloads), gso_(phys, skbs, frames, costs),
      deliver_(costs.get("softirq.deliver")), list_(capacity) {}

void SoftirqDelivery::packet(Step& s, Skb* skb) {
  if (skb->returned) return enqueue(s, skb);   // on its way back to the guest, not a packet any more
  gso_.pass(s, skb, offloads_, [&](Skb* x) { enqueue(s, x); });
}

void SoftirqDelivery::enqueue(Step& s, Skb* skb) {
  if (count_ + entering_ == list_.size()) {
    frames_.dropped(skb->frames, Drop::tap_full, s.now());
    return skb->path->release(s, skb);
  }
  if (!skb->returned) frames_.stamp(skb->frames, Stage::stack, s.now());
  std::uint32_t at = head_ + count_ + entering_;
  if (at >= list_.size()) at -= static_cast<std::uint32_t>(list_.size());
  list_[at] = skb;
  held_frames_ += skb->frames.count;
  if (entering_++ == 0) s.at_end(&SoftirqDelivery::show, this, 0);
}

void SoftirqDelivery::show(void* self, std::uint64_t, Core&, Time now) {
  auto& d = *static_cast<SoftirqDelivery*>(self);
  d.count_ += d.entering_;
  d.entering_ = 0;
  d.wake(now);
}

// The packet at the head of the list.
Progress SoftirqDelivery::hand_over(Step& s) {
  Skb* skb = list_[head_];
  if (!begun_) {
    begun_ = true;
    held_frames_ -= skb->frames.count;
    s.charge(deliver_);
    s.load(deliver_.op, skb->struct_addr, kLine);
  }
  require(skb->path == path_, "a packet of another path cannot be copied to the guest from softirq");
  const Progress p = skb->returned ? path_->give_back(s, skb) : path_->deliver(s, skb);
  if (p == Progress::done) {
    begun_ = false;
    head_ = head_ + 1 == list_.size() ? 0 : head_ + 1;
    --count_;
    ++stats_.packets;
  }
  return p;
}

bool SoftirqDelivery::step(Step& s) {
  path_->settle(s);
  waits_ = false;
  while (count_ && !waits_ && !s.over()) {
    const Progress p = hand_over(s);
    holds_ = p == Progress::more;
    if (holds_) return true;
    if (p == Progress::no_buffers) {
      waits_ = true;
      ++stats_.waits;
    } else if (vhost::publish_now(params_, path_->unpublished())) {
      path_->publish(s);
    }
  }
  if (!waits_ && (count_ || !s.fresh())) return true;
  path_->publish(s);
  const bool delivered = std::exchange(counted_, stats_.packets) != stats_.packets;
  if (waits_ || (delivered && path_->wants_post())) {
    ++stats_.worker_wakes;
    s.wake(*worker_);
  }
  return path_->unsettled();
}

}  // namespace gd
