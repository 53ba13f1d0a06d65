// series.csv: a line for each interval, stamped with its end: frames offered, delivered, consumed by the host and dropped
// in it, payload bytes delivered in it, and each level as it stands at the end. Lines that would only repeat the one
// before, with all counts 0, are left out but for the first and the last of them.
#pragma once
#include <string>
#include <vector>

#include "src/report/file_trace.h"
#include "src/report/out_file.h"
#include "src/report/time_order.h"

namespace gd::report {

class SeriesTrace : public FileTrace {
 public:
  SeriesTrace(const std::string& path, Time interval) : out_(path), interval_(interval), edge_(interval) {}
  void begin(const system::Topology& topology) override;
  void wire_frame(const FrameMeta& f, Time t) override;
  void ended(const FrameMeta& f, Drop why, Time t) override;
  void level(std::uint32_t id, std::int64_t value, Time t) override;
  void finish(Time end) override;

 private:
  enum Count : std::uint32_t { offered, delivered, consumed, dropped, payload, counts };
  struct Event {
    std::uint32_t what;                        // a Count, or counts + column of a level
    std::int64_t value;                        // to add, or the level
  };
  void add(Time t, const Event& e);
  void take(Time t, const Event& e);
  void close_intervals(Time until);            // those that end at or before `until`
  void line(Time end);

  OutFile out_;
  Time interval_, edge_;                       // end of the interval that is open
  TimeOrder<Event> order_;
  std::vector<std::uint32_t> column_;          // level id -> column
  std::vector<std::int64_t> values_;           // counts, then levels
  bool changed_ = true;                        // something happened in the open interval
};

}  // namespace gd::report
