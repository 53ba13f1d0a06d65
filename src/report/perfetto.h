// trace.json: Chrome trace event JSON, which ui.perfetto.dev and chrome://tracing open.
//
// Processes: "cores" (a thread for each core; slices are contexts, neighbouring ones of one context joined), "frames to
// <stage>" for each stage (a slice lasts from the frame's arrival at the stage before to its arrival at this one; frames
// that are between two stages at once lie in lanes), "drops", and one for each component (card, tap, guest ...) with its levels
// as counters. An arrow follows each frame through its slices. `ts` and `dur` are microseconds with the picoseconds as decimals.
//
// Bounds: the first TraceLimits::frames frames are traced, of later ones every sample-th; a frame still on its way at the
// end is not shown. Core slices and level changes end after TraceLimits::events each. `otherData` counts what is left out,
// and a mark over all tracks says from when on.
#pragma once
#include <string>
#include <vector>

#include "src/report/file_trace.h"
#include "src/report/out_file.h"

namespace gd::report {

class PerfettoTrace : public FileTrace {
 public:
  PerfettoTrace(const std::string& path, const TraceLimits& limits);
  void begin(const system::Topology& topology) override;
  void ended(const FrameMeta& f, Drop why, Time t) override;
  void level(std::uint32_t id, std::int64_t value, Time t) override;
  void core_busy(std::uint32_t core, std::uint32_t context, Time from, Time to) override;
  void finish(Time end) override;
  std::string left_out() const override;

 private:
  static constexpr std::size_t kLanes = 512;   // of a stage
  struct Slice {
    std::uint32_t context = 0;
    Time from = 0, to = -1;                    // to < from: none
  };
  void mark(const std::string& text, Time t);  // a line over all tracks
  void event(std::string_view text);           // an object, with what separates it from the one before
  void name(const char* what, int pid, std::int64_t tid, const std::string& text, std::int64_t sort);
  void core_slice(std::uint32_t core);
  // The lane of a stage that is free at `from`, taken until `to`; kLanes when none is.
  std::size_t lane(int stage, Time from, Time to);
  void flow(char phase, std::uint64_t frame, int pid, std::size_t tid, Time t);

  OutFile out_;
  TraceLimits limits_;
  struct Counter {
    int pid = 0;
    std::string name;                          // as a JSON string; empty: there is no such level
  };
  std::vector<std::string> contexts_;          // as JSON strings
  std::vector<Counter> levels_;                // by id
  std::vector<Slice> open_;                    // by core
  std::vector<Time> lanes_[static_cast<int>(Stage::count_)];
  std::uint64_t slices_ = 0, changes_ = 0, frames_ = 0, spans_ = 0;   // written
  std::uint64_t slices_cut_ = 0, changes_cut_ = 0, frames_cut_ = 0, spans_cut_ = 0;
  bool first_ = true, drops_named_ = false;
};

}  // namespace gd::report
