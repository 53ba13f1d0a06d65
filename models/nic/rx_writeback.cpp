// RxRing: from the visible payload to the visible descriptor.
#include <utility>

#include "models/base/error.h"
#include "models/nic/rx_ring.h"

namespace gd::nic {

// The frame's payload is in memory: its FIFO bytes and its place on the bus are free again.
void RxRing::frame_left(Slot& s, Time now) {
  if (s.in_flight == kNoFrame || s.reported) return;
  s.reported = true;
  e_.writes_in_flight -= std::exchange(s.writes, 0);
  e_.bytes_in_flight -= s.length;
  path_.release(s.length, now);
}

void RxRing::data_visible(std::uint64_t upto, Time now) {
  frame_left(slot(upto - 1), now);
  done_ = upto;
  const std::uint32_t batch = std::min(e_.params.writeback_batch, c_.size / 2);
  const std::uint64_t full = done_ - place(done_) % batch;   // batches begin at multiples in the ring: whole cache lines
  if (full > flushed_) flush(now, 0, full);
  if (done_ != flushed_ && !flush_timer_) {
    flush_timer_ = true;
    e_.events.push(now + e_.params.writeback_timeout, Ev::rx_flush, index_, ++generation_);
  }
  path_.pump(now);
}

void RxRing::flush_due(std::uint64_t generation, Time now) {
  if (generation != generation_ || !flush_timer_) return;
  flush_timer_ = false;
  if (done_ != flushed_) flush(now, 0, done_);
}

// Visible `lag` after the bus has delivered it.
void RxRing::flush(Time now, Time lag, std::uint64_t upto) {
  flush_timer_ = false;
  while (flushed_ != upto) {
    const std::uint32_t at = place(flushed_);
    auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(upto - flushed_, c_.size - at));
    const Iova a = c_.ring + at * RxDescriptor::kSize;
    n = static_cast<std::uint32_t>(in_page(a, n * RxDescriptor::kSize) / RxDescriptor::kSize);
    const Transfer t = e_.bus.write(now, a, nullptr, n * RxDescriptor::kSize, c_.domain, true);
    ++e_.stats.writebacks;
    ++e_.writes_in_flight;
    for (std::uint32_t i = 0; i < n; ++i)
      slots_[at + i].writeback_hpa = t.fault() ? kNoAddress : t.hpa + i * RxDescriptor::kSize;
    flushed_ += n;
    last_writeback_ = std::max({last_writeback_, last_data_, t.done + lag});
    e_.events.push(last_writeback_, Ev::rx_writeback, index_, flushed_);
  }
}

void RxRing::written_back(std::uint64_t upto, Time now) {
  --e_.writes_in_flight;
  const auto n = static_cast<std::uint32_t>(upto - visible_);
  for (; visible_ != upto; ++visible_) {
    Slot& s = slot(visible_);
    const bool lost = s.writeback_hpa == kNoAddress;
    if (lost) {
      ++e_.stats.ring_faults;
    } else {
      e_.memory.store(s.writeback_hpa, s.writeback[0]);
      e_.memory.store(s.writeback_hpa + 8, s.writeback[1]);
    }
    if (s.in_flight == kNoFrame) continue;
    frame_left(s, now);
    const FrameRef f = std::exchange(s.in_flight, kNoFrame);
    if (s.failed || lost) {
      e_.drop(f, Drop::iommu_fault, now);
      --e_.held;
      continue;
    }
    require(s.visible == kNoFrame, "a receive descriptor was reused before its frame was taken");
    e_.frames.stamp(f, Stage::dma, now);
    s.visible = f;
  }
  e_.moderation.completions(c_.vector, n, now);
  path_.pump(now);
}

}  // namespace gd::nic
