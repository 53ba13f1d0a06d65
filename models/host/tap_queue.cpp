#include "models/host/tap_queue.h"

#include <algorithm>

namespace gd {

TapQueue::TapQueue(std::uint32_t capacity, PhysMem& phys, SkbPool& skbs, FrameTable& frames, CostBook& costs, std::string_view backend,
                   TapOffloads offloads)
    : ring_(capacity), frames_(frames), offloads_(backend == "raw_socket" ? TapOffloads::none() : offloads),
      raw_(backend == "raw_socket"), gso_(phys, skbs, frames, costs), receive_(costs.get("netif." + std::string(backend))),
      enqueue_(costs.get("tap.enqueue")) {}

void TapQueue::packet(Step& s, Skb* skb) {
  if (skb->returned) return enqueue(s, skb);   // on its way back to the guest, not a packet any more
  s.charge(receive_);
  gso_.pass(s, skb, offloads_, [&](Skb* x) { enqueue(s, x); });
}

void TapQueue::enqueue(Step& s, Skb* skb) {
  if (raw_ && skb->checksum == Checksum::unnecessary) skb->checksum = Checksum::none;
  if (full()) {
    frames_.dropped(skb->frames, Drop::tap_full, s.now());
    skb->path->release(s, skb);
    return;
  }
  frames_.stamp(skb->frames, Stage::stack, s.now());
  s.charge(enqueue_);
  std::uint32_t at = head_ + count_ + entering_;
  if (at >= ring_.size()) at -= static_cast<std::uint32_t>(ring_.size());
  ring_[at] = skb;
  held_frames_ += skb->frames.count;
  if (entering_++ == 0) s.at_end(&TapQueue::show, this, 0);
  peak_ = std::max(peak_, count_ + entering_);
  if (observer_) observer_->level(level_, count_ + entering_, s.now());
}

// Whether the worker listens is known only now.
void TapQueue::show(void* self, std::uint64_t, Core& core, Time now) {
  auto& q = *static_cast<TapQueue*>(self);
  q.count_ += q.entering_;
  q.entering_ = 0;
  if (q.listening_) core.wake_from_step(*q.worker_, now);
}

Skb* TapQueue::pop() {
  if (count_ == 0) return nullptr;
  Skb* skb = ring_[head_];
  head_ = head_ + 1 == ring_.size() ? 0 : head_ + 1;
  --count_;
  held_frames_ -= skb->frames.count;
  return skb;
}

}  // namespace gd
