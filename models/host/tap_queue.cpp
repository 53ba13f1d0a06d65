#include "models/host/tap_queue.h"

namespace gd {

TapQueue::TapQueue(std::uint32_t capacity, FrameTable& frames, CostBook& costs, std::string_view backend)
    : ring_(capacity), frames_(frames), receive_(costs.get("netif." + std::string(backend))), enqueue_(costs.get("tap.enqueue")) {}

void TapQueue::packet(Step& s, Skb* skb) {
  s.charge(receive_);
  if (count_ == ring_.size()) {
    frames_.dropped(skb->frames, Drop::tap_full, s.now());
    skb->path->release(s, skb);
    return;
  }
  frames_.stamp(skb->frames, Stage::stack, s.now());
  s.charge(enqueue_);
  std::uint32_t at = head_ + count_;
  if (at >= ring_.size()) at -= static_cast<std::uint32_t>(ring_.size());
  ring_[at] = skb;
  held_frames_ += skb->frames.count;
  if (++count_ > peak_) peak_ = count_;
  if (observer_) observer_->level(level_, count_, s.now());
  s.wake(*worker_);
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
