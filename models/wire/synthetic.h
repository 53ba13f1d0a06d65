// Open-loop synthetic traffic: flows of TCP segments or UDP datagrams in a size mix, paced, Poisson or in bursts.
//
// Modelled: what stream.h says of the bytes, each flow's offsets without a hole. A flow of another shape
// (models/packet/build.h) has frames that are as long as its headers need at least; those of pure ACKs have 64 B. Not modelled: any
// reaction to loss or acknowledgements (TcpSender does that), ICMP, TCP options other than timestamps.
#pragma once
#include <cstdint>
#include <vector>

#include "models/base/rng.h"
#include "models/wire/frame_buffers.h"
#include "models/wire/stream.h"
#include "models/wire/traffic.h"

namespace gd {

enum class Arrivals : std::uint8_t {
  paced,     // frame k starts when the frames before it have used `rate`
  poisson,   // exponential gaps of the mean that makes `rate`, independent of size; the source queues without limit
  burst      // `burst_frames` at link rate, then a pause
};

class Synthetic : public Traffic {
 public:
  struct Params {
    std::vector<FlowHeader> flows = make_flows({});
    struct Size {
      std::uint32_t bytes = 1518;     // of the frame with FCS (64 to 65535); untagged or tagged alike
      std::uint32_t weight = 1;
    };
    std::vector<Size> sizes = {{}};   // drawn by weight, independently for each frame
    // Offered rate in bits per second of frames with FCS, without preamble and gap. 0: as fast as the link goes. A rate
    // that the link cannot carry is carried at link rate.
    std::uint64_t rate = 0;
    std::uint64_t link_rate = 10'000'000'000;   // bit/s; length of a burst when burst_gap is given
    Arrivals arrivals = Arrivals::paced;
    std::uint32_t burst_frames = 32;
    Time burst_gap = 0;               // from a burst's end to the next one's start; 0: what makes the average `rate`
    bool random_flows = false;        // flow drawn at random; else in turn
    // Shares, in parts per million, of the last flows: their frames are drawn by frame number (stream "traffic.foreign"),
    // those of the other flows follow as above.
    std::vector<std::uint32_t> drawn;
    std::uint32_t psh_every = 0;      // PSH on every n-th segment of a flow; 0: never
    Time start = 0;                   // first frame no sooner, after the link has come up
    std::uint64_t seed = 1;           // streams "traffic.size", "traffic.gap", "traffic.flow", "traffic.payload"
  };
  struct Stats {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;          // of frames with FCS
  };
  // Throws UserError: no flow, no size, a weight or burst of 0, a size too small for the headers and one byte of payload.
  Synthetic(FrameTable& table, const Params& p);
  void begin(Time now) override { clock_ += now; }
  Next plan(Time now, Plan& out) override;
  FrameRef emit(Time now) override;
  const Stats& stats() const { return stats_; }
  void reset_stats() { stats_ = {}; }
  const Stream& stream() const { return stream_; }
  // Mean frame length with FCS in 1/1000 byte.
  std::uint64_t mean_millibytes() const;

 private:
  // A frame that is not yet one of the run: what the link is told of it, and its bytes.
  struct Made {
    StreamSegment segment;
    Plan plan;
    std::uint32_t buffer = 0;
  };
  void make(Made& out);
  void make_ahead();
  std::uint32_t draw_size();
  std::uint32_t draw_flow();
  Time next_start(std::uint32_t bytes);

  FrameTable& table_;
  Params p_;
  Stream stream_;
  FrameBuffers buffers_;
  Rng size_rng_, gap_rng_, flow_rng_, foreign_rng_;
  RateClock pace_, line_;
  std::vector<std::uint64_t> offset_;        // by flow
  std::vector<std::uint32_t> index_;
  std::uint64_t total_weight_ = 0;
  Time clock_ = 0;                           // start of the frame (burst: of the burst) being planned
  Time burst_length_ = 0, burst_at_ = 0;
  std::uint32_t in_burst_ = 0, turn_ = 0;
  std::uint64_t planned_ = 0;                // frames, for the draws of `drawn`
  std::uint64_t mean_gap_ = 0;
  // Nothing that happens in a run changes what comes next: some frames are made together, as the program to make one is long.
  static constexpr unsigned kAhead = 4;
  Made made_[kAhead];
  unsigned next_ = kAhead;                   // of made_; kAhead: all have gone
  Stats stats_;
};

}  // namespace gd
