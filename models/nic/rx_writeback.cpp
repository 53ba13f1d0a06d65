// RxRing: from the visible payload to the visible descriptor.
#include <utility>

#include "models/base/error.h"
#include "models/nic/rx_ring.h"
#include "models/ports/completion.h"

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

Transfer RxRing::write_back(Time now, Iova a, Bytes n, Time& done) {
  const Transfer t = e_.bus.write(now, a, nullptr, n, c_.domain, true);
  ++e_.stats.writebacks;
  e_.stats.writeback_bytes += n;
  done = std::max(done, t.done);
  return t;
}

// The report of `n` descriptors from slot `at` on is lost on its way, if it is of whole frames.
void RxRing::lose(std::uint32_t at, std::uint32_t n) {
  constexpr std::uint64_t kEop = 2;   // RxWriteback::end_of_packet
  const Slot& before = slots_[at == 0 ? c_.size - 1 : at - 1];
  if (flushed_ != 0 && !(before.writeback[1] & kEop)) return;
  if (!(slots_[at + n - 1].writeback[1] & kEop) || !e_.faults->loses_report()) return;
  ++e_.stats.lost_writebacks;
  for (std::uint32_t i = 0; i < n; ++i) slots_[at + i].lost = true;
}

// In place: neighbouring descriptors in one write.
std::uint32_t RxRing::flush_descriptors(Time now, std::uint64_t upto, Time& done) {
  const std::uint32_t at = place(flushed_);
  auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(upto - flushed_, c_.size - at));
  const Iova a = c_.ring + at * RxDescriptor::kSize;
  n = static_cast<std::uint32_t>(in_page(a, n * RxDescriptor::kSize) / RxDescriptor::kSize);
  const Transfer t = write_back(now, a, n * RxDescriptor::kSize, done);
  for (std::uint32_t i = 0; i < n; ++i)
    slots_[at + i].writeback_hpa = t.fault() ? kNoAddress : t.hpa + i * RxDescriptor::kSize;
  if (e_.faults) lose(at, n);
  return n;
}

// Completion entries: as many as are alike become a session when that is on, else neighbours go in one write.
std::uint32_t RxRing::flush_completions(Time now, std::uint64_t upto, Time& done) {
  const std::uint32_t at = place(flushed_);
  const Iova a = c_.completions + at * c_.completion_size;
  auto n = static_cast<std::uint32_t>(std::min<std::uint64_t>(upto - flushed_, c_.size - at));
  n = static_cast<std::uint32_t>(in_page(a, n * c_.completion_size) / c_.completion_size);
  Slot* s = &slots_[at];
  std::uint32_t alike = 1;
  if (c_.compress) {
    const RxWriteback title = RxDescriptor::decode(s->writeback[0], s->writeback[1]);
    while (alike < n && completion::fits(title, RxDescriptor::decode(s[alike].writeback[0], s[alike].writeback[1]))) ++alike;
  }
  for (std::uint32_t i = 0; i < n; ++i) s[i].mini = false, s[i].minis = 0;
  if (alike == 1) {   // the run of entries that begin no session
    const std::uint32_t run = c_.compress ? 1 : n;
    const Transfer t = write_back(now, a, run * c_.completion_size, done);
    for (std::uint32_t i = 0; i < run; ++i)
      s[i].writeback_hpa = t.fault() ? kNoAddress : t.hpa + (i + 1) * c_.completion_size - completion::kEntry;
    if (e_.faults) lose(at, run);
    return run;
  }
  const std::uint32_t minis = alike - 1;
  e_.stats.compressed += minis;
  s->minis = minis;
  const Transfer first = write_back(now, a, 2 * completion::kEntry, done);   // the title and the first array are neighbours
  s->writeback_hpa = first.fault() ? kNoAddress : first.hpa;
  Hpa array = first.fault() ? kNoAddress : first.hpa + completion::kEntry;
  for (std::uint32_t i = 0; i < minis; ++i) {
    if (i != 0 && i % completion::kMinis == 0) {
      const Transfer t = write_back(now, a + completion::array_place(i) * completion::kEntry, completion::kEntry, done);
      array = t.fault() ? kNoAddress : t.hpa;
    }
    s[i + 1].mini = true;
    const bool lost = s->writeback_hpa == kNoAddress || array == kNoAddress;
    s[i + 1].writeback_hpa = lost ? kNoAddress : array + completion::mini_offset(i);
  }
  if (e_.faults) lose(at, alike);
  return alike;
}

// Visible `lag` after the bus has delivered it.
void RxRing::flush(Time now, Time lag, std::uint64_t upto) {
  flush_timer_ = false;
  while (flushed_ != upto) {
    Time done = 0;
    flushed_ += c_.completions ? flush_completions(now, upto, done) : flush_descriptors(now, upto, done);
    ++e_.writes_in_flight;
    last_writeback_ = std::max({last_writeback_, last_data_, done + lag});
    e_.events.push(last_writeback_, Ev::rx_writeback, index_, flushed_);
  }
}

// The bytes of one completed descriptor become visible.
void RxRing::store(const Slot& s, std::uint64_t count) {
  if (!c_.completions) {
    e_.memory.store(s.writeback_hpa, s.writeback[0]);
    e_.memory.store(s.writeback_hpa + 8, s.writeback[1]);
    return;
  }
  const bool phase = count / c_.size % 2 == 0;   // memory begins as zeros: the first round's owner bit is 1
  if (s.mini) completion::encode_mini(e_.memory.at(s.writeback_hpa), RxDescriptor::decode(s.writeback[0], s.writeback[1]), phase);
  else completion::encode(e_.memory.at(s.writeback_hpa), s.writeback, s.minis, phase);
}

void RxRing::written_back(std::uint64_t upto, Time now) {
  --e_.writes_in_flight;
  const auto n = static_cast<std::uint32_t>(upto - visible_);
  for (; visible_ != upto; ++visible_) {
    Slot& s = slot(visible_);
    if (!std::exchange(s.done, true)) ++e_.untaken;
    const bool lost = s.writeback_hpa == kNoAddress;
    if (lost) {
      ++e_.stats.ring_faults;
    } else if (!s.lost) {
      store(s, visible_);
    }
    if (s.in_flight == kNoFrame) continue;
    frame_left(s, now);
    const FrameRef f = std::exchange(s.in_flight, kNoFrame);
    if (s.failed || lost || s.lost) {
      e_.drop(f, s.lost && !s.failed && !lost ? Drop::dma_lost : Drop::iommu_fault, now);
      --e_.held;
      continue;
    }
    require(s.visible == kNoFrame, "a receive descriptor was reused before its frame was taken");
    e_.frames.stamp(f, Stage::dma, now);
    s.visible = f;
  }
  e_.moderation.completions(c_.vector, n, now);
  if (c_.watcher) c_.watcher->ring_written(now);
  path_.pump(now);
}

}  // namespace gd::nic
