#include "src/system/way.h"

#include <algorithm>

namespace gd::system {

void WaySampler::ended(const FrameMeta& f, Drop why, Time t) {
  if (f.fate == Fate::delivered && f.in_cohort && f.payload_length > 0 && !f.replica && (seen_++ & (stride_ - 1)) == 0) {
    if (kept_.size() == kKept) {
      for (std::size_t i = 0; i < kKept / 2; ++i) kept_[i] = kept_[2 * i];
      kept_.resize(kKept / 2);
      stride_ *= 2;
    }
    // The frame at which the stride grew is number kKept of the old one: of both strides.
    Kept& k = kept_.emplace_back();
    k.id = f.id, k.length = f.length;
    std::copy(std::begin(f.at), std::end(f.at), std::begin(k.at));
  }
  if (next_ != nullptr) next_->ended(f, why, t);
}

Way WaySampler::way() const {
  Way out;
  if (kept_.empty()) return out;
  std::vector<const Kept*> order;
  for (const Kept& k : kept_) order.push_back(&k);
  std::sort(order.begin(), order.end(), [](const Kept* a, const Kept* b) { return a->latency() != b->latency() ? a->latency() < b->latency() : a->id < b->id; });
  const Kept& k = *order[(order.size() - 1) / 2];
  out.frame = k.id, out.bytes = k.length;
  // A stage that the frame did not pass has no time; GRO may deliver ahead of what a stage was told, so times never go back.
  Time last = k.at[0];
  for (int s = 0; s < static_cast<int>(Stage::count_); ++s) {
    if (s != 0 && k.at[s] == 0) continue;
    last = std::max(last, k.at[s]);
    out.steps.push_back({stage_name(static_cast<Stage>(s)), last - k.at[0]});
  }
  return out;
}

}  // namespace gd::system
