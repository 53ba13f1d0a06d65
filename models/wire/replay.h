// Plays a capture: as recorded or re-timed to a rate, once or repeatedly.
//
// As recorded, a frame starts at its stamp (since the first one's) or as soon as the link is free: gaps stay, equal
// stamps go back to back. A repetition begins one average gap after the last stamp of the pass before. Frames captured
// below 60 bytes take the link's time of 60 but keep their length. A frame later than Time can
// tell (106 days) ends the replay.
#pragma once
#include <cstdint>
#include <vector>

#include "models/wire/capture.h"
#include "models/wire/frame_buffers.h"
#include "models/wire/traffic.h"

namespace gd {

class Replay : public Traffic {
 public:
  static constexpr std::uint64_t kForever = UINT64_MAX;
  struct Params {
    std::uint64_t rate = 0;    // bits per second of frames with FCS (at least 64 bytes each); 0: as recorded
    std::uint64_t loop = 0;    // repetitions after the first pass; kForever
    Time start = 0;            // first frame no sooner, after the link has come up
  };
  struct Stats {
    std::uint64_t frames = 0, passes = 0;   // passes completed
  };
  // `table` and `capture` must outlive this.
  Replay(FrameTable& table, const Capture& capture, const Params& p);
  void begin(Time now) override { base_ += now; }
  Next plan(Time now, Plan& out) override;
  FrameRef emit(Time now) override;
  const Stats& stats() const { return stats_; }
  void reset_stats() { stats_ = {}; }

 private:
  Next end();
  FrameTable& table_;
  const Capture& capture_;
  Params p_;
  FrameBuffers buffers_;
  RateClock pace_;
  Time base_ = 0;              // start of the pass
  std::uint32_t record_ = 0, loop_ = 0;
  Stats stats_;
};

}  // namespace gd
