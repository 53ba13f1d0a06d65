// A receive queue that its driver stops, empties, and begins again when there are buffers.
// Source: drivers/net/ethernet/intel/ixgbe/ixgbe_main.c (ixgbe_disable_rx_queue, ixgbe_clean_rx_ring, ixgbe_rx_desc_queue_enable).
#include "models/host/napi.h"

namespace gd {

void NapiQueue::stop(Step& s) {
  stopped_ = true;
  bus_.write(s, reg::rx_enable(queue_), 0);
}

bool NapiQueue::clean_ring(Step& s, const Cost& each) {
  refilling_ = false;
  untold_ = 0;
  while (posted_ > 0) {
    if (s.over()) return true;
    fill_ = fill_ == 0 ? params_.ring_size - 1 : fill_ - 1;
    --posted_;
    s.charge(each);
    path_->take_back(s, fill_);
  }
  if (observer_) observer_->level(level_, 0, s.now());
  return false;
}

// Where the card stands. What it has reported on its way there, to a driver that had not waited for it, ends here.
void NapiQueue::align(Step& s) {
  for (const std::uint32_t head = nic_.rx_head(queue_); clean_ != head; ++cleaned_) {
    if (const FrameRef f = nic_.take_frame(queue_, clean_); f != kNoFrame) frames_.dropped(f, Drop::dma_lost, s.now());
    if (++clean_ == params_.ring_size) clean_ = 0, phase_ = !phase_;
  }
  fill_ = clean_;
}

// The first descriptors are filled, from where the card stands. (A driver sets head and tail to 0; here both go on.)
void NapiQueue::begin_again(Step& s) {
  stopped_ = false;
  bus_.write(s, reg::rx_enable(queue_), 1);
}

}  // namespace gd
