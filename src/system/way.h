// The way of one frame: when a real frame of the run reached each stage. Frames are sampled evenly from those of the cohort that
// an application got; of the sample the one of median latency is shown. Passive, and of fixed memory.
#pragma once
#include <vector>

#include "models/ports/frame.h"
#include "src/system/result.h"

namespace gd::system {

class WaySampler : public FrameTable::Listener {
 public:
  // Most frames kept; when they are that many, every second one is given up and half as many are taken from then on.
  static constexpr std::size_t kKept = 1024;

  WaySampler() { kept_.reserve(kKept); }
  // Told of each frame as well, after the sampler; may be null.
  void pass_to(FrameTable::Listener* next) { next_ = next; }
  void ended(const FrameMeta& f, Drop why, Time t) override;
  // The sampled frame of median latency (the earlier one of equals); without steps when there is none.
  Way way() const;

 private:
  struct Kept {
    std::uint64_t id;
    std::uint32_t length;
    Time at[static_cast<int>(Stage::count_)];
    Time latency() const { return at[static_cast<int>(Stage::app)] - at[0]; }
  };
  std::vector<Kept> kept_;
  std::uint64_t seen_ = 0, stride_ = 1;   // a power of two
  FrameTable::Listener* next_ = nullptr;
};

}  // namespace gd::system
